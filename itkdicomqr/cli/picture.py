"""A picture of a volume: its three middle planes, head up, at the proportions of the body."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
from numpy.typing import NDArray

from itkdicomqr.cli.drawing import Gray, Plane, Window, labelled, side_by_side, window_of
from itkdicomqr.cli.write import written_whole
from itkdicomqr.volume import Volume

LONGEST = 512
"""Pixels of the longest side of a plane."""

IMAGE_ORIENTATION_PATIENT = "0020|0037"
"""Without it (projections, ultrasound, frames that place themselves) no letters are drawn."""

OPPOSITE = dict(zip("LRPASI", "RLAPIS", strict=True))


def write_picture(volume: Volume, path: Path) -> None:
    """Write the middle planes as a PNG."""
    _write(middle_planes(volume), path)


def write_slice(plane: Plane, window: Window, path: Path) -> None:
    """Write one plane as a PNG."""
    _write(labelled(plane, max(plane.extent) / LONGEST, window), path)


def _write(picture: Gray, path: Path) -> None:
    with written_whole(path) as draft:
        draft.write_bytes(imagecodecs.png_encode(np.ascontiguousarray(picture)))


def middle_planes(volume: Volume) -> Gray:
    """Draw the axial, coronal and sagittal middle planes side by side, with letters and rulers.

    Of a single slice, only the slice is drawn; of several volumes, the middle one.

    Returns
    -------
    ndarray
        (height, width), uint8.
    """
    values = gray_values(volume)
    planes = [middle_slice(volume)] if len(values) == 1 else _through_the_middle(values, volume)
    pixel = max(extent for plane in planes for extent in plane.extent) / LONGEST
    window = window_of(np.concatenate([plane.values.ravel() for plane in planes]))
    return side_by_side([labelled(plane, pixel, window) for plane in planes])


def middle_slice(volume: Volume) -> Plane:
    """Give the middle slice as it was taken."""
    values = gray_values(volume)
    edges = "".join(OPPOSITE[letter] + letter for letter in volume.orientation[:2])
    column, row = volume.spacing[:2]
    return Plane(values[len(values) // 2], (row, column), edges if _is_placed(volume) else "")


def gray_values(volume: Volume) -> NDArray[Any]:
    """Give one gray volume (slices, rows, columns): the middle one of several, the mean of colours."""
    values = volume.array[len(volume.array) // 2] if volume.dimension > 3 else volume.array
    gray: NDArray[Any] = np.nan_to_num(values.mean(axis=3) if values.ndim > 3 else values)
    return gray


def _through_the_middle(values: NDArray[Any], volume: Volume) -> list[Plane]:
    body, (up, back, left) = _as_body(values, volume)
    z, y, x = (size // 2 for size in body.shape)
    planes = [
        Plane(body[z], (back, left), "RLAP"),
        Plane(body[::-1, y], (up, left), "RLSI"),
        Plane(body[::-1, :, x], (up, back), "APSI"),
    ]
    return planes if _is_placed(volume) else [Plane(plane.values, plane.steps) for plane in planes]


def _is_placed(volume: Volume) -> bool:
    return IMAGE_ORIENTATION_PATIENT in volume.slices[0]


def _as_body(values: NDArray[Any], volume: Volume) -> tuple[NDArray[Any], tuple[float, ...]]:
    """Turn the array so that its axes run to superior, posterior and left, as nearly as they can."""
    cosines = volume.direction[:3, 2::-1]  # columns: slices, rows, columns of the array
    axes = _nearest_axes(cosines)
    turned = values.transpose(axes)
    flips = tuple(slice(None, None, -1 if cosines[2 - place, axis] < 0 else 1) for place, axis in enumerate(axes))
    return turned[flips], tuple(volume.spacing[2::-1][axis] for axis in axes)


def _nearest_axes(cosines: NDArray[np.float64]) -> tuple[int, ...]:
    """Give the array's axis that runs nearest to z, y and x; each axis once."""
    strength = np.abs(cosines)
    chosen: dict[int, int] = {}
    for _ in range(3):
        world, axis = np.unravel_index(strength.argmax(), strength.shape)
        chosen[int(world)] = int(axis)
        strength[world, :] = strength[:, axis] = -1.0
    return tuple(chosen[world] for world in (2, 1, 0))

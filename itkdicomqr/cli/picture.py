"""A picture of a volume: its three middle planes, head up, at the proportions of the body."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
from numpy.typing import NDArray

from itkdicomqr.volume import Volume

WINDOW_PERCENTILES = (1.0, 99.5)
"""The values that become black and white."""

GAP = 8
"""Pixels between the planes."""

Gray = NDArray[np.uint8]


def write_picture(volume: Volume, path: Path) -> None:
    """Write the middle planes as a PNG."""
    path.write_bytes(imagecodecs.png_encode(middle_planes(volume)))


def middle_planes(volume: Volume) -> Gray:
    """Draw the axial, coronal and sagittal middle planes side by side.

    Of a single slice, only the slice is drawn.

    Returns
    -------
    ndarray
        (height, width), uint8.
    """
    values = volume.array.mean(axis=3) if volume.array.ndim > 3 else volume.array
    if values.shape[0] == 1:
        column, row, _ = volume.spacing
        return _in_window(_scaled(values[0], (row, column), min(row, column)))
    body, spacing = _as_body(values, volume)
    z, y, x = (size // 2 for size in body.shape)
    planes = [
        (body[z], spacing[1:]),
        (body[::-1, y], (spacing[0], spacing[2])),
        (body[::-1, :, x], (spacing[0], spacing[1])),
    ]
    return _side_by_side([_in_window(_scaled(plane, steps, min(spacing))) for plane, steps in planes])


def _as_body(values: NDArray[Any], volume: Volume) -> tuple[NDArray[Any], tuple[float, ...]]:
    """Turn the array so that its axes run to superior, posterior and left, as nearly as they can."""
    cosines = volume.direction[:, ::-1]  # columns: slices, rows, columns of the array
    axes = _nearest_axes(cosines)
    turned = values.transpose(axes)
    flips = tuple(slice(None, None, -1 if cosines[2 - place, axis] < 0 else 1) for place, axis in enumerate(axes))
    return turned[flips], tuple(volume.spacing[::-1][axis] for axis in axes)


def _nearest_axes(cosines: NDArray[np.float64]) -> tuple[int, ...]:
    """Give the array's axis that runs nearest to z, y and x; each axis once."""
    strength = np.abs(cosines)
    chosen: dict[int, int] = {}
    for _ in range(3):
        world, axis = np.unravel_index(strength.argmax(), strength.shape)
        chosen[int(world)] = int(axis)
        strength[world, :] = strength[:, axis] = -1.0
    return tuple(chosen[world] for world in (2, 1, 0))


def _scaled(plane: NDArray[Any], steps: tuple[float, ...], pixel: float) -> NDArray[Any]:
    """Repeat or leave out rows and columns until every pixel is a square of ``pixel`` mm."""
    rows, columns = (
        np.minimum((np.arange(round(size * step / pixel)) * pixel / step).astype(int), size - 1)
        for size, step in zip(plane.shape, steps, strict=True)
    )
    return np.asarray(plane[np.ix_(rows, columns)])


def _in_window(plane: NDArray[Any]) -> Gray:
    low, high = np.percentile(plane, WINDOW_PERCENTILES)
    scaled = (plane.astype(np.float64) - low) * 255.0 / ((high - low) or 1.0)
    gray: Gray = scaled.clip(0, 255).astype(np.uint8)
    return gray


def _side_by_side(planes: list[Gray]) -> Gray:
    height = max(plane.shape[0] for plane in planes)
    padded = [np.pad(plane, ((0, height - plane.shape[0]), (0, GAP))) for plane in planes]
    return np.hstack(padded)[:, :-GAP]

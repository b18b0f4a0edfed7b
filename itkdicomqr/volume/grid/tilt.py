"""What becomes of slices that lie beside the line of their normal, all alike or one by one: ``tilt=``."""

from __future__ import annotations

from dataclasses import replace
from math import floor
from typing import TYPE_CHECKING

from itkdicomqr.errors import MisalignedSlicesError, UnsupportedImageError
from itkdicomqr.prose import in_brackets, listed
from itkdicomqr.volume.grid.geometry import Geometry
from itkdicomqr.volume.grid.regularity import SILENT_TILT
from itkdicomqr.volume.vectors import cross, difference, dot, length, normalised, scaled, sum_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from itkdicomqr.volume.grid.regularity import Regularity
    from itkdicomqr.volume.grid.resampling import Sampling
    from itkdicomqr.volume.options import Options
    from itkdicomqr.volume.vectors import Vector

OFFSET_DIGITS = 6
"""Decimals of a voxel that an offset within the plane is rounded to: less is the noise of printed positions."""

CURES = {
    "shear": "tilt='shear' keeps every slice in its place",
    "resample": "tilt='resample' moves every slice into its place in a rectangular grid",
    "itk": "tilt='itk' gives ITK's orthogonal axes, with slices beside their places",
}
"""What each choice does."""


def check_alignment(regularity: Regularity, positions: Sequence[Vector], options: Options) -> None:
    """Refuse slices that lie beside the line from the first to the last, unless ``tilt`` says what to do.

    Raises
    ------
    MisalignedSlicesError
        No sheared grid goes through them.
    """
    if regularity.is_straight or options.tilt in {"resample", "itk"}:
        return
    line = normalised(difference(positions[-1], positions[0]))
    sideways = ((length(cross(difference(position, positions[0]), line)), position) for position in positions)
    beside = listed(
        f"{distance:.3f} mm at {in_brackets(position)}"
        for distance, position in sideways
        if distance > regularity.tolerated_sideways
    )
    message = (
        f"slices are misaligned: ImagePositionPatient (0020,0032) lies beside the line from the first to the last by "
        f"up to {regularity.sideways:.3f} mm (allowed: {regularity.tolerated_sideways:.3f} mm); {beside}; "
        f"{CURES['resample']}, gaps='split' gives each regular part as a volume, {CURES['itk']}"
    )
    raise MisalignedSlicesError(message)


def straightened(
    grid: Geometry, sampling: Sampling, positions: Sequence[Vector], regularity: Regularity, options: Options
) -> tuple[Geometry, Sampling, tuple[str, ...]]:
    """Lay the grid of a stack that is not at right angles as the caller wants it.

    Parameters
    ----------
    grid : Geometry
        With orthogonal axes.
    sampling : Sampling
        Where the slices lie along it.
    positions : sequence of tuple of float
        Theirs, mm.
    regularity : Regularity
        How far they are from a regular stack.
    options : Options
        What the caller chose.

    Returns
    -------
    Geometry, Sampling, tuple of str
        The grid, where the slices lie in it, and what is to be said about it.

    Raises
    ------
    UnsupportedImageError
        The stack is tilted, and no tilt is wanted.
    """
    if regularity.tilt_degrees <= SILENT_TILT and regularity.is_straight:
        return grid, sampling, ()
    found = _found(regularity)
    if options.tilt == "error":
        message = f"{found}; {', '.join(CURES.values())}"
        raise UnsupportedImageError(message)
    if options.tilt == "itk":
        return grid, sampling, (f"{found}: the axes are orthogonal as in ITK, so slices lie beside their places",)
    if options.tilt == "shear":
        along = difference(positions[-1], positions[0])
        return grid.sheared(along), sampling, (f"{found}: the direction is sheared, which NIfTI cannot store",)
    box, moved = _rectangular(grid, sampling, positions)
    return box, moved, (f"{found}: each slice is interpolated within its plane into a rectangular grid",)


def _rectangular(grid: Geometry, sampling: Sampling, positions: Sequence[Vector]) -> tuple[Geometry, Sampling]:
    """Lay the smallest grid with the orthogonal axes, and in step with the first slice, that holds all slices."""
    x, y, z = zip(*grid.direction, strict=True)
    from_first = [difference(position, positions[0]) for position in positions]
    right, down = (
        [round(dot(vector, axis) / step, OFFSET_DIGITS) for vector in from_first]
        for axis, step in zip((x, y), grid.spacing, strict=False)
    )
    left, up = floor(min(right)), floor(min(down))
    corner = sum_of(scaled(x, left * grid.spacing[0]), scaled(y, up * grid.spacing[1]))
    step = dot(from_first[-1], z) / (sampling.count - 1)
    box = Geometry(sum_of(grid.origin, corner), (*grid.spacing[:2], step), grid.direction)
    offsets = tuple((column - left, row - up) for column, row in zip(right, down, strict=True))
    return box, replace(sampling, offsets=offsets)


def _found(regularity: Regularity) -> str:
    tilted = (
        f"is tilted by {regularity.tilt_degrees:.2f} degrees against the normal of ImageOrientationPatient (0020,0037)"
    )
    bent = f"has slices up to {regularity.sideways:.3f} mm beside it"
    found = (tilted, regularity.tilt_degrees > SILENT_TILT), (bent, not regularity.is_straight)
    return "the line of ImagePositionPatient (0020,0032) " + " and ".join(text for text, applies in found if applies)

"""Where the voxels lie: ITK's arithmetic to the last bit, and how far a slice is from there.

All of it is in the patient's coordinates (LPS, mm). The arithmetic is that of
itk::GDCMImageIO and itk::ImageSeriesReader in their order of operations, so that the doubles are equal.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from itkdicomqr.volume.headers import UNKNOWN_SPACING
from itkdicomqr.volume.vectors import cross, difference, dot, length, normal, normalised, scaled

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from itkdicomqr.volume.headers import SliceHeader
    from itkdicomqr.volume.options import SpacingSource
    from itkdicomqr.volume.vectors import Matrix, Vector

IDENTITY: Matrix = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))


@dataclass(frozen=True)
class Geometry:
    """A grid of voxels in the patient.

    Attributes
    ----------
    origin : tuple of float
        The centre of the first voxel, LPS, mm.
    spacing : tuple of float
        Along rows, columns and slices (x, y, z), mm.
    direction : tuple of tuple of float
        The rows of the matrix whose columns are the directions of x, y and z.
    """

    origin: Vector
    spacing: Vector
    direction: Matrix

    def sheared(self, along: Vector) -> Geometry:
        """Return the same grid with its slices going along a vector."""
        unit = scaled(along, 1.0 / length(along))
        rows = tuple((row[0], row[1], k + 0.0) for row, k in zip(self.direction, unit, strict=True))
        return Geometry(self.origin, self.spacing, (rows[0], rows[1], rows[2]))


def grid_of(slices: Sequence[SliceHeader], source: SpacingSource, count: int) -> Geometry:
    """Return the grid that ITK gives to slices in order, its axes orthogonal (PS3.3 C.7.6.2).

    The spacing of slices is the distance from the first position to the last, divided by the
    number of steps; of one slice it is SpacingBetweenSlices. Slices that descend go against the normal.

    Parameters
    ----------
    slices : sequence of SliceHeader
        In order.
    source : {"calibrated", "imager"}
        Whose spacing a projection gets.
    count : int
        How many slices the grid has from the first to the last: more than there are, where some are
        to be filled in.
    """
    first, last = slices[0], slices[-1]
    rows, columns = in_plane_spacing(first, source) or (UNKNOWN_SPACING, UNKNOWN_SPACING)
    if first.position is None or last.position is None or first.orientation is None:
        return Geometry((0.0, 0.0, 0.0), (columns, rows, _single_step(slices)), IDENTITY)
    descending = dot(difference(last.position, first.position), normal(first.orientation)) < 0
    direction = _direction(first.orientation, 1.0 - 2.0 * descending)
    return Geometry(first.position, (columns, rows, _step(slices, count)), direction)


def in_plane_spacing(header: SliceHeader, source: SpacingSource) -> tuple[float, ...] | None:
    """Return the spacing between rows and between columns, mm, None where the header has none."""
    if header.is_measured_at_detector and source == "imager":
        return header.imager_pixel_spacing
    if header.is_projection:
        return header.pixel_spacing or header.imager_pixel_spacing
    return header.pixel_spacing


def sampling_deviation(slices: Sequence[SliceHeader], spacing: float) -> float:
    """Return what ITK calls the non-uniform sampling deviation: how far a step is from the spacing at most, mm."""
    positions = [header.position for header in slices if header.position is not None]
    steps = (length(difference(after, before)) for before, after in pairwise(positions))
    return max((abs(step - spacing) for step in steps), default=0.0)


def corner_error(
    slices: Sequence[SliceHeader], grid: Geometry, places: Sequence[Vector], source: SpacingSource
) -> float:
    """Return the largest distance of a slice's corner in the grid from where its own header puts it, mm.

    Parameters
    ----------
    slices : sequence of SliceHeader
        Those that came.
    grid : Geometry
        Where the voxels lie.
    places : sequence of tuple of float
        Of the first voxel of each slice: its column, row and slice in the grid.
    source : {"calibrated", "imager"}
        Whose spacing a projection has.
    """
    if slices[0].position is None:
        return 0.0
    layout = slices[0].layout
    corners = np.array([(i, j) for i in (0, layout.columns - 1) for j in (0, layout.rows - 1)], dtype=float)
    axes = (np.array(grid.direction) * grid.spacing).T
    first = np.array([header.position for header in slices]) - grid.origin - np.array(places) @ axes
    turned = _own_axes(slices, source) - axes[:2]
    return float(np.linalg.norm(first[:, np.newaxis] + corners @ turned, axis=2).max())


def _own_axes(slices: Sequence[SliceHeader], source: SpacingSource) -> NDArray[np.float64]:
    """Return the steps to the next column and to the next row that each header tells."""
    spacings = [in_plane_spacing(header, source) or (UNKNOWN_SPACING, UNKNOWN_SPACING) for header in slices]
    orientations = np.array([header.orientation for header in slices], dtype=float).reshape(-1, 2, 3)
    axes: NDArray[np.float64] = orientations * np.array(spacings)[:, ::-1, np.newaxis]
    return axes


def _single_step(slices: Sequence[SliceHeader]) -> float:
    return abs(slices[0].spacing_between_slices or UNKNOWN_SPACING) if len(slices) == 1 else UNKNOWN_SPACING


def _step(slices: Sequence[SliceHeader], count: int) -> float:
    """Return the spacing of slices: ITK averages differently between instances and within one."""
    positions = [header.position for header in slices if header.position is not None]
    if len(positions) == 1:
        return _single_step(slices)
    if slices[0].source is slices[-1].source:
        if slices[0].told_step is not None:
            return slices[0].told_step
        perpendicular = cross((slices[0].orientation or ())[:3], (slices[0].orientation or ())[3:])
        norm = length(perpendicular)
        heights = [dot(tuple(axis / norm for axis in perpendicular), position) for position in positions]
        return abs(sum(after - before for before, after in pairwise(heights)) / (count - 1))
    return length(difference(positions[-1], positions[0])) / (count - 1)


def _direction(orientation: Sequence[float], sign: float) -> Matrix:
    column = orientation[3:]
    k = normal(orientation)
    i = normalised(cross(column, k))
    j = cross(k, i)
    rows = tuple((i[axis] + 0.0, j[axis] + 0.0, sign * k[axis] + 0.0) for axis in range(3))
    return rows[0], rows[1], rows[2]

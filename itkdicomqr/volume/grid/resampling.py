"""From the slices that came to those of a grid: left as they are, filled in between, moved within their planes."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING, Any

import numpy as np

from itkdicomqr.volume.voxels.pixels import components

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from itkdicomqr.volume.decoding.layout import PixelLayout
    from itkdicomqr.volume.vectors import Vector
    from itkdicomqr.volume.voxels.slots import Allocate

    Voxels = NDArray[Any]


@dataclass(frozen=True)
class Sampling:
    """Where in a grid the slices lie that came, and what becomes of the rest of it.

    Attributes
    ----------
    places : tuple of float
        Of each slice that came, ascending: which slice of the grid it is, or between which.
    count : int
        How many slices the grid has.
    interpolated : bool
        Whether slices of the grid that did not come are interpolated, or else padded.
    offsets : tuple of tuple of float
        Of each slice that came: by how many columns and rows it is moved within the grid, which is larger
        for it; empty where none is moved.
    """

    places: tuple[float, ...]
    count: int
    interpolated: bool = False
    offsets: tuple[tuple[float, float], ...] = ()

    @property
    def is_identity(self) -> bool:
        """Whether the voxels stay as they came."""
        return not (self.interpolated or self.padded or self.offsets)

    @property
    def padded(self) -> tuple[int, ...]:
        """Which slices of the grid are padded."""
        return () if self.interpolated else tuple(sorted(set(range(self.count)) - set(map(int, self.places))))

    @property
    def needs_padding(self) -> bool:
        """Whether any voxel is padded."""
        return bool(self.offsets or self.padded)

    @property
    def slice_at(self) -> tuple[int | None, ...]:
        """Of each slice of the grid: which of those that came lies there; None where none does."""
        lying = {place: index for index, place in enumerate(self.places)}
        return tuple(map(lying.get, range(self.count)))

    @property
    def first_voxels(self) -> list[Vector]:
        """Column, row and slice in the grid of the first voxel of each slice that came."""
        offsets = self.offsets or ((0.0, 0.0),) * len(self.places)
        return [(*offset, place) for offset, place in zip(offsets, self.places, strict=True)]

    def along_grid(self, values: Sequence[Sequence[float]]) -> list[list[float]]:
        """Interpolate vectors of the slices that came at each slice of the grid."""
        slices = np.arange(self.count)
        along = [np.interp(slices, self.places, axis).tolist() for axis in zip(*values, strict=True)]
        return [list(vector) for vector in zip(*along, strict=True)]

    def padded_positions(self, positions: Sequence[Vector]) -> dict[int, Vector]:
        """Return where the padded slices of the grid would lie among the positions of those that came."""
        along = self.along_grid(positions) if self.padded else []
        return {index: (along[index][0], along[index][1], along[index][2]) for index in self.padded}

    def frame(self, rows: int, columns: int) -> tuple[int, int]:
        """Return rows and columns of the grid for those of a slice."""
        if not self.offsets:
            return rows, columns
        right, down = (ceil(max(axis)) for axis in zip(*self.offsets, strict=True))
        return rows + down, columns + right

    def voxels(self, layout: PixelLayout) -> int:
        """Return how many numbers the grid has, for slices of a layout."""
        rows, columns = self.frame(layout.rows, layout.columns)
        return self.count * rows * columns * components(layout)


def unsampled(count: int) -> Sampling:
    """Leave slices as they are."""
    return Sampling(tuple(range(count)), count)


def sampled(array: Voxels, sampling: Sampling, padding: float | None, allocate: Allocate = np.empty) -> Voxels:
    """Make the voxels of a grid from those that came.

    Parameters
    ----------
    array : ndarray
        (slices, rows, columns[, components]).
    sampling : Sampling
        Where they lie in the grid.
    padding : float or None
        The value of voxels that nothing came for, if there are any.
    allocate : callable
        Makes the grid's array.

    Returns
    -------
    ndarray
        Of the same type; what is interpolated is rounded where that is of integers.
    """
    if sampling.interpolated:
        array = _interpolated(array, sampling, allocate)
    elif sampling.padded:
        array = _padded(array, sampling, padding, allocate)
    return _moved(array, sampling, padding, allocate) if sampling.offsets else array


def _padded(array: Voxels, sampling: Sampling, padding: float | None, allocate: Allocate) -> Voxels:
    grid = allocate((sampling.count, *array.shape[1:]), array.dtype)
    grid[list(sampling.padded)] = padding
    grid[list(map(int, sampling.places))] = array
    return grid


def _interpolated(array: Voxels, sampling: Sampling, allocate: Allocate) -> Voxels:
    grid = allocate((sampling.count, *array.shape[1:]), array.dtype)
    for index in range(sampling.count):
        after = bisect_left(sampling.places, index)
        before = after - (sampling.places[after] != index)
        step = sampling.places[after] - sampling.places[before]
        mixed = _between(array[before], array[after], (index - sampling.places[before]) / (step or 1.0))
        grid[index] = _rounded(mixed, array.dtype)
    return grid


def _moved(array: Voxels, sampling: Sampling, padding: float | None, allocate: Allocate) -> Voxels:
    """Move each slice within its plane; a voxel of the grid is its own while it lies over one of its voxels."""
    rows, columns = array.shape[1:3]
    frame = sampling.frame(rows, columns)
    grid = allocate((len(array), *frame, *array.shape[3:]), array.dtype)
    grid[...] = padding
    for source, target, (right, down) in zip(array, grid, sampling.along_grid(sampling.offsets), strict=True):
        x, y = ceil(right - 0.5), ceil(down - 0.5)
        across = _shifted(source, x - right, axis=1)
        target[y : y + rows, x : x + columns] = _rounded(_shifted(across, y - down, axis=0), array.dtype)
    return grid


def _shifted(frame: Voxels, fraction: float, axis: int) -> Voxels:
    """Interpolate each voxel with its neighbour, at most half a voxel away; the last ones stand for theirs."""
    size = frame.shape[axis]
    neighbours = np.clip(np.arange(size) + (1 if fraction > 0 else -1), 0, size - 1)
    return _between(frame, np.take(frame, neighbours, axis), abs(fraction))


def _between(one: Voxels, other: Voxels, weight: float) -> Voxels:
    """Interpolate; with a weight of 0 the other's values do not matter, even if they are no numbers."""
    if weight == 0:
        return one
    return one * (1.0 - weight) + other * weight


def _rounded(values: Voxels, dtype: np.dtype[Any]) -> Voxels:
    return np.rint(values) if dtype.kind in "iu" and values.dtype.kind == "f" else values

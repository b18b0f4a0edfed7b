"""Solids and tubes in the patient's coordinates, and the grids that they are painted on."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float32]
    Matrix = NDArray[np.float64]

Point = tuple[float, float, float]
"""Left, posterior and superior of the patient, in mm (LPS)."""

Box = tuple[slice, slice, slice]


@dataclass(frozen=True)
class Grid:
    """Where the voxels of a volume lie.

    Attributes
    ----------
    origin : Point
        The centre of the first voxel.
    steps : tuple of Point
        The way from a voxel to the next slice, the next row and the next column.
    shape : tuple of int
        Slices, rows and columns.
    """

    origin: Point
    steps: tuple[Point, Point, Point]
    shape: tuple[int, int, int]

    @classmethod
    def centred(
        cls, centre: Point, directions: tuple[Point, Point, Point], spacing: Point, shape: tuple[int, int, int]
    ) -> Grid:
        """Put a grid of given directions and spacing (slice, row, column) around a point."""
        steps = np.array(directions) * np.array(spacing)[:, None]
        origin = np.array(centre) - (np.array(shape) - 1) / 2 @ steps
        first, second, third = (as_point(step) for step in steps)
        return cls(as_point(origin), (first, second, third), shape)

    def position(self, index: int) -> Point:
        """Tell where the first voxel of a slice lies."""
        return as_point(np.array(self.origin) + index * np.array(self.steps[0]))

    def spacing(self) -> tuple[float, ...]:
        """Measure the steps between slices, rows and columns, in mm."""
        return tuple(round(float(length), 6) for length in np.linalg.norm(self.steps, axis=1))

    def direction(self, axis: int) -> Point:
        """Tell where the slices (0), the rows (1) or the columns (2) lead, as a unit vector."""
        return as_point(np.array(self.steps[axis]) / self.spacing()[axis])

    @cached_property
    def _inverse(self) -> Matrix:
        return np.linalg.inv(np.array(self.steps))

    def box(self, low: Matrix, high: Matrix) -> Box:
        """Find the voxels around what lies between two corners."""
        middle = ((low + high) / 2 - self.origin) @ self._inverse
        reach = (high - low) / 2 @ np.abs(self._inverse)
        starts, stops = (middle - reach).tolist(), (middle + reach).tolist()
        first, second, third = (
            slice(min(max(math.floor(a), 0), size), min(max(math.ceil(b) + 1, 0), size))
            for a, b, size in zip(starts, stops, self.shape, strict=True)
        )
        return first, second, third

    def coordinates(self, box: Box) -> list[Floats]:
        """Make the three coordinates of a box of voxels; an axis along which one is constant has length 1."""
        indices = [
            np.arange(part.start, part.stop, dtype=np.float32).reshape(layout)
            for part, layout in zip(box, ((-1, 1, 1), (1, -1, 1), (1, 1, -1)), strict=True)
        ]
        return [self._coordinate(xyz, indices) for xyz in range(3)]

    def _coordinate(self, xyz: int, indices: list[Floats]) -> Floats:
        result = np.full((1, 1, 1), self.origin[xyz], np.float32)
        for index, step in zip(indices, self.steps, strict=True):
            if step[xyz]:
                result = result + index * np.float32(step[xyz])
        return result


@dataclass(frozen=True)
class Solid:
    """An ellipsoid, or a cylinder.

    Attributes
    ----------
    material : str
        What it is made of.
    centre, radii : Point
        In mm.
    turn : Point
        Degrees about the left, posterior and superior axis, in this order.
    drum : bool
        An elliptic cylinder along its third axis.
    folds : float
        How far waves move the surface, as a share of the radii.
    """

    material: str
    centre: Point
    radii: Point
    turn: Point = (0, 0, 0)
    drum: bool = False
    folds: float = 0

    def bounds(self) -> tuple[Matrix, Matrix]:
        """Give the two corners between which it lies."""
        reach = np.abs(_rotation(self.turn)) @ np.array(self.radii) * (1 + self.folds)
        return np.array(self.centre) - reach, np.array(self.centre) + reach

    def depth(self, x: Floats, y: Floats, z: Floats) -> Floats:
        """Tell how deep inside points are, about, in mm; negative outside."""
        offsets = [p - np.float32(c) for p, c in zip((x, y, z), self.centre, strict=True)]
        axes = (_rotation(self.turn).T / np.array(self.radii)[:, None]).astype(np.float32)
        u, v, w = (_dot(axis, offsets) for axis in axes)
        if self.drum:
            side = _depth((u, v), self.radii[:2], np.sqrt(u * u + v * v))
            return np.minimum(side, (1 - np.abs(w)) * np.float32(self.radii[2]))
        wave = np.float32(self.folds) * _waves(*offsets) if self.folds else 0.0
        return _depth((u, v, w), self.radii, np.sqrt(u * u + v * v + w * w), wave)


@dataclass(frozen=True)
class Tube:
    """A tube between two points, with round ends and its own radius at each."""

    material: str
    start: Point
    end: Point
    radii: tuple[float, float]

    def bounds(self) -> tuple[Matrix, Matrix]:
        """Give the two corners between which it lies."""
        ends = np.array([self.start, self.end])
        return ends.min(axis=0) - max(self.radii), ends.max(axis=0) + max(self.radii)

    def depth(self, x: Floats, y: Floats, z: Floats) -> Floats:
        """Tell how deep inside points are, in mm; negative outside."""
        offsets = [p - np.float32(c) for p, c in zip((x, y, z), self.start, strict=True)]
        along = np.subtract(self.end, self.start).astype(np.float32)
        unit = along / max(float(along @ along), 1e-6)
        share = np.minimum(np.maximum(_dot(unit, offsets), 0), 1)
        square = sum(((o - share * a) ** 2 for a, o in zip(along, offsets, strict=True)), np.float32(0))
        return np.asarray(
            np.float32(self.radii[0]) + share * np.float32(self.radii[1] - self.radii[0]) - np.sqrt(square)
        )


Shape = Solid | Tube
"""Something that is painted."""


def tubes(material: str, points: Iterable[Point], radius: float, end: float | None = None) -> list[Shape]:
    """Chain tubes along points; the radius may change towards its end."""
    path = list(points)
    radii = np.linspace(radius, radius if end is None else end, len(path)).tolist()
    return [Tube(material, a, b, r) for (a, b), r in zip(pairwise(path), pairwise(radii), strict=True)]


def paint(shapes: Iterable[Shape], values: Mapping[str, float], grid: Grid, background: float | Floats) -> Floats:
    """Paint shapes in their order, the later over the earlier; edges get a share of both, as voxels do."""
    return paint_each(shapes, [values], grid, background)[0]


def paint_each(
    shapes: Iterable[Shape], tables: Sequence[Mapping[str, float]], grid: Grid, background: float | Floats
) -> list[Floats]:
    """Paint the same shapes once for each table of values, as in the phases of an examination."""
    volumes = [np.full(grid.shape, background, np.float32) for _ in tables]
    softness = np.float32(1 / np.mean(grid.spacing()))
    for shape in shapes:
        box = grid.box(*shape.bounds())
        if all(part.start < part.stop for part in box):
            cover = shape.depth(*grid.coordinates(box)) * softness + np.float32(0.5)
            cover = np.minimum(np.maximum(cover, 0), 1)
            for volume, values in zip(volumes, tables, strict=True):
                block = volume[box]
                block += cover * (np.float32(values[shape.material]) - block)
    return volumes


def as_point(numbers: Iterable[float]) -> Point:
    """Make a point of three numbers, without the noise of their last digits."""
    x, y, z = (round(float(number), 9) + 0.0 for number in numbers)
    return x, y, z


def _dot(factors: Floats, parts: list[Floats]) -> Floats:
    """Add up the products; a factor of 0 leaves its part, and its axes, out."""
    start = np.zeros((1, 1, 1), np.float32)
    return sum((factor * part for factor, part in zip(factors, parts, strict=True) if factor), start)


def _rotation(turn: Point) -> Matrix:
    matrix = np.eye(3)
    for axis, angle in enumerate(np.radians(turn)):
        a, b = (axis + 1) % 3, (axis + 2) % 3
        single = np.eye(3)
        single[a, a] = single[b, b] = np.cos(angle)
        single[b, a], single[a, b] = np.sin(angle), -np.sin(angle)
        matrix = single @ matrix
    return matrix


def _depth(parts: tuple[Floats, ...], radii: tuple[float, ...], size: Floats, wave: Floats | float = 0) -> Floats:
    """Turn the share of the radii at which points lie into a distance, by its gradient."""
    squares = sum((part * np.float32(1 / radius)) ** 2 for part, radius in zip(parts, radii, strict=True))
    scale = (size + np.float32(1e-3)) / (np.sqrt(squares) + np.float32(1e-3 / min(radii)))
    return np.asarray((1 - size - wave) * scale)


def _waves(x: Floats, y: Floats, z: Floats) -> Floats:
    """Make waves of about 18 mm, as folds of the brain."""
    bend = np.sin(x * np.float32(0.09)) + np.sin(y * np.float32(0.07) + 1)
    return np.asarray(
        np.sin(x * np.float32(0.31) + bend * np.float32(1.3))
        * np.sin(y * np.float32(0.33) + bend)
        * np.sin(z * np.float32(0.29) - bend)
    )

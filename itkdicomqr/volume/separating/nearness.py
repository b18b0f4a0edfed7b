"""Numbers that mean the same though they differ a little."""

from __future__ import annotations

from collections import defaultdict
from itertools import product
from math import floor
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    Vector = tuple[float, ...]
    Cell = tuple[int, ...]

CELL = 4
"""The size of the cells in which what is near is looked for, in tolerances: few vectors are near to many cells."""


def nearby(vectors: Sequence[Vector], tolerance: float) -> list[Vector]:
    """Replace each vector by the first of those, in their own order, that it is near to."""
    leaders: dict[Cell, list[Vector]] = defaultdict(list)
    leader_of = {}
    for vector in sorted(set(vectors)):
        cells = _cells_near(vector, tolerance)
        near = (leader for cell in cells for leader in leaders.get(cell, ()) if _near(leader, vector, tolerance))
        leader_of[vector] = min(near, default=vector)
        if leader_of[vector] == vector:
            leaders[tuple(floor(axis / (CELL * tolerance)) for axis in vector)].append(vector)
    return [leader_of[vector] for vector in vectors]


def _cells_near(vector: Vector, tolerance: float) -> Iterator[Cell]:
    size = CELL * tolerance
    return product(*({floor((axis - tolerance) / size), floor((axis + tolerance) / size)} for axis in vector))


def _near(a: Vector, b: Vector, tolerance: float) -> bool:
    return len(a) == len(b) and max((abs(x - y) for x, y in zip(a, b, strict=True)), default=0.0) <= tolerance

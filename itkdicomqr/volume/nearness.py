"""Numbers that mean the same though they differ a little."""

from __future__ import annotations

from bisect import bisect_left
from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def nearby(vectors: Sequence[tuple[float, ...]], tolerance: float) -> list[tuple[float, ...]]:
    """Replace each vector by the first of those, in their own order, that it is near to."""
    leaders: list[tuple[float, ...]] = []
    leader_of = {}
    for vector in sorted(set(vectors)):
        # Those that are too far already in the first component come first.
        begin = bisect_left(leaders, tuple(axis - 2 * tolerance for axis in vector[:1]), key=lambda leader: leader[:1])
        near = (leader for leader in islice(leaders, begin, None) if _near(leader, vector, tolerance))
        leader_of[vector] = next(near, vector)
        if leader_of[vector] == vector:
            leaders.append(vector)
    return [leader_of[vector] for vector in vectors]


def _near(a: tuple[float, ...], b: tuple[float, ...], tolerance: float) -> bool:
    return len(a) == len(b) and max((abs(x - y) for x, y in zip(a, b, strict=True)), default=0.0) <= tolerance

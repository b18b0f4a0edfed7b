"""How far a stack of slices is from a regular one, and what is tolerated."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from itkdicomqr.volume.vectors import cross, difference, dot, length, normalised, scaled

if TYPE_CHECKING:
    from collections.abc import Sequence

    from itkdicomqr.volume.vectors import Vector

SILENT_DEVIATION = 1e-3
"""Largest deviation of a step, as a fraction of the mean one, that is not worth a word."""

TOLERATED_DEVIATION = 0.05
"""Largest deviation of a step that still makes a volume, with a warning."""

SILENT_TILT = 0.1
"""Largest angle between the stack's line and its normal that is not worth a word, degrees."""

SIDEWAYS = 0.1
"""Distance from the stack's line that is always tolerated, mm."""

SIDEWAYS_FRACTION = 0.05
"""Distance from the stack's line that is tolerated, as a fraction of the slice spacing."""


@dataclass(frozen=True)
class Regularity:
    """How a stack of slices differs from a regular one.

    Attributes
    ----------
    steps : tuple of float
        From slice to slice along the normal, mm.
    step_deviation : float
        The largest difference of a step from the mean one, as a fraction of it.
    tilt_degrees : float
        Between the normal and the line from the first slice to the last.
    sideways : float
        The largest distance of a slice's position from that line, mm.
    """

    steps: tuple[float, ...] = ()
    step_deviation: float = 0.0
    tilt_degrees: float = 0.0
    sideways: float = 0.0

    @property
    def mean_step(self) -> float:
        """The mean step along the normal, mm."""
        return sum(self.steps) / len(self.steps)

    @property
    def tolerated_sideways(self) -> float:
        """How far a position may lie from the line, mm."""
        return max(SIDEWAYS, SIDEWAYS_FRACTION * self.mean_step)

    @property
    def is_even(self) -> bool:
        """Whether the steps make a grid, perhaps with a warning."""
        return self.step_deviation <= TOLERATED_DEVIATION

    @property
    def is_straight(self) -> bool:
        """Whether the positions lie on one line."""
        return not self.steps or self.sideways <= self.tolerated_sideways


def regularity_of(positions: Sequence[Vector], towards: Vector) -> Regularity:
    """Measure positions that are in order along a unit normal, or against it."""
    if len(positions) < 2:
        return Regularity()
    if dot(difference(positions[-1], positions[0]), towards) < 0:
        towards = scaled(towards, -1.0)
    steps = tuple(dot(difference(after, before), towards) for before, after in pairwise(positions))
    mean = sum(steps) / len(steps)
    line = normalised(difference(positions[-1], positions[0]))
    return Regularity(
        steps=steps,
        step_deviation=max(abs(step - mean) for step in steps) / mean,
        tilt_degrees=math.degrees(math.atan2(length(cross(towards, line)), dot(towards, line))),
        sideways=max(length(cross(difference(position, positions[0]), line)) for position in positions),
    )

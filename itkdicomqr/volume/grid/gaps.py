"""What becomes of uneven steps between slices: ``gaps=``."""

from __future__ import annotations

from itertools import accumulate
from statistics import median
from typing import TYPE_CHECKING

from itkdicomqr.errors import LimitExceededError, MissingSlicesError, NonUniformSpacingError
from itkdicomqr.prose import in_brackets, listed
from itkdicomqr.volume.grid.regularity import SILENT_DEVIATION, TOLERATED_DEVIATION
from itkdicomqr.volume.grid.resampling import Sampling, unsampled

if TYPE_CHECKING:
    from collections.abc import Sequence

    from itkdicomqr.errors import VolumeError
    from itkdicomqr.volume.grid.regularity import Regularity
    from itkdicomqr.volume.options import Options
    from itkdicomqr.volume.vectors import Vector

WHOLE_MULTIPLE = 0.02
"""How near to whole multiples of the smallest step the others are where slices are missing."""

OFF_ITS_PLACE = 0.1
"""The same, as a fraction of the smallest step, for large multiples."""

MOST_SLICES = 1 << 16
"""How many slices a grid may have that is padded or resampled."""

CURES = {
    "pad": "gaps='pad' puts slices of one value into their places",
    "resample": "gaps='resample' interpolates between the slices",
    "split": "gaps='split' gives each regular part as a volume",
    "average": "gaps='average' spreads them evenly as ITK does, beside their places",
}
"""What each choice does."""


def filled(regularity: Regularity, positions: Sequence[Vector], options: Options) -> tuple[Sampling, tuple[str, ...]]:
    """Lay slices into a grid along their line.

    Returns
    -------
    Sampling
        Where they lie in it.
    tuple of str
        What is to be said about it.

    Raises
    ------
    MissingSlicesError
        Steps differ too much, all are whole multiples of the smallest, and ``gaps`` does not say what to do.
    NonUniformSpacingError
        They are not, and ``gaps`` does not say what to do, or is ``"pad"``.
    LimitExceededError
        The grid would have more than ``MOST_SLICES``.
    """
    as_they_are = unsampled(len(positions))
    if regularity.step_deviation <= SILENT_DEVIATION:
        return as_they_are, ()
    found = _found(regularity)
    if regularity.is_even or options.gaps == "average":
        return as_they_are, (f"{found}: averaged, so slices lie beside their place in the grid",)
    counts = whole_multiples(regularity.steps)
    if options.gaps == "pad" and counts:
        padded = Sampling(tuple(accumulate(counts, initial=0)), _checked(sum(counts) + 1))
        return padded, (f"{found}: missing slices are padded, {_listed(padded, positions)}",)
    if options.gaps == "resample":
        resampled = _evenly(regularity.steps, counts)
        return resampled, (f"{found}: {resampled.count} even slices are interpolated from {len(positions)}",)
    raise _refusal(regularity, positions, counts)


def whole_multiples(steps: Sequence[float]) -> tuple[int, ...] | None:
    """Return how many of the smallest steps each one makes; None where one makes no whole number of them."""
    alike = [step for step in steps if step < 1.5 * min(steps)]
    unit = sum(alike) / len(alike)
    counts = tuple(round(step / unit) for step in steps)
    fits = (
        abs(step / unit - count) <= min(WHOLE_MULTIPLE * count, OFF_ITS_PLACE)
        for step, count in zip(steps, counts, strict=True)
    )
    return counts if all(fits) else None


def _evenly(steps: Sequence[float], counts: tuple[int, ...] | None) -> Sampling:
    """Lay a grid of the smallest step, or of about the median one, from the first slice to the last."""
    last = sum(counts) if counts else round(sum(steps) / median(steps))
    heights = accumulate(steps, initial=0.0)
    places = [height / sum(steps) * last for height in heights]
    return Sampling(tuple(map(_snapped, places)), _checked(last + 1), interpolated=True)


def _snapped(place: float) -> float:
    """Take a slice for one of the grid where it is off by less than is worth a word."""
    return round(place) if abs(place - round(place)) <= SILENT_DEVIATION else place


def _checked(count: int) -> int:
    if count > MOST_SLICES:
        message = (
            f"a regular grid through these slices would have {count}, more than {MOST_SLICES}; "
            f"{CURES['split']}, {CURES['average']}"
        )
        raise LimitExceededError(message)
    return count


def _refusal(regularity: Regularity, positions: Sequence[Vector], counts: tuple[int, ...] | None) -> VolumeError:
    """Make the error that says where the steps differ, and which choices fit."""
    if counts:
        gaps = zip(counts, positions, strict=False)
        missing = listed(f"{count - 1} after {in_brackets(position)}" for count, position in gaps if count > 1)
        return MissingSlicesError(f"slices are missing: {_found(regularity)}; {missing}; retrieve them, or {_cures()}")
    usual = median(regularity.steps)
    odd = listed(
        f"{step:.4f} mm after {in_brackets(position)}"
        for step, position in zip(regularity.steps, positions, strict=False)
        if abs(step - usual) > TOLERATED_DEVIATION * usual
    )
    return NonUniformSpacingError(
        f"slices are not evenly spaced, nor are their steps whole multiples of one: {_found(regularity)}; {odd}; "
        f"{_cures('pad')}"
    )


def _found(regularity: Regularity) -> str:
    smallest, largest = min(regularity.steps), max(regularity.steps)
    return (
        f"ImagePositionPatient (0020,0032) has steps along the normal from {smallest:.4f} to {largest:.4f} mm, "
        f"up to {regularity.step_deviation:.1%} from their mean"
    )


def _cures(*unfit: str) -> str:
    return ", ".join(cure for choice, cure in CURES.items() if choice not in unfit)


def _listed(padded: Sampling, positions: Sequence[Vector]) -> str:
    places = padded.padded_positions(positions)
    return listed(f"slice {index} at {in_brackets(place)}" for index, place in places.items())

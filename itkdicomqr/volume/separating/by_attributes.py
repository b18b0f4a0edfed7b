"""Volumes at the same positions that attributes tell apart."""

from __future__ import annotations

from itertools import chain, combinations
from typing import TYPE_CHECKING

from itkdicomqr.volume.separating.discriminators import HAVE_FEW_VALUES, MAY_DIFFER_IN_EACH_IMAGE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from itkdicomqr.volume.separating.positions import Positions, Slices, Split

MOST_ATTRIBUTES = 2
"""How many attributes together may tell volumes apart."""


def split_by_attributes(positions: Positions, attributes: Sequence[tuple[str, ...]]) -> Split | None:
    """Split by the smallest set of attributes that leaves no repeats, into the fewest volumes; None if none does."""
    slices = [header for run in positions.runs for header in run]
    varying = [each for each in attributes if len({positions.values(each, header) for header in slices}) > 1]
    for count in range(1, MOST_ATTRIBUTES + 1):
        sets = (tuple(chain.from_iterable(several)) for several in combinations(varying, count))
        splits = [(keywords, volumes) for keywords in sets if (volumes := _split(positions, keywords))]
        if splits:
            return min(splits, key=lambda split: len(split[1]))
    return None


def _split(positions: Positions, keywords: tuple[str, ...]) -> list[Slices] | None:
    """Split by the values of some attributes, unless two slices of one volume share a position."""
    told = positions.at_most_once(keywords)
    is_each_alone = len(positions.runs) > 1 and len(told) == sum(map(len, positions.runs))
    if not told or is_each_alone:
        return None
    if not HAVE_FEW_VALUES.isdisjoint(keywords) and not (positions.are_few(told) and not positions.mixes(told)):
        return None
    if not MAY_DIFFER_IN_EACH_IMAGE.isdisjoint(keywords) and not _are_times_of_volumes(told, positions):
        return None
    return told


def _are_times_of_volumes(volumes: list[Slices], positions: Positions) -> bool:
    """Tell whether times are those of whole volumes, and do not tick on within one.

    Where there are more of them than repeats, every two volumes share all of their positions, or none.
    """
    return len(volumes) <= positions.most or positions.are_nested(volumes)

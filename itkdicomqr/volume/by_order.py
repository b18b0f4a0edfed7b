"""Volumes at the same positions that only the order within each position tells apart."""

from __future__ import annotations

from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from itkdicomqr.volume.discriminators import DISCRIMINATORS, MAY_DIFFER_IN_EACH_IMAGE, RANKS, numbers_in
from itkdicomqr.volume.grouping import by_number

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from itkdicomqr.volume.headers import SliceHeader
    from itkdicomqr.volume.positions import Positions, Slices, Split

    Rank = Callable[[SliceHeader], tuple[Any, ...]]
    """What sorts the slices of a position; nothing for a slice that does not tell it."""

REPETITION = "repetition"
"""The key of volumes that only their order tells apart, counted from 0."""

FEWEST_TURNED = 4
"""How many slices a volume has at least whose order can be told from an interleaved one."""

_DIMENSION_INDEX_VALUES = 0x00209157


def split_by_order(positions: Positions) -> Split | None:
    """Take the first slice of each position by whatever orders them all, then the second, and so on.

    Dimension indices decide, else InstanceNumber, else times. None where positions hold different numbers of
    slices, where volumes would be mixed, or where the order begins within a volume.
    """
    if len(positions.counts) > 1:
        return None
    volumes = _ranked(positions, _indices) or _in_order(positions)
    return None if volumes is None else ((REPETITION,), volumes)


def _in_order(positions: Positions) -> list[Slices] | None:
    """Rank by numbers, or by times where numbers do not; times that give the same volumes decide in which order."""
    ranks: list[Rank] = [_number, *(partial(_time, positions, keyword) for keyword in RANKS)]
    found = [volumes for rank_of in ranks if (volumes := _ranked(positions, rank_of))]
    if not found or all(map(_is_turned, found[0])) or (_may_be_cut(positions) and not _follow_each_other(found[0])):
        return None
    return next(volumes for volumes in reversed(found) if _contents(volumes) == _contents(found[0]))


def _ranked(positions: Positions, rank_of: Rank) -> list[Slices] | None:
    """Sort the slices of each position; None where one is told no rank, or two the same, or volumes would be mixed."""
    ranks = [[rank_of(header) for header in run] for run in positions.runs]
    if any(() in told or len(set(told)) < len(told) for told in ranks):
        return None
    ordered = [sorted(run, key=rank_of) for run in positions.runs]
    volumes = [list(volume) for volume in zip(*ordered, strict=True)]
    return None if positions.mixes(volumes) else volumes


def _contents(volumes: Iterable[Slices]) -> set[frozenset[int]]:
    return {frozenset(map(id, volume)) for volume in volumes}


def _is_turned(volume: Slices) -> bool:
    """Tell whether numbers run through the positions from the middle on: then they are parts of two volumes."""
    count = len(volume)
    places = sorted(range(count), key=lambda place: by_number(volume[place]))
    turned = [[(places[0] + step * number) % count for number in range(count)] for step in (1, -1)]
    straight = sorted(places), sorted(places, reverse=True)
    return count >= FEWEST_TURNED and places in turned and places not in straight


def _may_be_cut(positions: Positions) -> bool:
    """Tell whether a time may be that of volumes of which the first lacks slices and the last has only those."""
    for keywords in DISCRIMINATORS:
        if not MAY_DIFFER_IN_EACH_IMAGE.isdisjoint(keywords):
            volumes = positions.at_most_once(keywords)
            if len(volumes) > positions.most and positions.are_few(volumes) and not positions.are_nested(volumes):
                return True
    return False


def _follow_each_other(volumes: Sequence[Slices]) -> bool:
    """Tell whether numbers run through one volume after the other, and along each."""
    numbers = [[by_number(header) for header in volume] for volume in volumes]
    along = all(told in (sorted(told), sorted(told, reverse=True)) for told in numbers)
    return along and all(max(before) < min(after) for before, after in pairwise(numbers))


def _indices(header: SliceHeader) -> tuple[float, ...]:
    return header.elements.binary(_DIMENSION_INDEX_VALUES)


def _number(header: SliceHeader) -> tuple[int, ...]:
    return () if header.instance_number is None else (header.instance_number, header.frame)


def _time(positions: Positions, keyword: str, header: SliceHeader) -> tuple[float, ...]:
    return numbers_in(positions.read[id(header)][keyword])

"""Volumes at the same positions that only the order within each position tells apart."""

from __future__ import annotations

from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from itkdicomqr.volume.separating.discriminators import (
    DISCRIMINATORS,
    MAY_DIFFER_IN_EACH_IMAGE,
    OF_PARTS,
    RANKS,
    numbers_in,
)
from itkdicomqr.volume.separating.positions import sortable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from itkdicomqr.volume.headers import SliceHeader
    from itkdicomqr.volume.separating.positions import Positions, Slices, Split

    Rank = Callable[[SliceHeader], tuple[Any, ...]]
    """What sorts the slices of a position; nothing for a slice that does not tell it."""

REPETITION = "repetition"
"""The key of volumes that only their order tells apart, counted from 0."""

FEWEST_TURNED = 4
"""How many slices a volume has at least whose order can be told from an interleaved one."""

_DIMENSION_INDEX_VALUES = 0x00209157


def _number(header: SliceHeader) -> tuple[int, ...]:
    return () if header.instance_number is None else (header.instance_number, header.frame)


def split_by_order(positions: Positions) -> Split | None:
    """Take the first slice of each position by whatever orders them all, then the second, and so on.

    Dimension indices decide, else InstanceNumber, else times. None where positions hold different numbers of
    slices, where volumes would be mixed, or where the order may begin within a volume.
    """
    if len(positions.counts) > 1:
        return None
    volumes = _ranked(positions, _indices) or _by_numbers_and_times(positions)
    return None if volumes is None else ((REPETITION,), volumes)


def joined_parts(positions: Positions, split: Split) -> Split | None:
    """Join the slabs, or the packages, of volumes that have times of their own; None where volumes have none.

    Whole volumes take all positions, which are regular, and the times order the slices of each as numbers do.
    """
    keywords, parts = split
    are_parts = OF_PARTS.issuperset(keywords) and len(parts) > positions.most and positions.are_nested(parts)
    if not are_parts or len(positions.counts) > 1 or not positions.are_regular:
        return None
    volumes = _ranked(positions, _number)
    by_times = _ranked(positions, lambda header: sortable(positions.values(keywords, header)))
    if volumes is None or by_times is None or _contents(volumes) != _contents(by_times):
        return None
    return (REPETITION,), by_times


def _by_numbers_and_times(positions: Positions) -> list[Slices] | None:
    """Rank by a time, else by numbers, into the very volumes that numbers tell, and InversionTime, where they do."""
    numbered = _by_numbers(positions)
    if _may_begin_within(numbered, positions):
        return None
    timed = (_ranked(positions, rank) for rank in _clocks(positions, RANKS))
    inverted = _ranked(positions, partial(_time, positions, "InversionTime"))
    told = [_contents(volumes) for volumes in (numbered, inverted) if volumes]
    ranked = (volumes for volumes in (*timed, numbered) if volumes)
    return next((volumes for volumes in ranked if all(_contents(volumes) == each for each in told)), None)


def _by_numbers(positions: Positions) -> list[Slices] | None:
    """Rank by numbers; where they run in no order, by a clock that does, if there is one."""
    numbered = _ranked(positions, _number)
    if numbered is None or _run_in_order(numbered, positions):
        return numbered
    return _by_clock(positions) or numbered


def _may_begin_within(numbered: list[Slices] | None, positions: Positions) -> bool:
    """Tell whether the order may begin within a volume: numbers do so in each, or the series may be cut."""
    if numbered and _are_turned(numbered):
        return True
    return not (numbered and _run_along(numbered)) and _may_be_cut(positions)


def _by_clock(positions: Positions) -> list[Slices] | None:
    """Rank by a time that runs volume by volume, or position by position."""
    for rank in _clocks(positions, (*RANKS, "AcquisitionTime")):
        volumes = _ranked(positions, rank)
        if volumes and _run_in_order(volumes, positions, rank):
            return volumes
    return None


def _clocks(positions: Positions, keywords: Iterable[str]) -> list[Rank]:
    return [partial(_time, positions, keyword) for keyword in keywords]


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


def _are_turned(volumes: Sequence[Slices]) -> bool:
    """Tell whether numbers run through each volume from its middle on: then each is parts of two."""
    return _follow_each_other(volumes) and all(map(_is_turned, volumes))


def _is_turned(volume: Slices) -> bool:
    count = len(volume)
    places = sorted(range(count), key=lambda place: _number(volume[place]))
    turned = [[(places[0] + step * number) % count for number in range(count)] for step in (1, -1)]
    return count >= FEWEST_TURNED and places in turned and not _is_straight(places)


def _run_along(volumes: Sequence[Slices]) -> bool:
    """Tell whether numbers run through one volume after the other, and straight along each."""
    return _follow_each_other(volumes) and all(_is_straight(list(map(_number, volume))) for volume in volumes)


def _run_in_order(volumes: Sequence[Slices], positions: Positions, rank_of: Rank = _number) -> bool:
    """Tell whether numbers, or times, run volume by volume, or position by position."""
    by_position = sorted(positions.runs, key=lambda run: min(map(rank_of, run)))
    return _follow_each_other(volumes, rank_of) or _follow_each_other(by_position, rank_of)


def _follow_each_other(several: Sequence[Slices], rank_of: Rank = _number) -> bool:
    ranks = [list(map(rank_of, slices)) for slices in several]
    return all(max(before) < min(after) for before, after in pairwise(ranks))


def _is_straight(told: Sequence[Any]) -> bool:
    return told in (sorted(told), sorted(told, reverse=True))


def _may_be_cut(positions: Positions) -> bool:
    """Tell whether a time may be that of volumes of which the first lacks slices, and the last has only those."""
    times = [keywords for keywords in DISCRIMINATORS if not MAY_DIFFER_IN_EACH_IMAGE.isdisjoint(keywords)]
    return any(_is_cut(positions.places(positions.at_most_once(keywords)), positions) for keywords in times)


def _is_cut(places: Sequence[set[int]], positions: Positions) -> bool:
    """Tell whether all volumes but the first and the last are whole, where these make up one."""
    count = len(positions.runs)
    return len(places) == positions.most + 1 and all(len(each) == count for each in places[1:-1])


def _indices(header: SliceHeader) -> tuple[float, ...]:
    return header.elements.binary(_DIMENSION_INDEX_VALUES)


def _time(positions: Positions, keyword: str, header: SliceHeader) -> tuple[float, ...]:
    return numbers_in(positions.read[id(header)][keyword])

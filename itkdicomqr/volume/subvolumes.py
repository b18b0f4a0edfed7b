"""Several volumes at the same positions: what tells their slices apart.

A stack in which positions repeat holds echoes, time points, phases, diffusion directions or
reconstructions. The smallest set of attributes that puts at most one slice of each volume at each
position splits it; where none does but all positions repeat equally often, the order within each
position does, by a dimension index, a time or InstanceNumber; otherwise it is refused. Without repeats,
volumes may still lie among each other, one between the slices of another.
"""

from __future__ import annotations

from collections import defaultdict
from functools import partial
from itertools import chain, combinations, pairwise
from typing import TYPE_CHECKING, Any

from itkdicomqr.errors import AmbiguousVolumesError
from itkdicomqr.volume.discriminators import (
    APART_AT_ANY_HEIGHT,
    DISCRIMINATORS,
    MAY_DIFFER_IN_EACH_IMAGE,
    NEVER_MIXED,
    RANKS,
    SOURCES,
    may_differ,
    numbers_in,
    read_all,
)
from itkdicomqr.volume.geometry import normal
from itkdicomqr.volume.grouping import Stack, by_number, in_order, repeats
from itkdicomqr.volume.regularity import regularity_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from itkdicomqr.volume.elements import Value
    from itkdicomqr.volume.headers import SliceHeader

    Values = tuple[Value, ...]
    Run = list[SliceHeader]
    """The slices at one position."""
    Split = tuple[tuple[str, ...], list[Run]]
    """The attributes that tell volumes apart, and the slices of each volume."""
    Read = Mapping[int, Mapping[str, Values]]
    """The values of the attributes, of each slice by its identity."""
    Rank = Callable[[SliceHeader], tuple[Any, ...]]
    """What sorts the slices of a position."""

REPETITION = "repetition"
"""The key of volumes that only the order of InstanceNumber tells apart, counted from 0."""

DIMENSION_INDEX_VALUES = 0x00209157

MOST_ATTRIBUTES = 2
"""How many attributes together may tell volumes apart."""

VOLUMES_PER_REPEAT = 1.5
"""A time that differs in every image is no answer: it may give this many volumes for each repeat, and one more."""

FEWEST_AMONG_OTHERS = 2
"""How many slices a volume has at least that is told apart without sharing a position with another."""

MOST_SHOWN = 5
"""How many positions, and how many instances of each, an error names."""


def separated(stack: Stack) -> list[Stack]:
    """Split a stack into one for each volume.

    The key of each names what splits it, then whatever else is one value in each volume and differs
    among them.

    Raises
    ------
    AmbiguousVolumesError
        Nothing tells the slices of a position apart.
    """
    runs = repeats(stack.slices)
    repeated = max(map(len, runs)) > 1
    if not repeated and not _may_lie_among_each_other(stack.slices):
        return [stack]
    values = read_all([header.elements for header in stack.slices])
    read = {id(header): each for header, each in zip(stack.slices, values, strict=True)}
    split = _of_repeats(runs, read) if repeated else _among_each_other(runs, read)
    if split is None and not repeated:
        return [stack]
    if split is None:
        raise AmbiguousVolumesError(_ambiguity(runs))
    keys = _keys(*split, read)
    return [Stack(in_order(slices), {**stack.key, **key}) for key, slices in zip(keys, split[1], strict=True)]


def _of_repeats(runs: Sequence[Run], read: Read) -> Split | None:
    """Split by attributes, unless they tell parts of volumes that the order within each position makes whole."""
    split = _by_attributes(runs, read)
    if split is not None and not _are_parts(split[1], runs):
        return split
    return _by_rank(runs, read) or split


def _are_parts(volumes: Sequence[Run], runs: Sequence[Run]) -> bool:
    """Tell whether volumes are the slabs or the interleaved halves of larger ones, in each of which all slices fit."""
    if len(volumes) <= max(map(len, runs)) or not _are_nested(_places(volumes, runs)):
        return False
    first = runs[0][0]
    positions = [run[0].position for run in runs if run[0].position is not None]
    return first.orientation is not None and regularity_of(positions, normal(first.orientation)).is_even


def _by_attributes(runs: Sequence[Run], read: Read) -> Split | None:
    """Split by the smallest set of attributes that leaves no repeats, into the fewest volumes."""
    varying = [keywords for keywords in DISCRIMINATORS if len({_values(keywords, of) for of in read.values()}) > 1]
    for count in range(1, MOST_ATTRIBUTES + 1):
        sets = (tuple(chain.from_iterable(several)) for several in combinations(varying, count))
        splits = [(keywords, volumes) for keywords in sets if (volumes := _split(runs, keywords, read))]
        if splits:
            return min(splits, key=lambda split: len(split[1]))
    return None


def _split(runs: Sequence[Run], keywords: tuple[str, ...], read: Read) -> list[Run] | None:
    """Split by the values of some attributes, unless two slices of one volume share a position."""
    told = _at_most_once(runs, keywords, read)
    if not told or (len(runs) > 1 and len(told) == sum(map(len, runs))):
        return None
    if MAY_DIFFER_IN_EACH_IMAGE.isdisjoint(keywords):
        return told
    return told if _are_times_of_volumes(told, runs) and not _mixes(told, runs, read) else None


def _at_most_once(runs: Sequence[Run], keywords: tuple[str, ...], read: Read) -> list[Run]:
    """Gather what has the same values, in their order; nothing where two slices of a position do."""
    volumes: dict[tuple[Values, ...], Run] = defaultdict(list)
    for run in runs:
        keys = [_values(keywords, read[id(header)]) for header in run]
        if len(set(keys)) < len(keys):
            return []
        for key, header in zip(keys, run, strict=True):
            volumes[key].append(header)
    return [volumes[key] for key in sorted(volumes, key=_sortable)]


def _are_times_of_volumes(volumes: Sequence[Run], runs: Sequence[Run]) -> bool:
    """Tell whether times are those of whole volumes, and do not tick on within one.

    Where there are more of them than repeats, every two volumes share all of their positions, or none.
    """
    return len(volumes) <= max(map(len, runs)) or (_are_few(volumes, runs) and _are_nested(_places(volumes, runs)))


def _are_few(volumes: Sequence[Run], runs: Sequence[Run]) -> bool:
    return len(volumes) <= VOLUMES_PER_REPEAT * max(map(len, runs)) + 1


def _are_nested(places: Sequence[set[int]]) -> bool:
    return all(one == other or one.isdisjoint(other) for one, other in combinations(places, 2))


def _places(volumes: Sequence[Run], runs: Sequence[Run]) -> list[set[int]]:
    """Give the positions of each volume, by their numbers."""
    place_of = {id(header): place for place, run in enumerate(runs) for header in run}
    return [{place_of[id(header)] for header in volume} for volume in volumes]


def _may_lie_among_each_other(slices: Sequence[SliceHeader]) -> bool:
    """Tell whether an attribute of volumes differs among enough slices for two."""
    if len(slices) < 2 * FEWEST_AMONG_OTHERS or slices[0].position is None:
        return False
    return may_differ([header.elements for header in slices], APART_AT_ANY_HEIGHT)


def _among_each_other(runs: Sequence[Run], read: Read) -> Split | None:
    """Split by an attribute of volumes of which one begins before another ends, though no position repeats."""
    slices = [run[0] for run in runs]
    for keyword in APART_AT_ANY_HEIGHT:
        volumes: dict[Values, list[int]] = defaultdict(list)
        for place, header in enumerate(slices):
            volumes[read[id(header)][keyword]].append(place)
        spans = sorted((places[0], places[-1]) for places in volumes.values())
        overlapping = any(before[1] > after[0] for before, after in pairwise(spans))
        if overlapping and min(map(len, volumes.values())) >= FEWEST_AMONG_OTHERS:
            told = sorted(volumes, key=lambda value: _sortable((value,)))
            return (keyword,), [[slices[place] for place in volumes[value]] for value in told]
    return None


def _by_rank(runs: Sequence[Run], read: Read) -> Split | None:
    """Take the first slice of each position by whatever orders them all, then the second, and so on."""
    if len(set(map(len, runs))) > 1:
        return None
    volumes = _ranked(runs, read, _indices) or _in_order(runs, read)
    return None if volumes is None else ((REPETITION,), volumes)


def _in_order(runs: Sequence[Run], read: Read) -> list[Run] | None:
    """Rank by numbers, or by times where numbers do not; times that give the same volumes decide in which order."""
    found = [volumes for rank_of in (_number, *_times(read)) if (volumes := _ranked(runs, read, rank_of))]
    if not found or (_may_be_cut(runs, read) and not _follow_each_other(found[0])):
        return None
    return next(volumes for volumes in reversed(found) if _contents(volumes) == _contents(found[0]))


def _ranked(runs: Sequence[Run], read: Read, rank_of: Rank) -> list[Run] | None:
    """Sort the slices of each position; None where one is told no rank, or two the same, or volumes would be mixed."""
    count = len(runs[0])
    ranks = [[rank_of(header) for header in run] for run in runs]
    if any(() in told or len(set(told)) < count for told in ranks):
        return None
    ordered = [sorted(run, key=rank_of) for run in runs]
    volumes = [[run[rank] for run in ordered] for rank in range(count)]
    return None if _mixes(volumes, runs, read) else volumes


def _contents(volumes: Iterable[Run]) -> set[frozenset[int]]:
    return {frozenset(map(id, volume)) for volume in volumes}


def _follow_each_other(volumes: Sequence[Run]) -> bool:
    """Tell whether numbers run through one volume after the other, and along each."""
    numbers = [[by_number(header) for header in volume] for volume in volumes]
    along = all(told in (sorted(told), sorted(told, reverse=True)) for told in numbers)
    return along and all(max(before) < min(after) for before, after in pairwise(numbers))


def _may_be_cut(runs: Sequence[Run], read: Read) -> bool:
    """Tell whether a time may be that of volumes of which the first lacks slices and the last has only those."""
    for keywords in DISCRIMINATORS:
        if not MAY_DIFFER_IN_EACH_IMAGE.isdisjoint(keywords):
            volumes = _at_most_once(runs, keywords, read)
            is_more = len(volumes) > len(runs[0]) and _are_few(volumes, runs)
            if is_more and not _are_nested(_places(volumes, runs)):
                return True
    return False


def _indices(header: SliceHeader) -> tuple[float, ...]:
    return header.elements.binary(DIMENSION_INDEX_VALUES)


def _number(header: SliceHeader) -> tuple[int, ...]:
    return () if header.instance_number is None else (header.instance_number, header.frame)


def _times(read: Read) -> list[Rank]:
    return [partial(_rank_by, read, keyword) for keyword in RANKS]


def _rank_by(read: Read, keyword: str, header: SliceHeader) -> tuple[Any, ...]:
    return numbers_in(read[id(header)][keyword])


def _mixes(volumes: Iterable[Run], runs: Sequence[Run], read: Read) -> bool:
    """Tell whether a volume would hold slices that never belong to one; what belongs to a position is no matter."""
    telling = [keyword for keyword in NEVER_MIXED if not all(_is_one_value(keyword, run, read) for run in runs)]
    return any(not _is_one_value(keyword, volume, read) for volume in volumes for keyword in telling)


def _keys(keywords: tuple[str, ...], volumes: Sequence[Run], read: Read) -> list[dict[str, Any]]:
    """Describe each volume by what splits it, and by what else is one value in each and differs among them."""
    others = [keyword for keyword in SOURCES if keyword not in keywords]
    telling = [keyword for keyword in others if all(_is_one_value(keyword, volume, read) for volume in volumes)]
    keys: list[dict[str, Any]] = [{REPETITION: rank} if REPETITION in keywords else {} for rank in range(len(volumes))]
    for keyword in (*keywords, *telling):
        values = [read[id(volume[0])].get(keyword, ()) for volume in volumes]
        if len(set(values)) > 1:
            for key, value in zip(keys, values, strict=True):
                key[keyword] = value[0] if len(value) == 1 else value
    return keys


def _is_one_value(keyword: str, volume: Run, read: Read) -> bool:
    return len({read[id(header)][keyword] for header in volume}) == 1


def _values(keywords: Iterable[str], read: Mapping[str, Values]) -> tuple[Values, ...]:
    return tuple(read[keyword] for keyword in keywords)


def _sortable(key: tuple[Values, ...]) -> list[list[tuple[bool, Value]]]:
    """Put numbers before words, so that both can be compared."""
    return [[(isinstance(part, str), part) for part in value] for value in key]


def _ambiguity(runs: Sequence[Run]) -> str:
    """Say what is shared, and why the order does not help; positions that lack slices are named first."""
    counts = sorted(set(map(len, runs)))
    named = sorted((run for run in runs if len(run) > 1 or len(counts) > 1), key=len)
    shown = "; ".join(map(_described, named[:MOST_SHOWN]))
    more = f" and {len(named) - MOST_SHOWN} more positions" if len(named) > MOST_SHOWN else ""
    uneven = f"the positions hold {' or '.join(map(str, counts))} slices"
    unordered = "it is missing, or equal, or mixes what differs in them"
    return (
        f"several slices share a position ({shown}{more}), no attribute, nor two together, tells their volumes apart, "
        f"and neither does the order of InstanceNumber (0020,0013): {uneven if len(counts) > 1 else unordered}; "
        "pass the instances of one volume only"
    )


def _described(run: Run) -> str:
    position = ", ".join(f"{axis:g}" for axis in run[0].position or ())
    instances = ", ".join(header.sop_instance_uid for header in run[:MOST_SHOWN])
    more = ", …" if len(run) > MOST_SHOWN else ""
    return f"{len(run)} at {position}: {instances}{more}"

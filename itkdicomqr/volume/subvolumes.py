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
    read_discriminators,
)
from itkdicomqr.volume.grouping import Stack, in_order, repeats

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from itkdicomqr.volume.elements import Value
    from itkdicomqr.volume.headers import SliceHeader

    Values = tuple[Value, ...]
    Run = list[SliceHeader]
    """The slices at one position."""
    Split = tuple[tuple[str, ...], list[Run]]
    """The attributes that tell volumes apart, and the slices of each volume."""
    Read = Mapping[int, Mapping[str, Values]]
    """The values of the attributes, of each slice by its identity."""

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
    read = {id(header): read_discriminators(header.elements) for header in stack.slices}
    split = _by_attributes(runs, read) or _by_rank(runs, read) if repeated else _among_each_other(runs, read)
    if split is None and not repeated:
        return [stack]
    if split is None:
        raise AmbiguousVolumesError(_ambiguity(runs))
    keys = _keys(*split, read)
    return [Stack(in_order(slices), {**stack.key, **key}) for key, slices in zip(keys, split[1], strict=True)]


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
    volumes: dict[tuple[Values, ...], Run] = defaultdict(list)
    places: dict[tuple[Values, ...], set[int]] = defaultdict(set)
    for place, run in enumerate(runs):
        keys = [_values(keywords, read[id(header)]) for header in run]
        if len(set(keys)) < len(keys):
            return None
        for key, header in zip(keys, run, strict=True):
            volumes[key].append(header)
            places[key].add(place)
    if len(runs) > 1 and len(volumes) == sum(map(len, runs)):
        return None
    told = [volumes[key] for key in sorted(volumes, key=_sortable)]
    if MAY_DIFFER_IN_EACH_IMAGE.isdisjoint(keywords):
        return told
    are_volumes = _are_times_of_volumes(list(places.values()), max(map(len, runs))) and not _mixes(told, read)
    return told if are_volumes else None


def _are_times_of_volumes(places: Sequence[set[int]], repeats: int) -> bool:
    """Tell whether times are those of whole volumes, and do not tick on within one.

    Where there are more of them than repeats, every two volumes share all of their positions, or none.
    """
    if len(places) <= repeats:
        return True
    are_few = len(places) <= VOLUMES_PER_REPEAT * repeats + 1
    return are_few and all(one == other or one.isdisjoint(other) for one, other in combinations(places, 2))


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
    count = len(runs[0])
    if any(len(run) != count for run in runs):
        return None
    for rank_of in _rankings(read):
        ranks = [[rank_of(header) for header in run] for run in runs]
        if all(() not in told and len(set(told)) == count for told in ranks):
            ordered = [sorted(run, key=rank_of) for run in runs]
            volumes = [[run[rank] for run in ordered] for rank in range(count)]
            if not _mixes(volumes, read):
                return (REPETITION,), volumes
    return None


def _rankings(read: Read) -> Iterator[Callable[[SliceHeader], tuple[Any, ...]]]:
    """Give what may order the slices of a position; each returns nothing for a slice that does not tell it."""
    yield lambda header: header.elements.binary(DIMENSION_INDEX_VALUES)
    for keyword in RANKS:
        yield partial(_rank_by, read, keyword)
    yield lambda header: () if header.instance_number is None else (header.instance_number, header.frame)


def _rank_by(read: Read, keyword: str, header: SliceHeader) -> tuple[Any, ...]:
    values = read[id(header)][keyword]
    return values if all(isinstance(value, float) for value in values) else ()


def _mixes(volumes: Iterable[Run], read: Read) -> bool:
    """Tell whether a volume would hold slices that never belong to one."""
    return any(not _is_one_value(keyword, volume, read) for volume in volumes for keyword in NEVER_MIXED)


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

"""Several volumes at the same positions: what tells their slices apart.

A stack in which positions repeat holds echoes, time points, phases, diffusion directions or
reconstructions. The smallest set of attributes that puts at most one slice of each volume at each
position splits it; where none does but all positions repeat equally often, the order of InstanceNumber
within each position does; otherwise it is refused.
"""

from __future__ import annotations

from collections import defaultdict
from itertools import chain, combinations
from typing import TYPE_CHECKING, Any

from itkdicomqr.errors import AmbiguousVolumesError
from itkdicomqr.volume.discriminators import (
    DISCRIMINATORS,
    MAY_DIFFER_IN_EACH_IMAGE,
    NEVER_MIXED,
    SOURCES,
    read_discriminators,
)
from itkdicomqr.volume.grouping import Stack, by_number, in_order, repeats

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

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

MOST_ATTRIBUTES = 2
"""How many attributes together may tell volumes apart."""

VOLUMES_PER_REPEAT = 1.5
"""A time that differs in every image is no answer: it may give this many volumes for each repeat, and one more."""

MOST_SHOWN = 5
"""How many positions, and how many instances of each, an error names."""


def separated(stack: Stack) -> list[Stack]:
    """Split a stack in which positions repeat into one for each volume; any other is its own.

    The key of each names what splits it, then whatever else is one value in each volume and differs
    among them.

    Raises
    ------
    AmbiguousVolumesError
        Nothing tells the slices of a position apart.
    """
    runs = repeats(stack.slices)
    if max(map(len, runs)) == 1:
        return [stack]
    read = {id(header): read_discriminators(header.elements) for header in stack.slices}
    split = _by_attributes(runs, read) or _by_repetition(runs, read)
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
    for run in runs:
        keys = [_values(keywords, read[id(header)]) for header in run]
        if len(set(keys)) < len(keys):
            return None
        for key, header in zip(keys, run, strict=True):
            volumes[key].append(header)
    most = VOLUMES_PER_REPEAT * max(map(len, runs)) + 1
    if not MAY_DIFFER_IN_EACH_IMAGE.isdisjoint(keywords) and len(volumes) > most:
        return None
    if len(runs) > 1 and len(volumes) == sum(map(len, runs)):
        return None
    return [volumes[key] for key in sorted(volumes, key=_sortable)]


def _by_repetition(runs: Sequence[Run], read: Read) -> Split | None:
    """Take the first slice of each position by InstanceNumber, then the second, and so on."""
    count = len(runs[0])
    headers = list(chain.from_iterable(runs))
    numbers = {(header.instance_number, header.frame) for header in headers if header.instance_number is not None}
    if any(len(run) != count for run in runs) or len(numbers) < len(headers):
        return None
    ranked = [sorted(run, key=by_number) for run in runs]
    volumes = [[run[rank] for run in ranked] for rank in range(count)]
    mixed = any(not _is_one_value(keyword, volume, read) for volume in volumes for keyword in NEVER_MIXED)
    return None if mixed else ((REPETITION,), volumes)


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
    repeated = [run for run in runs if len(run) > 1]
    shown = "; ".join(map(_described, repeated[:MOST_SHOWN]))
    more = f" and {len(repeated) - MOST_SHOWN} more positions" if len(repeated) > MOST_SHOWN else ""
    counts = sorted(set(map(len, runs)))
    return (
        f"several slices share a position ({shown}{more}), no attribute tells their volumes apart, and neither does "
        f"the order of InstanceNumber (0020,0013): the positions hold {' or '.join(map(str, counts))} slices; "
        "pass the instances of one volume only"
    )


def _described(run: Run) -> str:
    position = ", ".join(f"{axis:g}" for axis in run[0].position or ())
    instances = ", ".join(header.sop_instance_uid for header in run[:MOST_SHOWN])
    more = ", …" if len(run) > MOST_SHOWN else ""
    return f"{len(run)} at {position}: {instances}{more}"

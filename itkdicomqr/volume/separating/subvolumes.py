"""Several volumes at the same positions: what tells their slices apart.

A stack in which positions repeat holds echoes, time points, phases, diffusion directions or
reconstructions. The smallest set of attributes that puts at most one slice of each volume at each
position splits it; where none does but all positions repeat equally often, the order within each
position does, by a dimension index, InstanceNumber or a time; otherwise it is refused. Without repeats,
volumes may still lie among each other, one between the slices of another.
"""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from itkdicomqr.errors import AmbiguousVolumesError
from itkdicomqr.prose import in_brackets, listed
from itkdicomqr.volume.separating.by_attributes import split_by_attributes
from itkdicomqr.volume.separating.by_order import REPETITION, joined_parts, split_by_order
from itkdicomqr.volume.separating.discriminators import (
    APART_AT_ANY_HEIGHT,
    DISCRIMINATORS,
    LAST_RESORT,
    SOURCES,
    Standard,
    may_differ,
)
from itkdicomqr.volume.separating.grouping import in_order, repeats
from itkdicomqr.volume.separating.positions import Positions, sortable
from itkdicomqr.volume.stack import Stack

if TYPE_CHECKING:
    from collections.abc import Sequence

    from itkdicomqr.volume.headers import SliceHeader
    from itkdicomqr.volume.separating.positions import Slices, Split, Values

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
    split_up = _of_repeats if _has_repeats(stack) else _among_each_other if _may_lie_among(stack.slices) else None
    if split_up is None:
        return [stack]
    positions = Positions.of(stack.slices)
    split = split_up(positions)
    if split is None:
        return [stack]
    keys = _keys(*split, positions)
    return [Stack(in_order(slices), {**stack.key, **key}) for key, slices in zip(keys, split[1], strict=True)]


def _has_repeats(stack: Stack) -> bool:
    return max(map(len, repeats(stack.slices))) > 1


def _of_repeats(positions: Positions) -> Split:
    """Split by attributes, else by the order within each position, else by what may differ within a volume."""
    told = split_by_attributes(positions, DISCRIMINATORS)
    if told is not None:
        return joined_parts(positions, told) or told
    split = split_by_order(positions) or split_by_attributes(positions, (*DISCRIMINATORS, *LAST_RESORT))
    if split is None:
        raise AmbiguousVolumesError(_ambiguity(positions))
    return split


def _may_lie_among(slices: Sequence[SliceHeader]) -> bool:
    """Tell whether an attribute of volumes differs among enough slices for two."""
    if len(slices) < 2 * FEWEST_AMONG_OTHERS or slices[0].position is None:
        return False
    return may_differ([header.elements for header in slices], APART_AT_ANY_HEIGHT, Standard)


def _among_each_other(positions: Positions) -> Split | None:
    """Split by an attribute of volumes of which one begins before another ends, though no position repeats."""
    slices = [run[0] for run in positions.runs]
    for keyword in APART_AT_ANY_HEIGHT:
        volumes: dict[Values, list[int]] = defaultdict(list)
        for place, header in enumerate(slices):
            volumes[positions.read[id(header)][keyword]].append(place)
        spans = sorted((places[0], places[-1]) for places in volumes.values())
        overlapping = any(before[1] > after[0] for before, after in pairwise(spans))
        if overlapping and () not in volumes and min(map(len, volumes.values())) >= FEWEST_AMONG_OTHERS:
            told = sorted(volumes, key=lambda value: sortable((value,)))
            return (keyword,), [[slices[place] for place in volumes[value]] for value in told]
    return None


def _keys(keywords: tuple[str, ...], volumes: Sequence[Slices], positions: Positions) -> list[dict[str, Any]]:
    """Describe each volume by what splits it, and by what else is one value in each and differs among them."""
    others = [keyword for keyword in SOURCES if keyword not in keywords]
    telling = [keyword for keyword in others if all(positions.is_one_value(keyword, volume) for volume in volumes)]
    keys: list[dict[str, Any]] = [{REPETITION: rank} if REPETITION in keywords else {} for rank in range(len(volumes))]
    for keyword in (*keywords, *telling):
        values = [positions.read[id(volume[0])].get(keyword, ()) for volume in volumes]
        if len(set(values)) > 1:
            for key, value in zip(keys, values, strict=True):
                key[keyword] = value[0] if len(value) == 1 else value
    return keys


def _ambiguity(positions: Positions) -> str:
    """Say what is shared, and why the order does not help; positions that lack slices are named first."""
    counts = positions.counts
    shown = listed(map(_described, sorted(positions.runs, key=len)), MOST_SHOWN, between="; ")
    uneven = f"the positions hold {' or '.join(map(str, counts))} slices"
    unordered = "it is missing, or equal, or begins within a volume, or mixes what differs in them"
    return (
        f"several slices share a position ({shown}), no attribute, nor two together, tells their volumes apart, "
        f"and neither does the order of InstanceNumber (0020,0013): {uneven if len(counts) > 1 else unordered}; "
        "pass the instances of one volume only"
    )


def _described(run: Slices) -> str:
    instances = listed((header.sop_instance_uid for header in run), MOST_SHOWN)
    return f"{len(run)} at {in_brackets(run[0].position or ())}: {instances}"

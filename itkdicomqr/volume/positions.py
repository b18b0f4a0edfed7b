"""The slices of a stack by their positions, with what may tell those of one position apart."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

from itkdicomqr.volume.discriminators import NEVER_MIXED, read_all
from itkdicomqr.volume.grouping import repeats

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from itkdicomqr.volume.elements import Value
    from itkdicomqr.volume.headers import SliceHeader

    Values = tuple[Value, ...]
    Slices = list[SliceHeader]
    Split = tuple[tuple[str, ...], list[Slices]]
    """The attributes that tell volumes apart, and the slices of each volume."""

VOLUMES_PER_REPEAT = 1.5
"""A time that differs in every image is no answer: it may give this many volumes for each repeat, and one more."""


@dataclass(frozen=True, eq=False)
class Positions:
    """Slices in runs at one position each.

    Attributes
    ----------
    runs : sequence of list of SliceHeader
        In order along the normal.
    read : mapping
        The values of each attribute, of each slice by its identity.
    """

    runs: Sequence[Slices]
    read: Mapping[int, Mapping[str, Values]]

    @classmethod
    def of(cls, slices: Sequence[SliceHeader]) -> Positions:
        """Gather slices that are in order."""
        read = read_all([header.elements for header in slices])
        return cls(repeats(slices), {id(header): values for header, values in zip(slices, read, strict=True)})

    @property
    def most(self) -> int:
        """How many slices a position has at most."""
        return max(map(len, self.runs))

    @property
    def counts(self) -> list[int]:
        """The numbers of slices that positions have."""
        return sorted(set(map(len, self.runs)))

    def values(self, keywords: Iterable[str], header: SliceHeader) -> tuple[Values, ...]:
        """Return the values of some attributes of a slice."""
        read = self.read[id(header)]
        return tuple(read[keyword] for keyword in keywords)

    def is_one_value(self, keyword: str, slices: Slices) -> bool:
        """Tell whether slices share an attribute."""
        return len({self.read[id(header)][keyword] for header in slices}) == 1

    def at_most_once(self, keywords: tuple[str, ...]) -> list[Slices]:
        """Gather the slices that share some attributes, in their order; nothing where two of a position do."""
        volumes: dict[tuple[Values, ...], Slices] = defaultdict(list)
        for run in self.runs:
            keys = [self.values(keywords, header) for header in run]
            if len(set(keys)) < len(keys):
                return []
            for key, header in zip(keys, run, strict=True):
                volumes[key].append(header)
        return [volumes[key] for key in sorted(volumes, key=sortable)]

    def are_few(self, volumes: Sequence[Slices]) -> bool:
        """Tell whether there are about as many volumes as slices of a position."""
        return len(volumes) <= VOLUMES_PER_REPEAT * self.most + 1

    def are_nested(self, volumes: Sequence[Slices]) -> bool:
        """Tell whether every two volumes share all of their positions, or none."""
        place_of = {id(header): place for place, run in enumerate(self.runs) for header in run}
        places = [{place_of[id(header)] for header in volume} for volume in volumes]
        return all(one == other or one.isdisjoint(other) for one, other in combinations(places, 2))

    def mixes(self, volumes: Iterable[Slices]) -> bool:
        """Tell whether a volume would hold slices that never belong to one; what belongs to a position is no matter."""
        telling = [keyword for keyword in NEVER_MIXED if not all(self.is_one_value(keyword, run) for run in self.runs)]
        return any(not self.is_one_value(keyword, volume) for volume in volumes for keyword in telling)


def sortable(key: tuple[Values, ...]) -> list[list[tuple[bool, Value]]]:
    """Put numbers before words, so that both can be compared."""
    return [[(isinstance(part, str), part) for part in value] for value in key]

"""The slices of a stack by their positions, with what may tell those of one position apart."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from typing import TYPE_CHECKING

from itkdicomqr.volume.grid.regularity import regularity_of
from itkdicomqr.volume.separating.discriminators import NEVER_MIXED, read_all
from itkdicomqr.volume.separating.grouping import repeats
from itkdicomqr.volume.vectors import normal

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence, Sized

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

    @property
    def are_regular(self) -> bool:
        """Whether positions are in even steps."""
        first = self.runs[0][0]
        places = [run[0].position for run in self.runs if run[0].position is not None]
        return first.orientation is not None and regularity_of(places, normal(first.orientation)).is_even

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

    def are_few(self, volumes: Sized) -> bool:
        """Tell whether there are about as many volumes, or values, as slices of a position."""
        return len(volumes) <= VOLUMES_PER_REPEAT * self.most + 1

    def are_nested(self, volumes: Sequence[Slices]) -> bool:
        """Tell whether every two volumes share all of their positions, or none."""
        return all(one == other or one.isdisjoint(other) for one, other in combinations(self.places(volumes), 2))

    def places(self, volumes: Sequence[Slices]) -> list[set[int]]:
        """Give the positions of each volume, by their numbers."""
        place_of = {id(header): place for place, run in enumerate(self.runs) for header in run}
        return [{place_of[id(header)] for header in volume} for volume in volumes]

    def mixes(self, volumes: Iterable[Slices]) -> bool:
        """Tell whether a volume would hold slices that never belong to one."""
        return any(not self.is_one_value(keyword, volume) for volume in volumes for keyword in self._telling)

    @cached_property
    def _telling(self) -> list[str]:
        """The attributes that no volume mixes, and by which the slices of a position differ."""
        return [keyword for keyword in NEVER_MIXED if self._tells_volumes(keyword)]

    def _tells_volumes(self, keyword: str) -> bool:
        """Tell whether an attribute differs within a position, and has not many more values than volumes."""
        values = {self.read[id(header)][keyword] for run in self.runs for header in run}
        return self.are_few(values) and not all(self.is_one_value(keyword, run) for run in self.runs)


def sortable(key: Iterable[Values]) -> tuple[tuple[tuple[bool, Value], ...], ...]:
    """Put numbers before words, so that both can be compared."""
    return tuple(tuple((isinstance(part, str), part) for part in value) for value in key)

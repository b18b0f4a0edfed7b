"""A stack with gaps or bends becomes several without: ``gaps="split"``."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from itkdicomqr.volume.grid.regularity import regularity_of
from itkdicomqr.volume.stack import Stack
from itkdicomqr.volume.vectors import difference, length, normal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from itkdicomqr.volume.headers import SliceHeader
    from itkdicomqr.volume.options import Options
    from itkdicomqr.volume.vectors import Vector

    Slices = tuple[SliceHeader, ...]

PART = "part"
"""The key of volumes that were one stack, counted from 0 along it."""


def regular_parts(stack: Stack, options: Options) -> list[Stack]:
    """Cut a stack where its steps change most until each part is regular, if ``gaps`` is ``"split"``.

    A part has at least one slice; those of two are regular already.
    """
    if options.gaps != "split" or stack.slices[0].position is None:
        return [stack]
    parts = list(_parts(stack.slices))
    return [stack] if len(parts) == 1 else [Stack(part, {**stack.key, PART: at}) for at, part in enumerate(parts)]


def _parts(slices: Slices) -> Iterator[Slices]:
    """Give the regular parts in their order."""
    towards = normal(slices[0].orientation or ())
    waiting = [slices]
    while waiting:
        part = waiting.pop()
        positions = [header.position for header in part if header.position is not None]
        regularity = regularity_of(positions, towards)
        if regularity.is_even and regularity.is_straight:
            yield part
        else:
            cut = _cut(positions)
            waiting += [part[cut:], part[:cut]]


def _cut(positions: list[Vector]) -> int:
    """Return the slice after the longer one of the two neighbouring steps that differ most."""
    steps = [difference(after, before) for before, after in pairwise(positions)]
    changes = [length(difference(after, before)) for before, after in pairwise(steps)]
    at = changes.index(max(changes))
    return at + 1 + (length(steps[at + 1]) > length(steps[at]))

"""What is said of each frame of a multi-frame instance (PS3.3 C.7.6.16)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from itkdicomqr.errors import CorruptInstanceError
from itkdicomqr.prose import counted
from itkdicomqr.volume.elements import vr_of
from itkdicomqr.volume.tags import (
    IMAGE_POSITION_PATIENT,
    PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE,
    SHARED_FUNCTIONAL_GROUPS_SEQUENCE,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from itkdicomqr.scan import Header, RawElement
    from itkdicomqr.volume.elements import Elements

_DIMENSION_ORGANIZATION_TYPE = 0x00209311
_TOTAL_PIXEL_MATRIX_COLUMNS = 0x00480006
_UNASSIGNED = frozenset({0x00209170, 0x00209171})
"""Unassigned Shared, and Per-frame, Converted Attributes Sequence."""

_GRADIENT_DIRECTION = 0x00189076
_GROUPS_WITHIN = frozenset({_GRADIENT_DIRECTION})
"""Sequences within a functional group whose elements are the frame's own."""


def frames_of(elements: Elements, count: int) -> list[Elements]:
    """Return the elements of each frame: the top level, overlaid by the shared and its own functional groups.

    A position at the top level is not that of several frames.

    Raises
    ------
    CorruptInstanceError
        There are not as many functional groups as frames, or they cannot be read.
    """
    shared = _flattened(elements, SHARED_FUNCTIONAL_GROUPS_SEQUENCE)
    if PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE not in elements and not shared:
        return [elements] * count
    own = _flattened(elements, PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE) or [{}] * count
    if len(own) != count:
        reason = f"has {counted(len(own), 'item')}, but NumberOfFrames (0028,0008) is {count}"
        raise elements.corrupt(PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE, reason)
    at_top = {tag: element for tag, element in elements.raw.items() if tag != IMAGE_POSITION_PATIENT or count == 1}
    common = at_top | {tag: element for item in shared for tag, element in item.items()}
    return [replace(elements, raw=common | item) for item in own]


def is_tiled(top: Elements) -> bool:
    """Tell whether frames are tiles of one plane (PS3.3 C.7.6.17.3, C.8.12.14)."""
    return top.text(_DIMENSION_ORGANIZATION_TYPE).startswith("TILED") or _TOTAL_PIXEL_MATRIX_COLUMNS in top


def _flattened(elements: Elements, tag: int) -> list[dict[int, RawElement]]:
    """Return the elements of each item of functional groups."""
    try:
        return [dict(_flat(item)) for item in elements.instance.elements.items_of(tag)]
    except CorruptInstanceError as error:
        raise elements.corrupt(tag, f"cannot be read: {error.args[0]}") from None


def _flat(functional_groups: Header) -> Iterator[tuple[int, RawElement]]:
    """Go through the elements of the standard functional groups of a frame; a vendor's may contradict them.

    What a conversion left unassigned (PS3.3 C.7.6.16.2.25) comes first: the other groups have the last word.
    """
    for tag, group in sorted(functional_groups.items(), key=lambda item: item[0] not in _UNASSIGNED):
        for item in functional_groups.items_of(tag) if vr_of(group) == "SQ" and not tag >> 16 & 1 else ():
            yield from _within(item)


def _within(item: Header) -> Iterator[tuple[int, RawElement]]:
    for tag, element in item.items():
        if tag not in _GROUPS_WITHIN:
            yield tag, element
            continue
        for inner in item.items_of(tag):
            yield from _within(inner)

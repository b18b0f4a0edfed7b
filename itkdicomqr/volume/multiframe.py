"""What is said of each frame of a multi-frame instance (PS3.3 C.7.6.16, C.8.8.3.2)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from itkdicomqr.volume.elements import Elements

SHARED_FUNCTIONAL_GROUPS = 0x52009229
PER_FRAME_FUNCTIONAL_GROUPS = 0x52009230

_GRADIENT_DIRECTION = 0x00189076
_GROUPS_WITHIN = frozenset({_GRADIENT_DIRECTION})
"""Sequences within a functional group whose elements are the frame's own."""


def frames_of(elements: Elements, count: int) -> list[Elements]:
    """Return the elements of each frame: the top level, overlaid by the shared and its own functional groups.

    Raises
    ------
    CorruptInstanceError
        There are not as many functional groups as frames.
    """
    if PER_FRAME_FUNCTIONAL_GROUPS not in elements:
        return [elements] * count
    try:
        shared, own = _flattened(elements, SHARED_FUNCTIONAL_GROUPS), _flattened(elements, PER_FRAME_FUNCTIONAL_GROUPS)
    except Exception:  # pydicom raises whatever damaged bytes happen to lead to
        raise elements.corrupt(PER_FRAME_FUNCTIONAL_GROUPS, "cannot be read") from None
    if len(own) != count:
        reason = f"has {len(own)} items, but NumberOfFrames (0028,0008) is {count}"
        raise elements.corrupt(PER_FRAME_FUNCTIONAL_GROUPS, reason)
    common = dict(elements.raw) | {tag: element for item in shared for tag, element in item.items()}
    return [replace(elements, raw=common | item) for item in own]


def _flattened(elements: Elements, tag: int) -> list[dict[int, Any]]:
    """Return the elements of each item of functional groups, which pydicom parses on demand."""
    return [dict(_flat(item)) for item in elements.instance.header[tag].value or ()] if tag in elements else []


def _flat(functional_groups: Any) -> Iterator[tuple[int, Any]]:
    """Go through the elements of the standard functional groups of a frame; a vendor's may contradict them."""
    for group in functional_groups:
        for item in group.value if group.VR == "SQ" and not group.tag.is_private else ():
            yield from _within(item)


def _within(item: Any) -> Iterator[tuple[int, Any]]:
    for tag, element in list(item.items()):
        if tag not in _GROUPS_WITHIN:
            yield int(tag), element
            continue
        for inner in item[tag].value:
            yield from _within(inner)

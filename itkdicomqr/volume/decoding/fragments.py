"""The frames of encapsulated pixel data (PS3.5 A.4)."""

from __future__ import annotations

import struct
from itertools import islice, pairwise
from typing import TYPE_CHECKING

from itkdicomqr.errors import CorruptInstanceError
from itkdicomqr.prose import counted

if TYPE_CHECKING:
    from collections.abc import Iterator

_ITEM = (0xFFFE, 0xE000)
_SEQUENCE_DELIMITER = (0xFFFE, 0xE0DD)
_ITEM_HEADER = 8

_BEGINNINGS = (b"\xff\xd8\xff", b"\xff\x4f\xff\x51")
"""Of a codestream of JPEG or JPEG-LS, and of JPEG 2000 (SOI and a marker; SOC and SIZ)."""

_END = b"\xff\xd9"
"""Of any of these (EOI, EOC)."""


def frames_of(items: memoryview, count: int) -> list[memoryview]:
    """Return the compressed frames that the fragments make; not copied where a frame is one fragment.

    Parameters
    ----------
    items : memoryview
        The basic offset table, then the fragments.
    count : int
        NumberOfFrames.

    Raises
    ------
    CorruptInstanceError
        The items are damaged, cut short, hold no fragment, or cannot be told to belong to which frame.
    """
    table, *fragments = list(_walk(items)) or [memoryview(b"")]
    if not fragments:
        message = "its encapsulated pixel data holds no fragment"
        raise CorruptInstanceError(message)
    if count == len(fragments):
        return fragments
    starts = [0] if count == 1 else _told_starts(table, fragments) if table else _seen_starts(fragments)
    if len(starts) != count:
        message = f"nothing tells how its {counted(len(fragments), 'fragment')} can be {count} frames"
        raise CorruptInstanceError(message)
    return [memoryview(b"".join(fragments[start:stop])) for start, stop in pairwise([*starts, len(fragments)])]


def first_fragment(items: memoryview) -> memoryview:
    """Return the first fragment, empty where there is none or the items are damaged."""
    try:
        return next(islice(_walk(items), 1, None), memoryview(b""))
    except CorruptInstanceError:
        return memoryview(b"")


def _seen_starts(fragments: list[memoryview]) -> list[int]:
    """Return the index of each fragment that begins a codestream where the one before has ended."""
    later = enumerate(pairwise(fragments), 1)
    return [0, *(index for index, (before, each) in later if _begins(each) and _has_ended(before))]


def _begins(fragment: memoryview) -> bool:
    return bytes(fragment[: max(map(len, _BEGINNINGS))]).startswith(_BEGINNINGS)


def _has_ended(fragment: memoryview) -> bool:
    return bytes(fragment[-4:]).rstrip(b"\0").endswith(_END)


def _told_starts(table: memoryview, fragments: list[memoryview]) -> list[int]:
    """Return the index of the first fragment of each frame that the offset table tells."""
    index_at = {}
    offset = 0
    for index, fragment in enumerate(fragments):
        index_at[offset] = index
        offset += _ITEM_HEADER + len(fragment)
    offsets = struct.unpack_from(f"<{len(table) // 4}I", table)
    return [index_at[offset] for offset in offsets if offset in index_at]


def _walk(items: memoryview) -> Iterator[memoryview]:
    offset = 0
    while offset + _ITEM_HEADER <= len(items):
        group, element, length = struct.unpack_from("<HHI", items, offset)
        if (group, element) == _SEQUENCE_DELIMITER:
            return
        if (group, element) != _ITEM or length > len(items) - offset - _ITEM_HEADER:
            break
        yield items[offset + _ITEM_HEADER : offset + _ITEM_HEADER + length]
        offset += _ITEM_HEADER + length
    message = f"its encapsulated pixel data is damaged or cut short at byte {offset}"
    raise CorruptInstanceError(message)

"""The items of encapsulated pixel data (PS3.5 A.4)."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from itkdicomqr.errors import CorruptInstanceError

if TYPE_CHECKING:
    from collections.abc import Iterator

_ITEM = (0xFFFE, 0xE000)
_SEQUENCE_DELIMITER = (0xFFFE, 0xE0DD)


def single_frame(items: memoryview) -> memoryview:
    """Return the one compressed frame that all fragments make; not copied where there is one fragment.

    Raises
    ------
    CorruptInstanceError
        The items are damaged, cut short, or hold no fragment.
    """
    _offset_table, *fragments = _items(items) or [memoryview(b"")]
    if not fragments:
        message = "its encapsulated pixel data holds no fragment"
        raise CorruptInstanceError(message)
    return fragments[0] if len(fragments) == 1 else memoryview(b"".join(fragments))


def _items(items: memoryview) -> list[memoryview]:
    return list(_walk(items))


def _walk(items: memoryview) -> Iterator[memoryview]:
    offset = 0
    while offset + 8 <= len(items):
        group, element, length = struct.unpack_from("<HHI", items, offset)
        if (group, element) == _SEQUENCE_DELIMITER:
            return
        if (group, element) != _ITEM or length > len(items) - offset - 8:
            break
        yield items[offset + 8 : offset + 8 + length]
        offset += 8 + length
    message = f"its encapsulated pixel data is damaged or cut short at byte {offset}"
    raise CorruptInstanceError(message)

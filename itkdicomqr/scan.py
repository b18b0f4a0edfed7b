"""Where the elements of an encoded data set lie, found without converting a value (PS3.5 7.1).

pydicom needs about a millisecond for the header of a CT slice, which is more than the slice takes
to arrive. This walk needs a tenth, and leaves the values where they are.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

from pydicom.uid import UID

from itkdicomqr.errors import CorruptInstanceError

FIRST_PIXEL_TAG = 0x7FE00008
LAST_PIXEL_TAG = 0x7FE00010
"""FloatPixelData, DoubleFloatPixelData and PixelData (PS3.6)."""

UNDEFINED_LENGTH = 0xFFFFFFFF
MAX_DEPTH = 32
"""Sequences within sequences: real headers reach 6."""

_ITEM, _ITEM_END, _SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
_LONG_VRS = frozenset({b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"})
"""VRs whose length takes four bytes, after two that are reserved (PS3.5 7.1.2)."""


Place = tuple[bytes, int, int]
"""VR (empty where the encoding is implicit), and the offsets at which the value begins and ends.

The value of a sequence of undefined length includes its items and delimiters.
"""

Header = tuple[int, bytes, int, int]


class Scan(NamedTuple):
    """The top-level elements before the pixel data, and where that begins.

    Attributes
    ----------
    places : dict
        Place by tag.
    end : int
        Offset of the pixel data element, or of the end.
    """

    places: dict[int, Place]
    end: int


def scan(data: memoryview, syntax: UID) -> Scan:
    """Find the elements before the pixel data.

    Parameters
    ----------
    data : memoryview
        The data set, not deflated.
    syntax : UID
        Its transfer syntax.

    Raises
    ------
    CorruptInstanceError
        An element reaches beyond the end, is out of order or nested too deep, or has no VR.
    """
    order = "<" if syntax.is_little_endian else ">"
    # Some files that say otherwise are implicit: no VR begins their first element.
    implicit = syntax.is_implicit_VR or not bytes(data[4:6]).isalpha()
    walk = _Walk(data, order)
    places: dict[int, Place] = {}
    offset, size = 0, len(data)
    header = walk.implicit_header if implicit else walk.explicit_header
    try:
        while offset < size:
            tag, vr, start, length = header(offset)
            if tag >= FIRST_PIXEL_TAG:
                break
            offset = start + length
            if length == UNDEFINED_LENGTH:
                offset = walk.end_of_items(start, implicit or vr == b"UN", 1)
            if offset > size:
                raise _damaged(f"({tag >> 16:04X},{tag & 0xFFFF:04X}) reaches beyond its end")
            places[tag] = (vr, start, offset)
    except struct.error:
        raise _damaged("an element is cut short") from None
    return Scan(places, offset)


class _Walk:
    """Elements of one data set, one after the other."""

    def __init__(self, data: memoryview, order: str) -> None:
        self._data = data
        self._implicit = struct.Struct(f"{order}HHI").unpack_from
        self._explicit = struct.Struct(f"{order}HH2sH").unpack_from
        self._long = struct.Struct(f"{order}I").unpack_from

    def implicit_header(self, offset: int) -> Header:
        """Read tag, no VR, offset of the value, and length."""
        group, element, length = self._implicit(self._data, offset)
        return group << 16 | element, b"", offset + 8, length

    def explicit_header(self, offset: int) -> Header:
        """Read tag, VR, offset of the value, and length."""
        group, element, vr, length = self._explicit(self._data, offset)
        if vr in _LONG_VRS:
            return group << 16 | element, vr, offset + 12, self._long(self._data, offset + 8)[0]
        return group << 16 | element, vr, offset + 8, length

    def end_of_items(self, offset: int, implicit: bool, depth: int) -> int:  # noqa: FBT001
        """Find the end of a sequence of undefined length (PS3.5 7.5)."""
        if depth > MAX_DEPTH:
            raise _damaged(f"its sequences are nested deeper than {MAX_DEPTH}")
        while True:
            tag, _, start, length = self.implicit_header(offset)
            if tag == _SEQUENCE_END:
                return start
            if tag != _ITEM:
                raise _damaged("a sequence holds something that is no item")
            offset = start + length if length != UNDEFINED_LENGTH else self._end_of_item(start, implicit, depth)

    def _end_of_item(self, offset: int, implicit: bool, depth: int) -> int:  # noqa: FBT001
        header = self.implicit_header if implicit else self.explicit_header
        while True:
            tag, vr, start, length = header(offset)
            if tag == _ITEM_END:
                return offset + 8
            offset = start + length
            if length == UNDEFINED_LENGTH:
                offset = self.end_of_items(start, implicit or vr == b"UN", depth + 1)


def _damaged(reason: str) -> CorruptInstanceError:
    return CorruptInstanceError(f"its data set is damaged: {reason}")

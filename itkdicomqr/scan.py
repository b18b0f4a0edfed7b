"""Where the elements of an encoded data set lie, found without converting a value (PS3.5 7.1).

pydicom needs about a millisecond for the header of a CT slice, which is more than the slice takes
to arrive. This walk needs a tenth, and leaves the values where they are.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from pydicom.uid import UID

from itkdicomqr.errors import CorruptInstanceError

FIRST_PIXEL_TAG = 0x7FE00008
LAST_PIXEL_TAG = 0x7FE00010
"""FloatPixelData, DoubleFloatPixelData and PixelData (PS3.6)."""

UNDEFINED_LENGTH = 0xFFFFFFFF
MAX_DEPTH = 32
"""Sequences within sequences: real headers reach 6."""

MAX_ELEMENTS, MAX_ITEMS = 1 << 16, 1 << 18
"""Elements beside each other, of which real headers have some hundred, and items of a sequence, which may be one for
each frame: each costs many times the eight bytes that it may have."""

_ITEM, _ITEM_END, _SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
_LONG_VRS = frozenset({b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"})
"""VRs whose length takes four bytes, after two that are reserved (PS3.5 7.1.2)."""


SHORTEST_PREFIX, LONGEST_PREFIX = 8, 12
"""Tag, VR and length of an element (PS3.5 7.1.2)."""

Place = tuple[bytes, int, int]
"""VR (empty where the encoding is implicit), and the offsets at which the value begins and ends.

The value of a sequence of undefined length includes its items and delimiters.
"""

Prefix = tuple[int, bytes, int, int]
"""Tag, VR, offset of the value, and length."""


class RawElement(NamedTuple):
    """An element as it is encoded.

    Attributes
    ----------
    tag : int
        Group and element number.
    VR : str
        Empty where the encoding is implicit.
    value : bytes
        Not converted.
    """

    tag: int
    VR: str
    value: bytes


@dataclass(frozen=True, eq=False)
class Outline:
    """Where the elements of a data set lie, whatever their values are.

    Attributes
    ----------
    places : mapping
        Place by tag.
    end : int
        Offset of the pixel data element, or of the end.
    implicit : bool
        Whether the encoding tells no VR.
    byte_order : str
        ``"<"`` or ``">"``, as struct writes it.
    """

    places: Mapping[int, Place]
    end: int
    implicit: bool
    byte_order: str


class Header(Mapping[int, RawElement]):
    """The top-level elements before the pixel data, in memory of their own.

    Parameters
    ----------
    data : bytes
        The encoded elements, followed by the first bytes of the pixel data element, if there is one.
    outline : Outline
        Where they lie.
    """

    def __init__(self, data: bytes, outline: Outline) -> None:
        self.data = data
        self.outline = outline
        self._places = outline.places

    @property
    def end(self) -> int:
        """Offset of the pixel data element, or of the end."""
        return self.outline.end

    @property
    def byte_order(self) -> str:
        """``"<"`` or ``">"``, as struct writes it."""
        return self.outline.byte_order

    def __getitem__(self, tag: int) -> RawElement:
        vr, start, end = self._places[tag]
        return RawElement(tag, vr.decode("latin-1"), self.data[start:end])

    def get(self, tag: int, default: Any = None) -> Any:
        """Give an element, or something else where it is absent."""
        return self[tag] if tag in self._places else default

    def content(self, tag: int) -> bytes:
        """Give a value; empty where the element is absent."""
        place = self._places.get(tag)
        return b"" if place is None else self.data[place[1] : place[2]]

    def agrees(self, other: Header, tag: int) -> bool:
        """Tell whether another header has the same VR and the same bytes."""
        vr, start, end = self._places[tag]
        theirs = other._places.get(tag)
        return (
            theirs is not None
            and theirs[0] == vr
            and self.byte_order == other.byte_order
            and self.data[start:end] == other.data[theirs[1] : theirs[2]]
        )

    def uid(self, tag: int) -> str:
        """Read a UID, empty where it is absent; bytes that no UID has are kept as escapes."""
        return self.content(tag).decode("ascii", "backslashreplace").strip("\0 ")

    def __iter__(self) -> Iterator[int]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)

    def __contains__(self, tag: object) -> bool:
        return tag in self._places

    def items_of(self, tag: int) -> list[Header]:
        """Find the elements of each item of a sequence, none where it is absent (PS3.5 7.5).

        Raises
        ------
        CorruptInstanceError
            What should be a sequence holds something else, or an element that reaches beyond its item.
        """
        if tag not in self._places:
            return []
        vr, start, end = self._places[tag]
        content = memoryview(self.data)[start:end]
        # Whoever does not know a sequence writes it as UN, whose items are implicit (PS3.5 6.2.2).
        implicit = self.outline.implicit or vr == b"UN"
        walk = _Walk(content, self.byte_order)
        try:
            return [_header(content[slice(*place)], implicit, self.byte_order) for place in walk.items(implicit)]
        except struct.error:
            raise _damaged("an element is cut short") from None

    def following(self) -> tuple[int, str, int, int] | None:
        """Read tag, VR, offset of the value and length of the pixel data element, if there is one."""
        walk = _Walk(self.data, self.byte_order)
        read = walk.implicit_header if self.outline.implicit else walk.explicit_header
        try:
            tag, vr, start, length = read(self.end)
        except struct.error:
            return None
        return (tag, vr.decode("latin-1"), start, length) if tag <= LAST_PIXEL_TAG else None

    def without_pixels(self) -> Header:
        """Give the same header, which nothing follows."""
        return Header(self.data[: self.end], self.outline)


def scan(data: memoryview, syntax: UID, before: int = FIRST_PIXEL_TAG) -> Header:
    """Find the elements before the pixel data, or before another tag.

    Parameters
    ----------
    data : memoryview
        The data set, not deflated.
    syntax : UID
        Its transfer syntax.
    before : int
        The tag at which to stop.

    Raises
    ------
    CorruptInstanceError
        An element reaches beyond the end, or is nested too deep, or there are too many.
    """
    order = "<" if syntax.is_little_endian else ">"
    # Some files that say otherwise are implicit: no VR begins their first element.
    implicit = syntax.is_implicit_VR or not bytes(data[4:6]).isalpha()
    try:
        return _header(data, implicit, order, before)
    except struct.error:
        raise _damaged("an element is cut short") from None


def _header(data: memoryview, implicit: bool, order: str, before: int = _ITEM) -> Header:  # noqa: FBT001
    walk = _Walk(data, order)
    places, end = walk.places_implicit(before) if implicit else walk.places_explicit(before)
    return header_of(data, Outline(places, end, implicit, order))


def header_of(data: memoryview, outline: Outline) -> Header:
    """Take the header of a data set of a known outline."""
    return Header(bytes(data[: outline.end + LONGEST_PREFIX]), outline)


class _Walk:
    """Elements of one data set, one after the other."""

    def __init__(self, data: bytes | memoryview, order: str) -> None:
        self._data = data
        self._implicit = struct.Struct(f"{order}HHI").unpack_from
        self._explicit = struct.Struct(f"{order}HH2sH").unpack_from
        self._long = struct.Struct(f"{order}I").unpack_from

    def places_explicit(self, before: int) -> tuple[dict[int, Place], int]:
        """Find all elements before a tag; written out, since it is done for each element of each instance."""
        data, size, unpack, long = self._data, len(self._data), self._explicit, self._long
        places: dict[int, Place] = {}
        offset = 0
        for _ in range(MAX_ELEMENTS + 1):
            if offset >= size:
                break
            group, element, vr, length = unpack(data, offset)
            tag = group << 16 | element
            if tag >= before:
                break
            start = offset + 8
            if vr in _LONG_VRS:
                start, length = offset + 12, long(data, start)[0]
            offset = start + length
            if offset > size or length == UNDEFINED_LENGTH:
                offset = self._end_of_value(tag, start, length, implicit=vr == b"UN")
            places[tag] = vr, start, offset
        else:
            raise _too_many("elements", MAX_ELEMENTS)
        return places, offset

    def places_implicit(self, before: int) -> tuple[dict[int, Place], int]:
        """Find all elements before a tag."""
        places: dict[int, Place] = {}
        offset = 0
        for _ in range(MAX_ELEMENTS + 1):
            if offset >= len(self._data):
                break
            tag, vr, start, length = self.implicit_header(offset)
            if tag >= before:
                break
            offset = self._end_of_value(tag, start, length, implicit=True)
            places[tag] = vr, start, offset
        else:
            raise _too_many("elements", MAX_ELEMENTS)
        return places, offset

    def items(self, implicit: bool) -> Iterator[tuple[int, int]]:  # noqa: FBT001
        """Find where the content of each item of a sequence begins and ends."""
        offset = 0
        for _ in range(MAX_ITEMS + 1):
            if offset >= len(self._data):
                return
            tag, _, start, length = self.implicit_header(offset)
            if tag == _SEQUENCE_END:
                return
            if tag != _ITEM:
                raise _damaged("a sequence holds something that is no item")
            end = start + length if length != UNDEFINED_LENGTH else self._end_of_item(start, implicit, 1)
            if end > len(self._data):
                raise _damaged("an item reaches beyond its sequence")
            yield start, end
            offset = end
        raise _too_many("items", MAX_ITEMS)

    def _end_of_value(self, tag: int, start: int, length: int, *, implicit: bool) -> int:
        end = start + length if length != UNDEFINED_LENGTH else self.end_of_items(start, implicit, 1)
        if end > len(self._data):
            raise _damaged(f"({tag >> 16:04X},{tag & 0xFFFF:04X}) reaches beyond its end")
        return end

    def implicit_header(self, offset: int) -> Prefix:
        """Read tag, no VR, offset of the value, and length."""
        group, element, length = self._implicit(self._data, offset)
        return group << 16 | element, b"", offset + 8, length

    def explicit_header(self, offset: int) -> Prefix:
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


def _too_many(what: str, most: int) -> CorruptInstanceError:
    return _damaged(f"it has more than {most} {what} beside each other")


def _damaged(reason: str) -> CorruptInstanceError:
    return CorruptInstanceError(f"its data set is damaged: {reason}")

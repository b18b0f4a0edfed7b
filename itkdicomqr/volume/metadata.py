"""Headers as dictionaries, with the keys and values that GDCM gives to ITK.

``"gggg|eeee"`` in lower case for the public elements of the top level but sequences, pixel data and
what follows it. Text keeps its padding, up to a NUL; bytes are base64; floating point has six digits.
Two things differ from ITK: text beyond ASCII is decoded by SpecificCharacterSet, and where the encoding
tells no VR, attributes younger than GDCM's dictionary are read as what they are, not as bytes.
``dictionary="clean"`` strips the padding, and writes floating point with all its digits.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from functools import cached_property
from itertools import accumulate
from typing import TYPE_CHECKING, Any, Self, overload

import numpy as np

from itkdicomqr.charsets import ESC, decoded
from itkdicomqr.prose import counted
from itkdicomqr.scan import FIRST_PIXEL_TAG, Header
from itkdicomqr.text import SPECIFIC_CHARACTER_SET, TEXTS, WHOLE_TEXTS
from itkdicomqr.volume.elements import NUMBER_FORMATS, vr_of
from itkdicomqr.volume.tags import PIXEL_REPRESENTATION

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from itkdicomqr.scan import RawElement
    from itkdicomqr.volume.elements import Elements
    from itkdicomqr.volume.options import Dictionary

_SIX_DIGITS: Mapping[str, Callable[[float], str]] = dict.fromkeys(("FL", "FD"), "{:g}".format)
_FULL_PRECISION: Mapping[str, Callable[[float], str]] = {"FL": lambda number: str(np.float32(number)), "FD": repr}
_LISTED_WITH_BYTES = frozenset({"OB", "OW", "OB or OW", "US or OW", "US or SS or OW", "OF", "UN"})
"""VRs of bytes, of which an empty element has no entry; the others have one without text."""
_WIDTHS = {"OW": 2, "OF": 4}
"""How many bytes are swapped together."""

_RESOLVED_VRS = {"US or SS": "US", "US or SS or OW": "US", "OB or OW": "OW"}
"""What the VRs are that depend on other elements, unless the pixels are signed (PS3.5 annex A)."""

Entries = dict[str, str]


class SliceMetadata(Sequence[Entries]):
    """The dictionaries of the slices of a grid in order, each made when it is first asked for.

    That of a slice of the grid that no slice came for, since it is padded or interpolated, is empty.

    Attributes
    ----------
    headers : tuple
        What makes the dictionary of each slice that came.
    places : tuple of int or None
        Of each slice of the grid: which header is its own.
    """

    def __init__(self, headers: Iterable[_Header | _Parsed], places: Sequence[int | None]) -> None:
        self.headers = tuple(headers)
        self.places = tuple(places)

    @classmethod
    def of(cls, slices: Iterable[Elements], places: Sequence[int | None], dictionary: Dictionary = "itk") -> Self:
        """Take the elements of slices; ``dictionary`` tells how their values are written."""
        return cls((_Header(elements, clean=dictionary == "clean") for elements in slices), places)

    @classmethod
    def joined(cls, parts: Sequence[SliceMetadata]) -> Self:
        """Put the slices of several volumes one after the other."""
        before = accumulate((len(part.headers) for part in parts), initial=0)
        places = [
            None if place is None else first + place
            for first, part in zip(before, parts, strict=False)
            for place in part.places
        ]
        return cls((header for part in parts for header in part.headers), places)

    @property
    def came(self) -> list[Entries]:
        """The dictionaries of all slices that came, also of those that lie between the slices of the grid."""
        return [dict(header.entries) for header in self.headers]

    def __len__(self) -> int:
        return len(self.places)

    @overload
    def __getitem__(self, index: int) -> Entries: ...

    @overload
    def __getitem__(self, index: slice) -> list[Entries]: ...

    def __getitem__(self, index: int | slice) -> Entries | list[Entries]:
        if isinstance(index, slice):
            return list(map(self._at, self.places[index]))
        return self._at(self.places[index])

    def __repr__(self) -> str:
        return f"<metadata of {counted(len(self), 'slice')}>"

    def __reduce__(self) -> tuple[Callable[..., SliceMetadata], tuple[list[Entries], tuple[int | None, ...]]]:
        return _unpickled, (self.came, self.places)

    def common(self) -> Entries:
        """Return the entries that are equal in all slices that came; only what may be equal is looked at."""
        first, *others = self.headers
        keys = list(first.keys())
        for other in others:
            keys = [key for key in keys if first.agrees(other, key)]
        return {key_of(tag): first.entry(tag) for tag in keys}

    def _at(self, place: int | None) -> Entries:
        return {} if place is None else dict(self.headers[place].entries)


class _Header:
    """A header whose entries are made one by one, or all at once."""

    def __init__(self, elements: Elements, *, clean: bool) -> None:
        self.elements = elements
        self.clean = clean

    def keys(self) -> Iterator[int]:
        return (tag for tag, item in self.elements.raw.items() if _listed(tag, item))

    @cached_property
    def entries(self) -> Entries:
        return {key_of(tag): self.entry(tag) for tag in self.keys()}

    def agrees(self, other: _Header | _Parsed, tag: int) -> bool:
        """Tell whether another slice has the same entry; mostly its bytes already tell."""
        if isinstance(other, _Header):
            ours, theirs = self.elements.raw, other.elements.raw
            if tag not in theirs:
                return False
            if isinstance(ours, Header) and isinstance(theirs, Header) and ours.agrees(theirs, tag):
                return True
        return self.entry(tag) == other.entry(tag)

    @cached_property
    def character_set(self) -> str:
        return self.elements.text(SPECIFIC_CHARACTER_SET)

    def entry(self, tag: int) -> str:
        vr = self._resolved(vr_of(self.elements.raw[tag]))
        if vr in TEXTS:
            text = self._text(self.elements.content(tag), vr)
            return _without_padding(text, vr) if self.clean else text
        if vr == "AT":
            numbers = self.elements.binary(tag, "US")
            return "\\".join(map("({:04x},{:04x})".format, numbers[::2], numbers[1::2]))
        if vr in NUMBER_FORMATS:
            return "\\".join(map(self._number_format(vr), self.elements.binary(tag, vr)))
        return base64.b64encode(self._in_little_endian(tag, vr)).decode("ascii")

    def _in_little_endian(self, tag: int, vr: str) -> bytes:
        """Give words, and floats, as GDCM keeps them; other bytes have no order."""
        content, width = self.elements.content(tag), _WIDTHS.get(vr, 1)
        swapped = self.elements.byte_order == ">" and len(content) % width == 0
        return np.frombuffer(content, f">u{width}").astype(f"<u{width}").tobytes() if swapped else content

    def _resolved(self, vr: str) -> str:
        signed = vr.startswith("US or SS") and self.elements.unsigned(PIXEL_REPRESENTATION) == 1
        return "SS" if signed else _RESOLVED_VRS.get(vr, vr)

    def _number_format(self, vr: str) -> Callable[[Any], str]:
        return _FULL_PRECISION.get(vr, str) if self.clean else _SIX_DIGITS.get(vr, str)

    def _text(self, value: bytes, vr: str) -> str:
        content = value.partition(b"\0")[0]
        if content.isascii() and ESC not in content:
            return content.decode("ascii")
        return decoded(content, self.character_set, vr)


class _Parsed:
    """Entries that came from a pickle."""

    def __init__(self, entries: Entries) -> None:
        self.entries = entries

    def keys(self) -> Iterator[int]:
        return map(_tag_of, self.entries)

    def agrees(self, other: _Header | _Parsed, tag: int) -> bool:
        return key_of(tag) in other.entries and self.entry(tag) == other.entry(tag)

    def entry(self, tag: int) -> str:
        return self.entries[key_of(tag)]


def _unpickled(entries: Iterable[Entries], places: Sequence[int | None]) -> SliceMetadata:
    return SliceMetadata(map(_Parsed, entries), places)


def _without_padding(text: str, vr: str) -> str:
    if vr in WHOLE_TEXTS:
        return text.rstrip(" \0")
    return "\\".join(part.strip(" \0") for part in text.split("\\"))


def _listed(tag: int, item: RawElement) -> bool:
    if tag >= FIRST_PIXEL_TAG or tag >> 16 & 1:
        return False
    vr = vr_of(item)
    return vr != "SQ" and bool(item.value or vr not in _LISTED_WITH_BYTES)


def as_entries(key: Mapping[str, Any]) -> Entries:
    """Write the values of attributes by keyword: those of several volumes with backslashes between them."""
    return {keyword: as_text(value) for keyword, value in key.items()}


def as_text(value: Any) -> str:
    """Write a value, or values with backslashes between them; several of one volume with commas."""
    if not isinstance(value, tuple):
        return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
    nested = any(isinstance(each, tuple) for each in value)
    return "\\".join(as_text(each).replace("\\", ",") if nested else as_text(each) for each in value)


def key_of(tag: int) -> str:
    """Spell a tag as GDCM's keys do."""
    return f"{tag >> 16:04x}|{tag & 0xFFFF:04x}"


def _tag_of(key: str) -> int:
    group, element = key.split("|")
    return int(group, 16) << 16 | int(element, 16)

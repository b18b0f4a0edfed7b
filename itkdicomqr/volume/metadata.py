"""Headers as dictionaries, with the keys and values that GDCM gives to ITK.

``"gggg|eeee"`` in lower case for the public elements of the top level but sequences and pixel data.
Text keeps its padding; bytes are base64; floating point has six digits. One thing differs from
ITK: text beyond ASCII is decoded by SpecificCharacterSet.
"""

from __future__ import annotations

import base64
import struct
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, overload

from itkdicomqr.scan import FIRST_PIXEL_TAG, Header
from itkdicomqr.volume.charsets import decoded
from itkdicomqr.volume.elements import NUMBER_FORMATS, encoded_value, vr_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from itkdicomqr.volume.elements import Elements

_SPECIFIC_CHARACTER_SET = 0x00080005
_PIXEL_REPRESENTATION = 0x00280103
_FLOATS = frozenset({"FL", "FD"})
_TEXTS = frozenset(
    {"AE", "AS", "CS", "DA", "DS", "DT", "IS", "LO", "LT", "PN", "SH", "ST", "TM", "UC", "UI", "UR", "UT"}
)
_ESCAPE = b"\x1b"

Entries = dict[str, str]


class SliceMetadata(Sequence[Entries]):
    """The dictionaries of slices in order, each made when it is first asked for.

    Parameters
    ----------
    headers : iterable of Elements
        The elements before the pixel data.
    """

    def __init__(self, headers: Iterable[Elements]) -> None:
        self._slices: tuple[_Header | _Parsed, ...] = tuple(map(_Header, headers))

    def __len__(self) -> int:
        return len(self._slices)

    @overload
    def __getitem__(self, index: int) -> Entries: ...

    @overload
    def __getitem__(self, index: slice) -> list[Entries]: ...

    def __getitem__(self, index: int | slice) -> Entries | list[Entries]:
        if isinstance(index, slice):
            return [dict(each.entries) for each in self._slices[index]]
        return dict(self._slices[index].entries)

    def __repr__(self) -> str:
        return f"<metadata of {len(self)} slices>"

    def __reduce__(self) -> tuple[Callable[[list[Entries]], SliceMetadata], tuple[list[Entries]]]:
        return _parsed, (list(self),)

    def common(self) -> Entries:
        """Return the entries that are equal in all slices; only what may be equal is looked at."""
        first, *others = self._slices
        keys = list(first.keys())
        for other in others:
            keys = [key for key in keys if first.agrees(other, key)]
        return {key_of(tag): first.entry(tag) for tag in keys}


class _Header:
    """A header whose entries are made one by one, or all at once."""

    def __init__(self, elements: Elements) -> None:
        self.raw = elements.raw
        self.order = elements.byte_order

    def keys(self) -> Iterator[int]:
        return (tag for tag, item in self.raw.items() if _listed(tag, item))

    @cached_property
    def entries(self) -> Entries:
        return {key_of(tag): self.entry(tag) for tag in self.keys()}

    def agrees(self, other: _Header | _Parsed, tag: int) -> bool:
        """Tell whether another slice has the same entry; mostly its bytes already tell."""
        if isinstance(other, _Header):
            if tag not in other.raw:
                return False
            if isinstance(self.raw, Header) and isinstance(other.raw, Header) and self.raw.agrees(other.raw, tag):
                return True
        return self.entry(tag) == other.entry(tag)

    @cached_property
    def character_sets(self) -> list[str]:
        return [name.strip(" \0") for name in self._content(_SPECIFIC_CHARACTER_SET).decode("latin-1").split("\\")]

    def entry(self, tag: int) -> str:
        value, vr = self._content(tag), self._resolved(vr_of(self.raw[tag]))
        if vr in _TEXTS:
            return self._text(value)
        if vr == "AT":
            return "\\".join(f"({group:04x},{element:04x})" for group, element in _pairs(value, self.order))
        if vr in NUMBER_FORMATS:
            form = "{:g}" if vr in _FLOATS else "{}"
            return "\\".join(map(form.format, _unpacked(NUMBER_FORMATS[vr], value, self.order)))
        return base64.b64encode(value).decode("ascii")

    def _content(self, tag: int) -> bytes:
        item = self.raw.get(tag)
        return b"" if item is None else encoded_value(item.value, vr_of(item), self.order)

    def _resolved(self, vr: str) -> str:
        """Settle the VRs that depend on PixelRepresentation (PS3.5 annex A)."""
        if vr not in {"US or SS", "US or SS or OW"}:
            return "OW" if vr == "OB or OW" else vr
        return "SS" if self._content(_PIXEL_REPRESENTATION) in {b"\1\0", b"\0\1"} else "US"

    def _text(self, value: bytes) -> str:
        content = value.removesuffix(b"\0")
        if content.isascii() and _ESCAPE not in content:
            return content.decode("ascii")
        return decoded(content, self.character_sets)


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


def _parsed(entries: list[Entries]) -> SliceMetadata:
    metadata = SliceMetadata(())
    metadata._slices = tuple(map(_Parsed, entries))  # noqa: SLF001
    return metadata


def _listed(tag: int, item: Any) -> bool:
    return not (tag >= FIRST_PIXEL_TAG or tag >> 16 & 1 or vr_of(item) == "SQ")


def key_of(tag: int) -> str:
    """Spell a tag as GDCM's keys do."""
    return f"{tag >> 16:04x}|{tag & 0xFFFF:04x}"


def _tag_of(key: str) -> int:
    group, element = key.split("|")
    return int(group, 16) << 16 | int(element, 16)


def _unpacked(code: str, value: bytes, order: str) -> tuple[Any, ...]:
    size = struct.calcsize(code)
    return struct.unpack_from(f"{order}{len(value) // size}{code}", value)


def _pairs(value: bytes, order: str) -> Iterator[tuple[int, int]]:
    return struct.iter_unpack(f"{order}HH", value[: len(value) & ~3])

"""Headers as dictionaries, with the keys and values that GDCM gives to ITK.

``"gggg|eeee"`` in lower case for the public elements of the top level but sequences and pixel data.
Text keeps its padding; bytes are base64; floating point has six digits. One thing differs from
ITK: text beyond ASCII is decoded by SpecificCharacterSet.
"""

from __future__ import annotations

import base64
import struct
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, overload

from itkdicomqr.scan import FIRST_PIXEL_TAG
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
        """Return the entries that are equal in all slices; only what may be equal is parsed."""
        first, others = self._slices[0], self._slices[1:]
        keys = [key for key in first.raw if all(key in other.raw for other in others)]
        return {key: first.entry(key) for key in keys if all(_equal(key, first, other) for other in others)}


class _Header:
    """A header whose entries are made one by one, or all at once."""

    def __init__(self, elements: Elements) -> None:
        self._items = tuple(elements.raw.values())
        self._order = elements.byte_order

    @cached_property
    def raw(self) -> Mapping[str, tuple[str, bytes, str]]:
        """What tells whether two entries are equal without making them."""
        order = self._order
        listed = ((item, vr_of(item)) for item in self._items if _listed(item))
        return {_key(item.tag): (vr, encoded_value(item.value, vr, order), order) for item, vr in listed}

    @cached_property
    def entries(self) -> Entries:
        return {key: self.entry(key) for key in self.raw}

    @cached_property
    def character_sets(self) -> list[str]:
        item = self.raw.get(_key(_SPECIFIC_CHARACTER_SET))
        return [name.strip(" \0") for name in item[1].decode("latin-1").split("\\")] if item else []

    def entry(self, key: str) -> str:
        vr, value, order = self.raw[key]
        return self._formatted(self._resolved(vr), value, order)

    def _resolved(self, vr: str) -> str:
        """Settle the VRs that depend on PixelRepresentation (PS3.5 annex A)."""
        if vr not in {"US or SS", "US or SS or OW"}:
            return "OW" if vr == "OB or OW" else vr
        item = self.raw.get(_key(_PIXEL_REPRESENTATION))
        return "SS" if item and item[1] in {b"\1\0", b"\0\1"} else "US"

    def _formatted(self, vr: str, value: bytes, order: str) -> str:
        if vr in _TEXTS:
            return self._text(value)
        if vr == "AT":
            return "\\".join(f"({group:04x},{element:04x})" for group, element in _pairs(value, order))
        if vr in NUMBER_FORMATS:
            form = "{:g}" if vr in _FLOATS else "{}"
            return "\\".join(map(form.format, _unpacked(NUMBER_FORMATS[vr], value, order)))
        return base64.b64encode(value).decode("ascii")

    def _text(self, value: bytes) -> str:
        content = value.removesuffix(b"\0")
        if content.isascii() and _ESCAPE not in content:
            return content.decode("ascii")
        return decoded(content, self.character_sets)


class _Parsed:
    """Entries that came from a pickle."""

    def __init__(self, entries: Entries) -> None:
        self.entries = entries
        self.raw: Mapping[str, Any] = entries

    def entry(self, key: str) -> str:
        return self.entries[key]


def _parsed(entries: list[Entries]) -> SliceMetadata:
    metadata = SliceMetadata(())
    metadata._slices = tuple(map(_Parsed, entries))  # noqa: SLF001
    return metadata


def _equal(key: str, first: _Header | _Parsed, other: _Header | _Parsed) -> bool:
    return bool(first.raw[key] == other.raw[key]) or first.entry(key) == other.entry(key)


def _listed(item: Any) -> bool:
    return not (item.tag >= FIRST_PIXEL_TAG or item.tag >> 16 & 1 or vr_of(item) == "SQ")


def _key(tag: int) -> str:
    return f"{tag >> 16:04x}|{tag & 0xFFFF:04x}"


def _unpacked(code: str, value: bytes, order: str) -> tuple[Any, ...]:
    size = struct.calcsize(code)
    return struct.unpack_from(f"{order}{len(value) // size}{code}", value)


def _pairs(value: bytes, order: str) -> Iterator[tuple[int, int]]:
    return struct.iter_unpack(f"{order}HH", value[: len(value) & ~3])

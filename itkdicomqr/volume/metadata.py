"""Headers as dictionaries, with the keys and values that GDCM gives to ITK.

``"gggg|eeee"`` in lower case for the public elements of the top level but sequences and pixel data.
Text keeps its padding; bytes are base64; floating point has six digits. One thing differs from
ITK: text beyond ASCII is decoded by SpecificCharacterSet.
"""

from __future__ import annotations

import base64
import struct
import warnings
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, overload

from pydicom.charset import convert_encodings, decode_bytes
from pydicom.dataelem import RawDataElement
from pydicom.valuerep import TEXT_VR_DELIMS

from itkdicomqr.instance import FIRST_PIXEL_TAG
from itkdicomqr.volume.elements import NUMBER_FORMATS, vr_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from pydicom.dataset import Dataset

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
    headers : iterable of pydicom.Dataset
        The elements before the pixel data, raw.
    """

    def __init__(self, headers: Iterable[Dataset]) -> None:
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

    def __init__(self, dataset: Dataset) -> None:
        self._dataset = dataset

    @cached_property
    def raw(self) -> Mapping[str, Any]:
        """What tells whether two entries are equal without making them."""
        items = map(self._dataset.get_item, self._dataset.keys())
        return {_key(item.tag): (vr_of(item), item.value, _order(item)) for item in items if _listed(item)}

    @cached_property
    def entries(self) -> Entries:
        return {key: self.entry(key) for key in self.raw}

    @cached_property
    def encodings(self) -> list[str]:
        item = self.raw.get(_key(_SPECIFIC_CHARACTER_SET))
        names = _plain(item[1]).replace(" ", "_").split("\\") if item and item[1] else [""]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return convert_encodings([name.strip("_\0").replace("_", " ") for name in names])

    def entry(self, key: str) -> str:
        vr, value, order = self.raw[key]
        return self._formatted(self._resolved(vr), value, order)

    def _resolved(self, vr: str) -> str:
        """Settle the VRs that depend on PixelRepresentation (PS3.5 annex A)."""
        if vr not in {"US or SS", "US or SS or OW"}:
            return "OW" if vr == "OB or OW" else vr
        item = self.raw.get(_key(_PIXEL_REPRESENTATION))
        return "SS" if item and item[1] in {b"\1\0", b"\0\1"} else "US"

    def _formatted(self, vr: str, value: Any, order: str) -> str:
        if not isinstance(value, bytes):
            return _plain(value)
        if vr in _TEXTS:
            return self._text(vr, value)
        if vr == "AT":
            return "\\".join(f"({group:04x},{element:04x})" for group, element in _pairs(value, order))
        if vr in NUMBER_FORMATS:
            form = "{:g}" if vr in _FLOATS else "{}"
            return "\\".join(map(form.format, _unpacked(NUMBER_FORMATS[vr], value, order)))
        return base64.b64encode(value).decode("ascii")

    def _text(self, vr: str, value: bytes) -> str:
        content = value.removesuffix(b"\0")
        if content.isascii() and _ESCAPE not in content:
            return content.decode("ascii")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            delimiters = TEXT_VR_DELIMS if vr != "PN" else {*TEXT_VR_DELIMS, 0x5E, 0x3D}
            return decode_bytes(content, self.encodings, delimiters)


class _Parsed:
    """Entries that came from a pickle."""

    def __init__(self, entries: Entries) -> None:
        self.entries = self.raw = entries

    def entry(self, key: str) -> str:
        return self.entries[key]


def _parsed(entries: list[Entries]) -> SliceMetadata:
    metadata = SliceMetadata(())
    metadata._slices = tuple(map(_Parsed, entries))  # noqa: SLF001
    return metadata


def _equal(key: str, first: _Header | _Parsed, other: _Header | _Parsed) -> bool:
    return bool(first.raw[key] == other.raw[key]) or first.entry(key) == other.entry(key)


def _listed(item: Any) -> bool:
    return not (item.tag >= FIRST_PIXEL_TAG or item.tag.group % 2 or vr_of(item) == "SQ")


def _order(item: Any) -> str:
    return "<" if not isinstance(item, RawDataElement) or item.is_little_endian else ">"


def _key(tag: int) -> str:
    return f"{tag >> 16:04x}|{tag & 0xFFFF:04x}"


def _plain(value: Any) -> str:
    """Return a value that has already been converted, or plain bytes, as text."""
    if isinstance(value, bytes):
        return value.decode("latin-1").rstrip("\0")
    values = [] if value is None else value if isinstance(value, list | tuple) else [value]
    return "\\".join(map(str, values))


def _unpacked(code: str, value: bytes, order: str) -> tuple[Any, ...]:
    size = struct.calcsize(code)
    return struct.unpack_from(f"{order}{len(value) // size}{code}", value)


def _pairs(value: bytes, order: str) -> Iterator[tuple[int, int]]:
    return struct.iter_unpack(f"{order}HH", value[: len(value) & ~3])

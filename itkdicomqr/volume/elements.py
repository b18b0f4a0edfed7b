"""The few values that assembling needs, read from an element's bytes.

Converting an element with pydicom validates it, and a failed validation puts its value into a
warning; values of patients must not get there, so they are read here as they were sent.
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pydicom.datadict import dictionary_has_tag, dictionary_VR, keyword_for_tag, repeater_has_tag

from itkdicomqr.errors import CorruptInstanceError
from itkdicomqr.prose import counted
from itkdicomqr.scan import Header

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from itkdicomqr.instance import Instance
    from itkdicomqr.scan import RawElement

Value = float | str

FARTHEST = 1e9
"""Lengths beyond are mistakes, mm; their squares must not overflow."""

NEAREST = 1e-9
"""Spacings below are mistakes, mm."""

NUMBER_FORMATS: Mapping[str, str] = {
    "US": "H",
    "SS": "h",
    "UL": "I",
    "SL": "i",
    "UV": "Q",
    "SV": "q",
    "FL": "f",
    "FD": "d",
    "US or SS": "H",
    "US or SS or OW": "H",
}
"""How struct reads the VRs that hold binary numbers (PS3.5 6.2)."""

_WORDS = frozenset({"US", "SS", "UN", ""})
"""The VRs in which an element of US may be written; without one, or as UN, by its tag."""


@dataclass(frozen=True)
class Elements:
    """The elements of one instance, or of one of its frames, without the pixel data.

    Attributes
    ----------
    raw : mapping
        The elements as they were read, by tag.
    byte_order : str
        That of binary numbers, as struct writes it.
    instance : Instance
        Whose they are.
    """

    raw: Mapping[int, RawElement]
    byte_order: str
    instance: Instance

    @classmethod
    def of(cls, instance: Instance) -> Elements:
        """Read the header of an instance."""
        header = instance.elements
        return cls(header, header.byte_order, instance)

    @property
    def sop_instance_uid(self) -> str:
        """The instance's, which errors name."""
        return self.instance.sop_instance_uid

    def __contains__(self, tag: int) -> bool:
        return tag in self.raw

    def content(self, tag: int) -> bytes:
        """Return the bytes of an element, none where it is absent or empty."""
        if isinstance(self.raw, Header):
            return self.raw.content(tag)
        element = self.raw.get(tag)
        return b"" if element is None else element.value

    def texts(self, tag: int) -> tuple[str, ...]:
        """Return the values of an element of text, each without padding; none where it is empty.

        They are read as Latin-1: none that decides anything here has another character set.
        """
        return _texts(self.content(tag))

    def text(self, tag: int) -> str:
        """Return an element of text as one value."""
        return "\\".join(self.texts(tag))

    def binary(self, tag: int, vr: str | None = None) -> tuple[float, ...]:
        """Return the numbers of a binary element, none where it is absent or empty; ``vr`` overrides its own."""
        element = self.raw.get(tag)
        if element is None:
            return ()
        code = NUMBER_FORMATS.get(vr or vr_of(element), "H")
        content = self.content(tag)
        return struct.unpack_from(f"{self.byte_order}{len(content) // struct.calcsize(code)}{code}", content)

    def integers(self, tag: int) -> tuple[int, ...]:
        """Return the whole numbers of a binary element as `binary` does, also where its VR is one of fractions.

        Raises
        ------
        CorruptInstanceError
            One is no number.
        """
        numbers = self.binary(tag)
        if not all(map(math.isfinite, numbers)):
            raise self.corrupt(tag, "is no whole number")
        return tuple(map(int, numbers))

    def values(self, tag: int) -> tuple[Value, ...]:
        """Return the values of any element: numbers where they are such, else text, else hexadecimal."""
        element = self.raw.get(tag)
        if element is not None and vr_of(element) in NUMBER_FORMATS:
            return self.binary(tag)
        content = self.content(tag).rstrip(b" \0")
        if content.decode("latin-1").isprintable():
            return _values(self.content(tag))
        return (content.hex(),)

    def items(self, tag: int) -> list[Elements]:
        """Return the items of a sequence of the top level, none where it is absent.

        Raises
        ------
        CorruptInstanceError
            The sequence cannot be read.
        """
        try:
            return [replace(self, raw=item) for item in self.instance.elements.items_of(tag)]
        except CorruptInstanceError as error:
            raise self.corrupt(tag, f"cannot be read: {error.args[0]}") from None

    def private(self, creator: str, group: int, element: int) -> bytes:
        """Return the bytes of a private element of the top level, none where it is absent (PS3.5 7.8.1)."""
        blocks = (tag for tag in range(group << 16 | 0x10, group << 16 | 0x100) if tag in self)
        block = next((tag for tag in blocks if self.text(tag) == creator), None)
        return b"" if block is None else self.content(group << 16 | (block & 0xFF) << 8 | element)

    def numbers(self, tag: int, count: int) -> tuple[float, ...] | None:
        """Return the numbers of a DS or IS element, None where it is empty.

        Raises
        ------
        CorruptInstanceError
            They are not ``count`` finite numbers.
        """
        values = _values(self.content(tag))
        numbers = tuple([value for value in values if isinstance(value, float)])
        if values and not len(numbers) == len(values) == count:
            raise self.corrupt(tag, f"is not {counted(count, 'finite decimal number')}")
        return numbers or None

    def lengths(self, tag: int, count: int) -> tuple[float, ...] | None:
        """Return the numbers of a DS element in mm, None where it is empty.

        Raises
        ------
        CorruptInstanceError
            They are not ``count`` numbers, or one is beyond ``FARTHEST``.
        """
        lengths = self.numbers(tag, count)
        if lengths and max(map(abs, lengths)) > FARTHEST:
            raise self.corrupt(tag, f"is {shown(lengths)}, which is farther than anything can be")
        return lengths

    def spacing(self, tag: int, count: int) -> tuple[float, ...] | None:
        """Return distances in mm as `lengths`; none may be nearly 0, whatever its sign."""
        spacing = self.lengths(tag, count)
        if spacing and 0 < min(map(abs, spacing)) < NEAREST:
            raise self.corrupt(tag, f"is {shown(spacing)}, which is nearer than anything can be")
        return spacing

    def number(self, tag: int) -> float | None:
        """Return the one number of a DS or IS element, None where it is empty."""
        numbers = self.numbers(tag, 1)
        return numbers[0] if numbers else None

    def integer(self, tag: int) -> int | None:
        """Return the one number of an IS element, None where it is empty."""
        number = self.number(tag)
        if number is None:
            return None
        if not number.is_integer():
            raise self.corrupt(tag, "is not an integer")
        return int(number)

    def unsigned(self, tag: int) -> int | None:
        """Return the one number of a US element, None where it is absent or empty.

        Raises
        ------
        CorruptInstanceError
            It has several values, or is of a VR that writes numbers otherwise.
        """
        element = self.raw.get(tag)
        if element is None:
            return None
        if element.VR not in _WORDS:
            raise self.corrupt(tag, f"has the VR {element.VR!r}, not US")
        content = element.value
        if len(content) > 2:
            raise self.corrupt(tag, f"has {len(content) // 2} values instead of one")
        return int.from_bytes(content, "little" if self.byte_order == "<" else "big") if content else None

    def corrupt(self, tag: int, reason: str) -> CorruptInstanceError:
        """Make the error that names an element and what is wrong with it."""
        name = keyword_for_tag(tag) or "element"
        message = f"{name} ({tag >> 16:04X},{tag & 0xFFFF:04X}) {reason}"
        return CorruptInstanceError(message, sop_instance_uid=self.sop_instance_uid)


def vr_of(element: RawElement) -> str:
    """Return an element's VR, by the dictionary where the encoding does not tell it."""
    if element.VR not in {"", "UN"}:
        return element.VR
    if element.tag & 0xFFFF == 0:
        return "UL"
    known = dictionary_has_tag(element.tag) or repeater_has_tag(element.tag)
    return dictionary_VR(element.tag) if known else "UN"


def shown(numbers: Iterable[float]) -> str:
    """Write numbers as DICOM does."""
    return "\\".join(f"{number:g}" for number in numbers)


def _texts(content: bytes) -> tuple[str, ...]:
    text = content.decode("latin-1").strip(" \0")
    return tuple([part.strip(" \0") for part in text.split("\\")]) if text else ()


def _values(content: bytes) -> tuple[Value, ...]:
    return tuple(map(number_or_text, _texts(content)))


def number_or_text(text: str) -> Value:
    """Return a finite number where a text is one, else the text."""
    try:
        number = float(text)
    except ValueError:
        return text
    return number if math.isfinite(number) and "_" not in text else text

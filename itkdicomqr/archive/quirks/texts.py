"""Quirks of text in the rows of a query: character sets that are lost, absent or wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydicom.dataelem import RawDataElement

from itkdicomqr.archive.matching import UTF_8
from itkdicomqr.archive.quirks.named import Named
from itkdicomqr.archive.quirks.rows import each_row
from itkdicomqr.archive.seams import Quirk
from itkdicomqr.archive.values import element_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from pydicom.dataelem import DataElement
    from pydicom.dataset import Dataset

    from itkdicomqr.archive.seams import Request

_TEXT = frozenset({"LO", "LT", "PN", "SH", "ST", "UC", "UT"})
"""VRs in the specific character set (PS3.5 6.1.2.3)."""


def dropping_characters() -> Quirk:
    """Leave out what is not ASCII."""
    return _changing(lambda text: text.encode("ascii", "ignore").decode())


def questioning_characters() -> Quirk:
    """Give a question mark for each character that is not ASCII."""
    return _changing(lambda text: text.encode("ascii", "replace").decode())


def in_upper_case() -> Quirk:
    """Give text in capitals."""
    return _changing(str.upper, keeps_character_set=True)


def without_character_set() -> Quirk:
    """Encode as UTF-8, and do not say so."""

    def change(row: Dataset) -> None:
        for element in _texts(row):
            value = str(element.value).encode()
            padded = value + b" " * (len(value) % 2)
            row[element.tag] = RawDataElement(element.tag, element.VR, len(padded), padded, 0, False, True)  # noqa: FBT003
        row.pop("SpecificCharacterSet", None)

    return _row_by_row(change)


def called(character_set: str) -> Quirk:
    """Encode as UTF-8, and call it something else.

    The name is exchanged in the encoded row: pydicom would encode as the name says, or warn of it.
    """

    def change(row: Dataset) -> None:
        row.SpecificCharacterSet = UTF_8

    other = character_set.encode().ljust(len(UTF_8))
    named = _row_by_row(change)
    return Quirk(answers=named.answers, row=lambda row, _request: row.replace(UTF_8.encode(), other))


def _changing(change: Callable[[str], str], *, keeps_character_set: bool = False) -> Quirk:
    def change_row(row: Dataset) -> None:
        for element in _texts(row):
            row.add(element_of(element.tag, element.VR, (change(str(element.value)),)))
        if not keeps_character_set:
            row.pop("SpecificCharacterSet", None)

    return _row_by_row(change_row)


def _texts(row: Dataset) -> list[DataElement]:
    return [element for element in row if element.VR in _TEXT and element.value]


def _row_by_row(change: Callable[[Dataset], None]) -> Quirk:
    def changed(row: Dataset, _request: Request) -> Dataset:
        change(row)
        return row

    return Quirk(answers=each_row(changed))


NAMED = (
    Named(
        "loses-utf8", "leaves out what is not ASCII, so that a name ends in =^=^", dropping_characters, seen="Orthanc"
    ),
    Named(
        "questions-utf8",
        "gives ? for each character that is not ASCII",
        questioning_characters,
        seen="qrscp, tiny-pacs, CTN",
    ),
    Named("no-charset", "encodes as UTF-8, and tells no SpecificCharacterSet", without_character_set),
    Named("wrong-charset", "encodes as UTF-8, and calls it ISO_IR 100", lambda: called("ISO_IR 100")),
    Named(
        "invalid-charset",
        "encodes as UTF-8, and calls it ISO-IR 6, which is none",
        lambda: called("ISO-IR 6"),
        seen="tiny-pacs",
    ),
    Named("upper-cases-text", "returns text in capitals", in_upper_case, seen="CTN"),
)

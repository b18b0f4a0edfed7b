"""Values of text attributes, read from their encoded bytes.

pydicom checks a value while it converts it, and warns with the value itself; these functions
convert nothing but characters, so that no patient data reaches a warning.
"""

from __future__ import annotations

import re

from pydicom.charset import CODES_TO_ENCODINGS, default_encoding, python_encoding
from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pydicom.valuerep import CUSTOMIZABLE_CHARSET_VR

from itkdicomqr.scan import Header

SPECIFIC_CHARACTER_SET = 0x00080005

WHOLE_TEXTS = frozenset({"LT", "ST", "UR", "UT"})
r"""VRs of one value, in which a ``\`` is an ordinary character (PS3.5 6.2)."""

TEXTS = WHOLE_TEXTS | {"AE", "AS", "CS", "DA", "DS", "DT", "IS", "LO", "PN", "SH", "TM", "UC", "UI"}
"""VRs whose values are text."""

UNDECODABLE = "\N{REPLACEMENT CHARACTER}"

ASCII = "ascii"
ESC = b"\x1b"

_DELIMITER, _DELIMITER_OF_NAMES = re.compile(rb"[\\\r\n\t\f]"), re.compile(rb"[\\^=\r\n\t\f]")

_DECODED_WITH_THEIR_ESCAPES = ("iso2022_jp", "iso2022_jp_2")


def text_of(dataset: Dataset | Header, keyword: str, character_set: str = "") -> str | None:
    r"""Read an attribute as text.

    Parameters
    ----------
    dataset : Dataset or Header
        As parsed by pydicom, whose values not yet converted stay so, or as scanned.
    keyword : str
        DICOM keyword of the attribute.
    character_set : str
        That of a data set that names none, with ``\`` between several.

    Returns
    -------
    str or None
        Without padding, several values with ``\`` between them; None where the attribute is
        absent, or its bytes are not of its character set.
    """
    tag = tag_for_keyword(keyword)
    if tag is None or tag not in dataset:
        return None
    value = _value(dataset, tag)
    if not isinstance(value, bytes):
        return _converted(value)
    if value.isascii() and ESC not in value:
        return value.decode("ascii").strip("\0 ")
    text = _decoded(value, _encodings(dataset, character_set), dictionary_VR(tag))
    return None if UNDECODABLE in text else text.strip("\0 ")


def printable(text: str) -> str:
    """Escape what is no printable character, so that a value neither forges a line nor commands a terminal."""
    return "".join(character if character.isprintable() else repr(character)[1:-1] for character in text)


def escaped(text: str) -> str:
    """Escape all but printable ASCII, of what an archive says in its own words."""
    return text.encode("unicode_escape").decode("ascii")


def _value(dataset: Dataset | Header, tag: int) -> object:
    """Give the bytes of an element, or what pydicom has converted them to."""
    if isinstance(dataset, Header):
        return dataset[tag].value
    element = dataset.get_item(tag)
    return (element.value or b"") if isinstance(element, RawDataElement) else getattr(element, "value", None)


def _converted(value: object) -> str:
    if isinstance(value, MultiValue | list):
        return "\\".join(map(str, value))
    return "" if value is None else str(value).strip()


def _decoded(value: bytes, encodings: list[str], vr: str) -> str:
    """Decode with code extensions (PS3.5 6.1.2.5); what belongs to no character set becomes `UNDECODABLE`."""
    if vr not in CUSTOMIZABLE_CHARSET_VR:
        return value.decode("ascii", "replace")
    first, *escaped = value.split(ESC)
    return first.decode(encodings[0], "replace") + "".join(_switched(ESC + each, encodings, vr) for each in escaped)


def delimiter_of(vr: str) -> re.Pattern[bytes]:
    """Match what ends the effect of an escape sequence: after it the first character set returns (PS3.5 6.1.2.5.3)."""
    return _DELIMITER_OF_NAMES if vr == "PN" else _DELIMITER


def _switched(part: bytes, encodings: list[str], vr: str) -> str:
    """Decode what follows an escape sequence, which holds up to the next delimiter."""
    code = next((code for code in CODES_TO_ENCODINGS if part.startswith(code)), b"")
    encoding = _strict(CODES_TO_ENCODINGS.get(code, ""))
    if encoding not in (ASCII, *encodings):
        return UNDECODABLE
    if encoding in _DECODED_WITH_THEIR_ESCAPES:
        return part.decode(encoding, "replace")
    text = part[len(code) :]
    found = delimiter_of(vr).search(text)
    end = found.start() if found else len(text)
    return text[:end].decode(encoding, "replace") + text[end:].decode(encodings[0], "replace")


def _encodings(dataset: Dataset | Header, otherwise: str) -> list[str]:
    """Give Python's names of the Specific Character Set (0008,0005); an unknown one counts as absent."""
    value = _value(dataset, SPECIFIC_CHARACTER_SET) if SPECIFIC_CHARACTER_SET in dataset else ""
    named = value.decode("ascii", "replace") if isinstance(value, bytes) else _converted(value)
    return _known(named) or _known(otherwise) or [ASCII]


def _known(terms: str) -> list[str]:
    """Name the encodings of those defined terms that there are; none of an empty value alone."""
    given = [term.strip() for term in terms.split("\\")] if terms.strip() else []
    return [_strict(python_encoding[term]) for term in given if term in python_encoding]


def encodable(text: str, character_set: str) -> bool:
    """Tell whether a text can be written in the first encoding of a Specific Character Set."""
    try:
        text.encode((_known(character_set) or [ASCII])[0])
    except UnicodeEncodeError:
        return False
    return True


def _strict(encoding: str) -> str:
    """Take the default repertoire as ASCII (PS3.5 6.1.2.1), where pydicom takes it as Latin-1."""
    return ASCII if encoding == default_encoding else encoding

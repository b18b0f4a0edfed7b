"""Values of text attributes, read from their encoded bytes.

pydicom checks a value while it converts it, and warns with the value itself; these functions
convert nothing but characters, so that no patient data reaches a warning.
"""

from __future__ import annotations

from pydicom.charset import convert_encodings, decode_bytes, python_encoding
from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pydicom.valuerep import CUSTOMIZABLE_CHARSET_VR, TEXT_VR_DELIMS

UNDECODABLE = "\N{REPLACEMENT CHARACTER}"


def text_of(dataset: Dataset, keyword: str) -> str | None:
    r"""Read an attribute as text.

    Parameters
    ----------
    dataset : Dataset
        As parsed; values not yet converted stay so.
    keyword : str
        DICOM keyword of the attribute.

    Returns
    -------
    str or None
        Without padding, several values with ``\`` between them; None where the attribute is
        absent or its bytes are not of the character set that the data set names.
    """
    tag = tag_for_keyword(keyword)
    if tag is None or tag not in dataset:
        return None
    element: object = dataset.get_item(tag)
    if not isinstance(element, RawDataElement):
        return _converted(getattr(element, "value", None))
    value = bytes(element.value or b"")
    text = _decoded(value, dataset, dictionary_VR(tag))
    return None if UNDECODABLE in text else text.strip("\0 ")


def printable(text: str) -> str:
    """Escape what is no printable character, so that a value neither forges a line nor commands a terminal."""
    return "".join(character if character.isprintable() else repr(character)[1:-1] for character in text)


def _converted(value: object) -> str:
    if isinstance(value, MultiValue | list):
        return "\\".join(map(str, value))
    return "" if value is None else str(value).strip()


def _decoded(value: bytes, dataset: Dataset, vr: str) -> str:
    if vr not in CUSTOMIZABLE_CHARSET_VR or (value.isascii() and b"\x1b" not in value):
        return value.decode("ascii", "replace")
    encodings = convert_encodings(_character_sets(dataset) or None)
    if b"\x1b" in value:
        return decode_bytes(value, encodings, TEXT_VR_DELIMS)
    return value.decode(encodings[0], "replace")


def _character_sets(dataset: Dataset) -> list[str]:
    """The Defined Terms of Specific Character Set (0008,0005); an unknown one counts as absent."""
    element = dataset.get_item("SpecificCharacterSet") if "SpecificCharacterSet" in dataset else None
    if element is None:
        return []
    value = element.value or b""
    terms = value.decode("ascii", "replace").split("\\") if isinstance(value, bytes) else _converted(value).split("\\")
    return [term for term in map(str.strip, terms) if term in python_encoding]

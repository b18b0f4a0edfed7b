"""Values of text attributes, read from their encoded bytes.

pydicom checks a value while it converts it, and warns with the value itself; these functions
convert nothing but characters, so that no patient data reaches a warning.
"""

from __future__ import annotations

from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue

from itkdicomqr.charsets import ESC, is_known, strictly_decoded
from itkdicomqr.scan import Header

SPECIFIC_CHARACTER_SET = 0x00080005

WHOLE_TEXTS = frozenset({"LT", "ST", "UR", "UT"})
r"""VRs of one value, in which a ``\`` is an ordinary character (PS3.5 6.2)."""

TEXTS = WHOLE_TEXTS | {"AE", "AS", "CS", "DA", "DS", "DT", "IS", "LO", "PN", "SH", "TM", "UC", "UI"}
"""VRs whose values are text."""


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
    text = strictly_decoded(value, _character_set(dataset, character_set), dictionary_VR(tag))
    return None if text is None else text.strip("\0 ")


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


def _character_set(dataset: Dataset | Header, otherwise: str) -> str:
    """Give the Specific Character Set (0008,0005); an unknown one counts as absent."""
    value = _value(dataset, SPECIFIC_CHARACTER_SET) if SPECIFIC_CHARACTER_SET in dataset else ""
    named = value.decode("ascii", "replace") if isinstance(value, bytes) else _converted(value)
    return named if is_known(named) else otherwise

"""Values as an archive compares and returns them: text, whatever their VR, and never checked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydicom.dataelem import DataElement
from pydicom.multival import MultiValue
from pydicom.valuerep import PersonName

from itkdicomqr.text import TEXTS, WHOLE_TEXTS, text_of

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

Values = tuple[str, ...]

FLOATS = frozenset({"FD", "FL"})
INTEGERS = frozenset({"SL", "SS", "SV", "UL", "US", "UV"})
"""VRs whose values are binary numbers."""

KNOWN_VRS = TEXTS | FLOATS | INTEGERS
"""VRs that are matched and returned."""


def values_of(dataset: Dataset, keyword: str, vr: str) -> Values:
    """Read the values of an attribute, without their padding; none where it is absent, empty or of another kind."""
    if vr in TEXTS:
        text = text_of(dataset, keyword) or ""
        parts = [text] if vr in WHOLE_TEXTS else text.split("\\")
        return tuple(part.strip(" \0") for part in parts) if text else ()
    if vr in FLOATS | INTEGERS and keyword in dataset:
        return tuple(str(number) for number in _listed(dataset[keyword].value))
    return ()


def first_of(dataset: Dataset, keyword: str) -> str:
    """Read the first value of a text attribute; empty where there is none."""
    return (text_of(dataset, keyword) or "").split("\\")[0].strip(" \0")


def element_of(tag: int, vr: str, values: Values) -> DataElement:
    """Make an element of values as they are, unchecked: an archive answers with what it holds."""
    if vr in FLOATS | INTEGERS:
        return DataElement(tag, vr, [float(value) if vr in FLOATS else int(value) for value in values])
    if vr not in TEXTS:
        return DataElement(tag, vr, None)
    text = "\\".join(values)
    return DataElement(tag, vr, PersonName(text) if vr == "PN" else text, already_converted=True)


def _listed(value: object) -> list[object]:
    return list(value) if isinstance(value, MultiValue | list) else [] if value is None else [value]

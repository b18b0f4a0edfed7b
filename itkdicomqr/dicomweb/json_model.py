"""Values of attributes in the DICOM JSON model, as text (PS3.18 F.2)."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from pydicom.datadict import tag_for_keyword

from itkdicomqr.errors import ProtocolError

NAME_GROUPS = ("Alphabetic", "Ideographic", "Phonetic")
"""The component groups of a person's name, in their order (PS3.18 F.2.2)."""

_NO_TEXT = re.compile("[\N{REPLACEMENT CHARACTER}\ud800-\udfff]")
"""What a service puts where it could not decode a value, and halves of characters."""

JsonDataset = Mapping[str, Any]


def read_matches(content: bytes) -> list[JsonDataset]:
    """Read a JSON array of data sets; an empty body is an empty one.

    Raises
    ------
    ProtocolError
        It is something else.
    """
    try:
        matches = json.loads(content) if content.strip() else []
    except (ValueError, RecursionError):
        raise ProtocolError("the answer is no JSON") from None
    if not isinstance(matches, list) or not all(isinstance(match, dict) for match in matches):
        raise ProtocolError("the answer is no array of data sets in the DICOM JSON model (PS3.18 F)")
    return matches


def json_text_of(dataset: JsonDataset, keyword: str) -> str | None:
    r"""Read an attribute as text, as `itkdicomqr.text.text_of` does of encoded ones.

    Parameters
    ----------
    dataset : mapping
        Attribute by tag, as JSON has it.
    keyword : str
        DICOM keyword of the attribute.

    Returns
    -------
    str or None
        Without padding, several values with ``\`` between them; None where the attribute is
        absent, or holds what is no text or was not decodable there.
    """
    tag = tag_for_keyword(keyword)
    element = dataset.get(f"{tag:08X}") if tag is not None else None
    if not isinstance(element, dict) or not element.keys() <= {"vr", "Value"}:
        return None
    values = element.get("Value") or []
    texts = list(map(_text, values)) if isinstance(values, list) else [None]
    told = [text for text in texts if text is not None]
    text = "\\".join(told).strip("\0 ")
    return text if len(told) == len(texts) and not _NO_TEXT.search(text) else None


def _text(value: object) -> str | None:
    """Read one value; null stands for an empty one (PS3.18 F.2.5)."""
    if value is None or isinstance(value, str):
        return value or ""
    if isinstance(value, dict):
        return _name(value)
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _name(groups: Mapping[str, Any]) -> str | None:
    """Join the component groups of a person's name; an item of a sequence has none."""
    told = [groups.get(name) or "" for name in NAME_GROUPS]
    if groups.keys() - set(NAME_GROUPS) or not all(isinstance(each, str) for each in told):
        return None
    return "=".join(told).rstrip("=")

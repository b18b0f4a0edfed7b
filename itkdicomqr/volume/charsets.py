"""Text in the character sets of DICOM (PS3.3 C.12.1.1.2, PS3.5 6.1), without warnings that would quote it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pydicom.charset import CODES_TO_ENCODINGS, python_encoding

from itkdicomqr.text import delimiter_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_ESCAPED_PART = re.compile(rb"(?=\x1b)")
_STATEFUL = frozenset({"iso2022_jp", "iso2022_jp_1", "iso2022_jp_2"})
"""Encodings that Python reads with their escape sequences."""
_WITHOUT_ESCAPES = frozenset({"UTF8", "GB18030", "GBK"})
_CODES: Mapping[bytes, str] = dict(sorted(CODES_TO_ENCODINGS.items(), key=lambda item: -len(item[0])))


def decoded(content: bytes, character_sets: Sequence[str], vr: str) -> str:
    """Return the text that some bytes mean; what they cannot mean becomes U+FFFD.

    Parameters
    ----------
    content : bytes
        The value of an element of text.
    character_sets : sequence of str
        The values of SpecificCharacterSet; an unknown one is read as ISO-IR 100.
    vr : str
        That of the element.
    """
    first = python_encoding.get(character_sets[0] if character_sets else "", "iso8859")
    if b"\x1b" not in content or first in _WITHOUT_ESCAPES:
        return content.decode(first, "replace")
    return "".join(_escaped(part, first, vr) for part in _ESCAPED_PART.split(content))


def _escaped(part: bytes, first: str, vr: str) -> str:
    """Decode a part by its escape sequence; after a delimiter the first character set returns."""
    code = next((code for code in _CODES if part.startswith(code)), b"")
    encoding = _CODES[code] if code else first
    content = part[len(code) :]
    found = delimiter_of(vr).search(content)
    end = found.start() if found else len(content)
    prefix = code if encoding in _STATEFUL else b""
    return (prefix + content[:end]).decode(encoding, "replace") + content[end:].decode(first, "replace")

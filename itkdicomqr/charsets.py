"""Text in the character sets of DICOM (PS3.3 C.12.1.1.2, PS3.5 6.1), without warnings that would quote it."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

from pydicom.charset import CODES_TO_ENCODINGS, default_encoding, python_encoding
from pydicom.valuerep import CUSTOMIZABLE_CHARSET_VR

UNDECODABLE = "\N{REPLACEMENT CHARACTER}"
ESC = b"\x1b"
ASCII = "ascii"

_ESCAPED_PART = re.compile(rb"(?=\x1b)")
_LATIN_9 = "iso8859_15"
"""Of ISO_IR 203, which pydicom does not know yet (PS3.3 C.12.1.1.2)."""

_ENCODINGS: Mapping[str, str] = {**python_encoding, "ISO_IR 203": _LATIN_9, "ISO 2022 IR 203": _LATIN_9}
_CODES: Mapping[bytes, str] = dict(
    sorted([*CODES_TO_ENCODINGS.items(), (b"\x1b-b", _LATIN_9)], key=lambda item: -len(item[0]))
)
_STATEFUL = frozenset({"iso2022_jp", "iso2022_jp_1", "iso2022_jp_2"})
"""Encodings that Python reads with their escape sequences. Their characters of two bytes may look like delimiters,
before which they are left by an escape sequence of their own (PS3.5 6.1.2.5.3)."""

_WITHOUT_ESCAPES = frozenset({"UTF8", "GB18030", "GBK"})

_DELIMITER, _DELIMITER_OF_NAMES = re.compile(rb"[\\\r\n\t\f]"), re.compile(rb"[\\^=\r\n\t\f]")
"""What ends the effect of an escape sequence: after it the first character set returns (PS3.5 6.1.2.5.3)."""


def decoded(content: bytes, terms: str, vr: str) -> str:
    r"""Return the text that some bytes mean, for whoever shows it.

    Parameters
    ----------
    content : bytes
        The value of an element of text.
    terms : str
        SpecificCharacterSet, with ``\`` between its defined terms. An unknown one, and none, is read as
        ISO-IR 100, and what an escape sequence switches to need not be named.
    vr : str
        That of the element.

    Returns
    -------
    str
        What the bytes cannot mean is U+FFFD.
    """
    first = _ENCODINGS.get(terms.partition("\\")[0].strip(), default_encoding)
    if ESC not in content or first in _WITHOUT_ESCAPES:
        return content.decode(first, "replace")
    return _extended(content, first, vr, None)


def strictly_decoded(content: bytes, terms: str, vr: str) -> str | None:
    """Return the text that some bytes must mean, for whoever decides by it.

    Parameters
    ----------
    content, terms, vr
        As `decoded` takes them, but of unknown terms, or none, only ASCII is read, and an escape sequence must
        switch to a character set that is named.

    Returns
    -------
    str or None
        None where the bytes are not of the character sets.
    """
    encodings = encodings_of(terms) if vr in CUSTOMIZABLE_CHARSET_VR else [ASCII]
    if ESC in content and (vr not in CUSTOMIZABLE_CHARSET_VR or encodings[0] in _WITHOUT_ESCAPES):
        return None
    text = _extended(content, encodings[0], vr, {ASCII, *encodings})
    return None if UNDECODABLE in text else text


def encodings_of(terms: str) -> list[str]:
    """Name the encodings of those defined terms that there are, in Python's words; ASCII where there are none."""
    return [_strict(_ENCODINGS[term]) for term in _terms_of(terms) if term in _ENCODINGS] or [ASCII]


def is_known(terms: str) -> bool:
    """Tell whether any of the defined terms is one; an empty value counts as absent."""
    return any(term in _ENCODINGS for term in _terms_of(terms))


def encodable(text: str, terms: str) -> bool:
    """Tell whether a text can be written in the first encoding of a Specific Character Set."""
    try:
        text.encode(encodings_of(terms)[0])
    except UnicodeEncodeError:
        return False
    return True


def _terms_of(terms: str) -> list[str]:
    return [term.strip() for term in terms.split("\\")] if terms.strip() else []


def _strict(encoding: str) -> str:
    """Take the default repertoire as ASCII (PS3.5 6.1.2.1), where pydicom takes it as Latin-1."""
    return ASCII if encoding == default_encoding else encoding


def _extended(content: bytes, first: str, vr: str, allowed: Collection[str] | None) -> str:
    """Decode with code extensions (PS3.5 6.1.2.5)."""
    before, *escaped = _ESCAPED_PART.split(content)
    return before.decode(first, "replace") + "".join(_switched(part, first, vr, allowed) for part in escaped)


def _switched(part: bytes, first: str, vr: str, allowed: Collection[str] | None) -> str:
    """Decode what follows an escape sequence, which holds up to the next delimiter."""
    code = next((code for code in _CODES if part.startswith(code)), b"")
    encoding = _CODES.get(code, first)
    if allowed is not None and not (code and _strict(encoding) in allowed):
        return UNDECODABLE
    if encoding in _STATEFUL:
        return part.decode(encoding, "replace")
    text = part[len(code) :]
    found = (_DELIMITER_OF_NAMES if vr == "PN" else _DELIMITER).search(text)
    end = found.start() if found else len(text)
    return text[:end].decode(encoding, "replace") + text[end:].decode(first, "replace")

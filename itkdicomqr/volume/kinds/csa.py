"""The CSA header, in which Siemens keeps what a mosaic's own attributes do not tell.

A little-endian table of named elements, each of a few strings. There are two forms: one begins with
``SV10``; the older one has no such signature, and other lengths of its items. Described by
https://nipy.org/nibabel/dicom/siemens_csa.html.
"""

from __future__ import annotations

import struct

_SIGNATURE = b"SV10"
_ELEMENT = struct.Struct("<64si4s3i")
_ITEM = struct.Struct("<4i")
_MOST_ELEMENTS = 1024
"""More than any has: a count beyond tells that this is no CSA header."""


def parsed(header: bytes) -> dict[str, tuple[str, ...]] | None:
    """Return the values of each element of a CSA header, None where the bytes are none.

    Parameters
    ----------
    header : bytes
        The value of CSA Image Header Info (0029,xx10).
    """
    offset = 8 if header[:4] == _SIGNATURE else 0
    try:
        return _elements(header, offset)
    except (struct.error, UnicodeDecodeError):
        return None


def _elements(header: bytes, offset: int) -> dict[str, tuple[str, ...]] | None:
    (count,) = struct.unpack_from("<I", header, offset)
    if not 0 < count <= _MOST_ELEMENTS:
        return None
    elements = {}
    base = 0
    at = offset + 8
    for index in range(count):
        name, multiplicity, _, _, items, _ = _ELEMENT.unpack_from(header, at)
        at += _ELEMENT.size
        if index == 0 and not offset:
            base = items
        values, at = _values(header, at, items, base if not offset else None)
        elements[_text(name)] = values[:multiplicity] if multiplicity > 0 else values
    return elements


def _values(header: bytes, at: int, items: int, base: int | None) -> tuple[tuple[str, ...], int]:
    """Read the items of an element, and return where the next one begins.

    ``base`` is what the older form adds to the first number of an item to tell its length.
    """
    values = []
    for _ in range(items):
        numbers = _ITEM.unpack_from(header, at)
        size = numbers[1] if base is None else numbers[0] - base
        at += _ITEM.size
        if not 0 <= size <= len(header) - at:
            message = "an item reaches beyond the end"
            raise struct.error(message)
        values.append(_text(header[at : at + size]))
        at += -(-size // 4) * 4
    return tuple(value for value in values if value), at


def _text(content: bytes) -> str:
    return content.split(b"\0", 1)[0].decode("latin-1").strip()

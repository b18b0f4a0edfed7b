"""What a compressed frame says of its own size, read before anything is decoded.

A decoder allocates what the codestream claims, so the claim must equal the header first.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

JPEG_START = b"\xff\xd8"
J2K_START = b"\xff\x4f\xff\x51"
END_MARKER = b"\xff\xd9"
"""EOI of JPEG and JPEG-LS, EOC of JPEG 2000."""
JP2_START = b"\0\0\0\x0cjP  "

_PADDING = 16
_START_OF_FRAME = frozenset({*range(0xC0, 0xD0), 0xF7} - {0xC4, 0xC8, 0xCC})
"""The SOF markers of ITU-T T.81 table B.1, and that of JPEG-LS (ITU-T T.87 C.1.1)."""
_ALONE = frozenset({0x01, *range(0xD0, 0xD9)})
"""Markers without a length."""
_END = frozenset({0xD9, 0xDA})
"""End of image and start of scan: the frame's header should have come before."""


@dataclass(frozen=True)
class Codestream:
    """The claim of a compressed frame.

    Attributes
    ----------
    width, height, components : int
        In pixels, and samples per pixel.
    precision : int
        Bits per sample.
    signed : bool or None
        Whether the samples are signed; None where the codestream has no say, as a JPEG's.
    """

    width: int
    height: int
    components: int
    precision: int
    signed: bool | None = None


def codestream_of(frame: memoryview) -> Codestream | None:
    """Read the size that a JPEG, JPEG-LS or JPEG 2000 codestream claims, None where it is none of these.

    Parameters
    ----------
    frame : memoryview
        A whole frame; a JPEG 2000 one without the boxes of a JP2 file (:func:`unboxed`).
    """
    try:
        if frame[:4] == J2K_START:
            return _jpeg2000(frame)
        return _jpeg(frame) if frame[:2] == JPEG_START else None
    except (struct.error, IndexError):
        return None


def is_ended(frame: memoryview) -> bool:
    """Tell whether a codestream has its end marker, without which decoders invent the rest; padding may follow."""
    return END_MARKER in bytes(frame[-_PADDING:])


def unboxed(frame: memoryview) -> memoryview:
    """Return the codestream within a JP2 file (ISO 15444-1 annex I), or the frame where it is not one."""
    if frame[:8] != JP2_START:
        return frame
    offset = 0
    while offset + 8 <= len(frame):
        size, kind = struct.unpack_from(">I4s", frame, offset)
        if kind == b"jp2c":
            return frame[offset + 8 :]
        if size < 8:
            break
        offset += size
    return frame


def _jpeg2000(frame: memoryview) -> Codestream:
    """Read the SIZ segment (ISO 15444-1 A.5.1)."""
    right, bottom, left, top = struct.unpack_from(">4I", frame, 8)
    components, precision = struct.unpack_from(">HB", frame, 40)
    return Codestream(right - left, bottom - top, components, (precision & 0x7F) + 1, signed=precision > 0x7F)


def _jpeg(frame: memoryview) -> Codestream | None:
    """Walk the segments to the start of frame (ITU-T T.81 B.2.2)."""
    offset = len(JPEG_START)
    while frame[offset] == 0xFF and frame[offset + 1] not in _END:
        marker = frame[offset + 1]
        if marker in _START_OF_FRAME:
            precision, height, width, components = struct.unpack_from(">BHHB", frame, offset + 4)
            return Codestream(width, height, components, precision)
        padding = marker == 0xFF
        offset += 1 if padding else 2
        if not padding and marker not in _ALONE:
            offset += int(struct.unpack_from(">H", frame, offset)[0])
    return None

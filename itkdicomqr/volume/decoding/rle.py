"""Run-length encoded frames: byte planes in PackBits (PS3.5 annex G)."""

from __future__ import annotations

import struct
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import imagecodecs
import numpy as np

from itkdicomqr.errors import CorruptInstanceError
from itkdicomqr.prose import counted

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from itkdicomqr.volume.decoding.layout import PixelLayout

_RLE_HEADER = 64


def decode_rle(frame: memoryview, layout: PixelLayout) -> NDArray[np.unsignedinteger[Any]]:
    """Put the byte planes of a frame together, most significant first; single bits get a byte each.

    Raises
    ------
    CorruptInstanceError
        There are not as many planes, or not as many bytes in one, as the layout needs.
    """
    if layout.bits_allocated == 1:
        return _single_bits(frame, layout)
    width = layout.bits_allocated // 8
    planes = [_plane(segment, layout) for segment in _segments(frame, layout.samples * width)]
    words = np.empty((layout.rows * layout.columns, layout.samples, width), np.uint8)
    for index, plane in enumerate(planes):
        words[:, index // width, width - 1 - index % width] = plane
    return words.reshape(-1).view(f"<u{width}").reshape(layout.shape)


def _single_bits(frame: memoryview, layout: PixelLayout) -> NDArray[np.uint8]:
    """Read single bits, packed as in native pixel data, or filled up to a byte each (PS3.5 G.2): the length tells."""
    pixels = layout.rows * layout.columns
    packed = -(-pixels // 8)
    (segment,) = _segments(frame, 1)
    decoded = np.frombuffer(_decoded(segment, pixels + 1), np.uint8)
    if len(decoded) in {packed, packed + 1}:
        decoded = np.unpackbits(decoded[:packed], bitorder="little")
    if not pixels <= len(decoded) < pixels + 8 or decoded.max() > 1:
        message = f"its RLE segment does not decode to {pixels} single bits"
        raise CorruptInstanceError(message)
    return decoded[:pixels].reshape(layout.rows, layout.columns)


def _segments(frame: memoryview, expected: int) -> list[memoryview]:
    if len(frame) < _RLE_HEADER:
        message = "its RLE header is cut short"
        raise CorruptInstanceError(message)
    count, *offsets = struct.unpack_from("<16I", frame)
    if count != expected:
        found = counted(count, "segment")
        message = f"its RLE header counts {found}, but BitsAllocated and SamplesPerPixel need {expected}"
        raise CorruptInstanceError(message)
    bounds = [*offsets[:count], len(frame)]
    if sorted(bounds) != bounds:
        message = "its RLE header's offsets are out of order"
        raise CorruptInstanceError(message)
    return [frame[start:stop] for start, stop in pairwise(bounds)]


def _plane(segment: memoryview, layout: PixelLayout) -> NDArray[np.uint8]:
    """Decode a segment; its padding to an even length may decode to one byte more."""
    expected = layout.rows * layout.columns
    decoded = _decoded(segment, expected + 1)
    if len(decoded) not in {expected, expected + 1}:
        message = f"an RLE segment decodes to {counted(len(decoded), 'byte')}, but a plane has {expected}"
        raise CorruptInstanceError(message)
    return np.frombuffer(decoded, np.uint8, expected)


def _decoded(segment: memoryview, most: int) -> bytes:
    try:
        return bytes(imagecodecs.packbits_decode(bytes(segment), out=most))
    except (RuntimeError, ValueError) as error:
        message = f"its RLE segments cannot be decoded ({type(error).__name__})"
        raise CorruptInstanceError(message) from None

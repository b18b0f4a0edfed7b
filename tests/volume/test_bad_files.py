"""Bad files, one of each kind: a typed error that names what is wrong, or the right image; soon, in little memory."""

from __future__ import annotations

import re
import struct
import time
import tracemalloc
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from pydicom import uid
from pydicom.encaps import encapsulate

from itkdicomqr.errors import (
    CorruptInstanceError,
    DICOMQRError,
    LimitExceededError,
    NoPixelsError,
    UnsupportedImageError,
)
from itkdicomqr.volume import read_volumes
from tests.synthetic import part10, series
from tests.timing import bound
from tests.volume.decoding.test_codecs import htj2k, jpeg, jpeg_2000, jpeg_lossless, jpeg_ls, rle

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

SIDE = 64
MOST_SECONDS = 10.0
MOST_BYTES = 32 << 20
"""What Python and NumPy may hold at a time; the image takes 8 KiB, and twice the limit of a bomb 28 MiB."""

J2K_SIZE, SOF_SIZE = 8, 5
"""Where a codestream tells its size: from the marker of SIZ, and from that of the start of frame."""


def values() -> NDArray[Any]:
    return np.add.outer(np.arange(SIDE) * 30, np.arange(SIDE)).astype(np.uint16)


def plain(**attributes: Any) -> bytes:
    (slice_,) = series("CT", 1, pixels=lambda _: values(), **attributes)
    return part10(slice_)


def compressed(syntax: str, compress: Callable[[NDArray[Any]], bytes], dtype: str = "uint16") -> bytes:
    pixels = values().astype(dtype)
    (slice_,) = series("CT", 1, pixels=lambda _: pixels, syntax=syntax, compress=compress)
    return part10(slice_)


J2K = (uid.JPEG2000Lossless, jpeg_2000)
HTJ2K = (uid.HTJ2KLossless, htj2k)
JLS = (uid.JPEGLSLossless, jpeg_ls)
LOSSLESS = (uid.JPEGLosslessSV1, jpeg_lossless)
RLE = (uid.RLELossless, rle)
JPEG = (uid.JPEGBaseline8Bit, jpeg, "uint8")


def cut(content: bytes, end: int) -> bytes:
    return content[:end]


def flipped(content: bytes, mark: bytes) -> bytes:
    """Change a byte in the middle of a codestream."""
    at = (content.rindex(mark) + len(content)) // 2
    return content[:at] + bytes([content[at] ^ 0x55]) + content[at + 1 :]


def replaced(content: bytes, old: bytes, new: bytes, *, after: int = 0) -> bytes:
    """Write over some bytes, and what follows them if the new ones are more."""
    at = content.index(old) + after
    return content[:at] + new + content[at + len(new) :]


def with_length(content: bytes, tag: bytes, vr: bytes, length: int) -> bytes:
    return replaced(content, tag + vr, struct.pack("<I", length), after=8)


def with_data_set(content: bytes, change: Callable[[bytes], bytes]) -> bytes:
    """Change all that follows the file meta information."""
    (length,) = struct.unpack_from("<I", content, 140)
    start = 144 + length
    return content[:start] + change(content[start:])


def element(tag: bytes, vr: bytes, value: bytes, length: int | None = None) -> bytes:
    return tag + vr + b"\0\0" + struct.pack("<I", len(value) if length is None else length) + value


def nested(depth: int) -> bytes:
    """A private sequence within a sequence, and so on, all of undefined length."""
    begin = element(b"\x09\0\x10\x10", b"SQ", b"\xfe\xff\x00\xe0\xff\xff\xff\xff", 0xFFFFFFFF)
    return begin * depth


def deflated(content: bytes) -> bytes:
    deflater = zlib.compressobj(9, wbits=-zlib.MAX_WBITS)
    return deflater.compress(content) + deflater.flush()


def bomb() -> bytes:
    return with_data_set(
        plain(syntax=uid.DeflatedExplicitVRLittleEndian),
        lambda content: deflated(zlib.decompress(content, -zlib.MAX_WBITS) + bytes(64 << 20)),
    )


def fragments(*frames: bytes, syntax: str = uid.RLELossless) -> bytes:
    (slice_,) = series("CT", 1, pixels=lambda _: values(), syntax=syntax, compress=rle)
    slice_.PixelData = encapsulate(list(frames)) if frames else b"\xfe\xff\x00\xe0\0\0\0\0\xfe\xff\xdd\xe0\0\0\0\0"
    return part10(slice_)


def renamed(content: bytes, old: str, new: str) -> bytes:
    """Call the transfer syntax another, of the same length with its padding."""
    padded = [each.encode() + b"\0" * (len(each) % 2) for each in (old, new)]
    width = max(map(len, padded))
    return content.replace(padded[0].ljust(width, b"\0"), padded[1].ljust(width, b"\0"), 1)


@dataclass(frozen=True)
class Bad:
    """A bad file, and what it must become."""

    make: Callable[[], bytes]
    error: type[DICOMQRError] | None = CorruptInstanceError
    words: str = ""


def told(words: str, **attributes: Any) -> Bad:
    """A wrong value of some attribute, that the error names."""
    return Bad(lambda: plain(**attributes), CorruptInstanceError, words)


PIXELS, ITEM = b"\xe0\x7f\x10\x00", b"\xfe\xff\x00\xe0"

FILES: dict[str, Bad] = {
    "empty": Bad(lambda: b"", words="'DICM' is not at offset 128"),
    "a picture": Bad(lambda: b"\x89PNG\r\n\x1a\n" + bytes(500), words="'DICM' is not at offset 128"),
    "no preamble": Bad(lambda: plain()[132:], words="'DICM' is not at offset 128"),
    "preamble only": Bad(lambda: cut(plain(), 132), words="TransferSyntaxUID"),
    "cut meta": Bad(lambda: cut(plain(), 200), words="reaches beyond its end|cut short"),
    "cut header": Bad(lambda: cut(plain(), 500), words="cut short|reaches beyond|lacks|neither"),
    "no transfer syntax": Bad(lambda: replaced(plain(), b"\x02\0\x10\0UI", b"\x02\0\x11\0"), words="TransferSyntaxUID"),
    "cut pixels by 1 byte": Bad(lambda: cut(plain(), -1), words="should have 8192 bytes, of which 8191"),
    "cut pixels by half": Bad(lambda: cut(plain(), -4096), words="of which 4096 are there"),
    "no pixels": Bad(lambda: cut(plain(), plain().index(PIXELS)), NoPixelsError, "no pixels in 1 instance"),
    "empty pixels": Bad(
        lambda: cut(with_length(plain(), PIXELS, b"OW", 0), -8192), words="has 0 bytes, but 64 rows x 64 columns"
    ),
    "pixels too short": Bad(lambda: cut(with_length(plain(), PIXELS, b"OW", 100), -8092), words="has 100 bytes, but"),
    "pixels' length huge": Bad(lambda: with_length(plain(), PIXELS, b"OW", 0xFFFFFFF0), words="should have 4294967280"),
    "pixels' length undefined": Bad(
        lambda: with_length(plain(), PIXELS, b"OW", 0xFFFFFFFF), words="encapsulated, which its transfer syntax forbids"
    ),
    "element's length huge": Bad(
        lambda: with_data_set(plain(), lambda rest: element(b"\x08\0\x01\0", b"UT", b"", 0xFFFFFFF0) + rest),
        words="reaches beyond its end",
    ),
    "sequences without end": Bad(
        lambda: with_data_set(plain(), lambda rest: nested(1) + rest), words="damaged|beyond|cut short"
    ),
    "sequences nested 20000 deep": Bad(
        lambda: with_data_set(plain(), lambda rest: nested(20_000) + rest), words="nested deeper than 32"
    ),
    "rows 0": Bad(lambda: plain(Rows=0), NoPixelsError, "no pixels in 1 instance"),
    "rows 60000": told("has 8192 bytes, .*60000 rows", Rows=60000),
    "rows and columns 65535": Bad(
        lambda: plain(Rows=65535, Columns=65535), LimitExceededError, "65535 rows x 65535 columns.*more than 1000 times"
    ),
    "columns missing": told("Columns", Columns=None),
    "bits allocated 12": Bad(
        lambda: plain(BitsAllocated=12, BitsStored=12, HighBit=11), UnsupportedImageError, "12|16"
    ),
    "bits allocated 0": told("BitsAllocated", BitsAllocated=0),
    "bits allocated 64": Bad(lambda: plain(BitsAllocated=64), UnsupportedImageError, "BitsAllocated"),
    "bits stored more than allocated": told("HighBit", BitsStored=20, HighBit=19),
    "high bit beyond": told("HighBit", HighBit=40),
    "pixel representation 7": told("PixelRepresentation", PixelRepresentation=7),
    "planar configuration 5": told("PlanarConfiguration", PlanarConfiguration=5, SamplesPerPixel=3),
    "frames -1": told("NumberOfFrames", NumberOfFrames="-1"),
    "frames 0": told("NumberOfFrames", NumberOfFrames="0"),
    "frames 2147483647": told("NumberOfFrames", NumberOfFrames="2147483647"),
    "frames 1.5": told("NumberOfFrames", NumberOfFrames=[1, 2]),
    "samples 4": Bad(lambda: plain(SamplesPerPixel=4), UnsupportedImageError, "SamplesPerPixel"),
    "no photometric interpretation": Bad(
        lambda: plain(PhotometricInterpretation=None), UnsupportedImageError, "PhotometricInterpretation"
    ),
    "photometric interpretation unknown": Bad(
        lambda: plain(PhotometricInterpretation="CMYK"), UnsupportedImageError, "PhotometricInterpretation"
    ),
    "spacing 0": told("PixelSpacing", PixelSpacing=["0", "0"]),
    "spacing negative": told("PixelSpacing", PixelSpacing=["-1", "1"]),
    "spacing 1e-300": told("nearer than anything", PixelSpacing=["1e-300", "1"]),
    "one spacing": told("PixelSpacing", PixelSpacing=["1"]),
    "orientation zero": told("ImageOrientationPatient", ImageOrientationPatient=["0"] * 6),
    "orientation not orthogonal": told("two orthogonal unit", ImageOrientationPatient=["1", "0", "0", "1", "0", "0"]),
    "position of two": told("ImagePositionPatient", ImagePositionPatient=["1", "2"]),
    "position 1e300": told("farther than anything", ImagePositionPatient=["1e300", "0", "0"]),
    "slope 1e300": told("RescaleSlope .* overflow", RescaleSlope="1e300"),
    "slope nan": Bad(lambda: plain(RescaleSlope="12345").replace(b"12345 ", b"nan   "), words="RescaleSlope"),
    "transfer syntax unknown": Bad(
        lambda: renamed(plain(), "1.2.840.10008.1.2.1", "1.2.840.10008.1.9.9"), words="is not known"
    ),
    "transfer syntax of video": Bad(
        lambda: compressed(uid.MPEG2MPML, rle),
        UnsupportedImageError,
        r"MPEG2 .* \(1.2.840.10008.1.2.4.100\) is not decoded",
    ),
    "another byte order than told": Bad(
        lambda: renamed(plain(), "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2"), words="lacks SOPInstanceUID"
    ),
    "native though compressed is told": Bad(
        lambda: renamed(plain(), "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.5"), words="not encapsulated"
    ),
    "compressed though native is told": Bad(
        lambda: renamed(compressed(*RLE), "1.2.840.10008.1.2.5", "1.2.840.10008.1.2.1"), words="encapsulated, which"
    ),
    "deflated bomb": Bad(bomb, LimitExceededError, r"Limits\(max_inflate_ratio=...\)"),
    "deflated cut": Bad(lambda: cut(plain(syntax=uid.DeflatedExplicitVRLittleEndian), -50), words="cut short"),
    "deflated garbage": Bad(
        lambda: with_data_set(plain(syntax=uid.DeflatedExplicitVRLittleEndian), lambda rest: b"\xff" * len(rest)),
        words="deflated data set is damaged",
    ),
    "no fragment": Bad(fragments, words="holds no fragment"),
    "a frame less than told": Bad(lambda: _cine_of_one(NumberOfFrames="2"), words="how its 1 fragment can be 2 frames"),
    "RLE cut": Bad(lambda: cut(compressed(*RLE), -3000), words="damaged or cut short"),
    "RLE fragment's length huge": Bad(
        lambda: replaced(compressed(*RLE), ITEM + b"\x04\0\0\0" + bytes(4) + ITEM, b"\xf0\xff\xff\x7f", after=16),
        words="damaged or cut short",
    ),
    "RLE fragment of nothing": Bad(lambda: fragments(b"\0\0"), words="RLE header is cut short"),
    "RLE segments 16": Bad(lambda: fragments(struct.pack("<16I", *range(16))), words="segments"),
    "RLE offsets beyond": Bad(
        lambda: fragments(struct.pack("<3I", 2, 64, 0x7FFFFFFF) + bytes(60)), words="offsets are out of order"
    ),
    "RLE bomb": Bad(
        lambda: fragments(struct.pack("<3I52x", 2, 64, 66) + b"\x81\0" + b"\x81\0" * 400_000),
        words="RLE segment",
    ),
    **{
        f"{name} cut": Bad(lambda codec=codec: _cut_codestream(*codec), words="end marker is missing")  # type: ignore[misc]
        for name, codec in {"JPEG": JPEG, "lossless JPEG": LOSSLESS, "JPEG-LS": JLS, "J2K": J2K, "HTJ2K": HTJ2K}.items()
    },
    **{
        f"J2K of {size} rows": Bad(
            lambda size=size: replaced(  # type: ignore[misc]
                compressed(*J2K), b"\xff\x4f\xff\x51", struct.pack(">2I", SIDE, size), after=J2K_SIZE
            ),
            words=f"{SIDE}x{size}x1 .*but the header says",
        )
        for size in (60000, SIDE + 1, 0)
    },
    **{
        f"{name} of 65535 rows": Bad(
            lambda codec=codec, mark=mark: replaced(  # type: ignore[misc]
                compressed(*codec), mark, b"\xff\xff\xff\xff", after=SOF_SIZE
            ),
            words="65535x65535x1 .*but the header says",
        )
        for name, codec, mark in (
            ("JPEG", JPEG, b"\xff\xc0\x00\x0b"),
            ("lossless JPEG", LOSSLESS, b"\xff\xc3\x00\x0b"),
            ("JPEG-LS", JLS, b"\xff\xf7\x00\x0b"),
        )
    },
    "no codestream": Bad(
        lambda: fragments(bytes(5000), syntax=uid.JPEG2000Lossless), words="no codestream of its transfer syntax"
    ),
}
"""Each with the error that it must become, and what that must say."""

GOOD: dict[str, Callable[[], bytes]] = {
    "a byte more than needed": lambda: with_length(plain(), PIXELS, b"OW", 8194) + b"\0\0",
    "slope 0": lambda: plain(RescaleSlope="0", RescaleIntercept="0"),
    "implicit though explicit is told": lambda: renamed(
        plain(syntax=uid.ImplicitVRLittleEndian), "1.2.840.10008.1.2", "1.2.840.10008.1.2.1"
    ),
    "a VR that nobody knows": lambda: with_data_set(plain(), lambda rest: b"\x08\0\x01\0zz\x02\0ab" + rest),
    "a sequence without a VR": lambda: with_data_set(
        plain(), lambda rest: element(b"\x08\0\x01\0", b"UN", b"\xfe\xff\xdd\xe0\0\0\0\0", 0xFFFFFFFF) + rest
    ),
    "no end of the fragments": lambda: cut(compressed(*J2K), -8) + b"\xfe\xff\xdd\xe0\0\0\0\0",
}
"""What is bad, yet leaves no doubt."""

FLIPPED: dict[str, tuple[Any, bytes]] = {
    "J2K": (J2K, b"\xff\x93"),
    "HTJ2K": (HTJ2K, b"\xff\x93"),
    "JPEG-LS": (JLS, b"\xff\xda"),
    "lossless JPEG": (LOSSLESS, b"\xff\xda"),
    "JPEG": (JPEG, b"\xff\xda"),
    "RLE": (RLE, b"\xfe\xff\x00\xe0"),
}
"""A byte within the codestream: it may decode to other values, which nobody can see."""


def _cut_codestream(syntax: str, compress: Callable[[NDArray[Any]], bytes], dtype: str = "uint16") -> bytes:
    return compressed(syntax, lambda pixels: compress(pixels)[:-40], dtype)


def _cine_of_one(**attributes: Any) -> bytes:
    (slice_,) = series("US", 1, pixels=lambda _: values(), syntax=uid.RLELossless, compress=rle, **attributes)
    return part10(slice_)


def read(content: bytes) -> Any:
    """Read one file, and see that it took little time and memory."""
    begun = time.perf_counter()
    tracemalloc.start()
    try:
        (volume,) = read_volumes([content])
        return volume.array
    finally:
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert time.perf_counter() - begun < bound(MOST_SECONDS)
        assert peak < MOST_BYTES + len(content)


@pytest.mark.parametrize("name", FILES)
def test_a_bad_file_is_a_typed_error_that_says_what_is_wrong(name: str) -> None:
    bad = FILES[name]
    content = bad.make()
    with pytest.raises(bad.error or DICOMQRError) as caught:
        read(content)
    assert re.search(bad.words, str(caught.value)), str(caught.value)


@pytest.mark.parametrize("name", GOOD)
def test_a_file_that_leaves_no_doubt_is_read(name: str) -> None:
    assert np.array_equal(read(GOOD[name]())[0], values())


@pytest.mark.parametrize("name", FLIPPED)
def test_damage_within_a_codestream_stays_within_bounds(name: str) -> None:
    codec, mark = FLIPPED[name]
    content = flipped(compressed(*codec), mark)
    try:
        array = read(content)
    except CorruptInstanceError:
        return
    assert array.shape == (1, SIDE, SIDE)

"""From a pixel data element to its stored samples, for each transfer syntax."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import imagecodecs
import numpy as np
from pydicom import uid

from itkdicomqr.errors import CorruptInstanceError, LimitExceededError, UnsupportedImageError
from itkdicomqr.prose import counted
from itkdicomqr.volume.decoding import by_gdcm
from itkdicomqr.volume.decoding.codestream import codestream_of, is_ended, unboxed
from itkdicomqr.volume.decoding.fragments import first_fragment
from itkdicomqr.volume.decoding.layout import SUBSAMPLED
from itkdicomqr.volume.decoding.rle import decode_rle
from itkdicomqr.volume.decoding.stored import Stored

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from itkdicomqr.instance import Instance, PixelElement
    from itkdicomqr.volume.decoding.codestream import Codestream
    from itkdicomqr.volume.decoding.layout import PixelLayout
    from itkdicomqr.volume.decoding.stored import PixelSource
    from itkdicomqr.volume.options import JPEG

    Samples = NDArray[Any]
    Decode = Callable[[memoryview, PixelLayout], Samples]

JPEG_SPECTRAL_SELECTION = "1.2.840.10008.1.2.4.53"
JPEG_PROGRESSIVE = "1.2.840.10008.1.2.4.55"
"""Retired, but still in archives; lossy, of 8 or 12 bits."""

BEYOND_DOUBT = 64 << 20
"""Bytes of a frame that are decoded however few bytes make it: a blank mammogram compresses to nothing."""

MAX_EXPANSION = 1000
"""How much a larger frame may grow when it is decoded; one that is not compressed does not."""

_JPEG_COLOURS = {
    "RGB": {"colorspace": "RGB", "outcolorspace": "RGB"},
    "YBR_FULL": {"colorspace": "YCBCR", "outcolorspace": "RGB"},
    "YBR_FULL_422": {"colorspace": "YCBCR", "outcolorspace": "RGB"},
}
_J2K_COLOURS = {"YBR_RCT": "RGB", "YBR_ICT": "RGB"}

_LEAST_OF_WIDE_JPEG = 12
"""The BitsStored that GDCM gives to a JPEG of 9 to 12 bits."""


@dataclass(frozen=True)
class Codec:
    """How one transfer syntax is decoded.

    Attributes
    ----------
    name : str
        For the report.
    decode : callable
        From a whole compressed frame to samples.
    colours : mapping
        The photometric interpretations that decoding turns into another.
    corrected : callable, optional
        From a layout and what the codestream says to BitsStored; without one the header is believed.
    """

    name: str
    decode: Decode
    colours: Mapping[str, str]
    corrected: Callable[[PixelLayout, Codestream], int] | None = None


def is_native(transfer_syntax_uid: str) -> bool:
    """Tell whether a transfer syntax leaves pixels as they are."""
    return transfer_syntax_uid in _NATIVE


def decoder_name(transfer_syntax_uid: str, jpeg: JPEG = "imagecodecs") -> str:
    """Name what decodes a transfer syntax.

    Raises
    ------
    UnsupportedImageError
        Nothing here does.
    """
    if is_native(transfer_syntax_uid):
        return "native"
    codec = _codec(transfer_syntax_uid)
    return by_gdcm.NAME if jpeg == "gdcm" and codec is _JPEG else codec.name


def undoes_colours(transfer_syntax_uid: str, photometric: str) -> bool:
    """Tell whether decoding itself turns a photometric interpretation into RGB."""
    return not is_native(transfer_syntax_uid) and photometric in _codec(transfer_syntax_uid).colours


def as_encoded(layout: PixelLayout, instance: Instance) -> PixelLayout:
    """Return a layout as GDCM corrects it by what the codestream says of its samples.

    The type of rescaled voxels and the inversion of MONOCHROME1 follow from it.
    """
    syntax, pixels = instance.transfer_syntax_uid, instance.pixels
    codec = _CODECS.get(syntax)
    if pixels is None or not pixels.encapsulated or codec is None or codec.corrected is None:
        return layout
    claim = codestream_of(unboxed(first_fragment(pixels.value)))
    if claim is None or claim.precision > layout.bits_allocated:
        return layout
    if _least_allocated(claim.precision) < layout.bits_allocated:
        return _narrowed(layout, claim)
    bits = codec.corrected(layout, claim)
    return layout if bits == layout.bits_stored else replace(layout, bits_stored=bits, high_bit=bits - 1)


def _least_allocated(precision: int) -> int:
    return next(bits for bits in (8, 16, 32, 64) if precision <= bits)


def _narrowed(layout: PixelLayout, claim: Codestream) -> PixelLayout:
    """Allocate no more bits than the codestream has, and believe its sign."""
    allocated, bits = _least_allocated(claim.precision), claim.precision
    signed = layout.signed if claim.signed is None else claim.signed
    return replace(layout, bits_allocated=allocated, bits_stored=bits, high_bit=bits - 1, signed=signed)


def _bits_of_jpeg(layout: PixelLayout, claim: Codestream) -> int:
    """Return those of a codestream of more than 8 that has fewer than BitsStored; GDCM knows 12 and more."""
    fewer = 8 < claim.precision < layout.bits_stored
    return max(claim.precision, _LEAST_OF_WIDE_JPEG) if fewer else layout.bits_stored


def _bits_of_jpeg_2000(layout: PixelLayout, claim: Codestream) -> int:
    """Return those of the codestream, unless its sign is not the header's."""
    return claim.precision if claim.signed == layout.signed else layout.bits_stored


def check_expansion(source: PixelSource) -> None:
    """Refuse, before anything is allocated, pixel data that cannot be as large as the header says.

    Raises
    ------
    LimitExceededError
        It would have to grow more than any codec lets it.
    CorruptInstanceError
        A large frame that is not compressed has fewer bytes than it needs.
    """
    pixels, layout = source.instance.pixels, source.layout
    if pixels is None:
        return
    samples = layout.rows * layout.columns * layout.samples if pixels.encapsulated else layout.stored_samples
    frame = samples * layout.bits_allocated // 8
    growth = frame * source.count / len(pixels.value) if pixels.value else 0
    if growth <= (MAX_EXPANSION if pixels.encapsulated else 1):
        return
    is_large = frame > BEYOND_DOUBT
    found = f"its pixel data has {counted(len(pixels.value), 'byte')}, which cannot make {_shown(source)}"
    if growth > MAX_EXPANSION and (is_large or not pixels.encapsulated):
        message = (
            f"instance {source.instance.sop_instance_uid}: {found}: no image grows more than {MAX_EXPANSION} times"
        )
        raise LimitExceededError(message)
    if is_large and not pixels.encapsulated:
        raise CorruptInstanceError(found, sop_instance_uid=source.instance.sop_instance_uid)


def read_stored(source: PixelSource, frame: int, jpeg: JPEG = "imagecodecs") -> Stored:
    """Read, and decode where it is compressed, one frame of an instance.

    Parameters
    ----------
    source : PixelSource
        The frames of the instance.
    frame : int
        Which, from 0.
    jpeg : {"imagecodecs", "gdcm"}
        What decodes lossy JPEG.

    Raises
    ------
    CorruptInstanceError
        There are fewer bytes than the header needs, or the codestream contradicts it.
    UnsupportedImageError
        The transfer syntax is not decoded here.
    ToolkitError
        python-gdcm is asked for and not installed.
    """
    instance, layout = source.instance, source.layout
    pixels = instance.pixels
    syntax = instance.transfer_syntax_uid
    try:
        if pixels is None:
            message = "it has no pixel data"
            raise CorruptInstanceError(message)
        if is_native(syntax):
            return _native(source, frame, pixels)
        codec = _codec(syntax)
        if not pixels.encapsulated:
            message = "its pixel data is not encapsulated, which its transfer syntax demands"
            raise CorruptInstanceError(message)
        if jpeg == "gdcm" and codec is _JPEG:
            checked = _checked(source.compressed[frame], layout)
            return Stored(by_gdcm.decode_by_gdcm(checked, layout, syntax), layout.photometric)
        samples = _fitting(codec.decode(source.compressed[frame], layout), layout)
    except CorruptInstanceError as error:
        raise CorruptInstanceError(error.args[0], sop_instance_uid=instance.sop_instance_uid) from None
    return Stored(samples, codec.colours.get(layout.photometric, layout.photometric))


def _codec(syntax: str) -> Codec:
    if syntax not in _CODECS:
        message = f"transfer syntax {uid.UID(syntax).name} ({syntax}) is not decoded; retrieve it in another"
        raise UnsupportedImageError(message)
    return _CODECS[syntax]


def _native(source: PixelSource, frame: int, pixels: PixelElement) -> Stored:
    layout = source.layout
    if pixels.encapsulated:
        message = "its pixel data is encapsulated, which its transfer syntax forbids"
        raise CorruptInstanceError(message)
    count = layout.stored_samples
    needed, have = -(-source.count * count * layout.bits_allocated // 8), len(pixels.value)
    if have < needed:
        message = f"its pixel data has {counted(have, 'byte')}, but {_shown(source)} need {needed}"
        raise CorruptInstanceError(message)
    # A stream of bytes (OB) is never swapped, whatever it holds.
    big_endian = source.instance.transfer_syntax_uid == uid.ExplicitVRBigEndian and pixels.VR != "OB"
    swapped = big_endian and layout.bits_allocated <= 8 and pixels.VR == "OW"
    first, content = frame * count, pixels.value
    if swapped:
        words = slice(first * layout.bits_allocated // 16, -(-(first + count) * layout.bits_allocated // 16))
        content = _unswapped(content[2 * words.start : 2 * words.stop])
        first -= words.start * 16 // layout.bits_allocated
    if layout.bits_allocated == 1:
        flat = _bits(content, first, count)
    else:
        dtype = layout.dtype.newbyteorder(">" if big_endian else "<")
        flat = np.frombuffer(content, dtype, count, first * dtype.itemsize)
    samples = _unsubsampled(flat, layout) if layout.photometric == SUBSAMPLED else _shaped(flat, layout)
    return Stored(samples, layout.photometric, excess=max(have - needed - needed % 2, 0) // source.count)


def _shown(source: PixelSource) -> str:
    layout = source.layout
    size = f"{layout.rows} rows x {layout.columns} columns x {layout.samples} x {layout.bits_allocated} bits"
    return f"{size} x {source.count} frames" if source.count > 1 else size


def _bits(content: memoryview | bytes, first: int, count: int) -> Samples:
    """Read single bits, packed from the lowest of each byte on, also across frames (PS3.5 8.1.1)."""
    packed = np.frombuffer(content, np.uint8)[first // 8 : -(-(first + count) // 8)]
    return np.unpackbits(packed, bitorder="little")[first % 8 : first % 8 + count]


def _unswapped(value: memoryview) -> memoryview:
    """Put bytes in order that are stored in words of big endian (OW, PS3.5 annex A.3)."""
    return memoryview(np.frombuffer(bytes(value) + b"\0" * (len(value) % 2), ">u2").astype("<u2").tobytes())


def _shaped(flat: Samples, layout: PixelLayout) -> Samples:
    if layout.samples == 1:
        return flat.reshape(layout.rows, layout.columns)
    if layout.planar:
        return np.moveaxis(flat.reshape(layout.samples, layout.rows, layout.columns), 0, 2)
    return flat.reshape(layout.rows, layout.columns, layout.samples)


def _unsubsampled(flat: Samples, layout: PixelLayout) -> Samples:
    """Give both pixels of a pair their common Cb and Cr (PS3.3 C.7.6.3.1.2)."""
    pairs = flat.reshape(layout.rows, layout.columns // 2, 4)
    full = np.empty((layout.rows, layout.columns // 2, 2, 3), flat.dtype)
    full[..., 0] = pairs[..., :2]
    full[..., 1:] = pairs[..., np.newaxis, 2:]
    return full.reshape(layout.rows, layout.columns, 3)


def _fitting(decoded: Samples, layout: PixelLayout) -> Samples:
    """Bring decoded samples to BitsAllocated; their sign comes from the header alone."""
    if decoded.shape != layout.shape or decoded.itemsize > layout.dtype.itemsize:
        found = f"{decoded.shape} samples of {decoded.itemsize * 8} bits"
        message = (
            f"its pixel data decodes to {found}, but the header says {layout.shape} of {layout.bits_allocated} bits"
        )
        raise CorruptInstanceError(message)
    return decoded.astype(layout.dtype, copy=False)


def _checked(frame: memoryview, layout: PixelLayout) -> memoryview:
    """Refuse a codestream whose own size is not that of the header, before it is decoded."""
    frame = unboxed(frame)
    claim = codestream_of(frame)
    if claim is None:
        message = "its pixel data is no codestream of its transfer syntax"
        raise CorruptInstanceError(message)
    size = (claim.width, claim.height, claim.components)
    expected = (layout.columns, layout.rows, layout.samples)
    if size != expected or claim.precision > layout.bits_allocated:
        found = f"{'x'.join(map(str, size))} of {claim.precision} bits"
        message = (
            f"its codestream holds columns x rows x samples {found}, "
            f"but the header says {'x'.join(map(str, expected))} of {layout.bits_allocated} bits"
        )
        raise CorruptInstanceError(message)
    if not is_ended(frame):
        message = "its codestream is cut short: the end marker is missing"
        raise CorruptInstanceError(message)
    return frame


def _by_imagecodecs(function: Callable[..., Any], frame: memoryview, layout: PixelLayout, **options: Any) -> Samples:
    checked = _checked(frame, layout)
    try:
        return np.asarray(function(checked, **options))
    except (RuntimeError, ValueError, MemoryError) as error:
        message = f"its pixel data cannot be decoded ({type(error).__name__})"
        raise CorruptInstanceError(message) from None


def _jpeg(frame: memoryview, layout: PixelLayout) -> Samples:
    return _by_imagecodecs(imagecodecs.jpeg8_decode, frame, layout, **_JPEG_COLOURS.get(layout.photometric, {}))


def _jpeg_lossless(frame: memoryview, layout: PixelLayout) -> Samples:
    colours = _JPEG_COLOURS["RGB"] if layout.samples > 1 else {}
    samples = _by_imagecodecs(imagecodecs.jpeg8_decode, frame, layout, **colours)
    claim = codestream_of(frame)
    if claim is not None and int(samples.max()) >> claim.precision:
        message = f"its codestream claims {claim.precision} bits and holds larger values, which ITK would cut"
        raise CorruptInstanceError(message)
    return samples


_NATIVE = frozenset(
    {
        uid.ImplicitVRLittleEndian,
        uid.ExplicitVRLittleEndian,
        uid.DeflatedExplicitVRLittleEndian,
        uid.ExplicitVRBigEndian,
    }
)
_JPEG = Codec("imagecodecs jpeg8", _jpeg, {"YBR_FULL": "RGB", "YBR_FULL_422": "RGB"}, _bits_of_jpeg)
_JPEG_LOSSLESS = Codec("imagecodecs jpeg8", _jpeg_lossless, {}, _bits_of_jpeg)
_JPEG_LS = Codec("imagecodecs jpegls", partial(_by_imagecodecs, imagecodecs.jpegls_decode), {})
_JPEG_2000 = Codec(
    "imagecodecs jpeg2k", partial(_by_imagecodecs, imagecodecs.jpeg2k_decode), _J2K_COLOURS, _bits_of_jpeg_2000
)
_CODECS: Mapping[str, Codec] = {
    str(uid.RLELossless): Codec("imagecodecs packbits", decode_rle, {}),
    str(uid.JPEGBaseline8Bit): _JPEG,
    str(uid.JPEGExtended12Bit): _JPEG,
    JPEG_SPECTRAL_SELECTION: _JPEG,
    JPEG_PROGRESSIVE: _JPEG,
    str(uid.JPEGLossless): _JPEG_LOSSLESS,
    str(uid.JPEGLosslessSV1): _JPEG_LOSSLESS,
    str(uid.JPEGLSLossless): _JPEG_LS,
    str(uid.JPEGLSNearLossless): _JPEG_LS,
    str(uid.JPEG2000Lossless): _JPEG_2000,
    str(uid.JPEG2000): _JPEG_2000,
    str(uid.HTJ2KLossless): _JPEG_2000,
    str(uid.HTJ2KLosslessRPCL): _JPEG_2000,
    str(uid.HTJ2K): _JPEG_2000,
}

"""Compressed frames decode to the stored values, and only after their own size has been checked."""

from __future__ import annotations

import struct
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import imagecodecs
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom import uid
from pydicom.encaps import encapsulate
from pydicom.pixels.encoders.base import EncodeRunner
from pydicom.pixels.encoders.native import _encode_frame

from itkdicomqr.errors import CorruptInstanceError, LimitExceededError, UnsupportedImageError
from itkdicomqr.instance import Instance
from itkdicomqr.volume import assemble, read_volumes
from itkdicomqr.volume.decoding.codecs import JPEG_PROGRESSIVE, JPEG_SPECTRAL_SELECTION
from itkdicomqr.volume.options import Options
from tests.synthetic import noise, series, simpleitk
from tests.volume.reference import assert_same_voxels

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray


def jpeg_ls(values: NDArray[Any]) -> bytes:
    return bytes(imagecodecs.jpegls_encode(values.view(f"u{values.itemsize}")))


def jpeg_2000(values: NDArray[Any]) -> bytes:
    return bytes(imagecodecs.jpeg2k_encode(values, codecformat="j2k", reversible=True, level=0))


def jp2_file(values: NDArray[Any]) -> bytes:
    return bytes(imagecodecs.jpeg2k_encode(values, codecformat="jp2", reversible=True, level=0))


def htj2k(values: NDArray[Any]) -> bytes:
    return bytes(imagecodecs.htj2k_encode(values, reversible=True))


def jpeg_lossless(values: NDArray[Any]) -> bytes:
    return jpeg_lossless_of(values.itemsize * 8)(values)


def jpeg_lossless_of(bits: int) -> Callable[[NDArray[Any]], bytes]:
    """Encode with a precision, which the values must not exceed."""
    options: dict[str, Any] = {"lossless": True, "predictor": 1, "bitspersample": bits}
    return lambda values: bytes(imagecodecs.jpeg8_encode(values.view(f"u{values.itemsize}"), **options))


def jpeg(values: NDArray[Any]) -> bytes:
    return bytes(imagecodecs.jpeg8_encode(values, level=90))


def subsampled_jpeg(values: NDArray[Any]) -> bytes:
    return bytes(imagecodecs.jpeg8_encode(values, level=90, colorspace="RGB", outcolorspace="YCBCR", subsampling="422"))


def rle(values: NDArray[Any]) -> bytes:
    runner = EncodeRunner(uid.RLELossless)
    planes = np.atleast_3d(values)
    options = {
        "rows": planes.shape[0],
        "columns": planes.shape[1],
        "samples_per_pixel": planes.shape[2],
        "bits_allocated": values.itemsize * 8,
        "bits_stored": values.itemsize * 8,
        "pixel_representation": 0,
        "photometric_interpretation": "RGB" if values.ndim == 3 else "MONOCHROME2",
        "number_of_frames": 1,
        "planar_configuration": 0,
    }
    runner.set_options(**options)
    return bytes(_encode_frame(values.tobytes(), runner))


LOSSLESS = [
    (uid.RLELossless, rle),
    (uid.JPEGLossless, jpeg_lossless),
    (uid.JPEGLosslessSV1, jpeg_lossless),
    (uid.JPEGLSLossless, jpeg_ls),
    (uid.JPEG2000Lossless, jpeg_2000),
    (uid.JPEG2000, jpeg_2000),
    (uid.HTJ2KLossless, htj2k),
    (uid.HTJ2KLosslessRPCL, htj2k),
    (uid.HTJ2K, htj2k),
]


def smooth(index: int, dtype: str = "uint16") -> NDArray[Any]:
    limit = 200 if dtype == "uint8" else 3000
    return (np.add.outer(np.arange(32), np.arange(24) * 2) * (index + 1) % limit).astype(dtype)


@pytest.mark.parametrize(("syntax", "compress"), LOSSLESS)
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int16"])
def test_a_lossless_series_decodes_to_its_stored_values(syntax: str, compress: Any, dtype: str) -> None:
    def values(index: int) -> NDArray[Any]:
        return noise((32, 24), dtype, seed=index)

    (volume,) = read_volumes(series("MR", 3, pixels=values, syntax=syntax, compress=compress))
    assert volume.array.dtype == dtype
    assert np.array_equal(volume.array, [values(index) for index in range(3)])
    assert volume.report.decoders[0].startswith("imagecodecs")


@pytest.mark.parametrize(("syntax", "compress"), LOSSLESS)
def test_lossless_colours_decode_to_rgb(syntax: str, compress: Any) -> None:
    colours = np.stack([smooth(index, "uint8") for index in range(3)], axis=-1)
    interpretation = "YBR_RCT" if compress in {jpeg_2000, htj2k} else "RGB"
    (volume,) = read_volumes(
        series(
            "OT",
            1,
            pixels=lambda _: colours,
            syntax=syntax,
            compress=compress,
            PhotometricInterpretation=interpretation,
        )
    )
    assert np.array_equal(volume.array[0], colours)


@pytest.mark.parametrize(("syntax", "compress"), LOSSLESS)
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int16"])
@pytest.mark.parametrize("rescale", [{}, {"RescaleSlope": "1", "RescaleIntercept": "-1024"}])
def test_lossless_voxels_equal_simpleitk(
    tmp_path: Path, syntax: str, compress: Any, dtype: str, rescale: dict[str, Any]
) -> None:
    slices = series("CT", 2, pixels=lambda i: noise((32, 24), dtype, i), syntax=syntax, compress=compress, **rescale)
    (volume,) = read_volumes(slices)
    assert_same_voxels(volume, simpleitk(slices, tmp_path))


def in_12_bits(index: int) -> NDArray[Any]:
    return noise((32, 24), "uint16", seed=index) >> 4


def jpeg_2000_of(bits: int) -> Callable[[NDArray[Any]], bytes]:
    options: dict[str, Any] = {"codecformat": "j2k", "reversible": True, "level": 0, "bitspersample": bits}
    return lambda values: bytes(imagecodecs.jpeg2k_encode(values, **options))


@pytest.mark.parametrize(
    ("syntax", "compress"),
    [
        *LOSSLESS,
        (uid.JPEGLosslessSV1, jpeg_lossless_of(12)),
        (uid.JPEG2000Lossless, jpeg_2000_of(12)),
    ],
)
@pytest.mark.parametrize("rescale", [{}, {"RescaleSlope": "1", "RescaleIntercept": "-1024"}])
@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
def test_twelve_bits_equal_simpleitk(
    tmp_path: Path, syntax: str, compress: Any, rescale: dict[str, Any], photometric: str
) -> None:
    described: dict[str, Any] = {"BitsStored": 12, "HighBit": 11, "PhotometricInterpretation": photometric, **rescale}
    slices = series("CT", 2, pixels=in_12_bits, syntax=syntax, compress=compress, **described)
    (volume,) = read_volumes(slices)
    assert_same_voxels(volume, simpleitk(slices, tmp_path))


@pytest.mark.parametrize(("compress", "expected"), [(jpeg_2000, "int32"), (jpeg_2000_of(12), "int16")])
@pytest.mark.parametrize("bits", [12, 16])
def test_the_precision_of_jpeg_2000_decides_the_type_not_bits_stored(
    tmp_path: Path, compress: Any, expected: str, bits: int
) -> None:
    described: dict[str, Any] = {"BitsStored": bits, "HighBit": bits - 1, "RescaleIntercept": "-1024"}
    slices = series("CT", 1, pixels=in_12_bits, syntax=uid.JPEG2000Lossless, compress=compress, **described)
    (volume,) = read_volumes(slices)
    assert volume.array.dtype == expected
    assert_same_voxels(volume, simpleitk(slices, tmp_path))


@pytest.mark.parametrize("rescale", [{}, {"RescaleSlope": "1", "RescaleIntercept": "-1024"}])
@pytest.mark.parametrize("signed", [0, 1])
@pytest.mark.parametrize("stored", [10, 16])
@pytest.mark.parametrize("claimed", [8, 12, 16])
@pytest.mark.parametrize(
    ("syntax", "encoder"), [(uid.JPEGLosslessSV1, jpeg_lossless_of), (uid.JPEG2000Lossless, jpeg_2000_of)]
)
def test_bits_that_the_codestream_tells_otherwise_equal_simpleitk(
    tmp_path: Path, syntax: str, encoder: Any, claimed: int, stored: int, signed: int, rescale: dict[str, Any]
) -> None:
    def values(index: int) -> NDArray[Any]:
        return (noise((32, 24), "uint16", index) >> 16 - claimed).astype("uint8" if claimed == 8 else "uint16")

    bits = {"BitsAllocated": 16, "BitsStored": stored, "HighBit": stored - 1, "PixelRepresentation": signed}
    slices = series("CT", 2, pixels=values, syntax=syntax, compress=encoder(claimed), **{**bits, **rescale})
    (volume,) = read_volumes(slices)
    assert_same_voxels(volume, simpleitk(slices, tmp_path))


def test_values_beyond_the_bits_of_a_jpeg_are_refused() -> None:
    def claiming_12_bits(values: NDArray[Any]) -> bytes:
        return bytes(imagecodecs.jpeg8_encode(values, lossless=True, predictor=1))

    slices = series("CT", 1, dtype="uint16", syntax=uid.JPEGLosslessSV1, compress=claiming_12_bits)
    with pytest.raises(CorruptInstanceError, match="claims 12 bits and holds larger values"):
        read_volumes(slices)


def test_deep_colours_of_jpeg_2000_decode_to_rgb() -> None:
    colours = np.stack([smooth(index) for index in range(3)], axis=-1)
    slices = series(
        "OT",
        1,
        pixels=lambda _: colours,
        syntax=uid.JPEG2000Lossless,
        compress=jpeg_2000,
        PhotometricInterpretation="YBR_RCT",
    )
    (volume,) = read_volumes(slices)
    assert np.array_equal(volume.array[0], colours)


@pytest.mark.parametrize("modality", ["CT", "OT"])
@pytest.mark.parametrize(
    "syntax", [uid.JPEGBaseline8Bit, uid.JPEGExtended12Bit, JPEG_SPECTRAL_SELECTION, JPEG_PROGRESSIVE]
)
def test_lossy_jpeg_equals_simpleitk(tmp_path: Path, modality: str, syntax: str) -> None:
    slices = series(modality, 1, pixels=lambda _: smooth(0, "uint8"), syntax=syntax, compress=jpeg)
    (volume,) = read_volumes(slices)
    assert_same_voxels(volume, simpleitk(slices, tmp_path))


def test_subsampled_colours_of_jpeg_may_have_an_odd_width() -> None:
    colours = np.stack([smooth(index, "uint8")[:, :-1] for index in range(3)], axis=-1)
    assert colours.shape[1] % 2 == 1
    slices = series("US", 1, pixels=lambda _: colours, syntax=uid.JPEGBaseline8Bit, compress=subsampled_jpeg)
    slices[0].PhotometricInterpretation = "YBR_FULL_422"
    (volume,) = read_volumes(slices)
    assert volume.array.shape == (1, *colours.shape)


def test_a_frame_in_several_fragments_is_joined() -> None:
    (slice_,) = series("MR", 1, pixels=smooth, syntax=uid.JPEG2000Lossless, compress=jpeg_2000)
    slice_.PixelData = encapsulate([jpeg_2000(smooth(0))], fragments_per_frame=3)
    slice_["PixelData"].is_undefined_length = True
    (volume,) = read_volumes([slice_])
    assert np.array_equal(volume.array[0], smooth(0))


def test_the_codestream_within_a_jp2_file_is_found() -> None:
    (volume,) = read_volumes(series("MR", 1, pixels=smooth, syntax=uid.JPEG2000Lossless, compress=jp2_file))
    assert np.array_equal(volume.array[0], smooth(0))


@pytest.mark.parametrize(("syntax", "compress"), LOSSLESS[1:])
def test_a_codestream_of_another_size_is_refused_before_decoding(syntax: str, compress: Any) -> None:
    (slice_,) = series("MR", 1, pixels=smooth, syntax=syntax, compress=compress)
    slice_.Rows = 33
    message = r"columns x rows x samples 24x32x1 of \d+ bits, but the header says 24x33x1 of 16 bits"
    with pytest.raises(CorruptInstanceError, match=message):
        read_volumes([slice_])


def test_a_codestream_that_claims_to_be_huge_is_refused_before_decoding() -> None:
    frame = bytearray(jpeg_2000(smooth(0)))
    struct.pack_into(">II", frame, 8, 1 << 20, 1 << 20)
    (slice_,) = series("MR", 1, pixels=smooth, syntax=uid.JPEG2000Lossless, compress=lambda _: bytes(frame))
    with pytest.raises(CorruptInstanceError, match="1048576x1048576x1"):
        read_volumes([slice_])


@pytest.mark.parametrize("syntax", [uid.ExplicitVRLittleEndian, *(syntax for syntax, _ in LOSSLESS)])
def test_a_frame_that_cannot_be_as_large_as_the_header_says_takes_no_memory(syntax: str) -> None:
    """Header and codestream agree on 60000 x 60000, so only the number of bytes tells."""
    frame = bytearray(jpeg_2000(smooth(0)))
    struct.pack_into(">II", frame, 8, 60000, 60000)
    compress = None if syntax == uid.ExplicitVRLittleEndian else lambda _: bytes(frame)
    (slice_,) = series("MR", 1, pixels=smooth, syntax=syntax, compress=compress)
    slice_.Rows = slice_.Columns = 60000
    allocated: list[tuple[int, ...]] = []

    def allocate(shape: tuple[int, ...], dtype: np.dtype[Any]) -> NDArray[Any]:
        allocated.append(shape)
        return np.empty(shape, dtype)

    with pytest.raises(LimitExceededError, match="which cannot make 60000 rows x 60000 columns x 1 x 16 bits"):
        assemble([slice_], Options(), allocate=allocate)
    assert allocated == []


def test_a_large_blank_frame_is_decoded() -> None:
    blank = np.zeros((4096, 3328), np.uint16)
    (volume,) = read_volumes(series("CR", 1, pixels=lambda _: blank, syntax=uid.JPEG2000Lossless, compress=jpeg_2000))
    assert not volume.array.any()


def test_more_empty_frames_than_the_limit_allows_take_no_memory() -> None:
    (slice_,) = series("US", 1, pixels=smooth, syntax=uid.JPEG2000Lossless, compress=jpeg_2000)
    slice_.PixelData = b"\xfe\xff\x00\xe0\0\0\0\0" * 1001
    slice_["PixelData"].is_undefined_length = True
    slice_.NumberOfFrames, slice_.Rows, slice_.Columns = 1000, 5000, 5000
    with pytest.raises(CorruptInstanceError, match="no codestream"):
        read_volumes([slice_])


@pytest.mark.parametrize(("syntax", "compress"), LOSSLESS)
@pytest.mark.parametrize("length", [70, -2, -20, -200])
def test_a_frame_cut_short_is_refused(syntax: str, compress: Any, length: int) -> None:
    slices = series(
        "MR",
        1,
        pixels=lambda _: noise((32, 24), "uint16"),
        syntax=syntax,
        compress=lambda values: compress(values)[:length],
    )
    with pytest.raises(CorruptInstanceError):
        read_volumes(slices)


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (b"\0" * 10, "RLE header is cut short"),
        (struct.pack("<16I", 3, *[64] * 15), "counts 3 segments, but BitsAllocated and SamplesPerPixel need 2"),
        (struct.pack("<16I", 2, 900, *[64] * 14), "offsets are out of order"),
        (struct.pack("<16I", 2, 64, 66, *[0] * 13) + b"\x81\0\x81\0", "decodes to 128 bytes, but a plane has 768"),
    ],
)
def test_damaged_rle_is_refused(frame: bytes, message: str) -> None:
    with pytest.raises(CorruptInstanceError, match=message):
        read_volumes(series("MR", 1, pixels=smooth, syntax=uid.RLELossless, compress=lambda _: frame))


@pytest.mark.parametrize("syntax", [uid.MPEG2MPML, uid.JPEG2000MC])
def test_a_transfer_syntax_that_is_not_decoded_is_named(syntax: str) -> None:
    with pytest.raises(UnsupportedImageError, match=rf"transfer syntax .*\({syntax}\) is not decoded"):
        read_volumes(series("MR", 1, pixels=smooth, syntax=syntax, compress=jpeg_2000))


def test_native_pixels_cut_short_are_refused() -> None:
    (slice_,) = series("MR", 1)
    slice_.PixelData = slice_.PixelData[:-2]
    with pytest.raises(CorruptInstanceError, match="has 82 bytes, but 6 rows x 7 columns x 1 x 16 bits need 84"):
        read_volumes([slice_])


def test_encapsulated_pixels_without_a_fragment_are_refused() -> None:
    (slice_,) = series("MR", 1, syntax=uid.JPEG2000Lossless, compress=jpeg_2000)
    slice_.PixelData = b"\xfe\xff\x00\xe0\0\0\0\0"
    slice_["PixelData"].is_undefined_length = True
    with pytest.raises(CorruptInstanceError, match="holds no fragment"):
        read_volumes([slice_])


def test_compressed_pixels_that_are_not_encapsulated_are_refused() -> None:
    instance = replace(Instance.from_dataset(series("MR", 1)[0]), transfer_syntax_uid=uid.JPEG2000Lossless)
    with pytest.raises(CorruptInstanceError, match="is not encapsulated, which its transfer syntax demands"):
        read_volumes([instance])


def test_a_compressed_data_set_made_in_memory_is_read_as_its_file_would_be() -> None:
    (slice_,) = series("MR", 1, pixels=smooth, syntax=uid.JPEG2000Lossless, compress=jpeg_2000)
    slice_["PixelData"].is_undefined_length = False
    (volume,) = read_volumes([slice_])
    assert np.array_equal(volume.array[0], smooth(0))


@settings(max_examples=150, deadline=None)
@given(which=st.sampled_from(LOSSLESS), data=st.data())
def test_damaged_frames_give_an_image_or_our_error(which: tuple[str, Any], data: st.DataObject) -> None:
    syntax, compress = which
    frame = bytearray(compress(smooth(0)))
    places = st.one_of(st.integers(0, 120), st.integers(0, len(frame) - 1))
    for place, value in data.draw(st.lists(st.tuples(places, st.integers(0, 255)), min_size=1, max_size=8)):
        frame[place] = value
    try:
        (volume,) = read_volumes(series("MR", 1, pixels=smooth, syntax=syntax, compress=lambda _: bytes(frame)))
    except CorruptInstanceError:
        return
    assert volume.array.shape == (1, 32, 24)

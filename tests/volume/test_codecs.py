"""Compressed frames decode to the stored values, and only after their own size has been checked."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

import imagecodecs
import numpy as np
import pytest
from pydicom import uid
from pydicom.encaps import encapsulate
from pydicom.pixels.encoders.base import EncodeRunner
from pydicom.pixels.encoders.native import _encode_frame

from itkdicomqr.errors import CorruptInstanceError, UnsupportedImageError
from itkdicomqr.volume import read_volumes
from tests.synthetic import noise, series, simpleitk
from tests.volume.reference import assert_same_voxels

if TYPE_CHECKING:
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
    return bytes(imagecodecs.jpeg8_encode(values.view(f"u{values.itemsize}"), lossless=True, predictor=1))


def jpeg(values: NDArray[Any]) -> bytes:
    return bytes(imagecodecs.jpeg8_encode(values, level=90))


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
def test_baseline_jpeg_equals_simpleitk(tmp_path: Path, modality: str) -> None:
    slices = series(modality, 1, pixels=lambda _: smooth(0, "uint8"), syntax=uid.JPEGBaseline8Bit, compress=jpeg)
    (volume,) = read_volumes(slices)
    assert_same_voxels(volume, simpleitk(slices, tmp_path))


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
    (slice_,) = series("MR", 1, syntax=uid.JPEG2000Lossless, compress=jpeg_2000)
    slice_["PixelData"].is_undefined_length = False
    with pytest.raises(CorruptInstanceError, match="is not encapsulated, which its transfer syntax demands"):
        read_volumes([slice_])

"""Stored values become voxels as in ITK: bits, sign, inversion, rescale, type."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from itkdicomqr.errors import DICOMQRWarning
from itkdicomqr.volume import read_volumes
from tests.synthetic import noise, series, simpleitk
from tests.volume.reference import assert_same_voxels

if TYPE_CHECKING:
    from pathlib import Path

BIG_ENDIAN = "1.2.840.10008.1.2.2"
IMPLICIT = "1.2.840.10008.1.2"
EXPLICIT = "1.2.840.10008.1.2.1"
DEFLATED = "1.2.840.10008.1.2.1.99"


def assert_voxels_equal(slices: list[Any], folder: Path) -> np.ndarray:
    (volume,) = read_volumes(slices)
    assert_same_voxels(volume, simpleitk(slices, folder))
    return volume.array


@pytest.mark.parametrize(
    ("syntax", "dtype"),
    [
        *product([IMPLICIT, EXPLICIT, DEFLATED, BIG_ENDIAN], ["uint8", "int8", "uint16", "int16"]),
        *product([IMPLICIT, EXPLICIT, DEFLATED], ["uint32", "int32"]),
    ],
)
def test_stored_values_without_rescale_are_unchanged(tmp_path: Path, syntax: str, dtype: str) -> None:
    array = assert_voxels_equal(series("MR", 2, dtype=dtype, syntax=syntax), tmp_path)
    assert array.dtype == dtype


@pytest.mark.parametrize("dtype", ["uint8", "int16"])
def test_a_stream_of_bytes_is_not_swapped_in_big_endian(tmp_path: Path, dtype: str) -> None:
    slices = series("MR", 2, dtype=dtype, syntax=BIG_ENDIAN)
    for index, slice_ in enumerate(slices):
        slice_.PixelData = noise((6, 7), dtype, index).tobytes()
        slice_["PixelData"].VR = "OB"
    array = assert_voxels_equal(slices, tmp_path)
    assert np.array_equal(array[0], noise((6, 7), dtype, 0))


@pytest.mark.parametrize("dtype", ["uint16", "int16"])
@pytest.mark.parametrize("bits", [10, 12, 15])
@pytest.mark.parametrize("syntax", [IMPLICIT, BIG_ENDIAN])
def test_bits_beyond_bits_stored_are_dropped_and_the_sign_extended(
    tmp_path: Path, dtype: str, bits: int, syntax: str
) -> None:
    assert_voxels_equal(series("MR", 2, dtype=dtype, syntax=syntax, BitsStored=bits, HighBit=bits - 1), tmp_path)


@pytest.mark.parametrize("signed", [False, True])
def test_high_bit_tells_where_the_bits_lie(signed: bool) -> None:
    dtype = "int16" if signed else "uint16"
    values = np.array([[-512, -1, 0, 511]] if signed else [[0, 1, 512, 1023]])
    stored = ((values & 0x3FF) << 2 | 0x8001).astype("uint16").astype(dtype)
    (volume,) = read_volumes(series("MR", 1, pixels=lambda _: stored, BitsStored=10, HighBit=11))
    assert volume.array[0].tolist() == values.tolist()


@pytest.mark.parametrize(
    ("dtype", "bits", "slope", "intercept", "expected"),
    [
        ("uint16", 12, "1", "-1024", "int16"),
        ("uint16", 16, "1", "-1024", "int32"),
        ("int16", 16, "1", "-1024", "int32"),
        ("int16", 16, "1", "0", "int16"),
        ("int16", 16, "0", "0", "int16"),
        ("uint16", 8, "1", "1", "uint16"),
        ("uint8", 8, "2", "0", "uint16"),
        ("uint8", 8, "-1", "255", "uint8"),
        ("uint8", 8, "1", "-128", "int8"),
        ("uint8", 8, "300", "40000", "uint32"),
        ("int16", 12, "3", "-8192", "int16"),
        ("uint16", 12, "-1", "0", "int16"),
        ("uint16", 16, "0.5", "0", "float64"),
        ("uint16", 12, "1", "0.5", "float64"),
        ("int16", 16, "1.25", "-7.125", "float64"),
        ("uint8", 8, "-0.5", "0", "float64"),
        ("uint16", 16, "3.3e-3", "0", "float64"),
        ("int32", 32, "1", "1", "float64"),
    ],
)
def test_rescale_gives_gdcms_type_and_values(
    tmp_path: Path, dtype: str, bits: int, slope: str, intercept: str, expected: str
) -> None:
    described: dict[str, Any] = {
        "BitsStored": bits,
        "HighBit": bits - 1,
        "RescaleSlope": slope,
        "RescaleIntercept": intercept,
    }
    array = assert_voxels_equal(series("CT", 2, dtype=dtype, **described), tmp_path)
    assert array.dtype == expected


@pytest.mark.parametrize("rescale", [{}, {"RescaleSlope": "2", "RescaleIntercept": "-9"}, {"RescaleSlope": "0.3"}])
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int16"])
def test_monochrome1_is_inverted_before_rescale(tmp_path: Path, dtype: str, rescale: dict[str, str]) -> None:
    attributes: dict[str, Any] = {"PhotometricInterpretation": "MONOCHROME1", **rescale}
    slices = series("CT", 2, dtype=dtype, **attributes)
    assert_voxels_equal(slices, tmp_path)
    (inverted,), (stored,) = read_volumes(slices), read_volumes(slices, invert_monochrome1=False, rescale=False)
    assert inverted.report.monochrome1_inverted
    assert not stored.report.monochrome1_inverted
    assert stored.array.dtype == dtype
    assert stored.array[0].tolist() == noise((6, 7), dtype, seed=1000).tolist()


def test_colours_are_not_rescaled() -> None:
    (slice_,) = series("OT", 1, pixels=lambda index: noise((6, 7, 3), "uint8", index), RescaleIntercept="-1024.5")
    (volume,) = read_volumes([slice_])
    assert volume.array.dtype == np.uint8
    assert volume.array.tobytes() == slice_.PixelData
    assert (
        "colours are as stored: RescaleSlope (0028,1053) and RescaleIntercept (0028,1052) are not applied"
        in volume.report.warnings
    )


def test_a_slope_that_is_fractional_in_one_slice_makes_all_fractional() -> None:
    slices = series("PT", 3, dtype="int16", RescaleSlope=lambda index: ["1", "0.25", "2"][index])
    (volume,) = read_volumes(slices)
    assert volume.array.dtype == np.float64
    for index, slope in enumerate((1, 0.25, 2)):
        assert np.array_equal(volume.array[index], slices[index].pixel_array * float(slope))


def test_an_intercept_in_one_slice_alone_does_not_wrap() -> None:
    slices = series(
        "CT", 3, dtype="uint16", BitsStored=12, HighBit=11, RescaleIntercept=lambda index: ["0", "0", "-1024"][index]
    )
    (volume,) = read_volumes(slices)
    assert volume.array.dtype == np.int32
    assert volume.array[2].min() == -1024


@settings(max_examples=60, deadline=None)
@given(
    dtype=st.sampled_from(["uint8", "int8", "uint16", "int16"]),
    slope=st.integers(-300, 300).filter(bool),
    intercept=st.integers(-40000, 40000),
    bits=st.integers(2, 16),
    monochrome1=st.booleans(),
    mixed=st.booleans(),
)
def test_integers_are_exact(dtype: str, slope: int, intercept: int, bits: int, monochrome1: bool, mixed: bool) -> None:
    """Integers wrap on the way to their value, so every combination must come out as in exact arithmetic."""
    bits = min(bits, np.dtype(dtype).itemsize * 8)
    attributes: dict[str, Any] = {
        "PhotometricInterpretation": "MONOCHROME1" if monochrome1 else "MONOCHROME2",
        "RescaleSlope": lambda index: "1" if mixed and index else str(slope),
        "RescaleIntercept": lambda index: "0" if mixed and index else str(intercept),
    }
    (volume,) = read_volumes(series("CT", 2, dtype=dtype, BitsStored=bits, HighBit=bits - 1, **attributes))
    exact = noise((6, 7), dtype, seed=1000).astype(np.int64) & (1 << bits) - 1
    if dtype.startswith("i"):
        exact = (exact ^ 1 << bits - 1) - (1 << bits - 1)
    if monochrome1:
        exact = -1 - exact if dtype.startswith("i") else (1 << bits) - 1 - exact
    assert np.array_equal(volume.array[0], exact * slope + intercept)


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({"dtype": "int16", "PixelPaddingValue": -2000}, -2000),
        ({"dtype": "int16", "PixelPaddingValue": -2000, "RescaleIntercept": "-1024"}, -3024),
        ({"dtype": "uint16", "PixelPaddingValue": 65535, "RescaleSlope": "0.5"}, 32767.5),
        ({"dtype": "uint8", "PixelPaddingValue": 255, "PhotometricInterpretation": "MONOCHROME1"}, 0),
        ({"dtype": "int16", "PixelPaddingValue": lambda index: index}, None),
        ({"dtype": "int16"}, None),
    ],
)
def test_the_voxel_that_stands_for_no_measurement_is_exposed(attributes: dict[str, Any], expected: float) -> None:
    (volume,) = read_volumes(series("CT", 2, **attributes))
    assert volume.report.pixel_padding_value == expected


def test_padding_is_left_as_it_is(tmp_path: Path) -> None:
    slices = series("CT", 2, dtype="int16", PixelPaddingValue=-2000, pixels=lambda _: np.full((6, 7), -2000, np.int16))
    assert np.unique(assert_voxels_equal(slices, tmp_path)).tolist() == [-2000]


def test_an_ignored_lookup_table_and_excess_bytes_are_told() -> None:
    slices = series("CT", 2, ModalityLUTSequence=[])
    slices[0].PixelData += b"\0" * 10
    with pytest.warns(DICOMQRWarning, match="ModalityLUTSequence"):
        (volume,) = read_volumes(slices)
    assert volume.report.warnings == (
        "ModalityLUTSequence (0028,3000) is not applied; modality_lut='apply' does",
        "the pixel data has 10 bytes beyond the frames, which were ignored",
    )

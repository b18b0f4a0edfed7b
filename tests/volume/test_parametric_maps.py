"""Maps of floating point numbers keep them; real world values are told, not applied."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pydicom import uid
from pydicom.dataset import Dataset

from itkdicomqr.errors import CorruptInstanceError, UnsupportedImageError
from itkdicomqr.volume import read_volumes
from tests.synthetic import multiframe, part10, series

PARAMETRIC_MAP = uid.ParametricMapStorage
KEYWORDS = {"float32": "FloatPixelData", "float64": "DoubleFloatPixelData"}
NATIVE = [
    uid.ImplicitVRLittleEndian,
    uid.ExplicitVRLittleEndian,
    uid.ExplicitVRBigEndian,
    uid.DeflatedExplicitVRLittleEndian,
]


def float_map(values: np.ndarray, syntax: str = uid.ExplicitVRLittleEndian) -> Dataset:
    frames = series("MR", len(values), rows=values.shape[1], columns=values.shape[2], Modality="MR")
    instance = multiframe(frames, SOPClassUID=PARAMETRIC_MAP)
    instance.file_meta.MediaStorageSOPClassUID = PARAMETRIC_MAP
    instance.file_meta.TransferSyntaxUID = uid.UID(syntax)
    for keyword in ("PixelData", "BitsStored", "HighBit", "PixelRepresentation"):
        delattr(instance, keyword)
    instance.BitsAllocated = values.itemsize * 8
    stored = values if uid.UID(syntax).is_little_endian else values.byteswap()
    setattr(instance, KEYWORDS[values.dtype.name], stored.tobytes())
    return instance


@pytest.mark.parametrize("dtype", KEYWORDS)
@pytest.mark.parametrize("syntax", NATIVE)
def test_floating_point_voxels_are_unchanged(dtype: str, syntax: str) -> None:
    values = np.random.default_rng(0).normal(size=(3, 6, 7)).astype(dtype)
    values[0, 0, :3] = np.nan, np.inf, -0.0
    (volume,) = read_volumes([part10(float_map(values, syntax))])
    assert volume.array.dtype == dtype
    assert volume.array.tobytes() == values.tobytes()
    assert volume.spacing == (0.5, 0.75, 2.5)
    image = volume.to_simpleitk()
    assert image.GetPixelIDTypeAsString() == {"float32": "32-bit float", "float64": "64-bit float"}[dtype]


def test_floats_of_another_size_than_the_header_says_are_refused() -> None:
    instance = float_map(np.zeros((2, 6, 7), np.float32))
    instance.BitsAllocated = 16
    with pytest.raises(CorruptInstanceError, match=r"BitsAllocated \(0028,0100\) is 16, but the floats have 32"):
        read_volumes([instance])


def test_floats_are_never_inverted() -> None:
    instance = float_map(np.zeros((2, 6, 7), np.float32))
    instance.PhotometricInterpretation = "MONOCHROME1"
    with pytest.raises(UnsupportedImageError, match=r"is MONOCHROME2 \(0028,0004\) alone"):
        read_volumes([instance])


def test_floats_are_never_compressed() -> None:
    instance = float_map(np.zeros((1, 6, 7), np.float32))
    instance.file_meta.TransferSyntaxUID = uid.RLELossless
    with pytest.raises(UnsupportedImageError, match=r"float pixel data .* is never compressed"):
        read_volumes([instance])


def test_real_world_values_are_told_and_not_applied() -> None:
    mapping = Dataset()
    mapping.RealWorldValueSlope, mapping.RealWorldValueIntercept = 0.001, 0.0
    instance = multiframe(series("MR", 3, dtype="uint16"), SOPClassUID=PARAMETRIC_MAP)
    plain = read_volumes([instance])[0].array.copy()
    for groups in instance.PerFrameFunctionalGroupsSequence:
        groups.RealWorldValueMappingSequence = [mapping]
    (volume,) = read_volumes([instance])
    assert np.array_equal(volume.array, plain)
    assert "RealWorldValueMappingSequence (0040,9096) is not applied; the report tells it" in volume.report.warnings


def test_the_padding_value_of_floats_is_exposed() -> None:
    values: Any = np.full((2, 6, 7), -1.5, np.float32)
    instance = float_map(values)
    instance.FloatPixelPaddingValue = -1.5
    (volume,) = read_volumes([instance])
    assert volume.report.pixel_padding_value == -1.5

"""What voxels get that no slice came for."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from itkdicomqr.errors import DICOMQRWarning, InputError
from itkdicomqr.volume import Volume, read_volumes
from tests.synthetic import series


def padded(modality: str = "CT", *, options: Any = None, **attributes: Any) -> Volume:
    slices = series(modality, 5, **attributes)
    with pytest.warns(DICOMQRWarning, match="missing slices are padded, slice 2 at"):
        (volume,) = read_volumes(slices[:2] + slices[3:], gaps="pad", **(options or {}))
    assert len(set(volume.array[2].ravel())) == 1
    assert volume.array[2].flat[0] == volume.report.padding
    return volume


@pytest.mark.parametrize("syntax", ["1.2.840.10008.1.2.1", "1.2.840.10008.1.2", "1.2.840.10008.1.2.2"])
def test_the_headers_own_value_is_rescaled_as_the_pixels_are(syntax: str) -> None:
    volume = padded(PixelPaddingValue=-2000, RescaleIntercept="-1024", RescaleSlope="2", syntax=syntax)
    assert volume.report.padding == -5024


def test_the_headers_own_value_is_inverted_as_the_pixels_are() -> None:
    volume = padded("CT", dtype="uint16", PhotometricInterpretation="MONOCHROME1", PixelPaddingValue=1000)
    assert volume.report.padding == 64535


def test_without_one_it_is_the_least_value_of_the_volume() -> None:
    volume = padded(pixels=lambda index: np.full((3, 3), 40 + index, np.int16))
    assert volume.report.padding == 40


def test_a_value_that_the_type_does_not_hold_is_not_used() -> None:
    volume = padded(
        BitsStored=12, HighBit=11, pixels=lambda _: np.full((3, 3), 9, np.int16), PixelPaddingValue=2000, RescaleSlope=8
    )
    assert volume.array.dtype == np.int16
    assert volume.report.padding == 16000


def test_it_is_the_callers() -> None:
    assert padded(options={"padding": -7}, PixelPaddingValue=-2000).report.padding == -7
    assert np.isnan(padded_float().array[2]).all()


def padded_float() -> Volume:
    slices = series("PT", 5, dtype="uint16", RescaleSlope="0.5")
    with pytest.warns(DICOMQRWarning):
        (volume,) = read_volumes(slices[:2] + slices[3:], gaps="pad", padding=float("nan"))
    return volume


@pytest.mark.parametrize("padding", [40000, 0.5, float("nan"), float("inf"), pytest.param(10**400, id="huge")])
def test_the_callers_must_be_one_of_the_type(padding: float) -> None:
    slices = series("CT", 5)
    with pytest.raises(InputError, match=f"padding={padding} is no value of the volume's type, int16"):
        read_volumes(slices[:2] + slices[3:], gaps="pad", padding=padding)


@pytest.mark.parametrize("padding", ["air", True])
def test_the_callers_must_be_a_number(padding: Any) -> None:
    with pytest.raises(InputError, match="give a number"):
        read_volumes([], padding=padding)

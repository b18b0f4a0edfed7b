"""Lossy JPEG becomes what ITK makes of it, but for the last bit of some colours, which ``jpeg="gdcm"`` has as well."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import imagecodecs
import numpy as np
import pytest
from pydicom import uid

from itkdicomqr.volume import read_volumes
from tests.reference import voxels
from tests.synthetic import series, simpleitk
from tests.volume.reference import assert_same_voxels

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray
    from pydicom.dataset import Dataset

LARGEST_DIFFERENCE = {"MONOCHROME2": 0, "RGB": 0, "YBR_FULL": 1, "YBR_FULL_422": 1}
"""From ITK's voxels, by Photometric Interpretation, as the README tells it."""

RAREST = 1 / 1000
"""How many of the voxels may differ at most."""

ENCODED: dict[str, dict[str, Any]] = {
    "whole": {"colorspace": "RGB", "outcolorspace": "YCBCR", "subsampling": "444"},
    "half the columns": {"colorspace": "RGB", "outcolorspace": "YCBCR", "subsampling": "422"},
    "half the rows, too": {"colorspace": "RGB", "outcolorspace": "YCBCR", "subsampling": "420"},
    "RGB": {"colorspace": "RGB", "outcolorspace": "RGB"},
}


def anatomy(bits: int, samples: int) -> NDArray[Any]:
    """Make waves and noise, as the levels of a tissue are."""
    rows, columns, _ = np.ogrid[:64, :48, :1]
    waves = np.sin(columns / 7 + np.arange(samples)) + np.cos(rows / 9 - np.arange(samples))
    noise = np.random.default_rng(1).normal(0, 0.03, waves.shape)
    levels = ((0.5 + 0.22 * waves + noise).clip(0, 1) * (2**bits - 1)).astype("uint8" if bits == 8 else "uint16")
    grey: NDArray[Any] = levels[..., 0]
    return grey if samples == 1 else levels


def compressed(values: NDArray[Any], **options: Any) -> bytes:
    return bytes(imagecodecs.jpeg8_encode(values, **options))


def colours(photometric: str, encoded: str, quality: int) -> list[Dataset]:
    return series(
        "OT",
        1,
        pixels=lambda _: anatomy(8, 3),
        syntax=uid.JPEGBaseline8Bit,
        compress=partial(compressed, level=quality, **ENCODED[encoded]),
        PhotometricInterpretation=photometric,
    )


def grey(bits: int, quality: int) -> list[Dataset]:
    return series(
        "OT",
        1,
        pixels=lambda _: anatomy(bits, 1),
        syntax=uid.JPEGExtended12Bit,
        compress=partial(compressed, level=quality, bitspersample=bits),
        BitsStored=bits,
        HighBit=bits - 1,
    )


@pytest.mark.parametrize("quality", [50, 90, 100])
@pytest.mark.parametrize("encoded", ENCODED)
@pytest.mark.parametrize("photometric", ["RGB", "YBR_FULL", "YBR_FULL_422"])
def test_colours_differ_from_itks_in_the_last_bit_at_most(
    tmp_path: Path, photometric: str, encoded: str, quality: int
) -> None:
    slices = colours(photometric, encoded, quality)
    (volume,) = read_volumes(slices)
    differences = np.abs(volume.array.astype(int) - voxels(simpleitk(slices, tmp_path)).astype(int))
    assert differences.max() <= LARGEST_DIFFERENCE[photometric]
    assert np.mean(differences > 0) <= RAREST


@pytest.mark.parametrize("quality", [50, 90, 100])
@pytest.mark.parametrize("bits", [8, 12])
def test_grey_is_the_same_as_itks(tmp_path: Path, bits: int, quality: int) -> None:
    slices = grey(bits, quality)
    (volume,) = read_volumes(slices)
    assert_same_voxels(volume, simpleitk(slices, tmp_path))


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("quality", [50, 90])
@pytest.mark.parametrize("encoded", ENCODED)
@pytest.mark.parametrize("photometric", ["RGB", "YBR_FULL", "YBR_FULL_422"])
def test_colours_by_gdcm_are_the_same_as_itks(tmp_path: Path, photometric: str, encoded: str, quality: int) -> None:
    pytest.importorskip("gdcm")
    slices = colours(photometric, encoded, quality)
    (volume,) = read_volumes(slices, jpeg="gdcm")
    assert_same_voxels(volume, simpleitk(slices, tmp_path))


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("bits", [8, 12])
def test_grey_by_gdcm_is_the_same_as_itks(tmp_path: Path, bits: int) -> None:
    pytest.importorskip("gdcm")
    slices = grey(bits, 90)
    (volume,) = read_volumes(slices, jpeg="gdcm")
    assert_same_voxels(volume, simpleitk(slices, tmp_path))

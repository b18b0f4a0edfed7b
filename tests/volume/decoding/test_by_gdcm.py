"""Lossy JPEG is decoded by python-gdcm on demand alone."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from pydicom import uid

from itkdicomqr.errors import CorruptInstanceError, ToolkitError
from itkdicomqr.volume import read_volumes
from tests.synthetic import series, simpleitk
from tests.volume.decoding.test_codecs import LOSSLESS, jpeg, smooth
from tests.volume.reference import assert_same_voxels

if TYPE_CHECKING:
    from pathlib import Path

needs_gdcm = pytest.mark.skipif(find_spec("gdcm") is None, reason="python-gdcm is not installed")


def lossy(colours: str) -> list[Any]:
    grey = smooth(0, "uint8")
    pixels = grey if colours == "MONOCHROME2" else np.stack([smooth(index, "uint8") for index in range(3)], axis=-1)
    described: dict[str, Any] = {"PhotometricInterpretation": colours}
    return series("OT", 1, pixels=lambda _: pixels, syntax=uid.JPEGBaseline8Bit, compress=jpeg, **described)


@needs_gdcm
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("colours", ["MONOCHROME2", "YBR_FULL", "YBR_FULL_422"])
def test_gdcm_decodes_lossy_jpeg_as_simpleitk(tmp_path: Path, colours: str) -> None:
    slices = lossy(colours)
    (volume,) = read_volumes(slices, jpeg="gdcm")
    assert_same_voxels(volume, simpleitk(slices, tmp_path))
    assert volume.report.decoders == ("gdcm",)


def test_without_gdcm_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gdcm", None)
    with pytest.raises(ToolkitError, match=r"pip install 'itkdicomqr\[gdcm\]'"):
        read_volumes(lossy("MONOCHROME2"), jpeg="gdcm")


def test_gdcm_is_not_touched_unless_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gdcm", None)
    (volume,) = read_volumes(lossy("MONOCHROME2"))
    assert volume.report.decoders == ("imagecodecs jpeg8",)


@pytest.mark.parametrize(("syntax", "compress"), LOSSLESS)
def test_what_is_lossless_is_never_decoded_by_gdcm(monkeypatch: pytest.MonkeyPatch, syntax: str, compress: Any) -> None:
    monkeypatch.setitem(sys.modules, "gdcm", None)
    (volume,) = read_volumes(series("MR", 1, pixels=smooth, syntax=syntax, compress=compress), jpeg="gdcm")
    assert np.array_equal(volume.array[0], smooth(0))


def test_gdcm_gets_no_frame_whose_size_is_not_the_headers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gdcm", None)
    slices = lossy("MONOCHROME2")
    slices[0].Rows = 33
    with pytest.raises(CorruptInstanceError, match="24x32x1"):
        read_volumes(slices, jpeg="gdcm")

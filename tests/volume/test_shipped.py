"""The image files that pydicom ships equal SimpleITK's reading, or are refused for a reason."""

from __future__ import annotations

import warnings
from pathlib import Path

import pydicom
import pytest
import SimpleITK as sitk  # noqa: N813

from itkdicomqr.errors import DICOMQRError
from itkdicomqr.volume import read_volumes
from tests.volume.reference import assert_same_geometry, assert_same_voxels

FOLDER = Path(pydicom.__file__).parent / "data" / "test_files"
EQUAL = [
    "693_J2KI",
    "CT_small",
    "ExplVR_BigEnd",
    "GDCMJ2K_TextGBR",
    "J2K_pixelrep_mismatch",
    "JPEG-lossy",
    "JPEG2000",
    "JPEGLSNearLossless_08",
    "JPEGLSNearLossless_16",
    "JPGExtended",
    "MR_small",
    "MR_small_RLE",
    "MR_small_bigendian",
    "MR_small_expb",
    "MR_small_implicit",
    "MR_small_jp2klossless",
    "MR_small_jpeg_ls_lossless",
    "MR_small_padded",
    "SC_jpeg_no_color_transform",
    "SC_jpeg_no_color_transform_2",
    "SC_rgb_dcmtk_+eb+cr",
    "SC_rgb_dcmtk_+eb+cy+n1",
    "SC_rgb_dcmtk_+eb+cy+n2",
    "SC_rgb_dcmtk_+eb+cy+np",
    "SC_rgb_dcmtk_+eb+cy+s2",
    "SC_rgb_dcmtk_+eb+cy+s4",
    "SC_rgb_gdcm_KY",
    "SC_rgb_jls_lossy_line",
    "SC_rgb_jls_lossy_sample",
    "SC_rgb_jpeg_app14_dcmd",
    "SC_rgb_jpeg_dcmd",
    "SC_rgb_jpeg_dcmtk",
    "SC_rgb_jpeg_gdcm",
    "SC_rgb_jpeg_lossy_gdcm",
    "SC_rgb_rle",
    "SC_rgb_small_odd",
    "SC_rgb_small_odd_big_endian",
    "SC_rgb_small_odd_jpeg",
    "SC_ybr_full_422_uncompressed",
    "examples_jpeg2k",
    "examples_overlay",
    "examples_rgb_color",
    "image_dfl",
]
RIGHT_WHERE_ITK_IS_NOT = ("SC_rgb_rle_16bit", "SC_rgb_rle_32bit")
WITH_ULTRASOUND_REGIONS = {"examples_palette": 0.26228787661969977, "examples_ybr_color": 0.5104970559477806}
REFUSED = {
    "MR_truncated": "should have 8192 bytes, of which 8130",
    "badVR": r"NumberOfFrames \(0028,0008\) is not 1 finite decimal number",
    "liver_1frame": r"PerFrameFunctionalGroupsSequence \(5200,9230\) has 3 items",
    "rtdose_expb": "samples of 32 bits in big endian",
    "rtplan": "no pixels in 1 instance:",
    "waveform_ecg": "no pixels in 1 instance:",
    "no_meta": "no DICOM file",
}


@pytest.mark.parametrize("name", EQUAL)
def test_a_file_equals_simpleitk(name: str) -> None:
    path = FOLDER / f"{name}.dcm"
    (volume,) = read_volumes([path])
    image = sitk.ReadImage(str(path), imageIO="GDCMImageIO")
    assert_same_voxels(volume, image)
    assert_same_geometry(volume, image)


@pytest.mark.parametrize("name", WITH_ULTRASOUND_REGIONS)
def test_an_ultrasound_image_has_simpleitks_voxels_and_the_spacing_of_its_regions(name: str) -> None:
    path = FOLDER / f"{name}.dcm"
    (volume,) = read_volumes([path])
    assert_same_voxels(volume, sitk.ReadImage(str(path), imageIO="GDCMImageIO"))
    assert volume.spacing[:2] == (WITH_ULTRASOUND_REGIONS[name],) * 2


@pytest.mark.parametrize("name", RIGHT_WHERE_ITK_IS_NOT)
def test_wide_run_length_colours_equal_pydicom(name: str) -> None:
    path = FOLDER / f"{name}.dcm"
    (volume,) = read_volumes([path])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = pydicom.dcmread(path).pixel_array
    assert (volume.array[0] == expected).all()


@pytest.mark.parametrize("name", REFUSED)
def test_a_file_is_refused_for_its_reason(name: str) -> None:
    with pytest.raises(DICOMQRError, match=REFUSED[name]):
        read_volumes([FOLDER / f"{name}.dcm"])

"""Metadata have GDCM's keys and values, are parsed when asked for, and hold text as it reads."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pydicom
import pytest
import SimpleITK as sitk  # noqa: N813

from itkdicomqr.errors import InputError
from itkdicomqr.volume import read_volumes
from tests.synthetic import part10, series, write

ATTRIBUTES: dict[str, Any] = {
    "EchoTime": "4.6",
    "ImageComments": "odd",
    "DiffusionBValue": 1234.56789,
    "DiffusionGradientOrientation": [1e-7, 0.5, -123456789.0],
    "SelectorAttribute": 0x00181063,
    "FrameIncrementPointer": [0x00181063, 0x00181065],
    "ICCProfile": b"\x01\x02\x03\x04",
    "PixelPaddingValue": -2000,
    "SmallestImagePixelValue": -5,
    "RecommendedDisplayFrameRate": "7",
    "LossyImageCompressionRatio": ["1.5", "2"],
    "ReferencedImageSequence": [],
    "StudyDescription": "",
}


def simpleitk_metadata(path: Path) -> dict[str, str]:
    import SimpleITK as sitk  # noqa: N813

    reader = sitk.ImageFileReader()
    reader.SetImageIO("GDCMImageIO")
    reader.SetFileName(str(path))
    reader.ReadImageInformation()
    return {key: reader.GetMetaData(key) for key in reader.GetMetaDataKeys() if not key.startswith("ITK_")}


def itk_metadata(path: Path) -> dict[str, str]:
    import itk

    reader = itk.GDCMImageIO.New()
    reader.SetFileName(str(path))
    reader.ReadImageInformation()
    dictionary = reader.GetMetaDataDictionary()
    return {key: dictionary[key] for key in dictionary.GetKeys() if not key.startswith("ITK_")}


SHIPPED = sorted((Path(pydicom.__file__).parent / "data" / "test_files").glob("*_small*.dcm"))
AFTER_THE_PIXELS = "fffc|fffc"
"""DataSetTrailingPadding, which is left out."""


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_a_file_that_pydicom_ships_has_the_keys_and_values_of_both_toolkits(path: Path) -> None:
    (volume,) = read_volumes([path])
    assert itk_metadata(path) == simpleitk_metadata(path)
    expected = simpleitk_metadata(path)
    expected.pop(AFTER_THE_PIXELS, None)
    assert volume.slices[0] == expected


@pytest.mark.parametrize("syntax", ["1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2"])
def test_each_slice_has_the_keys_and_values_of_simpleitk(tmp_path: Path, syntax: str) -> None:
    slices = series("MR", 2, syntax=syntax, **ATTRIBUTES)
    paths = write(slices, tmp_path)
    (volume,) = read_volumes(paths)
    assert list(volume.slices) == [simpleitk_metadata(path) for path in paths]


@pytest.mark.parametrize("syntax", ["1.2.840.10008.1.2", "1.2.840.10008.1.2.1"])
def test_overlays_nuls_and_empty_elements_are_as_in_simpleitk(tmp_path: Path, syntax: str) -> None:
    slices = series("MR", 1, syntax=syntax, SoftwareVersions="AB\0\0", ICCProfile=b"", StationName="")
    slices[0].add_new(0x60000010, "US", 6)
    slices[0].add_new(0x60000040, "CS", "G")
    slices[0].add_new(0x60003000, "OW", b"\1\2")
    slices[0].add_new(0x60023000, "OW", b"")
    paths = write(slices, tmp_path)
    (volume,) = read_volumes(paths)
    assert volume.slices[0] == simpleitk_metadata(paths[0])


def test_clean_metadata_have_no_padding_and_all_digits() -> None:
    slices = series(
        "MR", 2, **ATTRIBUTES, FrameTimeVector=["1", "2"], TimeRange=[0.1, 1 / 3], AdditionalPatientHistory=" a\\b "
    )
    (padded,) = read_volumes(slices)
    (clean,) = read_volumes(slices, dictionary="clean")
    assert clean.slices[0].keys() == padded.slices[0].keys()
    assert clean.metadata["0018|9087"] == "1234.56789"
    assert clean.metadata["0018|9089"] == "1e-07\\0.5\\-123456789.0"
    assert clean.metadata["0028|0004"] == "MONOCHROME2"
    assert clean.slices[0]["0020|0013"] == "1"
    assert clean.metadata["0010|21b0"] == " a\\b"
    assert clean.metadata["0028|0120"] == padded.metadata["0028|0120"] == "-2000"


def test_single_precision_has_as_many_digits_as_it_holds() -> None:
    slices = series("US", 1, TableTopVerticalPosition=None, RecommendedDisplayFrameRateInFloat=None)
    slices[0].add_new(0x00189334, "FD", 0.1)
    slices[0].add_new(0x00186028, "FL", 0.1)
    (volume,) = read_volumes(slices, dictionary="clean")
    assert volume.metadata["0018|6028"] == "0.1"


def test_another_dictionary_is_refused() -> None:
    with pytest.raises(InputError, match="dictionary='tidy' is not among 'itk', 'clean'"):
        read_volumes(series("CT", 1), dictionary="tidy")  # type: ignore[arg-type]


def test_the_volume_has_the_entries_that_all_slices_share() -> None:
    slices = series("MR", 3, TriggerTime=lambda index: "5" if index else None)
    (volume,) = read_volumes(slices)
    assert volume.metadata["0008|103e"] == "Synthetic series"
    assert {"0020|0013", "0020|0032", "0018|1060", "0008|0018"}.isdisjoint(volume.metadata)
    assert volume.metadata.items() <= volume.slices[0].items()
    missing = volume.slices[1].keys() - volume.metadata.keys()
    assert missing == {"0020|0013", "0020|0032", "0018|1060", "0008|0018"}


def test_entries_equal_in_value_are_shared_whatever_their_encoding() -> None:
    little, big = series("MR", 2, EchoTime="4.6"), series("MR", 2, EchoTime="4.6", syntax="1.2.840.10008.1.2.2")
    (volume,) = read_volumes([little[0], big[1]])
    assert volume.metadata["0028|0010"] == "6"


@pytest.mark.parametrize(
    ("character_set", "name"),
    [
        ("ISO_IR 100", "Müller^Jörg"),
        ("ISO_IR 192", "Дмитрий^Ω"),
        (["", "ISO 2022 IR 87"], "Yamada^Tarou=山田^太郎"),
        ("GB18030", "Wang^XiaoDong=王^小东"),
    ],
)
def test_text_is_decoded_by_its_character_set(character_set: Any, name: str) -> None:
    (volume,) = read_volumes(series("CT", 1, SpecificCharacterSet=character_set, PatientName=name))
    assert volume.metadata["0010|0010"].strip() == name


@pytest.mark.parametrize("character_set", ["ISO_IR 192", "ISO_IR 13"])
def test_text_that_cannot_be_decoded_does_not_fail_or_warn(character_set: str) -> None:
    (slice_,) = series("CT", 1, PatientName="M\xfcl\x1b$Bler", SpecificCharacterSet="ISO_IR 100")
    content = part10(slice_).replace(b"ISO_IR 100", character_set.encode().ljust(10)[:10])
    (volume,) = read_volumes([content])
    assert volume.metadata["0010|0010"].startswith("M")


def test_slices_behave_as_a_sequence_and_cannot_be_changed_through() -> None:
    (volume,) = read_volumes(series("CT", 3))
    assert len(volume.slices) == 3
    assert [entries["0020|0013"] for entries in volume.slices[1:]] == ["2 ", "3 "]
    volume.slices[0]["0020|0013"] = "99"
    assert volume.slices[0]["0020|0013"] == "1 "
    assert "Sample" not in repr(volume.slices)


@pytest.mark.parametrize("syntax", ["1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2"])
def test_words_and_floats_are_written_as_in_simpleitk(tmp_path: Path, syntax: str) -> None:
    words = bytes(range(64))
    (slice_,) = series("CT", 1, syntax=syntax, RedPaletteColorLookupTableData=words, PointCoordinatesData=words)
    slice_.DoublePointCoordinatesData = b""
    (volume,) = read_volumes([slice_])
    (path,) = write([slice_], tmp_path)
    image = sitk.ReadImage(str(path), imageIO="GDCMImageIO")
    for key in ("0028|1201", "0066|0016", "0066|0022"):
        assert volume.slices[0][key] == image.GetMetaData(key)

"""Metadata have GDCM's keys and values, are parsed when asked for, and hold text as it reads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from itkdicomqr.volume import read_volumes
from tests.synthetic import part10, series, write

if TYPE_CHECKING:
    from pathlib import Path

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


@pytest.mark.parametrize("syntax", ["1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2"])
def test_each_slice_has_the_keys_and_values_of_simpleitk(tmp_path: Path, syntax: str) -> None:
    slices = series("MR", 2, syntax=syntax, **ATTRIBUTES)
    paths = write(slices, tmp_path)
    (volume,) = read_volumes(paths)
    assert list(volume.slices) == [simpleitk_metadata(path) for path in paths]


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

"""What is taken in, what is left out and said so, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian, MediaStorageDirectoryStorage

from itkdicomqr.errors import ConflictingInstancesError, CorruptInstanceError, InputError, NoPixelsError
from itkdicomqr.volume import read_volumes
from tests.synthetic import part10, series


def test_instances_without_pixels_are_skipped_and_named() -> None:
    slices = series("CT", 3)
    (report,) = series("OT", 1, number=9)
    del report.PixelData
    (volume,) = read_volumes([*slices, report])
    assert volume.report.skipped == (report.SOPInstanceUID,)
    assert len(volume.array) == 3


def test_the_directory_of_a_medium_is_skipped() -> None:
    directory = Dataset()
    directory.file_meta = FileMetaDataset()
    directory.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    directory.file_meta.MediaStorageSOPClassUID = MediaStorageDirectoryStorage
    directory.file_meta.MediaStorageSOPInstanceUID = UID("1.2.3")
    directory.FileSetID = "EXAM"
    directory.DirectoryRecordSequence = []
    (volume,) = read_volumes([part10(directory), *series("CT", 3)])
    assert len(volume.array) == 3
    assert volume.report.skipped == ("1.2.3",)


def test_no_instance_with_pixels_is_an_error() -> None:
    (report,) = series("OT", 1)
    del report.PixelData
    with pytest.raises(NoPixelsError, match="no pixels in 1 instance:"):
        read_volumes([report])
    with pytest.raises(NoPixelsError, match="no instances were given"):
        read_volumes([])


def test_an_identical_duplicate_is_dropped_and_named() -> None:
    slices = series("CT", 3)
    (volume,) = read_volumes([*slices, part10(slices[1])])
    assert volume.report.duplicates == (slices[1].SOPInstanceUID,)
    assert len(volume.array) == 3


@pytest.mark.parametrize("reverse", [False, True])
def test_two_versions_of_an_instance_are_refused(reverse: bool) -> None:
    slices = series("CT", 3)
    other = series("CT", 3, SeriesDescription="changed")[1]
    with pytest.raises(ConflictingInstancesError, match=r"came twice, and \(0008,103E\) differ: pass") as error:
        read_volumes([other, *slices] if reverse else [*slices, other])
    assert error.value.sop_instance_uid == other.SOPInstanceUID


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"pixels": lambda index: np.full((6, 7), index, np.int16)}, "its pixels differ"),
        (
            {"syntax": "1.2.840.10008.1.2.2"},
            r"the transfer syntaxes 1.2.840.10008.1.2.1 and 1.2.840.10008.1.2.2 differ",
        ),
    ],
)
def test_what_differs_in_two_versions_of_an_instance_is_named(changes: dict[str, Any], what: str) -> None:
    with pytest.raises(ConflictingInstancesError, match=what):
        read_volumes([*series("CT", 3), series("CT", 3, **changes)[1]])


def test_what_is_no_dicom_is_refused() -> None:
    with pytest.raises(CorruptInstanceError, match="no DICOM file"):
        read_volumes([b"GIF89a"])
    with pytest.raises(InputError, match="a float is no Instance"):
        read_volumes([1.5])  # type: ignore[list-item]


@pytest.mark.parametrize(
    ("attributes", "message"),
    [
        ({"PixelSpacing": ["0.5", "0"]}, r"PixelSpacing \(0028,0030\) is 0.5\\0; a spacing is positive"),
        ({"ImagePositionPatient": ["1", "2"]}, r"ImagePositionPatient \(0020,0032\) is not 3 finite"),
        ({"ImageOrientationPatient": ["1", "0", "0", "1", "0", "0"]}, "not two orthogonal unit vectors"),
        ({"ImageOrientationPatient": ["0"] * 6}, "not two orthogonal unit vectors"),
        ({"HighBit": 3}, r"HighBit \(0028,0102\) is 3, which contradicts BitsAllocated 16, BitsStored 16"),
        ({"Columns": 0}, r"Columns \(0028,0011\) is missing or zero"),
        ({"BitsAllocated": None}, r"BitsAllocated \(0028,0100\) is missing or zero"),
        ({"NumberOfFrames": "0"}, r"NumberOfFrames \(0028,0008\) is 0"),
        ({"Rows": [6, 6]}, r"Rows \(0028,0010\) has 2 values"),
    ],
)
def test_a_header_that_cannot_be_right_is_refused_by_name(attributes: dict[str, Any], message: str) -> None:
    with pytest.raises(CorruptInstanceError, match=message) as error:
        read_volumes(series("CT", 1, **attributes))
    assert error.value.sop_instance_uid


def test_an_orientation_that_is_none_is_refused_in_every_slice() -> None:
    with pytest.raises(CorruptInstanceError, match="is not two orthogonal unit vectors"):
        read_volumes(series("CT", 3, ImageOrientationPatient=["0"] * 6))


@pytest.mark.parametrize("text", ["nan", "inf", "1_0", "1,5", "abc"])
def test_a_number_that_is_none_is_refused(text: str) -> None:
    (slice_,) = series("CT", 1, RescaleSlope="123456")
    content = part10(slice_).replace(b"123456", text.ljust(6).encode())
    with pytest.raises(CorruptInstanceError, match=r"RescaleSlope \(0028,1053\) is not 1 finite decimal number"):
        read_volumes([content])


def test_an_error_names_no_patient() -> None:
    (slice_,) = series("CT", 1, PatientName="Secret^Name", HighBit=3)
    with pytest.raises(CorruptInstanceError) as error:
        read_volumes([slice_])
    assert "Secret" not in repr(error.value) + str(error.value)

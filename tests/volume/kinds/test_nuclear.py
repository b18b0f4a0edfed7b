"""Frames of nuclear medicine lie where the detector and the distance of slices put them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import SimpleITK as sitk  # noqa: N813
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset

from itkdicomqr.errors import CorruptInstanceError, UnsupportedImageError
from itkdicomqr.volume import read_volumes
from itkdicomqr.volume.kinds.nuclear import NUCLEAR_MEDICINE
from tests.synthetic import AXIAL, OBLIQUE, multiframe, part10, series
from tests.volume.reference import assert_same_geometry, assert_same_voxels

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

DETECTOR_VECTOR, SLICE_VECTOR, TIME_SLOT_VECTOR = 0x00540020, 0x00540080, 0x00540070

PLACED: dict[str, Any] = {
    "ImageOrientationPatient": list(map(str, AXIAL)),
    "ImagePositionPatient": lambda index: ["1", "2", str(3 + 4 * index)],
}


def frames(count: int = 4, orientation: Sequence[float] = AXIAL, **overrides: Any) -> Dataset:
    detector = Dataset()
    detector.ImagePositionPatient = ["1", "2", "3"]
    detector.ImageOrientationPatient = list(map(str, orientation))
    planes = series("OT", count, dtype="uint16", Modality="NM", SOPClassUID=NUCLEAR_MEDICINE)
    planes[0].DetectorInformationSequence = [detector]
    return multiframe(planes, functional_groups=False, **overrides)


def simpleitk(instance: Dataset, folder: Path) -> Any:
    path = folder / "nuclear.dcm"
    path.write_bytes(part10(instance))
    return sitk.ReadImage(str(path), imageIO="GDCMImageIO")


@pytest.mark.parametrize("orientation", [AXIAL, OBLIQUE])
@pytest.mark.parametrize("spacing", ["4", "-4", "0.1"])
def test_reconstructed_slices_equal_simpleitk(tmp_path: Path, orientation: Sequence[float], spacing: str) -> None:
    instance = frames(
        orientation=orientation,
        FrameIncrementPointer=SLICE_VECTOR,
        SliceVector=[1, 2, 3, 4],
        SpacingBetweenSlices=spacing,
    )
    (volume,) = read_volumes([instance])
    image = simpleitk(instance, tmp_path)
    assert_same_voxels(volume, image)
    assert_same_geometry(volume, image)
    assert volume.report.warnings == ()


def test_slices_whose_distance_is_not_told_are_1_mm_apart_and_it_is_said(tmp_path: Path) -> None:
    instance = frames(FrameIncrementPointer=SLICE_VECTOR, SliceVector=[1, 2, 3, 4])
    (volume,) = read_volumes([instance])
    assert_same_geometry(volume, simpleitk(instance, tmp_path))
    assert "no SpacingBetweenSlices (0018,0088): the slices are 1 mm apart by convention" in volume.report.warnings


def test_time_slots_of_a_gated_study_are_a_volume_each() -> None:
    instance = frames(
        FrameIncrementPointer=[TIME_SLOT_VECTOR, SLICE_VECTOR],
        TimeSlotVector=[1, 1, 2, 2],
        SliceVector=[1, 2, 1, 2],
        SpacingBetweenSlices="3",
    )
    volumes = read_volumes([instance])
    assert [volume.key for volume in volumes] == [{"TimeSlotVector": 1}, {"TimeSlotVector": 2}]
    assert [volume.array.shape for volume in volumes] == [(2, 6, 7)] * 2
    assert volumes[1].array.tobytes() == instance.PixelData[2 * 84 :]


def test_frames_that_are_no_slices_follow_each_other() -> None:
    (volume,) = read_volumes([frames(FrameIncrementPointer=TIME_SLOT_VECTOR, TimeSlotVector=[1, 2, 3, 4])])
    assert volume.spacing == (0.5, 0.75, 1.0)
    assert "the third axis is their order" in volume.report.warnings[0]


@pytest.mark.parametrize("attributes", [{}, {"ImagePositionPatient": ["1", "2", "3"]}])
def test_a_single_frame_lies_where_its_detector_was(tmp_path: Path, attributes: dict[str, Any]) -> None:
    instance = frames(1, OBLIQUE, NumberOfFrames=1, **attributes)
    (volume,) = read_volumes([instance])
    assert volume.report.departures == ()
    assert_same_geometry(volume, simpleitk(instance, tmp_path))


def test_slices_without_a_detector_lie_where_they_say_themselves() -> None:
    slices = series("OT", 3, Modality="NM", SOPClassUID=NUCLEAR_MEDICINE, **PLACED)
    (volume,) = read_volumes(slices)
    assert volume.origin == (1.0, 2.0, 3.0)
    assert volume.spacing == (0.5, 0.75, 4.0)
    assert volume.array.tobytes() == b"".join(each.PixelData for each in slices)


def test_frames_without_a_detector_begin_where_the_header_says() -> None:
    instance = frames(
        FrameIncrementPointer=SLICE_VECTOR,
        SliceVector=[1, 2, 3, 4],
        SpacingBetweenSlices="4",
        DetectorInformationSequence=[],
        ImagePositionPatient=["1", "2", "3"],
        ImageOrientationPatient=list(map(str, AXIAL)),
    )
    (volume,) = read_volumes([instance])
    assert volume.origin == (1.0, 2.0, 3.0)
    assert volume.spacing == (0.5, 0.75, 4.0)


def test_a_vector_that_does_not_number_each_frame_is_refused() -> None:
    instance = frames(FrameIncrementPointer=SLICE_VECTOR, SliceVector=[1, 2, 3])
    with pytest.raises(CorruptInstanceError, match=r"SliceVector \(0054,0080\) has 3 values, but NumberOfFrames"):
        read_volumes([instance])


@pytest.mark.parametrize(("vr", "value"), [("FD", float("nan")), ("SL", 65536), ("SL", -1)])
def test_a_vector_of_numbers_that_count_nothing_is_refused(vr: str, value: float) -> None:
    instance = frames(FrameIncrementPointer=SLICE_VECTOR)
    instance[SLICE_VECTOR] = DataElement(SLICE_VECTOR, vr, [1, 2, 3, value])
    with pytest.raises(CorruptInstanceError, match=r"\(0054,0080\) (is no whole number|has values beyond those of US)"):
        read_volumes([instance])


def test_slices_of_detectors_at_several_places_are_refused() -> None:
    vectors: dict[str, Any] = {"DetectorVector": [1, 1, 2, 2], "SliceVector": [1, 2, 1, 2], "SpacingBetweenSlices": "4"}
    instance = frames(FrameIncrementPointer=[DETECTOR_VECTOR, SLICE_VECTOR], **vectors)
    other = Dataset()
    other.ImagePositionPatient, other.ImageOrientationPatient = ["100", "0", "0"], ["0", "1", "0", "0", "0", "-1"]
    instance.DetectorInformationSequence.append(other)
    with pytest.raises(UnsupportedImageError, match="slices of detectors at several places"):
        read_volumes([instance])
    instance.DetectorInformationSequence[1] = instance.DetectorInformationSequence[0]
    assert [volume.array.shape[0] for volume in read_volumes([instance])] == [2, 2]

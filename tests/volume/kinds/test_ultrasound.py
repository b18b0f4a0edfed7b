"""An enhanced ultrasound volume lies where its planes say, in the volume's frame of reference or in the patient."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from pydicom import uid
from pydicom.dataset import Dataset

from itkdicomqr.errors import CorruptInstanceError, DICOMQRWarning, MissingSlicesError
from itkdicomqr.volume import Volume, one_volume, read_volumes
from tests.synthetic import AXIAL, OBLIQUE, ROOT, multiframe, part10, series

ORIGIN = (-10.5, 3.25, 7.0)
STEP = 1.5


def item(**attributes: Any) -> list[Dataset]:
    made = Dataset()
    for keyword, value in attributes.items():
        setattr(made, keyword, value)
    return [made]


def ultrasound(
    slices: Sequence[int] = range(4),
    orientation: Sequence[float] = OBLIQUE,
    number: int = 1,
    frames: Sequence[Dataset] | None = None,
    **attributes: Any,
) -> Dataset:
    """Make an enhanced US volume whose frames are planes of the volume, of an apex geometry."""
    planes = frames or series("US", len(slices), dtype="uint8", number=number)
    made = multiframe(planes, VolumeFrameOfReferenceUID=f"{ROOT}.9", SeriesInstanceUID=f"{ROOT}.2", **attributes)
    made.SOPClassUID = made.file_meta.MediaStorageSOPClassUID = uid.EnhancedUSVolumeStorage
    normal = np.cross(orientation[:3], orientation[3:])
    for index, groups in zip(slices, made.PerFrameFunctionalGroupsSequence, strict=True):
        groups.PlanePositionVolumeSequence = item(ImagePositionVolume=[*(ORIGIN + index * STEP * normal)])
    made.SharedFunctionalGroupsSequence = item(
        PlaneOrientationVolumeSequence=item(ImageOrientationVolume=[*map(float, orientation)])
    )
    return made


def read(*instances: Dataset, **options: Any) -> list[Volume]:
    with pytest.warns(DICOMQRWarning, match=r"positions are in VolumeFrameOfReferenceUID \(0020,9312\)"):
        return read_volumes(map(part10, instances), **options)


@pytest.mark.parametrize("orientation", [AXIAL, OBLIQUE])
def test_the_planes_lie_in_the_volumes_frame_of_reference(orientation: Sequence[float]) -> None:
    instance = ultrasound(orientation=orientation)
    (volume,) = read(instance)
    assert np.array_equal(volume.array, instance.pixel_array)
    assert volume.origin == ORIGIN
    assert volume.spacing == pytest.approx((0.5, 0.75, STEP))
    assert volume.direction[:, :2].T.ravel() == pytest.approx(orientation)
    assert volume.direction[:, 2] == pytest.approx(np.cross(orientation[:3], orientation[3:]))
    assert volume.report.max_corner_error_mm < 1e-9


def test_frames_out_of_order_are_sorted() -> None:
    instance = ultrasound([2, 0, 3, 1])
    (volume,) = read(instance)
    assert np.array_equal(volume.array, instance.pixel_array[[1, 3, 0, 2]])


def test_a_missing_plane_is_refused() -> None:
    with pytest.raises(MissingSlicesError):
        read_volumes([ultrasound([0, 1, 3])])


def test_a_place_in_the_patient_goes_before_that_in_the_volume() -> None:
    instance = ultrasound(UltrasoundAcquisitionGeometry="PATIENT")
    for index, groups in enumerate(instance.PerFrameFunctionalGroupsSequence):
        groups.PlanePositionSequence = item(ImagePositionPatient=["5", "6", str(7 + 2 * index)])
        groups.PlaneOrientationSequence = item(ImageOrientationPatient=[*map(str, AXIAL)])
    (volume,) = read_volumes([instance])
    assert volume.origin == (5.0, 6.0, 7.0)
    assert volume.spacing == (0.5, 0.75, 2.0)
    assert volume.report.departures == ()


def test_instants_are_volumes_and_even_times_an_axis() -> None:
    instance = ultrasound([0, 1, 2, 0, 1, 2], frames=series("US", 6, dtype="uint8"))
    for index, groups in enumerate(instance.PerFrameFunctionalGroupsSequence):
        groups.TemporalPositionSequence = item(TemporalPositionTimeOffset=index // 3 * 0.04)
    volumes = read(instance)
    assert [volume.key for volume in volumes] == [{"TemporalPositionTimeOffset": offset} for offset in (0.0, 0.04)]
    (stack,) = read(instance, stack=True)
    assert stack.array.shape == (2, 3, 6, 7)
    assert stack.spacing[3] == pytest.approx(0.04)


def test_kinds_of_data_at_the_same_planes_are_volumes() -> None:
    instance = ultrasound([0, 0, 1, 1, 2, 2], frames=series("US", 6, dtype="uint8"))
    for index, groups in enumerate(instance.PerFrameFunctionalGroupsSequence):
        groups.ImageDataTypeSequence = item(DataType=("TISSUE_INTENSITY", "FLOW_VELOCITY")[index % 2])
    flow = one_volume(read(instance), {"DataType": "FLOW_VELOCITY"})
    assert np.array_equal(flow.array, instance.pixel_array[1::2])


def test_instances_of_one_volume_frame_of_reference_are_told_apart_by_their_times() -> None:
    instances = [ultrasound(number=number, AcquisitionDateTime=f"2005010610150{number}") for number in (2, 1)]
    (stack,) = read(*instances, stack=True)
    assert np.array_equal(stack.array, [instances[1].pixel_array, instances[0].pixel_array])


@pytest.mark.parametrize("value", [None, [1.0, 2.0], [1.0, 2.0, float("nan")], [1.0, 2.0, 1e300]])
def test_a_plane_without_a_position_is_refused(value: Any) -> None:
    instance = ultrasound()
    instance.PerFrameFunctionalGroupsSequence[2].PlanePositionVolumeSequence = item(ImagePositionVolume=value)
    with pytest.raises(CorruptInstanceError, match=r"ImagePositionVolume \(0020,9301\) is missing, or is not 3 finite"):
        read_volumes([instance])


def test_a_volume_without_an_orientation_is_refused() -> None:
    instance = ultrasound()
    del instance.SharedFunctionalGroupsSequence
    with pytest.raises(CorruptInstanceError, match=r"ImageOrientationVolume \(0020,9302\)"):
        read_volumes([instance])

"""Real world values are told in the report, each mapping once, and never applied."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest
from pydicom import uid
from pydicom.dataset import Dataset

from itkdicomqr.errors import CorruptInstanceError
from itkdicomqr.volume import Volume, read_volumes
from itkdicomqr.volume.real_world import RealWorldValues
from tests.synthetic import multiframe, part10, series

NOT_APPLIED = "RealWorldValueMappingSequence (0040,9096) is not applied; the report tells it"


def mapping(slope: float | None = 0.5, *, first: int = 0, last: int = 4095, unit: str = "mm2/s") -> Dataset:
    made, units = Dataset(), Dataset()
    units.CodeValue = unit
    made.MeasurementUnitsCodeSequence = [units]
    made.LUTLabel = "ADC"
    vr = "SS" if first < 0 else "US"
    made.add_new(0x00409216, vr, first)
    made.add_new(0x00409211, vr, last)
    if slope is None:
        made.RealWorldValueLUTData = [1.0, 2.0]
    else:
        made.RealWorldValueSlope, made.RealWorldValueIntercept = slope, -1.0
    return made


def values(slope: float, first: float = 0, last: float = 4095) -> RealWorldValues:
    return RealWorldValues(slope, -1.0, "mm2/s", "ADC", first, last)


def read(instances: list[Dataset], **options: Any) -> Volume:
    (volume,) = read_volumes(map(part10, instances), **options)
    return volume


@pytest.mark.parametrize("syntax", [uid.ExplicitVRLittleEndian, uid.ImplicitVRLittleEndian, uid.ExplicitVRBigEndian])
@pytest.mark.parametrize(("dtype", "first"), [("uint16", 0), ("int16", -2048)])
def test_that_of_all_slices_is_told_once(syntax: str, dtype: str, first: int) -> None:
    slices = series(
        "MR", 3, dtype=dtype, syntax=syntax, RealWorldValueMappingSequence=lambda _: [mapping(first=first, last=2047)]
    )
    volume = read(slices)
    assert volume.report.real_world_values == (values(0.5, first, 2047),)
    assert NOT_APPLIED in volume.report.warnings
    assert "real world values, not applied: 0.5 x + -1 mm2/s" in str(volume.report)
    assert np.array_equal(volume.array, [each.pixel_array for each in slices])


def test_those_of_each_slice_are_told() -> None:
    volume = read(series("MR", 3, RealWorldValueMappingSequence=lambda index: [mapping(index + 1.0)]))
    assert volume.report.real_world_values == (values(1.0), values(2.0), values(3.0))


def test_those_of_each_frame_and_of_all_are_told() -> None:
    instance = multiframe(series("MR", 2))
    instance.SharedFunctionalGroupsSequence = [Dataset()]
    instance.SharedFunctionalGroupsSequence[0].RealWorldValueMappingSequence = [mapping(9.0), mapping(8.0)]
    for index, groups in enumerate(instance.PerFrameFunctionalGroupsSequence):
        groups.RealWorldValueMappingSequence = [mapping(float(index))]
    volume = read([instance])
    assert volume.report.real_world_values == tuple(map(values, (9.0, 8.0, 0.0, 1.0)))
    assert pickle.loads(pickle.dumps(volume)).report == volume.report  # noqa: S301


def test_a_volume_is_told_of_its_own_frames_alone() -> None:
    frames = series(
        "MR",
        4,
        EffectiveEchoTime=lambda index: [4.0, 8.0][index // 2],
        ImagePositionPatient=lambda index: ["0", "0", str(index % 2)],
    )
    instance = multiframe(frames)
    for index, groups in enumerate(instance.PerFrameFunctionalGroupsSequence):
        groups.RealWorldValueMappingSequence = [mapping(float(index // 2))]
    volumes = read_volumes([instance])
    assert [volume.report.real_world_values for volume in volumes] == [(values(0.0),), (values(1.0),)]
    (stack,) = read_volumes([instance], stack=True)
    assert stack.report.real_world_values == (values(0.0), values(1.0))


def test_a_table_is_told_without_its_entries() -> None:
    (told,) = read(series("MR", 2, RealWorldValueMappingSequence=[mapping(None)])).report.real_world_values
    assert (told.slope, told.intercept, str(told)) == (None, None, "a table")


def test_a_volume_without_any_says_nothing_of_them() -> None:
    volume = read(series("MR", 2))
    assert volume.report.real_world_values == ()
    assert "real world" not in str(volume.report)


def test_one_that_is_damaged_is_refused() -> None:
    content = part10(series("MR", 1, RealWorldValueMappingSequence=[mapping()])[0])
    damaged = content.replace(b"\x40\x00\xea\x08SQ", b"\x40\x00\xea\x08Q!")
    assert damaged != content
    with pytest.raises(CorruptInstanceError):
        read_volumes([damaged])

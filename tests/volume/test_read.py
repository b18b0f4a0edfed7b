"""Series of slices become volumes that equal what SimpleITK reads from files, in any order."""

from __future__ import annotations

from inspect import signature
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom.uid import RTImageStorage

from itkdicomqr.errors import CorruptInstanceError, InputError, LimitExceededError
from itkdicomqr.instance import Instance
from itkdicomqr.volume import Volume, read_volumes
from itkdicomqr.volume.options import Options
from tests.synthetic import AXIAL, OBLIQUE, part10, series, simpleitk, write
from tests.volume.reference import assert_same_geometry, assert_same_voxels

if TYPE_CHECKING:
    from pathlib import Path

SAGITTAL = (0.0, 1.0, 0.0, 0.0, 0.0, -1.0)
CORONAL = (1.0, 0.0, 0.0, 0.0, 0.0, -1.0)


def assert_equals_simpleitk(volume: Volume, image: Any) -> None:
    assert_same_voxels(volume, image)
    assert_same_geometry(volume, image)


def test_a_series_equals_simpleitk_bit_for_bit(tmp_path: Path) -> None:
    slices = series("CT", 7, RescaleIntercept="-1024", RescaleSlope="1", BitsStored=12, HighBit=11)
    (volume,) = read_volumes(slices)
    assert_equals_simpleitk(volume, simpleitk(slices, tmp_path))
    assert volume.array.dtype == np.int16


@pytest.mark.parametrize("orientation", [AXIAL, OBLIQUE, SAGITTAL])
@pytest.mark.parametrize("step", [0.7, -3.3])
def test_geometry_equals_simpleitk_in_every_orientation(
    tmp_path: Path, orientation: tuple[float, ...], step: float
) -> None:
    slices = series("MR", 4, orientation=orientation, step=step, PixelSpacing=["0.4321", "0.8765"])
    (volume,) = read_volumes(slices)
    assert_equals_simpleitk(volume, simpleitk(slices, tmp_path))


def test_the_origin_is_that_of_the_slice_that_comes_first_along_the_normal() -> None:
    (volume,) = read_volumes(series("CT", 4, step=-2.0, origin=(1.0, 2.0, 3.0)))
    assert volume.origin == (1.0, 2.0, -3.0)
    assert [metadata["0020|0013"].strip() for metadata in volume.slices] == ["4", "3", "2", "1"]


@pytest.mark.parametrize("spacing", ["3.5", "-3.5", None])
def test_one_slice_is_a_volume_as_thick_as_spacing_between_slices(tmp_path: Path, spacing: str | None) -> None:
    slices = series("MR", 1, SpacingBetweenSlices=spacing)
    (volume,) = read_volumes(slices)
    assert volume.array.shape == (1, 6, 7)
    assert volume.spacing == (0.5, 0.75, 3.5 if spacing else 1.0)
    if spacing != "-3.5":  # SimpleITK turns the direction of a single slice over
        assert_equals_simpleitk(volume, simpleitk(slices, tmp_path))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(order=st.permutations(range(6)))
def test_the_order_of_arrival_does_not_matter(order: list[int]) -> None:
    slices = series("MR", 6, orientation=OBLIQUE, dtype="uint16", RescaleSlope="2.5")
    (expected,) = read_volumes(slices)
    (volume,) = read_volumes([slices[index] for index in order])
    assert volume.array.tobytes() == expected.array.tobytes()
    assert (volume.origin, volume.spacing) == (expected.origin, expected.spacing)
    assert volume.direction.tobytes() == expected.direction.tobytes()
    assert volume.report == expected.report
    assert list(volume.slices) == list(expected.slices)


@settings(max_examples=15, deadline=None)
@given(order=st.permutations(range(9)))
def test_the_order_of_arrival_does_not_matter_for_several_volumes(order: list[int]) -> None:
    localizer = [
        slice_
        for number, orientation in enumerate((AXIAL, SAGITTAL, CORONAL))
        for slice_ in series("MR", 3, number=number, orientation=orientation, SeriesInstanceUID="1.2.3")
    ]
    expected = [volume.array.tobytes() for volume in read_volumes(localizer)]
    assert [volume.array.tobytes() for volume in read_volumes([localizer[index] for index in order])] == expected


def test_instances_bytes_data_sets_and_paths_may_be_mixed(tmp_path: Path) -> None:
    slices = series("CT", 5)
    (path, text) = write(slices[:2], tmp_path)
    mixture: list[Any] = [path, str(text), part10(slices[2]), Instance.from_dataset(slices[3]), slices[4]]
    (volume,) = read_volumes(mixture)
    (expected,) = read_volumes(slices)
    assert volume.array.tobytes() == expected.array.tobytes()
    assert volume.report.origins == {"file": 2, "memory": 3}


def test_the_array_is_native_and_contiguous() -> None:
    (volume,) = read_volumes(series("CT", 3, syntax="1.2.840.10008.1.2.2"))
    assert volume.array.dtype.isnative
    assert volume.array.flags.c_contiguous
    assert volume.array.flags.writeable


def test_voxels_beyond_the_limit_are_refused_before_they_are_allocated() -> None:
    with pytest.raises(LimitExceededError, match="the voxels need 252 bytes; max_series_bytes=251"):
        read_volumes(series("CT", 3), max_series_bytes=251)


@pytest.mark.parametrize("option", ["gaps", "tilt", "spacing_source"])
def test_an_unknown_choice_is_refused_with_its_alternatives(option: str) -> None:
    with pytest.raises(InputError, match=f"{option}='best' is not among '"):
        read_volumes([], **{option: "best"})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("source", "expected"),
    [("calibrated", (0.5, 0.75)), ("imager", (0.3, 0.2))],
)
def test_a_radiograph_has_the_calibrated_spacing_unless_the_imagers_is_wanted(
    tmp_path: Path, source: Any, expected: tuple[float, float]
) -> None:
    radiograph = series("CR", 1, ImagerPixelSpacing=["0.2", "0.3"])
    (volume,) = read_volumes(radiograph, spacing_source=source)
    assert volume.spacing[:2] == expected
    if source == "imager":
        assert_equals_simpleitk(volume, simpleitk(radiograph, tmp_path))


def test_an_rt_image_has_the_spacing_of_its_plane(tmp_path: Path) -> None:
    portal = series("OT", 1, SOPClassUID=RTImageStorage, Modality="RTIMAGE", ImagePlanePixelSpacing=["0.2", "0.3"])
    (volume,) = read_volumes(portal)
    assert volume.spacing == (0.3, 0.2, 1.0)
    assert_equals_simpleitk(volume, simpleitk(portal, tmp_path))


def test_a_dose_is_scaled() -> None:
    (volume,) = read_volumes(series("RTDOSE", 3, dtype="uint32", DoseGridScaling="2e-3"))
    (stored,) = read_volumes(series("RTDOSE", 3, dtype="uint32", DoseGridScaling="2e-3"), rescale=False)
    assert volume.array.dtype == np.float64
    assert stored.array.dtype == np.uint32
    assert np.array_equal(volume.array, stored.array * 2e-3)


@pytest.mark.parametrize("zero", ["PixelSpacing", "ImagerPixelSpacing"])
def test_two_zeros_are_no_spacing_of_a_projection(zero: str) -> None:
    other = {"PixelSpacing": "ImagerPixelSpacing", "ImagerPixelSpacing": "PixelSpacing"}[zero]
    told: dict[str, Any] = {zero: ["0", "0"], other: None}
    (alone,) = read_volumes(series("CR", 1, **told))
    assert list(alone.spacing) == [1, 1, 1]
    assert "1 mm is assumed" in str(alone.report.warnings)
    told[other] = ["0.2", "0.1"]
    (volume,) = read_volumes(series("CR", 1, **told))
    assert volume.spacing[:2] == (0.1, 0.2)


def test_an_unused_zero_refuses_no_slice_but_the_spacing_of_a_slice_is_never_zero() -> None:
    (volume,) = read_volumes(series("CT", 2, ImagerPixelSpacing=["0", "0"]))
    assert volume.spacing[:2] == (0.5, 0.75)
    with pytest.raises(CorruptInstanceError, match=r"PixelSpacing \(0028,0030\) is 0.0; a spacing is positive"):
        read_volumes(series("CT", 2, PixelSpacing=["0", "0"]))


def test_the_defaults_are_those_of_a_load() -> None:
    parameters = signature(read_volumes).parameters
    assert {name: parameters[name].default for name in vars(Options())} == vars(Options())

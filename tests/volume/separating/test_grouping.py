"""Slices that cannot lie in one grid become volumes of their own."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from itkdicomqr.errors import DICOMQRWarning
from itkdicomqr.volume import read_volumes
from tests.synthetic import AXIAL, OBLIQUE, multiframe, series

SERIES = "1.2.826.0.1.77"


def two(first: dict[str, Any], second: dict[str, Any]) -> list[Any]:
    common: dict[str, Any] = {"SeriesInstanceUID": SERIES}
    return [*series("MR", 3, number=1, **common | first), *series("MR", 4, number=2, **common | second)]


@pytest.mark.parametrize(
    ("first", "second", "keyword"),
    [
        ({"SeriesInstanceUID": "1.1"}, {"SeriesInstanceUID": "1.2"}, "SeriesInstanceUID"),
        ({"rows": 5}, {"rows": 6}, "Rows"),
        ({"columns": 5}, {"columns": 6}, "Columns"),
        ({"orientation": AXIAL}, {"orientation": OBLIQUE}, "ImageOrientationPatient"),
        ({"PixelSpacing": ["1", "1"]}, {"PixelSpacing": ["1", "1.001"]}, "PixelSpacing"),
        ({"FrameOfReferenceUID": "1.1"}, {"FrameOfReferenceUID": "1.2"}, "FrameOfReferenceUID"),
        ({"PhotometricInterpretation": "MONOCHROME1"}, {}, "PhotometricInterpretation"),
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.2"}, {}, "SOPClassUID"),
    ],
)
def test_slices_of_another_kind_make_a_volume_of_their_own(
    first: dict[str, Any], second: dict[str, Any], keyword: str
) -> None:
    volumes = read_volumes(two(first, second))
    assert [len(volume.array) for volume in volumes] == [3, 4]
    assert [set(volume.key) for volume in volumes] == [{keyword}, {keyword}]


def test_colours_and_grey_values_make_volumes_of_their_own() -> None:
    volumes = read_volumes(two({"pixels": lambda _: np.zeros((6, 7, 3), np.uint8)}, {}))
    assert [volume.key for volume in volumes] == [
        {"SamplesPerPixel": 3, "PhotometricInterpretation": "RGB"},
        {"SamplesPerPixel": 1, "PhotometricInterpretation": "MONOCHROME2"},
    ]


@pytest.mark.filterwarnings("ignore::itkdicomqr.DICOMQRWarning")
@pytest.mark.parametrize("frames", [2, 3])
def test_instances_of_several_frames_without_positions_are_never_put_together(frames: int) -> None:
    common: dict[str, Any] = {"SeriesInstanceUID": SERIES}
    cines = [multiframe(series("US", frames, number=number, **common), functional_groups=False) for number in (1, 2)]
    assert [len(volume.array) for volume in read_volumes(cines)] == [frames, frames]


@pytest.mark.parametrize(("difference", "volumes"), [(0.8e-4, 1), (1.5e-4, 2)])
@pytest.mark.parametrize(
    ("keyword", "values"),
    [
        ("ImageOrientationPatient", [1, 0, 0, 0, 1, 0]),
        ("PixelSpacing", [0.5, 0.5]),
        ("ImagerPixelSpacing", [0.5, 0.5]),
    ],
)
def test_a_ten_thousandth_is_the_same_orientation_and_spacing(
    keyword: str, values: list[float], difference: float, volumes: int
) -> None:
    differing: dict[str, Any] = {keyword: lambda index: [values[0], values[1] + index % 2 * difference, *values[2:]]}
    assert len(read_volumes(series("MR", 4, **differing))) == volumes


@pytest.mark.parametrize(("distance", "volumes"), [("0.0008", 2), ("0.001", 2), ("0.0015", 1)])
def test_a_thousandth_of_a_millimetre_is_the_same_position(distance: str, volumes: int) -> None:
    heights = ["0", distance]
    slices = series("MR", 2, ImagePositionPatient=lambda index: ["0", "0", heights[index]])
    assert len(read_volumes(slices)) == volumes


def test_the_noise_of_printed_numbers_does_not_split() -> None:
    def orientation(index: int) -> list[str]:
        return [f"{component + index * 1e-5:.6f}" for component in OBLIQUE]

    (volume,) = read_volumes(
        series(
            "MR",
            4,
            orientation=OBLIQUE,
            ImageOrientationPatient=orientation,
            PixelSpacing=lambda index: [f"{0.5 + index * 1e-5:.6f}", "0.5"],
        )
    )
    assert len(volume.array) == 4
    assert 0 < volume.report.max_corner_error_mm < 1e-3


def test_a_missing_frame_of_reference_agrees_with_the_only_one() -> None:
    (volume,) = read_volumes(series("CT", 4, FrameOfReferenceUID=lambda index: "1.1" if index % 2 else None))
    assert len(volume.array) == 4


def test_a_missing_frame_of_reference_agrees_with_neither_of_two() -> None:
    frames = ["1.1", "1.2", None]
    volumes = read_volumes(series("CT", 6, FrameOfReferenceUID=lambda index: frames[index % 3]))
    assert [volume.key["FrameOfReferenceUID"] for volume in volumes] == ["1.1", "1.2", ""]


def test_slices_that_are_numbered_against_their_normal_lie_along_it_all_the_same() -> None:
    (volume,) = read_volumes(series("CT", 3, origin=(0, 0, 5), InstanceNumber=lambda index: str(3 - index)))
    assert (volume.origin[2], volume.direction[2, 2]) == (5, 1)


def test_slices_without_position_are_ordered_by_instance_number_with_a_warning() -> None:
    slices = series("OT", 4, InstanceNumber=lambda index: str(12 - index))
    with pytest.warns(DICOMQRWarning, match="in the order of InstanceNumber"):
        (volume,) = read_volumes(slices)
    assert [metadata["0020|0013"].strip() for metadata in volume.slices] == ["9", "10", "11", "12"]
    assert volume.spacing[2] == 1.0
    assert "in the order of InstanceNumber" in volume.report.warnings[0]


@pytest.mark.filterwarnings("ignore::itkdicomqr.DICOMQRWarning")
def test_slices_without_a_number_come_last_in_the_order_of_their_uids() -> None:
    numbers = [None, "8", None, "-3"]
    (volume,) = read_volumes(series("OT", 4, InstanceNumber=lambda index: numbers[index]))
    assert [metadata["0008|0018"][-1] for metadata in volume.slices] == ["4", "2", "1", "3"]


@pytest.mark.parametrize(("numbers", "rows"), [([20, 21, 22], [5, 9]), ([0, 21, 22], [9, 5])])
def test_volumes_come_in_the_order_of_their_first_instance_number(numbers: list[int], rows: list[int]) -> None:
    volumes = read_volumes(two({"rows": 9, "InstanceNumber": lambda index: numbers[index]}, {"rows": 5}))
    assert [volume.array.shape[1] for volume in volumes] == rows

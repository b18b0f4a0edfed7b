"""Slices that cannot lie in one grid become volumes of their own."""

from __future__ import annotations

from typing import Any

import pytest

from itkdicomqr.errors import DICOMQRWarning
from itkdicomqr.volume import read_volumes
from tests.synthetic import AXIAL, OBLIQUE, series

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


def test_slices_without_position_are_ordered_by_instance_number_with_a_warning() -> None:
    slices = series("OT", 4, InstanceNumber=lambda index: str(12 - index))
    with pytest.warns(DICOMQRWarning, match="in the order of InstanceNumber"):
        (volume,) = read_volumes(slices)
    assert [metadata["0020|0013"].strip() for metadata in volume.slices] == ["9", "10", "11", "12"]
    assert volume.spacing[2] == 1.0
    assert "in the order of InstanceNumber" in volume.report.warnings[0]


def test_volumes_come_in_the_order_of_their_first_instance_number() -> None:
    volumes = read_volumes(two({"rows": 9, "InstanceNumber": lambda index: 20 + index}, {"rows": 5}))
    assert [volume.array.shape[1] for volume in volumes] == [5, 9]

"""What was left out, ignored or assumed is told in the report."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

import pytest

from itkdicomqr.errors import DICOMQRWarning
from itkdicomqr.volume import read_volumes
from itkdicomqr.volume.notices import NOTABLE_DISPLACEMENT
from tests.synthetic import series

DIFFER = r"PixelSpacing and ImagerPixelSpacing differ: 0.75\0.5 is used, not 0.2\0.3 mm"


@pytest.mark.parametrize(
    ("modality", "attributes", "expected"),
    [
        ("CT", {}, "one slice without SpacingBetweenSlices (0018,0088): its spacing is 1 mm by convention"),
        ("OT", {"PixelSpacing": None}, "no PixelSpacing (0028,0030): 1 mm is assumed, so distances mean nothing"),
        ("CR", {"ImagerPixelSpacing": ["0.2", "0.3"]}, DIFFER),
        (
            "DX",
            {"ImagerPixelSpacing": ["0.2", "0.3"], "PixelSpacing": None},
            "the spacing is ImagerPixelSpacing (0018,1164), that at the detector",
        ),
    ],
)
def test_an_assumption_is_told(modality: str, attributes: dict[str, Any], expected: str) -> None:
    (volume,) = read_volumes(series(modality, 1, **attributes))
    assert volume.report.warnings == (expected,)


@pytest.mark.parametrize(
    ("modality", "slices", "attributes"),
    [("CT", 3, {}), ("MR", 1, {"SpacingBetweenSlices": "3"}), ("CR", 1, {"ImagerPixelSpacing": ["0.75", "0.5"]})],
)
def test_a_plain_volume_needs_no_words(modality: str, slices: int, attributes: dict[str, Any]) -> None:
    (volume,) = read_volumes(series(modality, slices, **attributes))
    assert [warning for warning in volume.report.warnings if "detector" not in warning] == []


def test_a_departure_is_a_warning_at_the_line_of_the_caller() -> None:
    slices = series("CT", 3, ImagePositionPatient=None, ImageOrientationPatient=None, PatientName="Secret^Patient")
    with pytest.warns(DICOMQRWarning) as caught:
        (volume,) = read_volumes(slices)
    (warning,) = caught
    assert warning.filename == __file__
    assert str(warning.message) == volume.report.warnings[0]
    assert "order of InstanceNumber" in volume.report.warnings[0]
    assert "Secret" not in str(warning.message)


@pytest.mark.parametrize(("length", "is_told"), [("1", False), ("0.9999", False), ("0.9992", True)])
def test_corners_that_lie_elsewhere_than_their_header_says_are_warned_of(length: str, *, is_told: bool) -> None:
    slices = series("CT", 3, ImageOrientationPatient=[length, "0", "0", "0", "1", "0"], PixelSpacing=["30", "30"])
    with pytest.warns(DICOMQRWarning, match="corner lies 0.1[0-9]+ mm from") if is_told else nullcontext():
        (volume,) = read_volumes(slices)
    assert (volume.report.max_corner_error_mm > NOTABLE_DISPLACEMENT) == is_told


def test_volumes_that_depart_alike_are_told_of_once() -> None:
    two = [slice_ for number in (1, 2) for slice_ in series("CT", 4, number=number, along=(0, 0.2, 1))]
    with pytest.warns(DICOMQRWarning) as caught:
        volumes = read_volumes(two)
    assert len(volumes) == 2
    assert len(caught) == 1


def test_values_that_a_table_would_change_are_warned_of() -> None:
    with pytest.warns(DICOMQRWarning, match=r"ModalityLUTSequence \(0028,3000\) is not applied"):
        read_volumes(series("CT", 2, ModalityLUTSequence=[]))

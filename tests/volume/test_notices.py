"""What was left out, ignored or assumed is told in the report."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from itkdicomqr.errors import DICOMQRWarning
from itkdicomqr.volume import read_volumes
from itkdicomqr.volume.notices import NOTABLE_DISPLACEMENT
from tests.synthetic import multiframe, series

if TYPE_CHECKING:
    from itkdicomqr.volume.options import SpacingSource

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


POSITION, ORIENTATION = "ImagePositionPatient (0020,0032)", "ImageOrientationPatient (0020,0037)"


@pytest.mark.parametrize(
    ("slices", "missing", "expected"),
    [
        (1, ["ImagePositionPatient"], f"no {POSITION}: the image has no place"),
        (1, ["ImageOrientationPatient"], f"no {ORIENTATION}: the image has no place"),
        (2, ["ImagePositionPatient"], f"no {POSITION}: slices are in the order of InstanceNumber, 1 mm apart"),
        (2, ["ImageOrientationPatient"], f"no {ORIENTATION}: slices are in the order of InstanceNumber, 1 mm apart"),
        (
            2,
            ["ImagePositionPatient", "ImageOrientationPatient"],
            f"no {POSITION}: slices are in the order of InstanceNumber, 1 mm apart",
        ),
    ],
)
def test_what_a_place_lacks_is_told(slices: int, missing: list[str], expected: str) -> None:
    absent: dict[str, Any] = dict.fromkeys(missing)
    with pytest.warns(DICOMQRWarning):
        (volume,) = read_volumes(series("CT", slices, **absent))
    assert volume.report.warnings == (expected,)


@pytest.mark.parametrize("frames", [2, 3])
def test_one_position_of_several_frames_is_told(frames: int) -> None:
    instance = multiframe(series("US", frames, ImagePositionPatient=["1", "2", "3"]), functional_groups=False)
    with pytest.warns(DICOMQRWarning) as caught:
        (volume,) = read_volumes([instance])
    assert [str(warning.message) for warning in caught] == [
        f"one {POSITION} for all frames says nothing of theirs, and is not used",
        f"no {ORIENTATION}: the image has no place",
    ]
    assert f"no frame has an {POSITION} of its own: the third axis is their order, 1 apart" in volume.report.warnings


def test_a_dose_needs_no_spacing_of_slices() -> None:
    slices = series("RTDOSE", 3, dtype="uint32", DoseGridScaling="0.5")
    offsets = ["0", "2.5", "5"]
    (volume,) = read_volumes([multiframe(slices, functional_groups=False, GridFrameOffsetVector=offsets)])
    assert volume.report.warnings == ()


@pytest.mark.parametrize(
    ("source", "attributes", "expected"),
    [
        (
            "calibrated",
            {"PixelSpacing": None},
            ["no PixelSpacing (0028,0030): 1 mm is assumed, so distances mean nothing"],
        ),
        (
            "imager",
            {"ImagerPixelSpacing": ["0.2", "0.3"]},
            [
                "the spacing is ImagerPixelSpacing (0018,1164), that at the detector",
                r"PixelSpacing and ImagerPixelSpacing differ: 0.2\0.3 is used, not 0.75\0.5 mm",
            ],
        ),
    ],
)
def test_whose_spacing_a_projection_has_is_told(
    source: SpacingSource, attributes: dict[str, Any], expected: list[str]
) -> None:
    (volume,) = read_volumes(series("CR", 1, **attributes), spacing_source=source)
    assert list(volume.report.warnings) == expected


@pytest.mark.parametrize("spacing", [["0.75", "0.5"], ["0.2", "0.3"]])
def test_a_spacing_at_the_detector_is_no_matter_in_slices(spacing: list[str]) -> None:
    (volume,) = read_volumes(series("CT", 2, ImagerPixelSpacing=spacing))
    assert volume.report.warnings == ()


@pytest.mark.parametrize(
    ("samples", "slope", "intercept", "is_told"),
    [
        (3, None, None, False),
        (3, "1", "0", False),
        (3, "2", None, True),
        (3, None, "5", True),
        (3, "0", "0", False),
        (1, "2", "5", False),
    ],
)
def test_a_rescale_of_colours_is_told(samples: int, slope: str | None, intercept: str | None, *, is_told: bool) -> None:
    """The other slice has none."""
    shape = (6, 7, 3) if samples == 3 else (6, 7)
    slices = series(
        "CT",
        2,
        pixels=lambda _: np.zeros(shape, np.uint8),
        RescaleSlope=lambda index: slope if index else None,
        RescaleIntercept=lambda index: intercept if index else None,
    )
    (volume,) = read_volumes(slices)
    assert any("colours are as stored" in warning for warning in volume.report.warnings) == is_told


def test_two_slices_may_be_those_of_two_volumes() -> None:
    with pytest.warns(DICOMQRWarning, match="EchoTime has 2 values in one volume"):
        read_volumes(series("MR", 2, EchoTime=lambda index: ["4", "8"][index]))


def test_a_departure_is_a_warning_at_the_line_of_the_caller() -> None:
    slices = series("CT", 3, ImagePositionPatient=None, ImageOrientationPatient=None, PatientName="Secret^Patient")
    with pytest.warns(DICOMQRWarning) as caught:
        (volume,) = read_volumes(slices)
    (warning,) = caught
    assert warning.filename == __file__
    assert str(warning.message) == volume.report.warnings[0]
    assert "order of InstanceNumber" in volume.report.warnings[0]
    assert "Secret" not in str(warning.message)


@pytest.mark.parametrize(("length", "is_told"), [("1", False), ("0.9996", False), ("0.9992", True)])
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


@pytest.mark.parametrize(("rescale", "is_told"), [(True, True), (False, False)])
def test_values_that_a_table_would_change_are_warned_of(*, rescale: bool, is_told: bool) -> None:
    told = pytest.warns(DICOMQRWarning, match=r"ModalityLUTSequence \(0028,3000\) is not applied")
    with told if is_told else nullcontext():
        read_volumes(series("CT", 2, ModalityLUTSequence=lambda index: [] if index else None), rescale=rescale)

"""What was left out, ignored or assumed is told in the report."""

from __future__ import annotations

from typing import Any

import pytest

from itkdicomqr.volume import read_volumes
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

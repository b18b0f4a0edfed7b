"""The spacing of an ultrasound image is that of its regions, where they agree."""

from __future__ import annotations

from typing import Any

import pytest
from pydicom.dataset import Dataset

from itkdicomqr.volume import read_volumes
from tests.synthetic import series

CENTIMETRES, HERTZ, SECONDS = 3, 5, 4


def region(units: int = CENTIMETRES, across: float = 0.04, down: float = 0.05) -> Dataset:
    made = Dataset()
    made.PhysicalUnitsXDirection = made.PhysicalUnitsYDirection = units
    made.PhysicalDeltaX, made.PhysicalDeltaY = across, down
    return made


@pytest.mark.parametrize(
    "regions",
    [
        [region()],
        [region(), region()],
        [region(), region(SECONDS, 0.001, 2.5)],
        [region(down=-0.05)],
    ],
    ids=["one", "two alike", "one and a trace", "an axis that goes up"],
)
def test_centimetres_of_a_region_are_the_spacing(regions: list[Dataset]) -> None:
    (volume,) = read_volumes(series("US", 1, dtype="uint8", SequenceOfUltrasoundRegions=regions))
    assert volume.spacing == (0.4, 0.5, 1.0)
    assert volume.report.warnings == ()


@pytest.mark.parametrize(
    "regions",
    [[], [region(), region(across=0.1)], [region(HERTZ)], [region(across=0.0)], [Dataset()]],
    ids=["none", "two that differ", "no length", "no size", "nothing told"],
)
def test_regions_that_tell_no_common_spacing_leave_it_to_pixel_spacing(regions: list[Dataset]) -> None:
    attributes: dict[str, Any] = {"dtype": "uint8", "SequenceOfUltrasoundRegions": regions}
    (told,) = read_volumes(series("US", 1, **attributes))
    assert told.spacing == (0.5, 0.75, 1.0)
    (untold,) = read_volumes(series("US", 1, **attributes, PixelSpacing=None))
    assert untold.spacing == (1.0, 1.0, 1.0)
    assert "1 mm is assumed" in untold.report.warnings[0]

"""A report reads as a list of what happened."""

from __future__ import annotations

import numpy as np
import pytest

from itkdicomqr.errors import DICOMQRWarning
from itkdicomqr.volume import read_volumes
from tests.synthetic import series


def test_a_plain_report_is_short() -> None:
    (volume,) = read_volumes(series("CT", 3))
    assert str(volume.report) == (
        "instances: 3 of 3 that came: 3 by memory\ndecoder: native\nlargest corner error: 0 mm"
    )


def test_a_report_has_a_line_for_each_thing_that_happened() -> None:
    slices = series("CT", 5, along=(0, 0.2, 1), PhotometricInterpretation="MONOCHROME1", PatientName="Secret")
    (report_only,) = series("CT", 1, number=2, Rows=None, Columns=None)
    del slices[2]
    with pytest.warns(DICOMQRWarning):
        (volume,) = read_volumes([*slices, slices[0], report_only], gaps="pad", padding=-5)
    lines = dict(line.split(": ", 1) for line in str(volume.report).splitlines() if not line.startswith("warning"))
    assert lines == {
        "instances": "4 of 6 that came: 6 by memory",
        "decoder": "native",
        "skipped, without pixels": report_only.SOPInstanceUID,
        "duplicates, taken once": slices[0].SOPInstanceUID,
        "padded slices": "2 at (-120.5, -97.25, 38.7)",
        "padding value": "-5",
        "direction": "sheared",
        "stored values": "inverted (MONOCHROME1)",
        "tilt": "11.3 degrees",
        "uneven steps": "50.00%",
        "largest corner error": lines["largest corner error"],
    }
    assert sum(line.startswith("warning: ") for line in str(volume.report).splitlines()) == 3
    assert "warning: 1 instance without pixels was skipped" in str(volume.report)
    assert "Secret" not in repr(volume.report)
    assert repr(volume.report) == str(volume.report)


def test_a_resampled_volume_is_told() -> None:
    slices = series("CT", 4, along=(0, 0.2, 1), pixels=lambda index: np.full((4, 4), index, np.int16))
    with pytest.warns(DICOMQRWarning):
        (volume,) = read_volumes(slices, tilt="resample")
    assert "resampled: tilt\n" in str(volume.report)

"""What is refused rather than guessed at says why."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from itkdicomqr.errors import UnsupportedImageError
from itkdicomqr.volume import read_volumes
from tests.synthetic import multiframe, noise, series


def colours(index: int) -> np.ndarray:
    return noise((6, 7, 3), "uint16", seed=index)


@pytest.mark.parametrize(
    ("attributes", "message"),
    [
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.77.1.6"}, "whole slide images are not assembled"),
        ({"BitsAllocated": 24, "BitsStored": 16, "HighBit": 15}, r"BitsAllocated \(0028,0100\) is not 1, 8, 16 or 32"),
        ({"PhotometricInterpretation": "CMYK"}, r"PhotometricInterpretation \(0028,0004\) is not understood"),
        ({"PhotometricInterpretation": "RGB"}, r"contradicts SamplesPerPixel \(0028,0002\)"),
        ({"SamplesPerPixel": 3}, r"contradicts SamplesPerPixel \(0028,0002\)"),
        ({"pixels": colours, "PhotometricInterpretation": "YBR_FULL"}, "YBR colours of other than 8 bits"),
        ({"pixels": colours, "PhotometricInterpretation": "YBR_RCT"}, "exist within JPEG 2000 alone"),
        ({"PhotometricInterpretation": "PALETTE COLOR", "RescaleSlope": "2"}, "a palette and a rescale"),
        ({"dtype": "int32", "syntax": "1.2.840.10008.1.2.2"}, "samples of 32 bits in big endian"),
    ],
)
def test_a_kind_without_a_rule_is_refused(attributes: dict[str, Any], message: str) -> None:
    with pytest.raises(UnsupportedImageError, match=message) as error:
        read_volumes(series("CT", 1, **attributes))
    assert "instance 1.2.826." in str(error.value)


@pytest.mark.parametrize("sop_class_uid", ["1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.6.2"])
def test_frames_whose_places_are_not_told_are_refused(sop_class_uid: str) -> None:
    instance = multiframe(series("CT", 3), functional_groups=False, SOPClassUID=sop_class_uid)
    with pytest.raises(UnsupportedImageError, match=r"one ImagePositionPatient \(0020,0032\) for all frames"):
        read_volumes([instance])


def test_an_odd_width_of_subsampled_colours_is_refused() -> None:
    slices = series(
        "OT",
        1,
        pixels=lambda _: noise((6, 7, 3), "uint8"),
        PhotometricInterpretation="YBR_FULL_422",
    )
    with pytest.raises(UnsupportedImageError, match="odd number of columns"):
        read_volumes(slices)

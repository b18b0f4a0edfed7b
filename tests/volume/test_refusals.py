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
        (
            {"SOPClassUID": "1.2.840.10008.5.1.4.1.1.77.1.6"},
            "tiles of a plane, as those of whole slides, are not assembled",
        ),
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


def test_one_place_at_the_top_is_not_that_of_frames_whose_groups_tell_none() -> None:
    instance = multiframe(series("CT", 3), ImagePositionPatient=["0", "0", "0"])
    for groups in instance.PerFrameFunctionalGroupsSequence:
        del groups.PlanePositionSequence
    with pytest.raises(UnsupportedImageError, match=r"one ImagePositionPatient \(0020,0032\) for all frames"):
        read_volumes([instance])


@pytest.mark.parametrize("tiled", [{"DimensionOrganizationType": "TILED_SPARSE"}, {"TotalPixelMatrixColumns": 14}])
def test_tiles_of_any_class_are_refused(tiled: dict[str, Any]) -> None:
    with pytest.raises(UnsupportedImageError, match="tiles of a plane"):
        read_volumes([multiframe(series("CT", 4), **tiled)])


def test_parts_of_a_loop_without_places_are_refused() -> None:
    part = multiframe(series("US", 3), functional_groups=False, ConcatenationUID="1.2.3")
    with pytest.raises(UnsupportedImageError, match=r"parts of a concatenation \(0020,9161\)"):
        read_volumes([part])


def test_parts_of_a_concatenation_whose_frames_have_places_are_put_together() -> None:
    slices = series("MR", 4)
    whole, *parts = (multiframe(some, ConcatenationUID="1.2.3") for some in (slices, slices[:2], slices[2:]))
    (expected,), (volume,) = read_volumes([whole]), read_volumes(parts)
    assert volume.array.tolist() == expected.array.tolist()
    assert volume.spacing == expected.spacing


def test_an_odd_width_of_subsampled_colours_is_refused() -> None:
    slices = series(
        "OT",
        1,
        pixels=lambda _: noise((6, 7, 3), "uint8"),
        PhotometricInterpretation="YBR_FULL_422",
    )
    with pytest.raises(UnsupportedImageError, match="odd number of columns"):
        read_volumes(slices)

"""Series that file readers assemble wrongly, each for a reason of its own; here they are right, or refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pydicom.dataset import Dataset

from itkdicomqr.errors import CorruptInstanceError, DICOMQRWarning
from itkdicomqr.volume import read_volumes
from tests.synthetic import AXIAL, OBLIQUE, multiframe, series


def test_slices_at_one_position_are_no_stack() -> None:
    slices = series("MR", 4, ImagePositionPatient=["1", "2", "3"])
    volumes = read_volumes(slices)
    assert [volume.array.shape for volume in volumes] == [(1, 6, 7)] * 4
    assert {volume.origin for volume in volumes} == {(1.0, 2.0, 3.0)}


@pytest.mark.parametrize("missing", ["ImagePositionPatient", "ImageOrientationPatient"])
def test_a_position_without_an_orientation_is_no_place_and_it_is_said(missing: str) -> None:
    without: dict[str, Any] = {missing: None}
    slices = series("MR", 4, orientation=OBLIQUE, **without)
    for order in (slices, slices[::-1]):
        with pytest.warns(DICOMQRWarning, match=f"no {missing}"):
            (volume,) = read_volumes(order)
        assert np.array_equal(volume.array, [each.pixel_array for each in slices])
        assert (volume.origin, volume.spacing) == ((0, 0, 0), (0.5, 0.75, 1))
    with pytest.warns(DICOMQRWarning, match=f"no {missing} .*: the image has no place"):
        read_volumes(slices[:1])


@pytest.mark.parametrize("modality", ["CT", "MR", "PT"])
def test_a_negative_spacing_between_slices_turns_nothing_round(modality: str) -> None:
    (plain,) = read_volumes(series(modality, 4, orientation=OBLIQUE))
    (negative,) = read_volumes(series(modality, 4, orientation=OBLIQUE, SpacingBetweenSlices="-2.5"))
    assert negative.spacing == plain.spacing
    assert np.array_equal(negative.direction, plain.direction)
    assert np.array_equal(negative.array, plain.array)


def test_secondary_captures_with_positions_are_ordered_by_them() -> None:
    slices = series(
        "OT",
        4,
        ImageOrientationPatient=list(map(str, AXIAL)),
        ImagePositionPatient=lambda index: ["0", "0", str(3 * index)],
        InstanceNumber=lambda index: str(9 - index),
    )
    (volume,) = read_volumes(slices)
    assert np.array_equal(volume.array, [each.pixel_array for each in slices])
    assert volume.spacing[2] == 3.0


def test_frames_a_little_uneven_keep_their_spacing() -> None:
    heights = (0.0, 2.0, 4.01, 6.0)
    frames = series("MR", 4, ImagePositionPatient=lambda index: ["0", "0", str(heights[index])], dtype="uint16")
    with pytest.warns(DICOMQRWarning, match="up to 0.5% from their mean"):
        (volume,) = read_volumes([multiframe(frames)])
    assert volume.spacing == (0.5, 0.75, 2.0)


@pytest.mark.parametrize(("depth", "read"), [(20, True), (40, False)])
def test_sequences_nested_deep_are_passed_over_or_refused(depth: int, read: bool) -> None:
    (slice_,) = series("CT", 1)
    nested: Dataset = slice_
    for _ in range(depth):
        nested.ContentSequence = [Dataset()]
        nested["ContentSequence"].is_undefined_length = True
        nested.ContentSequence[0].is_undefined_length_sequence_item = True
        nested = nested.ContentSequence[0]
    if read:
        assert len(read_volumes([slice_])) == 1
    else:
        with pytest.raises(CorruptInstanceError, match="nested deeper than 32"):
            read_volumes([slice_])

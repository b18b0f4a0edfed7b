"""A segmentation becomes one mask for each segment, all on the grid that its segments span together."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import imagecodecs
import numpy as np
import pytest
from pydicom import uid
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate

from itkdicomqr.errors import CorruptInstanceError, LimitExceededError, NonUniformSpacingError, UnsupportedImageError
from itkdicomqr.volume import one_volume, read_volumes
from tests.segmentations import label_map, masks, segmentation
from tests.synthetic import part10
from tests.volume.decoding.test_codecs import rle

ORIGIN = (-120.5, -98.25, 33.7)


@pytest.mark.parametrize("size", [(5, 7), (8, 8), (3, 1), (23, 38)])
@pytest.mark.parametrize(
    "syntax", [uid.ExplicitVRLittleEndian, uid.ImplicitVRLittleEndian, uid.DeflatedExplicitVRLittleEndian]
)
def test_single_bits_packed_across_frames_are_masks_of_0_and_1(size: tuple[int, int], syntax: str) -> None:
    expected = masks(rows=size[0], columns=size[1])
    volumes = read_volumes([part10(segmentation(expected, syntax=syntax))])
    assert [volume.key["SegmentNumber"] for volume in volumes] == [1, 2]
    for volume, mask in zip(volumes, expected.values(), strict=True):
        assert volume.array.dtype == np.uint8
        assert np.array_equal(volume.array, mask)


def test_all_segments_have_the_grid_of_all_frames() -> None:
    for volume in read_volumes([segmentation(masks())]):
        assert volume.array.shape == (6, 5, 7)
        assert volume.origin == ORIGIN
        assert volume.spacing == (0.5, 0.75, 2.5)
        assert volume.report.max_corner_error_mm < 1e-9


def test_segments_stored_against_the_normal_all_keep_that_order() -> None:
    instance = segmentation(masks())
    for groups in instance.PerFrameFunctionalGroupsSequence:
        place = groups.PlanePositionSequence[0].ImagePositionPatient
        place[2] = 33.7 + 5 * 2.5 - (float(place[2]) - 33.7)
    for volume, mask in zip(read_volumes([instance]), masks().values(), strict=True):
        assert np.array_equal(volume.array, mask)
        assert volume.origin == (*ORIGIN[:2], 33.7 + 5 * 2.5)
        assert volume.direction[2, 2] == -1


def test_planes_that_are_not_stored_are_told() -> None:
    volumes = read_volumes([segmentation(masks())])
    assert volumes[0].report.warnings == ("planes that are not stored: 3, filled with 0",)
    assert volumes[1].report.warnings == ("planes that are not stored: 4, filled with 0",)


def test_without_spacing_between_slices_the_smallest_gap_is_the_step() -> None:
    instance = segmentation(masks())
    del instance.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0].SpacingBetweenSlices
    assert [volume.array.shape for volume in read_volumes([instance])] == [(6, 5, 7)] * 2


def test_a_segment_is_picked_by_its_number_or_its_label() -> None:
    expected = masks()
    volumes = read_volumes([segmentation(expected)])
    assert np.array_equal(one_volume(volumes, {"SegmentNumber": 2}).array, expected[2])
    assert np.array_equal(one_volume(volumes, {"SegmentLabel": "Segment 1"}).array, expected[1])


def test_a_single_segment_is_asked_for_in_the_same_way() -> None:
    volumes = read_volumes([segmentation({3: masks()[1]})])
    assert one_volume(volumes, {"SegmentNumber": 3}) is volumes[0]
    assert one_volume(volumes, {"SegmentLabel": "Segment 3"}) is volumes[0]


def test_a_segment_without_voxels_is_a_mask_of_zeros() -> None:
    instance = segmentation(masks() | {7: np.zeros((6, 5, 7), np.uint8)})
    volume = one_volume(read_volumes([instance]), {"SegmentNumber": 7})
    assert volume.array.shape == (6, 5, 7)
    assert not volume.array.any()


def test_segments_come_by_their_numbers_not_by_their_frames() -> None:
    expected = masks()
    volumes = read_volumes([segmentation({2: expected[2], 1: expected[1]})])
    assert [volume.key["SegmentNumber"] for volume in volumes] == [1, 2]


def test_segmentations_of_one_series_are_not_put_together() -> None:
    instances = [segmentation({1: masks()[1]}), segmentation({1: masks()[2]})]
    instances[1].SOPInstanceUID = instances[1].file_meta.MediaStorageSOPInstanceUID = uid.UID("1.2.3")
    volumes = read_volumes(instances)
    assert {volume.key["SOPInstanceUID"] for volume in volumes} == {i.SOPInstanceUID for i in instances}
    stored = {volume.key["SOPInstanceUID"]: volume.array.any(axis=(1, 2)).tolist() for volume in volumes}
    assert stored[instances[0].SOPInstanceUID] == [True, True, False, True]
    assert stored["1.2.3"] == [True, False, False, False, False, True]


def test_fractions_are_given_as_stored() -> None:
    expected = {number: mask * 37 for number, mask in masks().items()}
    first, second = read_volumes([segmentation(expected, bits=8)])
    assert first.array.dtype == np.uint8
    assert np.array_equal(first.array, expected[1])
    assert np.array_equal(second.array, expected[2])
    message = "the voxels are fractions of MaximumFractionalValue (0062,000E), which is 255"
    assert message in first.report.warnings


@pytest.mark.parametrize("padding", [None, 5])
@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_a_label_map_is_one_volume(padding: int | None, dtype: str) -> None:
    labels = np.zeros((4, 5, 7), dtype)
    labels[0], labels[3] = 3, 9
    bits = labels.itemsize * 8
    described: dict[str, Any] = {"BitsAllocated": bits, "BitsStored": bits, "HighBit": bits - 1}
    if padding is not None:
        described["PixelPaddingValue"] = padding
    (volume,) = read_volumes([label_map(labels, **described)])
    labels[1:3] = padding or 0
    assert volume.array.dtype == dtype
    assert np.array_equal(volume.array, labels)


def test_a_label_map_with_colours_is_still_of_labels() -> None:
    labels = np.full((2, 5, 7), 4, np.uint8)
    (volume,) = read_volumes([label_map(labels, PhotometricInterpretation="PALETTE COLOR")])
    assert np.array_equal(volume.array, labels)


def test_planes_that_make_no_grid_are_refused() -> None:
    instance = segmentation({1: masks()[1]})
    frame = instance.PerFrameFunctionalGroupsSequence[2]
    frame.PlanePositionSequence[0].ImagePositionPatient = ["-120.5", "-98.25", "44.9"]
    with pytest.raises(NonUniformSpacingError):
        read_volumes([instance])


def test_a_spacing_that_makes_countless_planes_is_refused() -> None:
    instance = segmentation(masks())
    instance.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0].SpacingBetweenSlices = "1e-9"
    with pytest.raises(
        CorruptInstanceError, match=r"SpacingBetweenSlices \(0018,0088\) is 1e-09, which makes \d+ planes"
    ):
        read_volumes([instance])


def test_a_frame_of_no_segment_is_refused() -> None:
    instance = segmentation(masks())
    del instance.PerFrameFunctionalGroupsSequence[1].SegmentIdentificationSequence
    with pytest.raises(CorruptInstanceError, match=r"ReferencedSegmentNumber \(0062,000B\) is missing in frame 1"):
        read_volumes([instance])


def test_single_bits_cut_short_are_refused() -> None:
    instance = segmentation(masks(rows=16, columns=16))
    instance.PixelData = instance.PixelData[:-2]
    with pytest.raises(CorruptInstanceError, match="is 5, but the pixel data has 158 bytes"):
        read_volumes([instance])


def packed_rle(mask: np.ndarray) -> bytes:
    return rle(np.packbits(mask, bitorder="little")[np.newaxis])


def jpeg_2000(mask: np.ndarray) -> bytes:
    return bytes(imagecodecs.jpeg2k_encode(mask, codecformat="j2k", reversible=True, level=0, bitspersample=1))


def compressed(of: dict[int, np.ndarray], syntax: str, compress: Callable[[np.ndarray], bytes]) -> Dataset:
    """Make a binary segmentation whose frames are compressed one by one."""
    instance = segmentation(of, syntax=syntax)
    frames = [mask[plane] for mask in of.values() for plane in range(len(mask)) if mask[plane].any()]
    instance.PixelData = encapsulate([compress(frame) for frame in frames])
    instance["PixelData"].is_undefined_length = True
    return instance


@pytest.mark.parametrize("size", [(5, 7), (8, 8), (3, 1), (23, 38)])
@pytest.mark.parametrize(
    ("syntax", "compress"),
    [(uid.RLELossless, rle), (uid.RLELossless, packed_rle), (uid.JPEG2000Lossless, jpeg_2000)],
)
def test_compressed_single_bits_are_masks_of_0_and_1(
    size: tuple[int, int], syntax: str, compress: Callable[[np.ndarray], bytes]
) -> None:
    expected = masks(rows=size[0], columns=size[1])
    volumes = read_volumes([part10(compressed(expected, syntax, compress))])
    for volume, mask in zip(volumes, expected.values(), strict=True):
        assert volume.array.dtype == np.uint8
        assert np.array_equal(volume.array, mask)


DAMAGES = [lambda mask: mask * 2, lambda mask: mask[:3], lambda mask: mask[:1]]


@pytest.mark.parametrize("damage", DAMAGES)
def test_run_lengths_that_make_no_single_bits_are_refused(damage: Callable[[np.ndarray], np.ndarray]) -> None:
    with pytest.raises(CorruptInstanceError, match="does not decode to 35 single bits"):
        read_volumes([compressed(masks(), uid.RLELossless, lambda mask: rle(damage(mask)))])


def test_tiles_of_a_whole_slide_are_refused() -> None:
    instance = segmentation(masks())
    instance.DimensionOrganizationType = "TILED_FULL"
    with pytest.raises(UnsupportedImageError, match="tiles of a plane"):
        read_volumes([instance])


def test_parts_of_a_concatenation_are_refused() -> None:
    instance = segmentation(masks())
    instance.ConcatenationUID = "1.2.3"
    instance.InConcatenationTotalNumber = 2
    with pytest.raises(UnsupportedImageError, match=r"parts of a concatenation \(0020,9161\)"):
        read_volumes([instance])
    instance.InConcatenationTotalNumber = 1
    assert len(read_volumes([instance])) == 2


def test_segments_of_one_grid_are_stacked() -> None:
    instance = segmentation(masks())
    (stack,) = read_volumes([instance], stack=True)
    assert stack.key["SegmentNumber"] == (1, 2)
    assert [each.tolist() for each in stack.array] == [volume.array.tolist() for volume in read_volumes([instance])]


def test_segments_that_make_countless_slices_are_refused() -> None:
    instance = segmentation(masks())
    instance.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0].SpacingBetweenSlices = "0.001"
    described = instance.SegmentSequence[0]
    instance.SegmentSequence = [described, *[deepcopy(described) for _ in range(40)]]
    for number, item in enumerate(instance.SegmentSequence, 1):
        item.SegmentNumber = number
    with pytest.raises(LimitExceededError, match=r"41 segments of 12501 planes each .* more than 262144 slices"):
        read_volumes([part10(instance)])

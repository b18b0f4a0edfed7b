"""The frames of one instance make volumes as slices do, each by what is said of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813
from pydicom import uid
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate

from itkdicomqr.errors import CorruptInstanceError, MissingSlicesError, NonUniformSpacingError
from itkdicomqr.volume import read_volumes
from tests.synthetic import AXIAL, OBLIQUE, multiframe, noise, part10, series
from tests.volume.decoding.test_codecs import LOSSLESS, jpeg_2000, smooth
from tests.volume.reference import assert_same_geometry, assert_same_voxels

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def simpleitk(instance: Dataset, folder: Path) -> Any:
    path = folder / "multiframe.dcm"
    path.write_bytes(part10(instance))
    return sitk.ReadImage(str(path), imageIO="GDCMImageIO")


@pytest.mark.parametrize("orientation", [AXIAL, OBLIQUE])
@pytest.mark.parametrize("step", [2.5, -1.3])
@pytest.mark.parametrize("rescale", [{}, {"RescaleSlope": "2.5", "RescaleIntercept": "-3", "RescaleType": "US"}])
def test_an_enhanced_instance_equals_simpleitk(
    tmp_path: Path, orientation: tuple[float, ...], step: float, rescale: dict[str, Any]
) -> None:
    instance = multiframe(series("MR", 5, orientation=orientation, step=step, dtype="uint16", **rescale))
    (volume,) = read_volumes([instance])
    image = simpleitk(instance, tmp_path)
    assert_same_voxels(volume, image)
    assert_same_geometry(volume, image)
    assert volume.report.max_corner_error_mm < 1e-6
    assert volume.report.sop_instance_uids == (instance.SOPInstanceUID,)


def test_each_frame_has_its_own_rescale() -> None:
    slices = series("MR", 3, dtype="int16", RescaleSlope=lambda index: str(index + 0.5), RescaleIntercept="1")
    (volume,) = read_volumes([multiframe(slices)])
    (expected,) = read_volumes(slices)
    assert volume.array.tobytes() == expected.array.tobytes()


def test_frames_out_of_order_are_sorted() -> None:
    slices = series("MR", 5)
    (volume,) = read_volumes([multiframe([slices[index] for index in (3, 0, 4, 1, 2)])])
    (expected,) = read_volumes(slices)
    assert volume.array.tobytes() == expected.array.tobytes()
    assert volume.origin == expected.origin


def test_frames_of_several_volumes_are_told_apart() -> None:
    slices = series(
        "MR",
        6,
        ImagePositionPatient=lambda index: ["0", "0", str(index // 2 * 2)],
        EffectiveEchoTime=lambda index: [4.6, 9.2][index % 2],
        pixels=lambda index: np.full((6, 7), index % 2, np.int16),
    )
    volumes = read_volumes([multiframe(slices)])
    assert [volume.key for volume in volumes] == [{"EchoTime": 4.6}, {"EchoTime": 9.2}]
    assert [np.unique(volume.array).tolist() for volume in volumes] == [[0], [1]]


def test_instances_of_several_frames_each_make_one_volume_together() -> None:
    slices = series("MR", 6)
    halves = [multiframe(slices[3:], SOPInstanceUID="1.2.2"), multiframe(slices[:3], SOPInstanceUID="1.2.1")]
    (volume,) = read_volumes(halves)
    (expected,) = read_volumes(slices)
    assert volume.array.tobytes() == expected.array.tobytes()


def test_instances_of_several_frames_each_are_told_apart_by_their_times() -> None:
    times = [
        multiframe(series("MR", 4, number=time, TemporalPositionIndex=time, SeriesInstanceUID="1.2"))
        for time in (2, 3, 1)
    ]
    volumes = read_volumes(times)
    assert [volume.key for volume in volumes] == [{"TemporalPositionIdentifier": time} for time in (1, 2, 3)]
    for time, volume in enumerate(volumes, 1):
        assert np.array_equal(volume.array, [noise((6, 7), "int16", seed=1000 * time + k) for k in range(4)])


def test_frames_of_several_orientations_are_told_apart() -> None:
    frames = [*series("MR", 3, StackID="1"), *series("MR", 4, orientation=OBLIQUE, StackID="2")]
    volumes = read_volumes([multiframe(frames)])
    assert sorted(len(volume.array) for volume in volumes) == [3, 4]


def test_b_values_and_gradients_tell_frames_apart() -> None:
    instance = multiframe(
        series(
            "MR",
            6,
            ImagePositionPatient=lambda index: ["0", "0", str(index // 3)],
            pixels=lambda i: np.full((6, 7), i % 3, np.int16),
        )
    )
    weights = [(0.0, None), (1000.0, [1.0, 0.0, 0.0]), (1000.0, [0.0, 1.0, 0.0])]
    for index, groups in enumerate(instance.PerFrameFunctionalGroupsSequence):
        groups.MRDiffusionSequence = [diffusion(*weights[index % 3])]
    volumes = read_volumes([instance])
    told = [(volume.key["DiffusionBValue"], volume.key["DiffusionGradientOrientation"]) for volume in volumes]
    assert told == [(0.0, ()), (1000.0, (0.0, 1.0, 0.0)), (1000.0, (1.0, 0.0, 0.0))]
    assert [np.unique(volume.array).tolist() for volume in volumes] == [[0], [2], [1]]


def diffusion(weight: float, towards: list[float] | None) -> Dataset:
    item, direction = Dataset(), Dataset()
    item.DiffusionBValue = weight
    if towards is not None:
        direction.DiffusionGradientOrientation = towards
        item.DiffusionGradientDirectionSequence = [direction]
    return item


@pytest.mark.parametrize(
    "sop_class_uid",
    [
        uid.EnhancedCTImageStorage,
        uid.EnhancedPETImageStorage,
        uid.LegacyConvertedEnhancedCTImageStorage,
        uid.LegacyConvertedEnhancedMRImageStorage,
        uid.LegacyConvertedEnhancedPETImageStorage,
    ],
)
def test_each_enhanced_class_equals_its_single_frames(sop_class_uid: str) -> None:
    slices = series("CT", 4, orientation=OBLIQUE, RescaleSlope=lambda index: f"{index}.25", RescaleIntercept="-7")
    (volume,) = read_volumes([multiframe(slices, SOPClassUID=sop_class_uid)])
    (expected,) = read_volumes(slices)
    assert volume.array.tobytes() == expected.array.tobytes()
    assert volume.origin == expected.origin
    assert volume.spacing == pytest.approx(expected.spacing)
    assert np.array_equal(volume.direction, expected.direction)


def test_a_missing_frame_is_refused() -> None:
    slices = series("MR", 5)
    with pytest.raises(MissingSlicesError):
        read_volumes([multiframe([*slices[:2], *slices[3:]])])


def test_a_vendors_own_functional_group_does_not_place_the_frame() -> None:
    instance = multiframe(series("MR", 3))
    (expected,) = read_volumes([instance])
    other = Dataset()
    other.ImagePositionPatient = ["9", "9", "9"]
    for groups in instance.PerFrameFunctionalGroupsSequence:
        groups.private_block(0x2005, "Vendor", create=True).add_new(0x0F, "SQ", [other])
    (volume,) = read_volumes([instance])
    assert volume.origin == expected.origin


def test_what_frames_share_counts_for_each() -> None:
    instance = multiframe(series("MR", 3))
    groups = Dataset()
    groups.PixelMeasuresSequence = instance.PerFrameFunctionalGroupsSequence[0].PixelMeasuresSequence
    for item in instance.PerFrameFunctionalGroupsSequence:
        del item.PixelMeasuresSequence
    instance.SharedFunctionalGroupsSequence = [groups]
    (volume,) = read_volumes([instance])
    assert volume.spacing == (0.5, 0.75, 2.5)


@pytest.mark.parametrize(("syntax", "compress"), LOSSLESS)
def test_compressed_frames_are_told_apart(syntax: str, compress: Any) -> None:
    slices = series("MR", 3, pixels=smooth, syntax=syntax, compress=compress)
    (volume,) = read_volumes([multiframe(slices)])
    assert np.array_equal(volume.array, [smooth(index) for index in range(3)])


def test_frames_in_several_fragments_go_by_the_offset_table() -> None:
    slices = series("MR", 3, pixels=smooth, syntax=uid.JPEG2000Lossless, compress=jpeg_2000)
    instance = multiframe(slices)
    frames = [jpeg_2000(smooth(index)) for index in range(3)]
    instance.PixelData = encapsulate(frames, fragments_per_frame=2)
    instance["PixelData"].is_undefined_length = True
    (volume,) = read_volumes([instance])
    assert np.array_equal(volume.array, [smooth(index) for index in range(3)])
    instance.PixelData = encapsulate(frames, fragments_per_frame=2, has_bot=False)
    instance["PixelData"].is_undefined_length = True
    (volume,) = read_volumes([instance])
    assert np.array_equal(volume.array, [smooth(index) for index in range(3)])


@pytest.mark.parametrize(("syntax", "compress"), LOSSLESS)
def test_without_an_offset_table_a_frame_begins_where_one_has_ended(syntax: str, compress: Any) -> None:
    slices = series("MR", 3, pixels=smooth, syntax=syntax, compress=compress)
    instance = multiframe(slices)
    frames = [compress(smooth(index)) for index in range(3)]
    instance.PixelData = encapsulate(frames, fragments_per_frame=2, has_bot=False)
    instance["PixelData"].is_undefined_length = True
    if syntax == uid.RLELossless:
        with pytest.raises(CorruptInstanceError, match="how its 6 fragments can be 3 frames"):
            read_volumes([instance])
        return
    (volume,) = read_volumes([instance])
    assert np.array_equal(volume.array, [smooth(index) for index in range(3)])


def test_what_the_groups_of_all_frames_say_holds_where_no_frame_has_its_own() -> None:
    instance = multiframe(series("MR", 1, dtype="uint16", RescaleSlope="2", RescaleIntercept="-1000"))
    (expected,) = read_volumes([instance])
    instance.SharedFunctionalGroupsSequence = instance.PerFrameFunctionalGroupsSequence
    del instance.PerFrameFunctionalGroupsSequence
    (volume,) = read_volumes([instance])
    assert volume.array.tolist() == expected.array.tolist()
    assert (volume.origin, volume.spacing) == (expected.origin, expected.spacing)


def test_what_a_conversion_left_unassigned_contradicts_no_functional_group() -> None:
    instance = multiframe(series("MR", 3))
    (expected,) = read_volumes([instance])
    for groups in instance.PerFrameFunctionalGroupsSequence:
        stray = Dataset()
        stray.ImagePositionPatient = ["7", "7", "7"]
        stray.ConvolutionKernel = "B30f"
        groups.UnassignedPerFrameConvertedAttributesSequence = [stray]
    (volume,) = read_volumes([instance])
    assert (volume.origin, volume.spacing) == (expected.origin, expected.spacing)


def test_eight_bits_in_words_of_big_endian_are_in_order_in_each_frame() -> None:
    slices = series("MR", 5, dtype="uint8", rows=5, columns=7)
    little, big = multiframe(slices), multiframe(slices)
    big.file_meta.TransferSyntaxUID = uid.ExplicitVRBigEndian
    content = big.PixelData + b"\0" * (len(big.PixelData) % 2)
    big.PixelData = np.frombuffer(content, "<u2").astype(">u2").tobytes()
    big["PixelData"].VR = "OW"
    (expected,), (volume,) = read_volumes([little]), read_volumes([big])
    assert volume.array.tolist() == expected.array.tolist()


def test_frames_without_a_place_are_a_cine_each_instance_its_own() -> None:
    loops = [
        multiframe(series("US", 4, number=number, dtype="uint8", SeriesInstanceUID="1.2"), functional_groups=False)
        for number in (1, 2)
    ]
    volumes = read_volumes(loops)
    assert [volume.array.shape for volume in volumes] == [(4, 6, 7), (4, 6, 7)]
    assert volumes[0].array[2].tolist() == noise((6, 7), "uint8", seed=1002).tolist()
    assert volumes[0].spacing == (0.5, 0.75, 1.0)
    assert "the third axis is their order" in volumes[0].report.warnings[0]
    assert set(volumes[0].key) == {"SOPInstanceUID"}


def test_a_dose_lies_at_its_offsets(tmp_path: Path) -> None:
    slices = series("RTDOSE", 4, dtype="uint32", DoseGridScaling="0.5")
    instance = multiframe(slices, functional_groups=False, GridFrameOffsetVector=["0", "2.5", "5", "7.5"])
    (volume,) = read_volumes([instance], rescale=False)
    image = simpleitk(instance, tmp_path)
    assert_same_voxels(volume, image)
    assert_same_geometry(volume, image)
    (expected,) = read_volumes(slices)
    (scaled,) = read_volumes([instance])
    assert np.array_equal(scaled.array, expected.array)


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"NumberOfFrames": 2}, r"\(5200,9230\) has 3 items, but NumberOfFrames \(0028,0008\) is 2"),
        ({"PixelData": b"\0" * 250}, r"NumberOfFrames \(0028,0008\) is 3, but the pixel data has 250 bytes"),
        ({"NumberOfFrames": 10**9}, r"NumberOfFrames \(0028,0008\) is 1000000000, but the pixel data has 252 bytes"),
    ],
)
def test_a_contradiction_is_refused(overrides: dict[str, Any], message: str) -> None:
    with pytest.raises(CorruptInstanceError, match=message):
        read_volumes([multiframe(series("MR", 3), **overrides)])


def test_a_damaged_functional_group_is_refused() -> None:
    content = part10(multiframe(series("MR", 3)))
    damaged = content.replace(b"\x20\x00\x13\x91SQ", b"\x20\x00\x13\x91Qx")
    assert damaged != content
    with pytest.raises(CorruptInstanceError):
        read_volumes([damaged])


def test_more_colour_frames_than_bytes_are_refused() -> None:
    instance = multiframe(
        series("US", 3, pixels=lambda index: noise((6, 8, 3), "uint8", seed=index)), functional_groups=False
    )
    instance.NumberOfFrames = 4
    with pytest.raises(CorruptInstanceError, match="6 rows x 8 columns x 3 x 8 bits x 4 frames need 576"):
        read_volumes([instance])


@pytest.mark.parametrize(
    "offsets", [["0", "0.1", "0.2", "0.3"], ["0", "-2.5", "-5", "-7.5"], ["0", "0.7", "1.4", "2.1"]]
)
@pytest.mark.parametrize("orientation", [AXIAL, OBLIQUE])
def test_even_offsets_of_a_dose_give_simpleitks_geometry(
    tmp_path: Path, offsets: list[str], orientation: tuple[float, ...]
) -> None:
    slices = series("RTDOSE", 4, dtype="uint32", DoseGridScaling="0.5", orientation=orientation)
    instance = multiframe(slices, functional_groups=False, GridFrameOffsetVector=offsets)
    (volume,) = read_volumes([instance])
    assert_same_geometry(volume, simpleitk(instance, tmp_path))


def dose(offsets: Sequence[float], orientation: Sequence[float] = AXIAL) -> Dataset:
    slices = series("RTDOSE", 4, dtype="uint32", DoseGridScaling="0.5", orientation=tuple(orientation))
    return multiframe(slices, functional_groups=False, GridFrameOffsetVector=[f"{offset:g}" for offset in offsets])


@pytest.mark.parametrize("step", [2.5, -2.5])
@pytest.mark.parametrize("orientation", [AXIAL, (-1, 0, 0, 0, -1, 0)])
def test_offsets_of_a_dose_may_be_the_z_of_axial_planes(step: float, orientation: Sequence[float]) -> None:
    relative = dose([step * index for index in range(4)], orientation)
    z = float(relative.ImagePositionPatient[2])
    absolute = dose([z + step * index for index in range(4)], orientation)
    (expected,), (volume,) = read_volumes([relative]), read_volumes([absolute])
    assert (*volume.origin, *volume.spacing) == pytest.approx((*expected.origin, *expected.spacing))
    assert np.array_equal(volume.direction, expected.direction)


@pytest.mark.parametrize(
    ("offsets", "orientation", "reason"),
    [
        ([3, 5, 7, 9], AXIAL, "begins neither with 0 nor with the z"),
        ([0, 4, 2, 6], AXIAL, "does not go one way"),
        ([0, 0, 0, 0], AXIAL, "does not go one way"),
    ],
)
def test_offsets_of_a_dose_that_could_mean_anything_are_refused(
    offsets: list[float], orientation: Sequence[float], reason: str
) -> None:
    with pytest.raises(CorruptInstanceError, match=rf"GridFrameOffsetVector \(3004,000C\) {reason}"):
        read_volumes([dose(offsets, orientation)])


@pytest.mark.parametrize("orientation", [(1, 0, 0, 0, -1, 0), OBLIQUE])
def test_the_z_of_planes_that_are_not_axial_is_no_offset(orientation: Sequence[float]) -> None:
    z = float(dose([0, 1, 2, 3], orientation).ImagePositionPatient[2])
    with pytest.raises(CorruptInstanceError, match="of axial planes"):
        read_volumes([dose([z, z + 2, z + 4, z + 6], orientation)])


def test_uneven_offsets_of_a_dose_are_refused() -> None:
    slices = series("RTDOSE", 4, dtype="uint32", DoseGridScaling="0.5")
    instance = multiframe(slices, functional_groups=False, GridFrameOffsetVector=["0", "2.5", "6", "7.5"])
    with pytest.raises(NonUniformSpacingError):
        read_volumes([instance])


def test_a_dose_of_one_frame_is_a_slice() -> None:
    (slice_,) = series("RTDOSE", 1, dtype="uint32", DoseGridScaling="0.5")
    (volume,) = read_volumes([slice_])
    assert np.array_equal(volume.array[0], slice_.pixel_array * 0.5)


def test_a_dose_without_offsets_is_refused() -> None:
    instance = multiframe(series("RTDOSE", 3, dtype="uint32", DoseGridScaling="1"), functional_groups=False)
    with pytest.raises(CorruptInstanceError, match=r"GridFrameOffsetVector \(3004,000C\) is missing"):
        read_volumes([instance])

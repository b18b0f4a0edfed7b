"""Several volumes at the same positions are told apart, or refused."""

from __future__ import annotations

import math
from typing import Any

import pytest
from pydicom.dataset import Dataset

from itkdicomqr.errors import AmbiguousVolumesError, DICOMQRWarning
from itkdicomqr.volume import read_volumes
from itkdicomqr.volume.separating.discriminators import NOISE
from tests.synthetic import multiframe, noise, series
from tests.volume.repeating import SLICES, TELLING, of_volume, repeated, values_of


@pytest.mark.parametrize(
    ("keyword", "of_volume", "expected"),
    [
        ("EchoTime", lambda volume: ["20", "4.6", "9.2"][volume], [4.6, 9.2, 20]),
        ("TemporalPositionIdentifier", lambda volume: str(10 - volume), [8, 9, 10]),
        ("StackID", str, [0, 1, 2]),
        ("ImageType", lambda volume: ["DERIVED", "PRIMARY", "WFX"[volume]], None),
        ("FlipAngle", lambda volume: str(5 * volume + 5), [5, 10, 15]),
        ("DiffusionBValue", lambda volume: float(volume * 500), [0, 500, 1000]),
        ("AcquisitionNumber", lambda volume: str(volume + 1), [1, 2, 3]),
        ("AcquisitionTime", lambda volume: f"10150{volume}", [101500, 101501, 101502]),
        ("ConvolutionKernel", lambda volume: ["B30f", "B70f", "H60s"][volume], ["B30f", "B70f", "H60s"]),
    ],
)
def test_an_attribute_tells_volumes_apart(keyword: str, of_volume: Any, expected: list[Any] | None) -> None:
    overrides: dict[str, Any] = {keyword: lambda index: of_volume(index // 3)}
    volumes = read_volumes(repeated(3, **overrides))
    assert sorted(map(str, values_of(volumes))) == ["[0]", "[1]", "[2]"]
    assert all(set(volume.key) == {keyword} for volume in volumes)
    if expected:
        assert [volume.key[keyword] for volume in volumes] == expected


def test_two_attributes_together_tell_volumes_apart() -> None:
    volumes = read_volumes(
        repeated(
            4,
            EchoTime=lambda index: ["4", "8"][index // 3 % 2],
            ImageType=lambda index: ["ORIGINAL", "PRIMARY", "MP"[index // 6]],
        )
    )
    assert len(volumes) == 4
    assert all(set(volume.key) == {"ImageType", "EchoTime", "ComplexImageComponent"} for volume in volumes)


def test_time_points_without_attributes_go_by_instance_number() -> None:
    volumes = read_volumes(repeated(4)[::-1])
    assert values_of(volumes) == [[0], [1], [2], [3]]
    assert [volume.key for volume in volumes] == [{"repetition": index} for index in range(4)]


def test_a_time_that_differs_in_every_image_tells_nothing() -> None:
    volumes = read_volumes(repeated(3, ContentTime=lambda index: f"1015{index:02}"))
    assert [volume.key for volume in volumes] == [{"repetition": index} for index in range(3)]


def test_near_duplicates_are_the_same_position() -> None:
    volumes = read_volumes(
        series("MR", 6, ImagePositionPatient=lambda index: ["0", "0", f"{index % 3 * 2 + index // 3 * 1e-4:.6f}"])
    )
    assert [len(volume.array) for volume in volumes] == [3, 3]


def test_positions_that_repeat_unevenly_are_refused() -> None:
    with pytest.raises(AmbiguousVolumesError, match=r"a position \(1 at \(0, 0, 2\).*2 at \(0, 0, 0\).*hold 1 or 2"):
        read_volumes(repeated(2)[:4])


def test_equal_instance_numbers_tell_nothing() -> None:
    with pytest.raises(AmbiguousVolumesError, match="pass the instances of one volume only"):
        read_volumes(repeated(2, InstanceNumber=lambda index: str(index % 3)))


KINDS: dict[str, tuple[dict[str, Any], list[dict[str, Any]]]] = {
    "dynamic contrast: the time position, with its times": (
        {
            "TemporalPositionIdentifier": of_volume(["1", "2", "3"]),
            "TriggerTime": of_volume(["0", "7500", "15000"]),
            "ContentTime": lambda index: f"1015{index:02}",
        },
        [
            {"TemporalPositionIdentifier": 1, "TriggerTime": 0},
            {"TemporalPositionIdentifier": 2, "TriggerTime": 7500},
            {"TemporalPositionIdentifier": 3, "TriggerTime": 15000},
        ],
    ),
    "dynamic contrast across midnight": (
        {"AcquisitionDate": of_volume(["20050106", "20050107"]), "AcquisitionTime": of_volume(["235950", "000010"])},
        [
            {"AcquisitionDate": 20050106, "AcquisitionTime": 235950},
            {"AcquisitionDate": 20050107, "AcquisitionTime": 10},
        ],
    ),
    "diffusion": (
        {
            "DiffusionBValue": of_volume([0.0, 1000.0, 1000.0]),
            "DiffusionGradientOrientation": of_volume([None, [0.0, 1.0, 0.0], [1.0, 0.0, 0.0]]),
        },
        [
            {"DiffusionBValue": 0, "DiffusionGradientOrientation": ()},
            {"DiffusionBValue": 1000, "DiffusionGradientOrientation": (0, 1, 0)},
            {"DiffusionBValue": 1000, "DiffusionGradientOrientation": (1, 0, 0)},
        ],
    ),
    "repeated b-values, told apart by their acquisition": (
        {"DiffusionBValue": of_volume([0.0, 0.0, 800.0]), "AcquisitionNumber": of_volume(["1", "2", "3"])},
        [
            {"AcquisitionNumber": 1, "DiffusionBValue": 0},
            {"AcquisitionNumber": 2, "DiffusionBValue": 0},
            {"AcquisitionNumber": 3, "DiffusionBValue": 800},
        ],
    ),
    "cardiac phases": (
        {"NominalPercentageOfCardiacPhase": of_volume([0.0, 37.5]), "TriggerTime": lambda index: str(index)},
        [{"NominalPercentageOfCardiacPhase": 0}, {"NominalPercentageOfCardiacPhase": 37.5}],
    ),
    "magnitude and phase": (
        {"ImageType": of_volume([["ORIGINAL", "PRIMARY", "M"], ["ORIGINAL", "PRIMARY", "P"]])},
        [
            {"ImageType": ("ORIGINAL", "PRIMARY", "M"), "ComplexImageComponent": "MAGNITUDE"},
            {"ImageType": ("ORIGINAL", "PRIMARY", "P"), "ComplexImageComponent": "PHASE"},
        ],
    ),
    "two echoes": (
        {"EchoTime": of_volume(["4.92", "7.38"]), "EchoNumbers": of_volume(["1", "2"])},
        [{"EchoTime": 4.92, "EchoNumbers": 1}, {"EchoTime": 7.38, "EchoNumbers": 2}],
    ),
    "channels": (
        {"ReceiveCoilName": of_volume(["C1", "C2"])},
        [{"ReceiveCoilName": "C1"}, {"ReceiveCoilName": "C2"}],
    ),
}


@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_series_is_told_apart(kind: str, backwards: bool) -> None:
    overrides, keys = KINDS[kind]
    volumes = read_volumes(repeated(len(keys), **overrides)[:: -1 if backwards else 1])
    assert [volume.key for volume in volumes] == keys
    assert values_of(volumes) == [[index] for index in range(len(keys))]


def test_frames_of_dynamic_pet_are_told_apart_by_their_times() -> None:
    slices = repeated(
        3,
        modality="PT",
        FrameReferenceTime=of_volume(["5000", "15000", "45000"]),
        ActualFrameDuration=of_volume(["10000", "10000", "50000"]),
        RescaleSlope=lambda index: str(0.5 + index),
        RescaleIntercept="0",
    )
    volumes = read_volumes(slices)
    assert [volume.key["FrameReferenceTime"] for volume in volumes] == [5000, 15000, 45000]
    assert [volume.key["ActualFrameDuration"] for volume in volumes] == [10000, 10000, 50000]
    assert volumes[1].array[:, 0, 0].tolist() == [3.5, 4.5, 5.5]


def test_acquisitions_of_ct_are_told_apart() -> None:
    volumes = read_volumes(repeated(2, modality="CT", AcquisitionNumber=of_volume(["1", "2"])))
    assert [volume.key for volume in volumes] == [{"AcquisitionNumber": 1}, {"AcquisitionNumber": 2}]


PRIVATE: dict[str, tuple[str, list[tuple[int, str, int, str, list[Any]]], list[dict[str, Any]]]] = {
    "Siemens": (
        "SIEMENS",
        [
            (0x0019, "SIEMENS MR HEADER", 0x0C, "IS", ["0", "1000"]),
            (0x0019, "SIEMENS MR HEADER", 0x0E, "FD", [None, [0.0, 0.6, 0.8]]),
        ],
        [
            {"DiffusionBValue": 0, "DiffusionGradientOrientation": ()},
            {"DiffusionBValue": 1000, "DiffusionGradientOrientation": (0, 0.6, 0.8)},
        ],
    ),
    "GE, whose software adds a billion": (
        "GE MEDICAL SYSTEMS",
        [
            (0x0043, "GEMS_PARM_01", 0x39, "IS", [["0", "8", "0", "0"], ["1000000800", "8", "0", "0"]]),
            (0x0019, "GEMS_ACQU_01", 0xBB, "DS", ["0", "0.5"]),
            (0x0019, "GEMS_ACQU_01", 0xBC, "DS", ["0", "0"]),
            (0x0019, "GEMS_ACQU_01", 0xBD, "DS", ["0", "-0.5"]),
        ],
        [
            {"DiffusionBValue": 0, "DiffusionGradientOrientation": (0, 0, 0)},
            {"DiffusionBValue": 800, "DiffusionGradientOrientation": (0.5, 0, -0.5)},
        ],
    ),
    "Philips": (
        "Philips Medical Systems",
        [
            (0x2001, "Philips Imaging DD 001", 0x03, "FL", [0.0, 600.0]),
            (0x2005, "Philips MR Imaging DD 001", 0xB0, "FL", [0.0, 1.0]),
            (0x2005, "Philips MR Imaging DD 001", 0xB1, "FL", [0.0, 0.0]),
            (0x2005, "Philips MR Imaging DD 001", 0xB2, "FL", [0.0, 0.0]),
        ],
        [
            {"DiffusionBValue": 0, "DiffusionGradientOrientation": (0, 0, 0)},
            {"DiffusionBValue": 600, "DiffusionGradientOrientation": (1, 0, 0)},
        ],
    ),
    "United Imaging": (
        "UIH",
        [(0x0065, "Image Private Header", 0x09, "FD", [0.0, 700.0])],
        [{"DiffusionBValue": 0}, {"DiffusionBValue": 700}],
    ),
    "phase of Philips": (
        "Philips Medical Systems",
        [(0x2005, "Philips MR Imaging DD 001", 0x11, "CS", ["M", "P"])],
        [{"ComplexImageComponent": "MAGNITUDE"}, {"ComplexImageComponent": "PHASE"}],
    ),
    "phase of GE": (
        "GE MEDICAL SYSTEMS",
        [(0x0043, "GEMS_PARM_01", 0x2F, "SS", [0, 1])],
        [{"ComplexImageComponent": "MAGNITUDE"}, {"ComplexImageComponent": "PHASE"}],
    ),
}


def with_private(vendor: str, syntax: str, first: int = 0x10) -> list[Dataset]:
    manufacturer, elements, _ = PRIVATE[vendor]
    slices = repeated(2, syntax=syntax, Manufacturer=manufacturer)
    for index, dataset in enumerate(slices):
        for group, creator, offset, vr, values in elements:
            value = values[index // SLICES]
            if first > 0x10:
                dataset.private_block(group, "SOMEBODY ELSE", create=True)
            if value is not None:
                dataset.private_block(group, creator, create=True).add_new(offset, vr, value)
    return slices


@pytest.mark.parametrize("first", [0x10, 0x11])
@pytest.mark.parametrize("syntax", ["1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2"])
@pytest.mark.parametrize("vendor", PRIVATE)
def test_private_elements_of_vendors_tell_volumes_apart(vendor: str, syntax: str, first: int) -> None:
    volumes = read_volumes(with_private(vendor, syntax, first))
    assert [volume.key for volume in volumes] == PRIVATE[vendor][2]


@pytest.mark.parametrize("vendor", PRIVATE)
def test_the_manufacturer_stands_in_for_private_creators_that_were_removed(vendor: str) -> None:
    slices = with_private(vendor, "1.2.840.10008.1.2.1")
    for dataset in slices:
        for tag in [element.tag for element in dataset if element.tag.is_private_creator]:
            del dataset[tag]
    assert [volume.key for volume in read_volumes(slices)] == PRIVATE[vendor][2]


def test_the_same_private_element_of_somebody_else_is_no_b_value() -> None:
    slices = repeated(2)
    for index, dataset in enumerate(slices):
        dataset.private_block(0x0019, "SOMEBODY ELSE", create=True).add_new(0x0C, "IS", str(index // SLICES))
    assert [volume.key for volume in read_volumes(slices)] == [{"repetition": 0}, {"repetition": 1}]


@pytest.mark.parametrize("slices", [2, 3])
@pytest.mark.parametrize(
    "keyword", ["TriggerTime", "FrameReferenceTime", "AcquisitionNumber", "InversionTime", "EchoNumbers"]
)
def test_an_attribute_that_differs_in_every_image_makes_no_volumes_of_one_slice(keyword: str, slices: int) -> None:
    differing: dict[str, Any] = {keyword: lambda index: str(index + 1)}
    assert [volume.key for volume in read_volumes(repeated(3, slices, **differing))] == [
        {"repetition": index} for index in range(3)
    ]


@pytest.mark.parametrize("keyword", ["EchoTime", "TemporalPositionIdentifier"])
def test_what_should_tell_volumes_and_differs_in_every_image_is_warned_of(keyword: str) -> None:
    differing: dict[str, Any] = {keyword: lambda index: str(index + 1)}
    with pytest.warns(DICOMQRWarning, match=f"{keyword} has 3 values in one volume"):
        volumes = read_volumes(repeated(3, **differing))
    assert values_of(volumes) == [[0], [1], [2]]


def test_the_order_of_instance_numbers_never_mixes_echoes() -> None:
    """Three attributes tell these apart, which is more than are tried, and the numbers would mix them."""
    slices = repeated(
        8,
        EchoTime=lambda index: ["4", "8"][index // 3 % 2],
        ImageType=lambda index: ["ORIGINAL", "PRIMARY", "MP"[index // 6 % 2]],
        AcquisitionNumber=lambda index: str(index // 12),
    )
    slices[0].InstanceNumber, slices[3].InstanceNumber = slices[3].InstanceNumber, slices[0].InstanceNumber
    with pytest.raises(AmbiguousVolumesError, match="no attribute, nor two together, tells"):
        read_volumes(slices)


def test_an_ambiguous_position_is_named_with_its_instances() -> None:
    slices = repeated(2)[:4]
    with pytest.raises(AmbiguousVolumesError) as error:
        read_volumes(slices)
    assert f"2 at (0, 0, 0): {slices[0].SOPInstanceUID}, {slices[3].SOPInstanceUID}" in str(error.value)


def test_noise_reaches_the_limits_of_its_type() -> None:
    assert {noise((6, 7), "int16").min(), noise((6, 7), "int16").max()} == {-(1 << 15), (1 << 15) - 1}


@pytest.mark.parametrize(
    ("keyword", "written"),
    [
        ("AcquisitionTime", "1015{:02}".format),
        ("ContentTime", "1015{:02}".format),
        ("AcquisitionDateTime", "200501061015{:02}".format),
        ("TriggerTime", str),
        ("FrameReferenceTime", str),
        ("NominalCardiacTriggerDelayTime", float),
        ("TemporalPositionTimeOffset", float),
    ],
)
@pytest.mark.parametrize("differing", [{}, {"DiffusionBValue": of_volume([0.0, 0.0, 1000.0])}])
def test_a_time_that_ticks_within_a_volume_mixes_none(keyword: str, written: Any, differing: dict[str, Any]) -> None:
    """The last slice of each volume, and the first two of the next, have the same time."""
    ticking: dict[str, Any] = {keyword: lambda index: written((index + 1) // 3)}
    volumes = read_volumes(repeated(3, **ticking, **differing))
    assert values_of(volumes) == [[0], [1], [2]]
    assert [volume.key["repetition"] for volume in volumes] == [0, 1, 2]


def test_slabs_of_several_times_are_told_apart_by_them() -> None:
    slabs = [["0", "0", str(index % 3 * 2 + index // 6 * 100)] for index in range(12)]
    volumes = read_volumes(
        repeated(4, ImagePositionPatient=lambda index: slabs[index], AcquisitionTime=lambda index: f"10150{index // 3}")
    )
    assert values_of(volumes) == [[0], [1], [2], [3]]
    assert [volume.key["AcquisitionTime"] for volume in volumes] == [101500, 101501, 101502, 101503]


@pytest.mark.parametrize(
    ("keyword", "values"),
    [
        ("EchoTime", ["4.6", "9.2"]),
        ("DiffusionBValue", [0.0, 1000.0]),
        ("ComplexImageComponent", ["MAGNITUDE", "PHASE"]),
        ("StackID", ["1", "2"]),
        ("ConvolutionKernel", ["B30f", "B70f"]),
    ],
)
@pytest.mark.parametrize("shift", [1.0, 0.5])
def test_volumes_of_which_one_lies_between_the_slices_of_the_other_are_told_apart(
    keyword: str, values: list[Any], shift: float
) -> None:
    heights = [["0", "0", str(index % 3 * 2 + index // 3 * shift)] for index in range(6)]
    overrides: dict[str, Any] = {"ImagePositionPatient": lambda index: heights[index], keyword: of_volume(values)}
    volumes = read_volumes(repeated(2, **overrides))
    assert values_of(volumes) == [[0], [1]]
    assert [volume.spacing[2] for volume in volumes] == [2, 2]
    assert all(volume.key.keys() == {keyword} for volume in volumes)


COMPONENTS = [
    ({"M": "MAGNITUDE", "P": "PHASE"}),
    ({"M_FFE": "MAGNITUDE", "P_FFE": "PHASE"}),
    ({"R": "REAL", "I": "IMAGINARY"}),
    ({"MAGNITUDE": "MAGNITUDE", "PHASE MAP": "PHASE"}),
    ({"MAGNITUDE": "MAGNITUDE", "PHASE": "PHASE"}),
    ({"REAL": "REAL", "IMAGINARY": "IMAGINARY"}),
]


@pytest.mark.parametrize("words", COMPONENTS, ids=lambda words: " and ".join(words))
def test_components_that_only_image_types_tell_are_told_apart_at_any_height(words: dict[str, str]) -> None:
    """Within a component another value of ImageType may differ."""
    written = [*words]
    slices = repeated(
        2,
        ImagePositionPatient=lambda index: ["0", "0", str(index % 3 * 2 + index // 3)],
        ImageType=lambda index: ["ORIGINAL", "PRIMARY", written[index // 3], ["ND", "NORM"][index % 3 == 2]],
    )
    volumes = read_volumes(slices)
    assert sorted(map(str, values_of(volumes))) == ["[0]", "[1]"]
    assert [volume.key for volume in volumes] == [{"ComplexImageComponent": name} for name in sorted(words.values())]


FOLLOWING = (
    "EchoTime",
    "DiffusionBValue",
    "ComplexImageComponent",
    "StackID",
    "ConvolutionKernel",
    "FlipAngle",
    "TemporalPositionIdentifier",
    "SliceThickness",
    "KVP",
    "ReconstructionDiameter",
)


@pytest.mark.parametrize("keyword", FOLLOWING)
def test_volumes_that_follow_each_other_are_one_with_a_word(keyword: str) -> None:
    overrides: dict[str, Any] = {keyword: lambda index: TELLING[keyword][index // 3]}
    with pytest.warns(DICOMQRWarning, match=f"{keyword} has 2 values in one volume: it may be several, taken for one"):
        (volume,) = read_volumes(series("MR", 6, **overrides))
    assert len(volume.array) == 6


@pytest.mark.parametrize("keyword", FOLLOWING)
def test_what_some_slices_do_not_tell_is_not_worth_a_word(keyword: str) -> None:
    overrides: dict[str, Any] = {keyword: lambda index: TELLING[keyword][0] if index % 2 else None}
    (volume,) = read_volumes(series("MR", 6, **overrides))
    assert (len(volume.array), volume.report.warnings) == (6, ())


def test_what_an_image_is_derived_from_is_no_component() -> None:
    kinds = [["M", "P", "ND"], ["P", "M", "ND"]]
    (volume,) = read_volumes(series("MR", 6, ImageType=lambda index: kinds[index % 2]))
    assert volume.report.departures == ()


@pytest.mark.parametrize("others", [{2}, {0, 2, 4}])
def test_slices_of_other_image_types_make_no_volume_of_their_own(others: set[int]) -> None:
    kinds = [["ORIGINAL", "PRIMARY", "AXIAL"], ["DERIVED", "PRIMARY", "AXIAL"]]
    (volume,) = read_volumes(series("CT", 5, ImageType=lambda index: kinds[index in others]))
    assert len(volume.array) == 5
    assert volume.report.warnings == ("ImageType (0008,0008) differs among its slices",)


MEASURED: dict[str, list[Any]] = {
    "EchoTime": [4.6, 9.2],
    "InversionTime": [100.0, 500.0],
    "FlipAngle": [5.0, 20.0],
    "RepetitionTime": [500.0, 800.0],
    "DiffusionBValue": [0.0, 1000.0],
    "DiffusionGradientOrientation": [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]],
    "ReconstructionDiameter": [350.0, 500.0],
    "KVP": [80.0, 140.0],
    "SliceThickness": [3.0, 5.0],
}


@pytest.mark.parametrize("keyword", MEASURED)
def test_the_noise_of_a_measure_parts_nothing(keyword: str) -> None:
    def value(index: int) -> Any:
        told, noise = MEASURED[keyword][index // 3], index % 3 * NOISE[keyword] / 4
        return [axis + noise for axis in told] if isinstance(told, list) else told + noise

    overrides: dict[str, Any] = {keyword: value}
    volumes = read_volumes(repeated(2, InstanceNumber=lambda index: str(index % 3), **overrides))
    assert sorted(map(str, values_of(volumes))) == ["[0]", "[1]"]
    assert all(volume.key.keys() == {keyword} for volume in volumes)
    (volume,) = read_volumes(series("MR", 3, **overrides))
    assert volume.report.departures == ()


def test_halves_that_private_b_values_tell_are_one_with_a_word() -> None:
    slices = series("MR", 6)
    for index, dataset in enumerate(slices):
        dataset.private_block(0x0019, "SIEMENS MR HEADER", create=True).add_new(0x0C, "IS", str(index // 3 * 800))
    with pytest.warns(DICOMQRWarning, match="DiffusionBValue has 2 values in one volume"):
        read_volumes(slices)


def test_one_slice_of_another_kernel_makes_no_volume_of_its_own() -> None:
    with pytest.warns(DICOMQRWarning, match="ConvolutionKernel has 2 values in one volume"):
        (volume,) = read_volumes(series("CT", 5, ConvolutionKernel=lambda index: ["B30f", "B70f"][index == 2]))
    assert len(volume.array) == 5


@pytest.mark.parametrize("number", [lambda index: str(100 - index), lambda index: str(index % 3 + 1)])
def test_times_that_differ_by_slice_order_the_phases_of_each_position(number: Any) -> None:
    volumes = read_volumes(
        repeated(4, TriggerTime=lambda index: str(index // 3 * 100 + index % 3 * 7), InstanceNumber=number)
    )
    assert values_of(volumes) == [[0], [1], [2], [3]]


def test_frames_are_ordered_by_their_dimension_indices_not_by_their_storage() -> None:
    frames = repeated(3, modality="MR")[::-1]
    instance = multiframe(frames)
    for index, item in enumerate(instance.PerFrameFunctionalGroupsSequence):
        content = Dataset()
        content.DimensionIndexValues = [1, (8 - index) % 3 + 1, (8 - index) // 3 + 1]
        item.FrameContentSequence = [content]
    assert values_of(read_volumes([instance])) == [[0], [1], [2]]


@pytest.mark.parametrize("nowhere", [[math.nan] * 3, [0.0, 0.0, math.inf]])
def test_what_is_no_number_counts_as_absent(nowhere: list[float]) -> None:
    volumes = read_volumes(
        repeated(
            3,
            DiffusionBValue=of_volume([0.0, 800.0, 800.0]),
            DiffusionGradientOrientation=of_volume([nowhere, [0.0, 1.0, 0.0], [1.0, 0.0, 0.0]]),
        )
    )
    assert [volume.key["DiffusionGradientOrientation"] for volume in volumes] == [(), (0, 1, 0), (1, 0, 0)]

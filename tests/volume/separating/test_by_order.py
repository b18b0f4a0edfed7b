"""Volumes that only the order within each position tells apart, and orders that tell nothing."""

from __future__ import annotations

from typing import Any

import pytest

from itkdicomqr.errors import AmbiguousVolumesError
from itkdicomqr.volume import read_volumes
from tests.volume.repeating import TELLING, of_volume, repeated, values_of

DELAYS = [52, 47, 55, 48, 53, 46, 51, 50, 57]
"""After the R wave, of each slice: they order the slices of each position otherwise."""


def cut(values: Any, slices: int = 4, **overrides: Any) -> list[Any]:
    """Two volumes' worth of three: the first lacks its lower half, and of the last only that came."""
    told: dict[str, Any] = {name: of_volume(value, slices) for name, value in values.items()}
    whole = repeated(3, slices, **told, **overrides)
    return whole[slices // 2 : -slices // 2]


def test_delays_that_differ_by_slice_do_not_mix_what_numbers_tell() -> None:
    volumes = read_volumes(repeated(3, TriggerTime=lambda index: str(DELAYS[index])))
    assert values_of(volumes) == [[0], [1], [2]]


NO_ORDER = {
    "at all": [5, 11, 2, 8, 12, 1, 7, 3, 10, 4, 9, 6],
    "but in the last volume": [1, 4, 5, 8, 3, 2, 7, 6, 9, 10, 11, 12],
    "with one that came twice": [5, 2, 3, 4, 1, 4, 6, 7, 8, 9, 10, 11],
}
"""Instance Numbers of three volumes of four slices."""


@pytest.mark.parametrize("numbers", NO_ORDER.values(), ids=NO_ORDER)
@pytest.mark.parametrize(
    ("keyword", "time_of"),
    [
        ("TriggerTime", lambda volume, place: str(volume * 2000 + place * 200)),
        ("FrameReferenceTime", lambda volume, place: str(volume * 60000 + place * 3)),
        ("AcquisitionTime", lambda volume, place: f"1015{volume * 20 + place:02}"),
        ("AcquisitionTime", lambda volume, place: f"1015{volume + place * 3:02}"),
        ("TriggerTime", lambda volume, place: str(volume * 20 + place * 200)),
    ],
)
def test_numbers_in_no_order_are_not_believed_against_a_clock(keyword: str, time_of: Any, numbers: list[int]) -> None:
    times: dict[str, Any] = {keyword: lambda index: time_of(*divmod(index, 4))}
    volumes = read_volumes(repeated(3, 4, InstanceNumber=lambda index: str(numbers[index]), **times))
    assert values_of(volumes) == [[0], [1], [2]]


@pytest.mark.parametrize(
    ("numbers", "times"),
    [
        ([1, 2, 3, 4, 5, 6], [1, 2, 6, 4, 5, 3]),
        ([1, 3, 5, 2, 4, 6], [1, 2, 6, 4, 5, 3]),
        ([1, 2, 4, 5, 3, 6], [50, 49, 53, 48, 52, 51]),
    ],
    ids=["numbers by volume", "numbers by position", "a clock in no order either"],
)
def test_other_numbers_are_believed_against_a_clock(numbers: list[int], times: list[int]) -> None:
    clock: dict[str, Any] = {"AcquisitionTime": lambda index: f"1015{times[index]:02}"}
    volumes = read_volumes(repeated(2, InstanceNumber=lambda index: str(numbers[index]), **clock))
    assert values_of(volumes) == [[0], [1]]


def test_numbers_of_which_one_is_missing_order_nothing() -> None:
    numbers = ["1", "2", "3", "4", None, "6"]
    with pytest.raises(AmbiguousVolumesError, match="it is missing"):
        read_volumes(repeated(2, InstanceNumber=lambda index: numbers[index]))


@pytest.mark.parametrize(
    "keyword",
    [
        "TriggerTime",
        "NominalCardiacTriggerDelayTime",
        "FrameReferenceTime",
        "TemporalPositionTimeOffset",
    ],
)
def test_a_time_of_each_slice_orders_what_numbers_do_not(keyword: str) -> None:
    times: dict[str, Any] = {keyword: lambda index: index // 3 * 100 + index % 3 * 7}
    volumes = read_volumes(repeated(4, InstanceNumber=lambda index: str(index % 3 + 1), **times))
    assert values_of(volumes) == [[0], [1], [2], [3]]


def test_times_that_would_mix_inversion_times_order_nothing() -> None:
    with pytest.raises(AmbiguousVolumesError):
        read_volumes(
            repeated(
                2,
                4,
                InversionTime=lambda index: str([100, 600][index // 4] + index % 4 * 3),
                TriggerTime=lambda index: str(700 + index % 4 * 40 + (5 if index % 2 else -5) * (index // 4)),
                InstanceNumber=lambda index: str(index % 4 + 1),
            )
        )


def test_times_that_agree_with_inversion_times_order_what_numbers_do_not() -> None:
    volumes = read_volumes(
        repeated(
            2,
            4,
            InversionTime=lambda index: str([100, 600][index // 4] + index % 4 * 3),
            TriggerTime=lambda index: str(700 + index % 4 * 40 + index // 4 * 5),
            InstanceNumber=lambda index: str(index % 4 + 1),
        )
    )
    assert values_of(volumes) == [[0], [1]]


def test_times_of_a_cut_series_order_nothing() -> None:
    with pytest.raises(AmbiguousVolumesError):
        read_volumes(cut({"TriggerTime": ["0", "700", "1400"]}, InstanceNumber=lambda index: str(index % 4 + 1)))


def test_times_order_the_volumes_that_numbers_tell() -> None:
    volumes = read_volumes(
        repeated(3, TriggerTime=lambda index: str(index * 10), InstanceNumber=lambda index: str(9 - index))
    )
    assert values_of(volumes) == [[0], [1], [2]]


def test_the_index_of_pet_images_orders_them_where_numbers_begin_anew() -> None:
    volumes = read_volumes(
        repeated(3, modality="PT", ImageIndex=lambda index: index + 1, InstanceNumber=lambda index: str(index % 3))
    )
    assert values_of(volumes) == [[0], [1], [2]]


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"AcquisitionTime": ["101500", "101520", "101540"]},
        {"ContentTime": ["101500", "101520", "101540"]},
        {"FrameReferenceTime": ["0", "10000", "20000"]},
    ],
    ids=lambda values: next(iter(values), "numbers alone"),
)
def test_numbers_that_begin_within_a_volume_are_refused(values: dict[str, list[str]]) -> None:
    with pytest.raises(AmbiguousVolumesError, match="begins within a volume"):
        read_volumes(cut(values))


def test_times_of_cut_volumes_are_not_mixed_by_numbers_that_run_by_position() -> None:
    by_position: dict[str, Any] = {"InstanceNumber": lambda index: str(index % 4 * 3 + index // 4 + 1)}
    with pytest.raises(AmbiguousVolumesError):
        read_volumes(cut({"AcquisitionTime": ["101500", "101520", "101540"]}, **by_position))


@pytest.mark.parametrize(
    "numbers", [[1, 2, 3, 4, 5, 6, 7, 8, 9], [7, 2, 3, 1, 6, 5, 4, 8, 9]], ids=["upwards", "either way"]
)
def test_times_of_cut_volumes_of_three_slices_are_not_mixed_by_numbers(numbers: list[int]) -> None:
    told: dict[str, Any] = {"InstanceNumber": lambda index: str(numbers[index])}
    with pytest.raises(AmbiguousVolumesError):
        read_volumes(cut({"AcquisitionTime": ["101500", "101520", "101540"]}, 3, **told))


@pytest.mark.parametrize("keyword", ["TemporalPositionIdentifier", "AcquisitionNumber"])
def test_cut_volumes_that_an_attribute_tells_are_what_came(keyword: str) -> None:
    volumes = read_volumes(cut({keyword: ["1", "2", "3"]}))
    assert [(values, len(volume.array)) for values, volume in zip(values_of(volumes), volumes, strict=True)] == [
        ([0], 2),
        ([1], 4),
        ([2], 2),
    ]


@pytest.mark.parametrize(
    "keyword",
    [
        "StackID",
        "TemporalPositionIdentifier",
        "ImageType",
        "ComplexImageComponent",
        "DataType",
        "EchoTime",
        "FlipAngle",
        "DiffusionBValue",
        "DiffusionGradientOrientation",
        "ConvolutionKernel",
        "ReconstructionDiameter",
        "ReceiveCoilName",
        "KVP",
    ],
)
@pytest.mark.parametrize("second", ["AcquisitionNumber", "EchoNumbers"])
def test_numbers_never_mix_what_three_attributes_tell(keyword: str, second: str) -> None:
    kinds: dict[str, Any] = {
        keyword: lambda index: TELLING[keyword][index // 3 % 2],
        "InversionTime": lambda index: str(index // 6 % 2 + 4),
        second: lambda index: str(index // 12),
    }
    against = [23 - index if index % 3 == 1 else index for index in range(24)]
    with pytest.raises(AmbiguousVolumesError, match="mixes what differs"):
        read_volumes(repeated(8, InstanceNumber=lambda index: str(against[index] + 1), **kinds))


def test_what_differs_at_some_positions_alone_is_mixed_by_every_order() -> None:
    voltages = [80, 80, 80, 140, 140, 80]
    with pytest.raises(AmbiguousVolumesError, match="mixes what differs"):
        read_volumes(repeated(2, KVP=lambda index: str(voltages[index])))


def test_what_belongs_to_a_position_keeps_no_order_from_telling() -> None:
    kinds = [["DERIVED", "PRIMARY"], ["ORIGINAL", "PRIMARY"], ["ORIGINAL", "PRIMARY"]]
    volumes = read_volumes(repeated(2, ImageType=lambda index: kinds[index % 3]))
    assert values_of(volumes) == [[0], [1]]


@pytest.mark.parametrize(
    ("keyword", "value_of"),
    [
        ("AcquisitionTime", lambda volume, half: f"1015{volume * 20 + half * 10:02}"),
        ("TriggerTime", lambda volume, half: str(volume * 1000 + half * 40)),
        ("FrameReferenceTime", lambda volume, half: str(volume * 6000 + half * 3000)),
        ("InversionTime", lambda volume, half: str(volume * 500 + half * 7 + 100)),
        ("AcquisitionNumber", lambda volume, half: str(volume * 2 + half + 1)),
        ("ContentTime", lambda volume, half: f"1015{volume * 20 + half * 10:02}"),
        ("AcquisitionDate", lambda volume, half: f"200501{volume * 2 + half + 10}"),
        ("ContentDate", lambda volume, half: f"200501{volume * 2 + half + 10}"),
        ("AcquisitionDateTime", lambda volume, half: f"200501061015{volume * 20 + half * 10:02}"),
        ("NominalCardiacTriggerDelayTime", lambda volume, half: volume * 1000.0 + half * 40),
        ("TemporalPositionTimeOffset", lambda volume, half: volume * 6.0 + half * 3),
    ],
)
@pytest.mark.parametrize("half_of", [lambda place: place % 2, lambda place: place // 2], ids=["packages", "slabs"])
def test_parts_with_times_of_their_own_are_joined_to_regular_volumes(keyword: str, value_of: Any, half_of: Any) -> None:
    values: dict[str, Any] = {keyword: lambda index: value_of(index // 4, half_of(index % 4))}
    volumes = read_volumes(repeated(2, 4, **values))
    assert values_of(volumes) == [[0], [1]]


@pytest.mark.parametrize(
    "numbers", [[1, 2, 7, 8, 5, 6, 3, 4], [1, 2, 3, 4, 1, 2, 3, 4]], ids=["upper halves reversed", "begun anew"]
)
@pytest.mark.parametrize(
    ("keyword", "values"),
    [("InversionTime", ["100", "107", "600", "607"]), ("AcquisitionNumber", ["1", "2", "3", "4"])],
)
def test_parts_that_numbers_order_otherwise_are_not_joined(keyword: str, values: list[str], numbers: list[int]) -> None:
    overrides: dict[str, Any] = {keyword: lambda index: values[index // 4 * 2 + index % 4 // 2]}
    volumes = read_volumes(repeated(2, 4, InstanceNumber=lambda index: str(numbers[index]), **overrides))
    assert values_of(volumes) == [[0], [0], [1], [1]]


def test_parts_whose_own_order_would_mix_flip_angles_are_not_joined() -> None:
    acquisitions = [["1", "6"], ["2", "5"], ["3", "4"]]
    volumes = read_volumes(
        repeated(
            3,
            4,
            FlipAngle=of_volume(["5", "5", "20"], 4),
            AcquisitionNumber=lambda index: acquisitions[index // 4][index % 4 // 2],
        )
    )
    assert values_of(volumes) == [[0], [1], [2], [2], [1], [0]]


@pytest.mark.parametrize("keyword", ["KVP", "ReceiveCoilName", "ReconstructionDiameter", "EchoNumbers"])
def test_parts_that_were_made_otherwise_are_not_joined(keyword: str) -> None:
    made: dict[str, Any] = {keyword: lambda index: str(80 + index // 4 * 40 + index % 4 // 2 * 10)}
    assert [len(volume.array) for volume in read_volumes(repeated(2, 4, **made))] == [2, 2, 2, 2]


def test_parts_of_which_one_came_more_often_are_not_joined() -> None:
    times = repeated(2, 4, AcquisitionTime=lambda index: f"1015{index // 4 * 20 + index % 4 // 2 * 10:02}")
    assert [len(volume.array) for volume in read_volumes(times[:6])] == [2, 2, 2]


@pytest.mark.parametrize("phase_by_phase", [False, True])
def test_slabs_of_which_the_upper_came_first_are_no_cut(phase_by_phase: bool) -> None:
    def number(index: int) -> str:
        volume, slab = index // 8, 1 - index % 8 // 4
        order = volume * 2 + slab if phase_by_phase else slab * 2 + volume
        return str(order * 4 + index % 4 + 1)

    acquisition: dict[str, Any] = {"AcquisitionNumber": lambda index: (int(number(index)) - 1) // 4 + 1}
    told = acquisition if phase_by_phase else {}
    assert values_of(read_volumes(repeated(2, 8, InstanceNumber=number, **told))) == [[0], [1]]


@pytest.mark.parametrize(
    "order",
    [[2, 3, 1, 5, 6, 4], [3, 1, 4, 2, 7, 5, 8, 6], [4, 3, 2, 1, 8, 7, 6, 5], [3, 4, 1, 2, 5, 6, 7, 8]],
    ids=["three interleaved", "four interleaved", "downwards", "one volume from its middle on"],
)
def test_numbers_may_run_through_a_volume_otherwise_than_upwards(order: list[int]) -> None:
    volumes = read_volumes(repeated(2, len(order) // 2, InstanceNumber=lambda index: str(order[index])))
    assert values_of(volumes) == [[0], [1]]


def test_numbers_that_begin_within_a_volume_downwards_are_refused() -> None:
    whole = repeated(3, 4, ImagePositionPatient=lambda index: ["0", "0", str(6 - index % 4 * 2)])
    with pytest.raises(AmbiguousVolumesError, match="begins within a volume"):
        read_volumes(whole[1:-3])


BY_POSITION = 10
"""How many slices the next series have, which are numbered position by position."""


@pytest.mark.parametrize(
    ("phases", "keyword", "time"),
    [
        (20, "TriggerTime", lambda phase, place: str(phase * 40 + (place == 3 and phase in {5, 9}))),
        (2, "AcquisitionTime", lambda phase, place: f"1015{phase * 10 + (place >= 5 + phase):02}"),
        (3, "TriggerTime", lambda phase, place: None if (phase, place) == (0, 4) else str(phase * 40)),
        (3, "TriggerTime", lambda phase, place: None if (phase, place) == (1, 4) else str(phase * 40)),
    ],
    ids=[
        "two trigger times a little off",
        "a clock that ticks once in each phase",
        "one without time in the first phase",
        "one without time in the second phase",
    ],
)
def test_times_that_could_not_be_those_of_cut_volumes_are_no_matter(phases: int, keyword: str, time: Any) -> None:
    overrides: dict[str, Any] = {
        keyword: lambda index: time(*divmod(index, BY_POSITION)),
        "InstanceNumber": lambda index: str(index % BY_POSITION * phases + index // BY_POSITION + 1),
    }
    volumes = read_volumes(repeated(phases, BY_POSITION, **overrides))
    assert values_of(volumes) == [[phase] for phase in range(phases)]


def test_inversion_times_that_numbers_would_mix_are_refused() -> None:
    times = {0: [100, 500, 900], 1: [107, 507, 907]}

    def number(index: int) -> str:
        volume, place = divmod(index, 6)
        return str((2 - volume if place % 2 else volume) * 6 + place + 1)

    with pytest.raises(AmbiguousVolumesError):
        read_volumes(
            repeated(
                3, 6, InversionTime=lambda index: str(times[index % 2][index // 6] + index % 6), InstanceNumber=number
            )
        )


def test_repetition_times_that_cross_mix_nothing() -> None:
    crossing = [[800, 820], [820, 800], [800, 820], [820, 800], [800, 820]]
    volumes = read_volumes(repeated(2, 5, RepetitionTime=lambda index: str(crossing[index % 5][index // 5])))
    assert values_of(volumes) == [[0], [1]]


@pytest.mark.parametrize(
    ("keyword", "value_of"),
    [
        ("RepetitionTime", lambda volume: str(300 + 100 * volume)),
        ("SliceThickness", lambda volume: str(volume + 1)),
        ("SequenceName", lambda volume: f"*ep_b{volume}"),
        ("ActualFrameDuration", lambda volume: str(1000 * volume + 500)),
    ],
)
def test_what_may_differ_within_a_volume_tells_volumes_whose_order_does_not(keyword: str, value_of: Any) -> None:
    overrides: dict[str, Any] = {keyword: lambda index: value_of(index // 3)}
    volumes = read_volumes(repeated(3, InstanceNumber=lambda index: str(index % 3), **overrides))
    assert values_of(volumes) == [[0], [1], [2]]
    assert all(volume.key.keys() == {keyword} for volume in volumes)


@pytest.mark.parametrize("keyword", ["RepetitionTime", "SliceThickness", "SequenceName", "ActualFrameDuration"])
def test_what_may_differ_within_a_volume_tells_none_where_it_has_many_values(keyword: str) -> None:
    values = [1, 1, 2, 3, 4, 4, 5, 6]
    overrides: dict[str, Any] = {keyword: lambda index: str(values[index])}
    with pytest.raises(AmbiguousVolumesError):
        read_volumes(repeated(2, 4, InstanceNumber=lambda index: str(index % 4), **overrides))


def test_inversion_times_that_differ_by_slice_make_no_volumes_of_their_own() -> None:
    times = [100, 100, 100, 1050, 1067, 1084, 2010, 2027, 2044]
    volumes = read_volumes(repeated(3, InversionTime=lambda index: str(times[index])))
    assert values_of(volumes) == [[0], [1], [2]]

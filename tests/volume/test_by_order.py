"""Volumes that only the order within each position tells apart, and orders that tell nothing."""

from __future__ import annotations

from typing import Any

import pytest

from itkdicomqr.errors import AmbiguousVolumesError
from itkdicomqr.volume import read_volumes
from tests.volume.repeating import of_volume, repeated, values_of

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


def test_cut_volumes_that_an_attribute_tells_are_what_came() -> None:
    volumes = read_volumes(cut({"TemporalPositionIdentifier": ["1", "2", "3"]}))
    assert [(values, len(volume.array)) for values, volume in zip(values_of(volumes), volumes, strict=True)] == [
        ([0], 2),
        ([1], 4),
        ([2], 2),
    ]


@pytest.mark.parametrize("keyword", ["FlipAngle", "TemporalPositionIdentifier", "ConvolutionKernel"])
def test_numbers_never_mix_what_three_attributes_tell(keyword: str) -> None:
    kinds: dict[str, Any] = {
        keyword: lambda index: str(index // 3 % 2 + 1),
        "EchoTime": lambda index: str(index // 6 % 2 + 4),
        "ReceiveCoilName": lambda index: f"C{index // 12}",
    }
    against = [23 - index if index % 3 == 1 else index for index in range(24)]
    with pytest.raises(AmbiguousVolumesError, match="mixes what differs"):
        read_volumes(repeated(8, InstanceNumber=lambda index: str(against[index] + 1), **kinds))


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
    ],
)
@pytest.mark.parametrize("half_of", [lambda place: place % 2, lambda place: place // 2], ids=["packages", "slabs"])
def test_parts_with_times_of_their_own_are_joined_to_regular_volumes(keyword: str, value_of: Any, half_of: Any) -> None:
    values: dict[str, Any] = {keyword: lambda index: value_of(index // 4, half_of(index % 4))}
    volumes = read_volumes(repeated(2, 4, **values))
    assert values_of(volumes) == [[0], [1]]


def test_inversion_times_that_differ_by_slice_make_no_volumes_of_their_own() -> None:
    times = [100, 100, 100, 1050, 1067, 1084, 2010, 2027, 2044]
    volumes = read_volumes(repeated(3, InversionTime=lambda index: str(times[index])))
    assert values_of(volumes) == [[0], [1], [2]]

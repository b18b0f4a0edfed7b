"""Each attribute alone tells volumes apart, whatever the order of their slices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from itkdicomqr.errors import MissingSlicesError, NonUniformSpacingError
from itkdicomqr.volume import read_volumes
from tests.volume.repeating import TELLING, of_volume, repeated, values_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from pydicom.dataset import Dataset


@pytest.mark.parametrize("keyword", TELLING)
def test_one_attribute_tells_volumes_whose_numbers_begin_anew(keyword: str) -> None:
    values: dict[str, Any] = {keyword: of_volume(TELLING[keyword])}
    volumes = read_volumes(repeated(2, InstanceNumber=lambda index: str(index % 3 + 1), **values))
    assert sorted(map(str, values_of(volumes))) == ["[0]", "[1]"]
    assert all(volume.key.keys() == {keyword} for volume in volumes)


CROSSING = [0, 1, 0, 1, 0, 1]
"""Of two volumes of three slices, what tells them otherwise than what each volume has one value of."""


@pytest.mark.parametrize(
    ("first", "second"), [("TemporalPositionIdentifier", "EchoNumbers"), ("EchoNumbers", "ReceiveCoilName")]
)
def test_of_attributes_that_tell_equally_few_volumes_the_first_decides(first: str, second: str) -> None:
    values: dict[str, Any] = {
        first: of_volume(TELLING[first]),
        second: lambda index: TELLING[second][CROSSING[index]],
    }
    volumes = read_volumes(repeated(2, **values))
    assert values_of(volumes) == [[0], [1]]
    assert all(volume.key.keys() == {first} for volume in volumes)


def test_the_attribute_that_tells_the_fewest_volumes_decides() -> None:
    parts: dict[str, Any] = {"EchoNumbers": lambda index: str(index // 2), "ReceiveCoilName": of_volume(["B", "A"], 4)}
    volumes = read_volumes(repeated(2, 4, **parts))
    assert [volume.key for volume in volumes] == [{"ReceiveCoilName": "A"}, {"ReceiveCoilName": "B"}]


def test_echoes_of_one_slice_are_told_apart() -> None:
    volumes = read_volumes(repeated(3, 1, EchoTime=of_volume(["4", "8", "12"], 1)))
    assert [volume.key for volume in volumes] == [{"EchoTime": 4}, {"EchoTime": 8}, {"EchoTime": 12}]


def test_numbers_come_before_names() -> None:
    volumes = read_volumes(repeated(3, StackID=of_volume(["A", "10", "2"])))
    assert [volume.key["StackID"] for volume in volumes] == [2, 10, "A"]


def test_what_differs_within_a_volume_is_not_told_of_it() -> None:
    times = [0, 0, 0, 1, 2, 3]
    volumes = read_volumes(
        repeated(2, EchoTime=of_volume(["4", "8"]), ContentTime=lambda index: f"10150{times[index]}")
    )
    assert [volume.key for volume in volumes] == [{"EchoTime": 4}, {"EchoTime": 8}]


def echoes(rows: int) -> list[Dataset]:
    """Two echoes of slices of so many rows, in a series that has others."""
    pixels = np.zeros((rows, 7), np.int16)
    common: dict[str, Any] = {"SeriesInstanceUID": "1.2", "number": rows, "pixels": lambda _: pixels}
    return repeated(2, EchoTime=of_volume(["4", "8"]), **common)


def test_volumes_of_several_stacks_are_told_by_both() -> None:
    keys = [volume.key for volume in read_volumes([*echoes(5), *echoes(6)])]
    assert keys == [{"Rows": rows, "EchoTime": time} for rows in (5, 6) for time in (4, 8)]


def test_inversion_times_that_would_mix_flip_angles_tell_nothing() -> None:
    volumes = read_volumes(
        repeated(2, FlipAngle=of_volume(["5", "20"]), InversionTime=lambda index: ["100", "900"][CROSSING[index]])
    )
    assert [volume.key for volume in volumes] == [{"FlipAngle": 5}, {"FlipAngle": 20}]


def test_a_series_that_ended_early_is_told_apart_by_its_times() -> None:
    volumes = read_volumes(repeated(2, AcquisitionTime=of_volume(["101500", "101520"]))[:-1])
    assert [(volume.key["AcquisitionTime"], len(volume.array)) for volume in volumes] == [(101500, 3), (101520, 2)]


def slabs(keyword: str, value_of: Callable[[int], str], repeats: int, count: int = 2) -> list[Dataset]:
    """Slabs of three slices, far apart, that come several times, each with a value of its own."""
    heights = [100 * (place // 3) + place % 3 * 2 for place in range(3 * count)]
    told: dict[str, Any] = {keyword: lambda index: value_of(index // 3)}
    places: dict[str, Any] = {"ImagePositionPatient": lambda index: ["0", "0", str(heights[index % len(heights)])]}
    return repeated(repeats, len(heights), **told, **places)


def test_times_may_be_half_as_many_again_as_repeats_and_one_more() -> None:
    slices = slabs("AcquisitionTime", lambda slab: f"1015{slab:02}", 2)
    assert [len(volume.array) for volume in read_volumes(slices)] == [3, 3, 3, 3]


@pytest.mark.parametrize(("repeats", "count"), [(2, 3), (4, 2)])
def test_more_times_tell_no_volumes(repeats: int, count: int) -> None:
    with pytest.raises((MissingSlicesError, NonUniformSpacingError)):
        read_volumes(slabs("AcquisitionTime", lambda slab: f"1015{slab:02}", repeats, count))


def test_what_is_no_time_may_tell_any_number_of_volumes() -> None:
    assert [len(volume.array) for volume in read_volumes(slabs("StackID", str, 2, 3))] == [3, 3, 3, 3, 3, 3]

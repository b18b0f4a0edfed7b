"""Several volumes at the same positions are told apart, or refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from itkdicomqr.errors import AmbiguousVolumesError, InputError, MultipleVolumesError
from itkdicomqr.volume import one_volume, read_volumes
from tests.synthetic import noise, series


def repeated(volumes: int, slices: int = 3, **overrides: Any) -> list[Any]:
    """One series that takes all positions several times over, one volume after the other."""
    return series(
        "MR",
        volumes * slices,
        ImagePositionPatient=lambda index: ["0", "0", str(index % slices * 2)],
        pixels=lambda index: np.full((6, 7), index // slices, np.int16),
        **overrides,
    )


def values_of(volumes: list[Any]) -> list[list[int]]:
    return [np.unique(volume.array).tolist() for volume in volumes]


@pytest.mark.parametrize(
    ("keyword", "of_volume", "expected"),
    [
        ("EchoTime", lambda volume: ["20", "4.6", "9.2"][volume], [4.6, 9.2, 20]),
        ("TemporalPositionIdentifier", lambda volume: str(10 - volume), [8, 9, 10]),
        ("StackID", str, [0, 1, 2]),
        ("ImageType", lambda volume: ["ORIGINAL", "PRIMARY", "MPR"[volume]], None),
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
    assert all(set(volume.key) == {"ImageType", "EchoTime"} for volume in volumes)


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
    with pytest.raises(AmbiguousVolumesError, match=r"share a position \(2 at 0, 0, 0.*positions hold 1 or 2 slices"):
        read_volumes(repeated(2)[:4])


def test_equal_instance_numbers_tell_nothing() -> None:
    with pytest.raises(AmbiguousVolumesError, match="pass the instances of one volume only"):
        read_volumes(repeated(2, InstanceNumber=lambda index: str(index % 3)))


def test_one_volume_is_returned_as_it_is() -> None:
    volumes = read_volumes(series("CT", 3))
    assert one_volume(volumes) is volumes[0]


def test_several_volumes_are_refused_with_their_table() -> None:
    volumes = read_volumes(repeated(2, EchoTime=lambda index: ["4.6", "9.2"][index // 3]))
    with pytest.raises(MultipleVolumesError) as error:
        one_volume(volumes)
    assert "volume=0: 7×6×3 voxels, 0.5×0.75×2 mm, EchoTime 4.6" in str(error.value)
    assert "volume=1: 7×6×3 voxels, 0.5×0.75×2 mm, EchoTime 9.2" in str(error.value)
    assert error.value.volumes == ({"EchoTime": 4.6}, {"EchoTime": 9.2})


@pytest.mark.parametrize("pick", [1, {"EchoTime": 9.2}, {"EchoTime": "9.20"}])
def test_a_volume_is_picked_by_index_or_attribute(pick: Any) -> None:
    volumes = read_volumes(repeated(2, EchoTime=lambda index: ["4.6", "9.2"][index // 3]))
    assert one_volume(volumes, pick) is volumes[1]


def test_a_volume_is_picked_by_one_of_several_values() -> None:
    volumes = read_volumes(repeated(2, ImageType=lambda index: ["ORIGINAL", "PRIMARY", "MP"[index // 3]]))
    assert one_volume(volumes, {"ImageType": "P"}).key["ImageType"] == ("ORIGINAL", "PRIMARY", "P")
    with pytest.raises(MultipleVolumesError):
        one_volume(volumes, {"ImageType": "PRIMARY"})


@pytest.mark.parametrize("pick", [2, -1, {"EchoTime": 5}, {"Rows": 6}])
def test_a_pick_of_nothing_is_refused(pick: Any) -> None:
    volumes = read_volumes(repeated(2, EchoTime=lambda index: ["4.6", "9.2"][index // 3]))
    with pytest.raises(InputError, match="volume="):
        one_volume(volumes, pick)


def test_noise_reaches_the_limits_of_its_type() -> None:
    assert {noise((6, 7), "int16").min(), noise((6, 7), "int16").max()} == {-(1 << 15), (1 << 15) - 1}

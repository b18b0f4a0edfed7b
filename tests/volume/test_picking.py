"""One volume is picked by its index or by its values, and never guessed."""

from __future__ import annotations

from typing import Any

import pytest

from itkdicomqr.errors import InputError, MultipleVolumesError
from itkdicomqr.volume import Volume, one_volume, read_volumes
from itkdicomqr.volume.picking import check_pick
from tests.synthetic import series
from tests.volume.repeating import of_volume, repeated


def echoes() -> list[Volume]:
    return read_volumes(repeated(2, EchoTime=of_volume(["4.604", "9.208"])))


def diffusion() -> list[Volume]:
    return read_volumes(
        repeated(
            3,
            DiffusionBValue=of_volume([0.0, 1000.0, 1000.0]),
            DiffusionGradientOrientation=of_volume([[0.0, 0.0, 0.0], [0.0, 0.6, 0.8], [1.0, 0.0, 0.0]]),
        )
    )


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


@pytest.mark.parametrize(
    "pick", [{"EchoTime": 9.208}, {"EchoTime": 9.21}, {"EchoTime": "9.2080"}, {"EchoTime": [9.208]}]
)
def test_a_number_need_not_have_all_its_digits(pick: Any) -> None:
    volumes = echoes()
    assert one_volume(volumes, pick) is volumes[1]


def test_the_number_that_is_equal_goes_before_one_that_is_near() -> None:
    volumes = read_volumes(repeated(2, TriggerTime=of_volume(["100", "100.005"])))
    assert one_volume(volumes, {"TriggerTime": 100}) is volumes[0]
    with pytest.raises(MultipleVolumesError, match="2 volumes"):
        one_volume(volumes, {"TriggerTime": 100.001})


@pytest.mark.parametrize(
    "pick",
    [
        {"DiffusionGradientOrientation": (0.0, 0.6, 0.8)},
        {"DiffusionGradientOrientation": "0\\0.6\\0.8"},
        {"DiffusionBValue": 1000, "DiffusionGradientOrientation": [0, 0.6, 0.8]},
    ],
)
def test_several_values_are_picked_together(pick: Any) -> None:
    volumes = diffusion()
    assert one_volume(volumes, pick) is volumes[1]


def test_values_that_several_volumes_have_are_refused_with_the_table_of_these() -> None:
    with pytest.raises(MultipleVolumesError) as error:
        one_volume(diffusion(), {"DiffusionBValue": 1000})
    lines = str(error.value).splitlines()
    assert lines[0].startswith("2 volumes; pick one with volume= (an index, or values such as {'DiffusionBValue': 1000")
    assert [line.split(":")[0].strip() for line in lines[1:]] == ["volume=1", "volume=2"]
    assert lines[1].endswith("DiffusionBValue 1000, DiffusionGradientOrientation 0\\0.6\\0.8")


@pytest.mark.parametrize("pick", [True, 1.0, "1", [1]])
def test_what_is_neither_index_nor_mapping_is_refused(pick: Any) -> None:
    with pytest.raises(InputError, match="neither an index nor a mapping"):
        one_volume(echoes(), pick)


@pytest.mark.parametrize(
    ("pick", "reason"),
    [
        (-1, "counted from 0"),
        ({"EchTime": 4.6}, "'EchTime' is no keyword"),
        ({1: 4.6}, "1 is no keyword"),
    ],
)
def test_what_picks_no_volume_of_any_series_is_refused(pick: Any, reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        check_pick(pick)


@pytest.mark.parametrize("pick", [None, 0, {}, {"EchoTime": 4.6}, {"part": 1}, {"repetition": 0}])
def test_what_may_pick_a_volume_is_not_refused(pick: Any) -> None:
    check_pick(pick)


def test_an_attribute_that_does_not_differ_is_named_beside_those_that_do() -> None:
    with pytest.raises(InputError, match="do not differ in FlipAngle, but in EchoTime:") as error:
        one_volume(echoes(), {"FlipAngle": 30})
    assert "volume=1: 7×6×3 voxels" in str(error.value)


def test_an_index_out_of_range_is_refused_with_the_table() -> None:
    with pytest.raises(InputError, match=r"there are 2, counted from 0:\n  volume=0: .*EchoTime 4.604"):
        one_volume(echoes(), 2)


def test_a_long_table_is_cut() -> None:
    volumes = read_volumes(repeated(53, slices=1, EchoTime=lambda index: str(index + 1)))
    with pytest.raises(MultipleVolumesError, match=r"53 volumes(?s:.*)volume=49: .*\n  and 3 more$"):
        one_volume(volumes)


def test_a_mapping_picks_what_is_stacked() -> None:
    stack = one_volume(diffusion(), {"DiffusionBValue": 1000}, stack=True)
    assert stack.array.shape == (2, 3, 6, 7)
    assert stack.array[:, 0, 0, 0].tolist() == [1, 2]


def test_an_index_picks_among_the_grids_that_were_stacked() -> None:
    scout = series("MR", 1, rows=9, columns=9, SeriesInstanceUID="1.2.826.0.1.3680043.10.1234.2.1", InstanceNumber="99")
    scout[0].SOPInstanceUID = "1.2.3"
    volumes = read_volumes([*repeated(2, EchoTime=of_volume(["4", "8"])), *scout])
    assert one_volume(volumes, 0, stack=True).array.shape == (2, 3, 6, 7)
    assert one_volume(volumes, 1, stack=True).array.shape == (1, 1, 9, 9)
    with pytest.raises(MultipleVolumesError, match="2 volumes of different grids") as error:
        one_volume(volumes, stack=True)
    assert "volume=0: 7×6×3×2 voxels" in str(error.value)
    assert "EchoTime 4\\8" in str(error.value)

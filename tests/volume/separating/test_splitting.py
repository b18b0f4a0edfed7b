"""A stack with gaps or bends becomes several regular volumes on demand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from itkdicomqr.volume import one_volume, read_volumes
from itkdicomqr.volume.grid.regularity import TOLERATED_DEVIATION
from tests.synthetic import series


def at(*places: tuple[float, float, float]) -> list[Any]:
    return series("CT", len(places), ImagePositionPatient=lambda index: list(map(str, places[index])))


def counts_of(slices: list[Any]) -> list[int]:
    return [len(volume.array) for volume in read_volumes(slices, gaps="split")]


@pytest.mark.parametrize(
    ("heights", "counts"),
    [
        ((0, 2.5, 5, 10, 12.5), [3, 2]),
        ((0, 1, 2, 3, 8, 13, 18), [4, 3]),
        ((0, 5, 10, 11, 12), [2, 3]),
        ((0, 10, 11, 12), [1, 3]),
        ((0, 1, 2, 30), [3, 1]),
        ((0, 1, 2, 3), [4]),
    ],
)
def test_a_stack_is_cut_at_its_gaps(heights: tuple[float, ...], counts: list[int]) -> None:
    assert counts_of(at(*((0, 0, height) for height in heights))) == counts


def test_a_regular_stack_is_no_part() -> None:
    (volume,) = read_volumes(series("CT", 4), gaps="split")
    assert volume.key == {}


@pytest.mark.filterwarnings("ignore::itkdicomqr.DICOMQRWarning")
def test_slices_without_positions_have_no_gaps() -> None:
    (volume,) = read_volumes(series("OT", 4), gaps="split")
    assert len(volume.array) == 4


def test_parts_of_several_stacks_are_named_by_both() -> None:
    common: dict[str, Any] = {
        "SeriesInstanceUID": "1.2",
        "ImagePositionPatient": lambda index: ["0", "0", "019"[index]],
    }
    slices = [*series("CT", 3, number=1, rows=5, **common), *series("CT", 3, number=2, rows=6, **common)]
    keys = [volume.key for volume in read_volumes(slices, gaps="split")]
    assert keys == [{"Rows": rows, "part": part} for rows in (5, 6) for part in (0, 1)]


def test_stations_beside_each_other_are_cut_apart() -> None:
    assert counts_of(at(*((5 * (height > 4), 0, height) for height in range(0, 14, 2)))) == [3, 4]


@pytest.mark.filterwarnings("ignore::itkdicomqr.DICOMQRWarning")
def test_a_bend_is_cut_before_its_corner() -> None:
    assert counts_of(at((0, 0, 0), (1, 0, 2), (2, 0, 4), (1, 0, 6), (0, 0, 8))) == [2, 3]


def test_a_part_is_picked_by_its_number_along_the_stack() -> None:
    volumes = read_volumes(at((0, 0, 0), (0, 0, 1), (0, 0, 5), (0, 0, 6)), gaps="split")
    assert [volume.key for volume in volumes] == [{"part": 0}, {"part": 1}]
    assert one_volume(volumes, {"part": 1}).origin == (0.0, 0.0, 5.0)


@pytest.mark.filterwarnings("ignore::itkdicomqr.DICOMQRWarning")
@given(steps=st.lists(st.floats(0.5, 50), min_size=1, max_size=30))
def test_every_part_is_regular_and_no_slice_is_lost(steps: list[float]) -> None:
    heights = np.cumsum([0, *steps])
    volumes = read_volumes(at(*((0, 0, round(height, 6)) for height in heights)), gaps="split", tilt="itk")
    assert sum(len(volume.array) for volume in volumes) == len(heights)
    assert all(volume.report.step_deviation <= TOLERATED_DEVIATION for volume in volumes)
    lowest = [volume.origin[2] for volume in volumes]
    assert lowest == sorted(lowest)

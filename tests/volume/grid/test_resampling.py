"""Slices are filled in and moved by linear interpolation, and what needs none stays as it is."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from itkdicomqr.volume.grid.resampling import Sampling, sampled, unsampled

OFFSETS = st.tuples(st.floats(0, 5), st.floats(0, 5))


def test_what_is_in_its_place_is_the_same_array() -> None:
    array = np.zeros((3, 4, 5))
    assert sampled(array, unsampled(3), None) is array
    assert unsampled(3).is_identity


@given(offsets=st.lists(OFFSETS, min_size=3, max_size=3), value=st.integers(-(1 << 15), (1 << 15) - 1))
def test_a_constant_stays_constant_and_no_voxel_is_lost(offsets: list[tuple[float, float]], value: int) -> None:
    padding = 0 if value else 1
    sampling = Sampling((0, 1.5, 3), 4, interpolated=True, offsets=tuple(offsets))
    moved = sampled(np.full((3, 4, 5), value, np.int16), sampling, padding)
    assert set(np.unique(moved)) <= {value, padding}
    assert ((moved == value).sum(axis=(1, 2)) == 20).all()


@pytest.mark.parametrize(
    ("offset", "expected"), [(1.0, [0, 10, 20, 30]), (0.75, [0, 12.5, 22.5, 30]), (0.25, [10, 17.5, 27.5, 0])]
)
def test_a_voxel_is_mixed_of_its_neighbours(offset: float, expected: list[float]) -> None:
    row = np.array([[[10.0, 20.0, 30.0]]])
    assert sampled(row, Sampling((0,), 1, offsets=((offset, 0.0),)), 0)[0, 0].tolist() == expected


def test_no_number_spreads_from_where_it_is_not_needed() -> None:
    slices = np.array([[[1.0]], [[np.nan]], [[3.0]]])
    filled = sampled(slices, Sampling((0, 1, 3), 4, interpolated=True), None)
    assert np.isnan(filled.ravel()).tolist() == [False, True, True, False]


def test_integers_are_rounded_once() -> None:
    square = np.array([[[0, 1], [1, 1]]], np.uint8)
    moved = sampled(square, Sampling((0,), 1, offsets=((0.4, 0.4),)), 0)
    assert moved.dtype == np.uint8
    assert moved[0].tolist() == [[0, 1, 0], [1, 1, 0], [0, 0, 0]]

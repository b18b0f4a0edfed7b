"""Numbers that differ a little mean the same."""

from __future__ import annotations

import math
import time
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from itkdicomqr.volume.separating.nearness import nearby
from tests.timing import bound


@pytest.mark.parametrize("first", [(), (0.0,)], ids=["plane", "equal first components"])
def test_thousands_of_orientations_take_no_time(first: tuple[float, ...]) -> None:
    vectors = [(*first, math.cos(angle), math.sin(angle)) for angle in np.linspace(0, 1, 5000)]
    begun = time.perf_counter()
    assert len(set(nearby(vectors, 1e-4))) > 2000
    assert time.perf_counter() - begun < bound(2.0)


@pytest.mark.parametrize("size", [1.0, 0.3])
def test_each_is_replaced_by_the_least_that_leads(size: float) -> None:
    """Of a row in which each is near to the next, none leads whom a leader is near to."""
    row = [(0.8 * size * index,) for index in range(-20, 20)]
    assert nearby(row[::-1], size)[::-1] == [row[index // 2 * 2] for index in range(40)]


def test_between_two_leaders_the_first_is_taken() -> None:
    first, second, between = (0.0, 0.0), (0.0, 1.5), (0.5, 0.75)
    assert nearby([between, second, first], 1.0) == [first, second, first]


@pytest.mark.parametrize(("other", "leader"), [((0.0, 1.0), (0.0, 0.0)), ((0.0, 1.25), (0.0, 1.25))])
def test_what_differs_by_just_the_tolerance_is_near(other: tuple[float, ...], leader: tuple[float, ...]) -> None:
    assert nearby([(0.0, 0.0), other], 1.0)[1] == leader


def test_vectors_of_other_lengths_are_not_near() -> None:
    vectors = [(), (0.0,), (0.0, 0.0)]
    assert nearby(vectors, 1.0) == vectors


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=30))
def test_what_is_near_the_first_of_its_own_is_put_with_it(places: list[tuple[int, int]]) -> None:
    vectors = [(column * 0.4, row * 0.4) for column, row in places]
    leaders = nearby(vectors, 1.0)
    assert set(leaders) <= set(vectors)
    assert all(apart(vector, leader) <= 1.0 for vector, leader in zip(vectors, leaders, strict=True))
    assert all(apart(one, other) > 1.0 for one, other in combinations(set(leaders), 2))


def apart(one: tuple[float, ...], other: tuple[float, ...]) -> float:
    return max(abs(a - b) for a, b in zip(one, other, strict=True))

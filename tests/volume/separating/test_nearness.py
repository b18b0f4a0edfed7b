"""Numbers that differ a little mean the same."""

from __future__ import annotations

import math
import time

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


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=30))
def test_what_is_near_the_first_of_its_own_is_put_with_it(places: list[tuple[int, int]]) -> None:
    vectors = [(column * 0.4, row * 0.4) for column, row in places]
    for vector, leader in zip(vectors, nearby(vectors, 1.0), strict=True):
        assert max(abs(a - b) for a, b in zip(vector, leader, strict=True)) <= 1.0
        assert leader in vectors

"""Planes in gray: averages over square pixels, a window, letters and a ruler."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from itkdicomqr.cli.drawing import MARGIN, Plane, drawn, labelled, window_of

WINDOW = (0.0, 255.0)


def plane(values: Any, steps: tuple[float, float] = (1.0, 1.0), edges: str = "") -> Plane:
    return Plane(np.asarray(values), steps, edges)


def test_a_pixel_is_the_mean_of_what_it_covers() -> None:
    values = [[0, 100, 200, 0], [100, 200, 0, 0]]
    assert drawn(plane(values), (2.0, 2.0), WINDOW).tolist() == [[100, 50]]


def test_a_value_covers_all_its_pixels() -> None:
    assert drawn(plane([[0, 200]], (2.0, 3.0)), (1.0, 1.0), WINDOW).tolist() == [[0, 0, 0, 200, 200, 200]] * 2


@given(
    size=st.tuples(st.integers(1, 30), st.integers(1, 30)),
    pixels=st.tuples(st.floats(0.2, 40), st.floats(0.2, 40)),
)
def test_any_size_keeps_an_even_plane_even(size: tuple[int, int], pixels: tuple[float, float]) -> None:
    picture = drawn(plane(np.full(size, 100.25)), pixels, WINDOW)
    assert {*picture.ravel().tolist()} == {100}
    assert picture.shape == tuple(max(1, round(each / pixel)) for each, pixel in zip(size, pixels, strict=True))


@pytest.mark.parametrize(("window", "expected"), [((0, 100), [0, 128, 255]), ((100, 0), [255, 128, 0])])
def test_a_window_may_be_turned_round(window: tuple[float, float], expected: list[int]) -> None:
    assert drawn(plane([[-10, 50, 110]]), (1.0, 1.0), window).tolist() == [expected]


def test_the_window_of_even_values_is_no_division_by_zero() -> None:
    values = np.full((4, 4), 7)
    assert drawn(plane(values), (1.0, 1.0), window_of(values)).max() == 0


def test_each_edge_has_its_letter() -> None:
    picture = labelled(plane(np.zeros((60, 80)), edges="RLAP"), 1.0, WINDOW)
    assert picture.shape == (60 + 3 * MARGIN, 80 + 2 * MARGIN)
    beside, above = picture[MARGIN : MARGIN + 60], picture[:, MARGIN : MARGIN + 80]
    for side in (beside[:, :MARGIN], beside[:, -MARGIN:], above[:MARGIN], above[MARGIN + 60 :][:MARGIN]):
        assert side.any()
    assert not picture[MARGIN : MARGIN + 60, MARGIN : MARGIN + 80].any()


@pytest.mark.parametrize(("pixel", "millimetres"), [(0.01, 1), (0.1, 10), (1.0, 100), (2.0, 100)])
def test_the_ruler_has_the_length_that_it_tells(pixel: float, millimetres: int) -> None:
    picture = labelled(plane(np.zeros((300, 450)), (pixel, pixel)), pixel, WINDOW)
    line = picture[-MARGIN // 2, MARGIN:]
    assert line.argmin() == millimetres / pixel

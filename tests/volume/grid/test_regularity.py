"""How far slices are from a regular stack."""

from __future__ import annotations

from contextlib import nullcontext
from itertools import accumulate

import numpy as np
import pytest

from itkdicomqr.errors import DICOMQRWarning
from itkdicomqr.volume import read_volumes
from itkdicomqr.volume.grid.regularity import Regularity, regularity_of
from tests.synthetic import OBLIQUE, series

NORMAL = (0.0, 0.0, 1.0)


def test_a_regular_stack_deviates_in_nothing() -> None:
    assert regularity_of([(1.0, 2.0, 3.0 * index) for index in range(4)], NORMAL) == Regularity(steps=(3.0, 3.0, 3.0))


def test_steps_are_measured_along_the_normal_and_sideways_from_the_line() -> None:
    regularity = regularity_of([(0, 0, 0), (1, 0, 2), (0, 0, 4), (4, 0, 8)], NORMAL)
    assert regularity.steps == (2.0, 2.0, 4.0)
    assert regularity.step_deviation == pytest.approx(0.5)
    assert regularity.tilt_degrees == pytest.approx(np.degrees(np.arctan(0.5)))
    assert regularity.sideways == pytest.approx(4 / np.sqrt(1.25) / 2)
    assert not regularity.is_even
    assert not regularity.is_straight


@pytest.mark.parametrize(("deviation", "is_even"), [(0.05, True), (0.0501, False)])
def test_steps_are_even_up_to_a_twentieth_of_their_mean(deviation: float, *, is_even: bool) -> None:
    assert Regularity(step_deviation=deviation).is_even == is_even


@pytest.mark.parametrize(
    ("step", "sideways", "is_straight"),
    [(1.0, 0.1, True), (1.0, 0.11, False), (20.0, 1.0, True), (20.0, 1.01, False)],
)
def test_a_slice_may_lie_a_tenth_of_a_millimetre_beside_the_line_or_a_twentieth_of_the_step(
    step: float, sideways: float, *, is_straight: bool
) -> None:
    assert Regularity(steps=(step, step), sideways=sideways).is_straight == is_straight


def test_slices_beside_the_line_are_measured_from_it_not_from_each_other() -> None:
    assert regularity_of([(0, 0, 0), (1, 0, 2), (-2, 0, 4), (0, 0, 6)], NORMAL).sideways == 2


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("steps", [(2.0,), (2.0, 2.0), (0.125, 0.25)])
def test_a_descending_stack_is_measured_the_other_way(steps: tuple[float, ...], sign: int) -> None:
    heights = accumulate(steps, initial=0.0)
    assert regularity_of([(0, 0, sign * height) for height in heights], NORMAL).steps == steps


def test_one_slice_is_regular() -> None:
    assert regularity_of([(0, 0, 0)], NORMAL).is_straight


@pytest.mark.parametrize(("degrees", "is_told"), [(0.08, False), (0.15, True)])
def test_a_tilt_of_more_than_a_tenth_of_a_degree_is_told(degrees: float, *, is_told: bool) -> None:
    slices = series("CT", 3, along=(np.tan(np.radians(degrees)), 0, 1))
    with pytest.warns(DICOMQRWarning, match="is tilted by 0.15 degrees") if is_told else nullcontext():
        read_volumes(slices)


def test_every_voxel_lies_where_its_own_header_puts_it() -> None:
    slices = series("MR", 4, orientation=OBLIQUE, PixelSpacing=["0.9", "0.4"])
    (volume,) = read_volumes(slices)
    row, column = np.array(OBLIQUE[:3]), np.array(OBLIQUE[3:])
    for index, header in enumerate(slices):
        position = np.array(header.ImagePositionPatient, float)
        place = volume.origin + volume.direction @ (np.array([6, 5, index]) * volume.spacing)
        assert place == pytest.approx(position + row * 6 * 0.4 + column * 5 * 0.9)
    assert volume.report.max_corner_error_mm < 1e-6

"""How far slices are from a regular stack."""

from __future__ import annotations

import numpy as np
import pytest

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


def test_a_descending_stack_is_measured_the_other_way() -> None:
    assert regularity_of([(0, 0, 0), (0, 0, -2), (0, 0, -4)], NORMAL).steps == (2, 2)


def test_one_slice_is_regular() -> None:
    assert regularity_of([(0, 0, 0)], NORMAL).is_straight


def test_every_voxel_lies_where_its_own_header_puts_it() -> None:
    slices = series("MR", 4, orientation=OBLIQUE, PixelSpacing=["0.9", "0.4"])
    (volume,) = read_volumes(slices)
    row, column = np.array(OBLIQUE[:3]), np.array(OBLIQUE[3:])
    for index, header in enumerate(slices):
        position = np.array(header.ImagePositionPatient, float)
        place = volume.origin + volume.direction @ (np.array([6, 5, index]) * volume.spacing)
        assert place == pytest.approx(position + row * 6 * 0.4 + column * 5 * 0.9)
    assert volume.report.max_corner_error_mm < 1e-6

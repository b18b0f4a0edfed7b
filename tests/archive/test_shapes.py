"""Shapes on grids."""

from __future__ import annotations

import numpy as np
import pytest

from itkdicomqr.archive.shapes import Grid, Solid, Tube, paint

AXES = ((0.0, 0.0, 1.0), (0.0, 1.0, 0.0), (1.0, 0.0, 0.0))
OBLIQUE = ((0.0, -0.6, 0.8), (0.0, 0.8, 0.6), (1.0, 0.0, 0.0))


@pytest.mark.parametrize("directions", [AXES, OBLIQUE])
@pytest.mark.parametrize(
    ("shape", "volume"),
    [
        (Solid("a", (1, 2, 3), (10, 12, 14)), 4 / 3 * np.pi * 10 * 12 * 14),
        (Solid("a", (1, 2, 3), (10, 12, 14), (20, 30, 40)), 4 / 3 * np.pi * 10 * 12 * 14),
        (Solid("a", (0, 0, 0), (10, 12, 14), drum=True), np.pi * 10 * 12 * 28),
        (Tube("a", (-9, 0, 0), (9, 0, 0), (6, 6)), np.pi * 36 * 18 + 4 / 3 * np.pi * 216),
    ],
)
def test_a_shape_has_its_volume_whatever_the_grid(directions, shape, volume):
    grid = Grid.centred((0, 0, 0), directions, (1, 1, 1), (48, 48, 48))
    assert paint([shape], {"a": 1}, grid, 0).sum() == pytest.approx(volume, rel=0.02)


def test_the_later_shape_covers_the_earlier():
    grid = Grid.centred((0, 0, 0), AXES, (1, 1, 1), (21, 21, 21))
    painted = paint([Solid("a", (0, 0, 0), (9, 9, 9)), Solid("b", (0, 0, 0), (4, 4, 4))], {"a": 1, "b": 2}, grid, 0)
    assert (painted[10, 10, 10], painted[10, 10, 17], painted[10, 10, 20]) == (2, 1, 0)


def test_a_shape_outside_the_grid_leaves_it_alone():
    grid = Grid.centred((0, 0, 0), AXES, (1, 1, 1), (5, 5, 5))
    assert not paint([Solid("a", (100, 0, 0), (9, 9, 9))], {"a": 1}, grid, 0).any()


def test_voxels_lie_where_the_grid_says():
    grid = Grid.centred((10, 20, 30), OBLIQUE, (2, 1.5, 1), (3, 5, 7))
    assert grid.spacing() == pytest.approx((2, 1.5, 1))
    assert grid.direction(1) == pytest.approx((0, 0.8, 0.6))
    middle = np.array(grid.position(1)) + 2 * np.array(grid.steps[1]) + 3 * np.array(grid.steps[2])
    assert middle == pytest.approx((10, 20, 30))

"""Uneven, missing, tilted and misaligned slices: refused, or kept in their place and told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from itkdicomqr.errors import (
    MisalignedSlicesError,
    MissingSlicesError,
    NonUniformSpacingError,
    UnsupportedImageError,
)
from itkdicomqr.volume import Volume, read_volumes
from tests.synthetic import OBLIQUE, series, simpleitk

if TYPE_CHECKING:
    from pathlib import Path

TILT = (0.0, float(np.sin(np.radians(14))), float(np.cos(np.radians(14))))


def at(*heights: float) -> list[Any]:
    return series("CT", len(heights), ImagePositionPatient=lambda index: ["0", "0", str(heights[index])])


def place_of(volume: Volume, column: int, row: int, slice_: int) -> np.ndarray:
    return volume.origin + volume.direction @ (np.array([column, row, slice_]) * volume.spacing)


def test_a_series_with_a_missing_slice_is_refused_with_its_place() -> None:
    with pytest.raises(MissingSlicesError, match=r"slices are missing: .* 1 after \(0, 0, 5\); .*gaps='average'"):
        read_volumes(at(0, 2.5, 5, 10, 12.5))


def test_a_series_of_uneven_steps_is_refused() -> None:
    with pytest.raises(NonUniformSpacingError, match=r"from 2.0000 to 3.1000 mm, up to .*gaps='average'"):
        read_volumes(at(0, 2, 5.1, 7.1))


@pytest.mark.parametrize("heights", [(0, 2.5, 5, 10, 12.5), (0, 2, 5.1, 7.1)])
def test_gaps_are_averaged_as_itk_does_on_demand(tmp_path: Path, heights: tuple[float, ...]) -> None:
    slices = at(*heights)
    (volume,) = read_volumes(slices, gaps="average")
    image = simpleitk(slices, tmp_path)
    assert volume.spacing == image.GetSpacing()
    assert volume.report.max_corner_error_mm > 0.3
    assert "averaged" in volume.report.warnings[0]


def test_a_small_unevenness_is_told() -> None:
    (volume,) = read_volumes(at(0, 1, 2.02, 3))
    assert volume.report.step_deviation == pytest.approx(0.02)
    assert "from 0.9800 to 1.0200 mm" in volume.report.warnings[0]
    assert volume.report.max_corner_error_mm == pytest.approx(0.02)


def test_the_noise_of_printed_positions_is_silent() -> None:
    (volume,) = read_volumes(at(0, 1.0001, 1.9999, 3))
    assert volume.report.warnings == ()


def test_a_tilted_gantry_keeps_every_voxel_in_its_place() -> None:
    slices = series("CT", 5, along=TILT, step=4.0)
    (volume,) = read_volumes(slices)
    assert volume.report.tilt_degrees == pytest.approx(14)
    assert volume.report.max_corner_error_mm < 1e-6
    assert "sheared, which NIfTI cannot store" in volume.report.warnings[0]
    for index in range(5):
        position = np.array(slices[index].ImagePositionPatient, float)
        assert place_of(volume, 0, 0, index) == pytest.approx(position)


def test_a_tilted_gantry_is_orthogonal_as_in_itk_on_demand(tmp_path: Path) -> None:
    slices = series("CT", 5, along=TILT, step=4.0)
    (volume,) = read_volumes(slices, tilt="itk")
    image = simpleitk(slices, tmp_path)
    assert tuple(volume.direction.ravel().tolist()) == image.GetDirection()
    assert volume.report.max_corner_error_mm > 3


def test_a_tilted_gantry_is_refused_on_demand() -> None:
    with pytest.raises(UnsupportedImageError, match=r"tilted by 14.00 degrees .*tilt='shear'"):
        read_volumes(series("CT", 5, along=TILT), tilt="error")


def test_a_slice_beside_the_line_of_the_others_is_refused() -> None:
    def position(index: int) -> list[str]:
        return ["0.6" if index == 2 else "0", "0", str(index * 2)]

    with pytest.raises(MisalignedSlicesError, match=r"0.600 mm beside the line of the others \(allowed: 0.100 mm\)"):
        read_volumes(series("CT", 5, ImagePositionPatient=position))


def test_every_voxel_lies_where_its_own_header_puts_it() -> None:
    slices = series("MR", 4, orientation=OBLIQUE, PixelSpacing=["0.9", "0.4"])
    (volume,) = read_volumes(slices)
    row, column = np.array(OBLIQUE[:3]), np.array(OBLIQUE[3:])
    for index, header in enumerate(slices):
        position = np.array(header.ImagePositionPatient, float)
        assert place_of(volume, 6, 5, index) == pytest.approx(position + row * 6 * 0.4 + column * 5 * 0.9)
    assert volume.report.max_corner_error_mm < 1e-6

"""Tilted and misaligned slices: kept in their place by a sheared direction, or resampled, refused or as in ITK."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813
from hypothesis import given, settings
from hypothesis import strategies as st

from itkdicomqr.errors import DICOMQRWarning, MisalignedSlicesError, UnsupportedImageError
from itkdicomqr.volume import Volume, read_volumes
from tests.synthetic import AXIAL, OBLIQUE, series, simpleitk

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

TILT = (0.0, float(np.sin(np.radians(14))), float(np.cos(np.radians(14))))


WIDTH = 18.0
"""Of the phantom's blobs, mm."""

INTERPOLATION_ERROR = 2 * 9000 / WIDTH**2 / 8 + 0.5
"""Of linear interpolation over 1 mm along two axes, from the phantom's curvature, and of rounding."""


def read(slices: Sequence[Any], **options: Any) -> Volume:
    with pytest.warns(DICOMQRWarning) as caught:
        (volume,) = read_volumes(slices, **options)
    assert [str(warning.message) for warning in caught] == list(volume.report.departures)
    return volume


def place_of(volume: Volume, column: int, row: int, slice_: int) -> NDArray[np.float64]:
    return volume.origin + volume.direction @ (np.array([column, row, slice_]) * volume.spacing)


def blobs(points: NDArray[Any]) -> NDArray[Any]:
    """A smooth phantom over space, up to about 9000."""
    centres = np.array([[-4.0, 3.0, 5.0], [5.0, -2.0, 14.0], [0.0, 6.0, 24.0]])
    distances = ((points[..., np.newaxis, :] - centres) ** 2).sum(-1)
    values: NDArray[Any] = 3000 * np.exp(-distances / (2 * WIDTH**2)).sum(-1)
    return values


def phantom(along: Sequence[float], orientation: Sequence[float] = AXIAL, bend: float = 0.0) -> list[Any]:
    """Slices of the phantom, stacked along a direction, every other one bent sideways."""
    row, column = np.array(orientation[:3]), np.array(orientation[3:])
    origin = -14.0 * row - 14.0 * column

    def position(index: int) -> Any:
        return origin + np.array(along) * 2.0 * index + row * bend * (index % 2) * (0 < index < 14)

    def pixels(index: int) -> Any:
        i, j = np.meshgrid(np.arange(30), np.arange(28))
        points = position(index) + i[..., np.newaxis] * row + j[..., np.newaxis] * column
        return np.rint(blobs(points)).astype(np.int16)

    return series(
        "CT",
        15,
        orientation=orientation,
        pixels=pixels,
        PixelSpacing=["1", "1"],
        ImagePositionPatient=lambda index: [f"{axis:.10g}" for axis in position(index)],
    )


def test_a_tilted_gantry_keeps_every_voxel_in_its_place() -> None:
    slices = series("CT", 5, along=TILT, step=4.0)
    volume = read(slices)
    assert volume.report.tilt_degrees == pytest.approx(14)
    assert volume.report.sheared
    assert volume.report.max_corner_error_mm < 1e-6
    assert "sheared, which NIfTI cannot store" in volume.report.warnings[0]
    for index in range(5):
        position = np.array(slices[index].ImagePositionPatient, float)
        assert place_of(volume, 0, 0, index) == pytest.approx(position)


def test_a_tilted_gantry_is_orthogonal_as_in_itk_on_demand(tmp_path: Path) -> None:
    slices = series("CT", 5, along=TILT, step=4.0)
    volume = read(slices, tilt="itk")
    image = simpleitk(slices, tmp_path)
    assert tuple(volume.direction.ravel().tolist()) == image.GetDirection()
    assert volume.report.max_corner_error_mm > 3


def test_a_tilted_gantry_is_refused_on_demand() -> None:
    with pytest.raises(
        UnsupportedImageError,
        match=r"tilted by 14.00 degrees against the normal of ImageOrientationPatient \(0020,0037\); "
        r"tilt='shear' .*tilt='resample' .*tilt='itk'",
    ):
        read_volumes(series("CT", 5, along=TILT), tilt="error")


@pytest.mark.parametrize("along", [TILT, (-0.3, -0.2, 0.93)])
@pytest.mark.parametrize("reverse", [1, -1])
def test_a_tilted_gantry_is_straightened_on_demand(along: Sequence[float], reverse: int) -> None:
    volume = read(phantom([reverse * axis for axis in along]), tilt="resample", padding=-1)
    assert np.allclose(volume.direction, np.eye(3))
    assert volume.report.max_corner_error_mm < 1e-6
    assert volume.report.resampled == ("tilt",)
    assert volume.array.dtype == np.int16
    k, j, i = np.indices(volume.array.shape)
    points = np.stack([i, j, k], -1) * volume.spacing + volume.origin
    covered = volume.array != -1
    assert covered.sum() == 15 * 28 * 30
    interior = covered & np.roll(covered, 1, 1) & np.roll(covered, -1, 1) & np.roll(covered, 1, 2)
    interior &= np.roll(covered, -1, 2)
    assert np.abs(volume.array - blobs(points))[interior].max() < INTERPOLATION_ERROR


def test_a_straightened_volume_has_the_values_of_the_sheared_one_at_every_point() -> None:
    sheared = read(phantom(TILT, OBLIQUE)).to_simpleitk()
    straight = read(phantom(TILT, OBLIQUE), tilt="resample").to_simpleitk()
    inside = [(i, j, k) for i in range(2, 28, 5) for j in range(2, 26, 5) for k in range(15)]
    for index in inside:
        point = sheared.TransformIndexToPhysicalPoint(index)
        value = straight.EvaluateAtPhysicalPoint(point, sitk.sitkLinear)
        assert value == pytest.approx(sheared[index], abs=2 * INTERPOLATION_ERROR)


def test_a_shift_by_whole_voxels_changes_no_value() -> None:
    slices = series("CT", 4, along=(0.5, 0.75, 2.0), step=1.0, PixelSpacing=["0.75", "0.5"])
    volume = read(slices, tilt="resample", padding=0)
    (stored,) = read_volumes([slices[3]])
    assert volume.array.shape == (4, 9, 10)
    assert volume.array[3, 3:, 3:].tobytes() == stored.array[0].tobytes()
    assert volume.spacing == (0.5, 0.75, 2.0)


def test_colours_are_straightened_too() -> None:
    slices = series("CT", 4, along=TILT, step=4.0, pixels=lambda index: np.full((5, 6, 3), 10 * index, np.uint8))
    volume = read(slices, tilt="resample", padding=255)
    assert volume.array.shape == (4, 5 + 4, 6, 3)
    assert set(volume.array[2].ravel()) == {20, 255}


def test_a_slice_beside_the_line_of_the_others_is_refused_with_its_place_and_its_cures() -> None:
    def position(index: int) -> list[str]:
        return ["0.6" if index == 2 else "0", "0", str(index * 2)]

    with pytest.raises(
        MisalignedSlicesError,
        match=r"^slices are misaligned: ImagePositionPatient \(0020,0032\) .* up to 0.600 mm \(allowed: 0.100 mm\); "
        r"0.600 mm at \(0.6, 0, 4\); tilt='resample' .*gaps='split' .*tilt='itk'",
    ):
        read_volumes(series("CT", 5, ImagePositionPatient=position))


def test_slices_beside_the_line_of_the_others_are_moved_into_their_place_on_demand() -> None:
    volume = read(phantom((0, 0, 1), bend=3.4), tilt="resample", padding=-1)
    assert volume.report.max_corner_error_mm < 1e-6
    assert "slices up to 3.400 mm beside it" in volume.report.warnings[0]
    k, j, i = np.indices(volume.array.shape)
    points = np.stack([i, j, k], -1) * volume.spacing + volume.origin
    inner = np.s_[:, :, 4:30]
    assert np.abs(volume.array - blobs(points))[inner].max() < INTERPOLATION_ERROR


def test_slices_beside_the_line_of_the_others_are_as_in_itk_on_demand(tmp_path: Path) -> None:
    slices = phantom((0, 0, 1), bend=3.4)
    volume = read(slices, tilt="itk")
    image = simpleitk(slices, tmp_path)
    assert (volume.origin, volume.spacing) == (image.GetOrigin(), image.GetSpacing())
    assert volume.report.max_corner_error_mm == pytest.approx(3.4)


def test_gaps_and_a_tilt_are_cured_together() -> None:
    slices = phantom(TILT)
    del slices[5]
    volume = read(slices, gaps="resample", tilt="resample", padding=-1)
    assert volume.report.resampled == ("gaps", "tilt")
    assert len(volume.array) == 15
    assert volume.report.max_corner_error_mm < 1e-6
    padded = read(slices, gaps="pad")
    assert padded.report.sheared
    assert [*padded.report.padded] == [5]
    assert padded.report.max_corner_error_mm < 1e-6


@settings(max_examples=50)
@given(
    angles=st.tuples(*[st.floats(-3.1, 3.1)] * 3),
    origin=st.tuples(*[st.floats(-500, 500)] * 3),
    lean=st.tuples(st.just(0.0) | st.floats(0.01, 0.5), st.just(0.0) | st.floats(-0.5, -0.01)),
    step=st.floats(0.3, 12),
)
@pytest.mark.filterwarnings("ignore::itkdicomqr.DICOMQRWarning")
def test_every_corner_stays_in_its_place_whatever_the_orientation(
    angles: tuple[float, float, float], origin: tuple[float, ...], lean: tuple[float, float], step: float
) -> None:
    rotation = np.reshape(sitk.Euler3DTransform((0, 0, 0), *angles).GetMatrix(), (3, 3))
    row, column, towards = rotation.T
    along = towards + lean[0] * row + lean[1] * column
    orientation, along, origin = (np.round(vector, 12).tolist() for vector in ((*row, *column), along, origin))
    slices = series("MR", 4, orientation=orientation, origin=origin, along=along, step=round(step, 9))
    (volume,) = read_volumes(slices)
    for index, header in enumerate(slices):
        position, axes = np.array(header.ImagePositionPatient, float), np.array(header.ImageOrientationPatient, float)
        own = position + axes[:3] * 6 * 0.5 + axes[3:] * 5 * 0.75
        assert np.linalg.norm(place_of(volume, 6, 5, index) - own) < 1e-9 * max(10.0, np.abs(own).max())

"""A mosaic of Siemens or a grid of United Imaging becomes the slices that its tiles are, each in its own place."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813
from pydicom import uid
from pydicom.encaps import encapsulate

from itkdicomqr.errors import MissingSlicesError, MosaicError
from itkdicomqr.volume import read_volumes
from tests.mosaics import csa_header, grid, mosaic, told
from tests.synthetic import AXIAL, OBLIQUE, noise, part10, series
from tests.volume.decoding.test_codecs import jpeg_2000
from tests.volume.reference import assert_same_geometry, assert_same_voxels

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pydicom.dataset import Dataset

    from itkdicomqr.volume import Volume


def slices(count: int = 5, **overrides: Any) -> list[Dataset]:
    attributes: dict[str, Any] = {
        "pixels": lambda index: noise((8, 12), "uint16", seed=index) >> 4,
        "EchoTime": "30",
        "RepetitionTime": "2000",
    }
    return series("MR", count, **(attributes | overrides))


def assert_equals_slices(volume: Volume, expected: list[Dataset]) -> None:
    """Check voxels, and the place of each slice."""
    assert np.array_equal(volume.array, [dataset.pixel_array for dataset in expected])
    for index, dataset in enumerate(expected):
        corner = np.array(volume.origin) + volume.direction[:, 2] * volume.spacing[2] * index
        assert corner == pytest.approx(np.array(dataset.ImagePositionPatient, float), abs=1e-7)


@pytest.mark.parametrize("orientation", [AXIAL, OBLIQUE])
@pytest.mark.parametrize("step", [3.3, -3.3])
@pytest.mark.parametrize("count", [2, 5, 9, 16])
def test_tiles_become_slices_in_their_places(orientation: tuple[float, ...], step: float, count: int) -> None:
    expected = slices(count, orientation=orientation, step=step)
    (volume,) = read_volumes([part10(mosaic(expected))])
    assert_equals_slices(volume, expected)
    assert volume.spacing == (0.5, 0.75, 3.3)
    assert volume.report.max_corner_error_mm < 1e-9


@pytest.mark.skipif(shutil.which("dcm2niix") is None, reason="dcm2niix is not installed")
@pytest.mark.parametrize("step", [3.3, -3.3])
@pytest.mark.parametrize("put_together", [mosaic, grid])
def test_a_mosaic_equals_what_dcm2niix_makes_of_it(
    tmp_path: Path, step: float, put_together: Callable[[list[Dataset]], Dataset]
) -> None:
    """Voxels are compared by where they lie in the patient: dcm2niix reorders the axes."""
    instance = put_together(slices(7, orientation=OBLIQUE, step=step))
    (tmp_path / "mosaic.dcm").write_bytes(part10(instance))
    command = ["dcm2niix", "-z", "n", "-b", "n", "-f", "out", "-o", str(tmp_path), str(tmp_path)]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    reference = sitk.ReadImage(str(tmp_path / "out.nii"))
    (volume,) = read_volumes([instance])
    image = volume.to_simpleitk()
    for index in np.ndindex(*image.GetSize()):
        there = reference.TransformPhysicalPointToIndex(image.TransformIndexToPhysicalPoint(index))
        assert reference[there] == image[index]


def test_mosaics_of_several_times_are_a_volume_each() -> None:
    times = [mosaic(slices(4), AcquisitionNumber=n, InstanceNumber=n, SOPInstanceUID=f"1.2.{n}") for n in (3, 1, 2)]
    volumes = read_volumes(times)
    assert [volume.key for volume in volumes] == [{"AcquisitionNumber": n} for n in (1, 2, 3)]
    for volume in volumes:
        assert_equals_slices(volume, slices(4))


def test_a_compressed_mosaic_is_taken_apart() -> None:
    expected = slices(4)
    instance = mosaic(expected)
    instance.PixelData = encapsulate([jpeg_2000(instance.pixel_array)])
    instance["PixelData"].is_undefined_length = True
    instance.file_meta.TransferSyntaxUID = uid.JPEG2000Lossless
    (volume,) = read_volumes([instance])
    assert_equals_slices(volume, expected)


def test_the_older_form_of_the_header_is_read() -> None:
    expected = slices(4)
    step = np.array([0, 0, 2.5])
    (volume,) = read_volumes([mosaic(expected, csa=csa_header(told(expected[0], 4, step), older=True))])
    assert_equals_slices(volume, expected)


def test_the_private_number_alone_makes_a_mosaic() -> None:
    expected = slices(4)
    (volume,) = read_volumes([mosaic(expected, ImageType=["ORIGINAL", "PRIMARY"])])
    assert_equals_slices(volume, expected)


def test_tiles_may_be_left_together_as_in_itk(tmp_path: Path) -> None:
    instance = mosaic(slices(4))
    path = tmp_path / "mosaic.dcm"
    path.write_bytes(part10(instance))
    (volume,) = read_volumes([instance], mosaic="tiles")
    image = sitk.ReadImage(str(path), imageIO="GDCMImageIO")
    assert_same_voxels(volume, image)
    assert_same_geometry(volume, image)


FIRST = slices(1)[0]
STEP = np.array([0, 0, 2.5])
HEADER = told(FIRST, 4, STEP)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"csa": b""}, "the CSA header .* is missing or damaged"),
        ({"csa": b"SV10\4\3\2\1" + b"\xff" * 40}, "the CSA header .* is missing or damaged"),
        ({"csa": csa_header(HEADER)[:200]}, "the CSA header .* is missing or damaged"),
        ({"csa": csa_header(HEADER | {"SliceNormalVector": []})}, "tells no SliceNormalVector"),
        ({"csa": csa_header(HEADER | {"SliceNormalVector": ["0", "0", "nan"]})}, "tells no SliceNormalVector"),
        ({"csa": csa_header(HEADER | {"SliceNormalVector": ["1", "0", "0"]})}, "is not normal to"),
        ({"SpacingBetweenSlices": None}, r"SpacingBetweenSlices \(0018,0088\) is not there"),
        ({"PixelSpacing": None}, r"PixelSpacing \(0028,0030\) is missing"),
        ({"Rows": 15}, "15 x 24 pixels are no 2 x 2 tiles"),
    ],
)
def test_a_mosaic_that_does_not_tell_its_slices_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(MosaicError, match=message) as error:
        read_volumes([mosaic(slices(4), **changes)])
    assert "mosaic='tiles'" in str(error.value)


@pytest.mark.parametrize("keyword", ["ImageOrientationPatient", "ImagePositionPatient"])
@pytest.mark.parametrize("put_together", [mosaic, grid])
def test_tiles_of_an_image_without_a_place_are_refused(
    put_together: Callable[[list[Dataset]], Dataset], keyword: str
) -> None:
    instance = put_together(slices(4))
    delattr(instance, keyword)
    with pytest.raises(MosaicError, match=keyword):
        read_volumes([instance])


def test_a_mosaic_of_countless_tiles_is_refused() -> None:
    header = csa_header(HEADER | {"NumberOfImagesInMosaic": [str(1 << 22)]})
    instance = mosaic(slices(4), csa=header, Rows=1 << 11, Columns=1 << 11)
    del instance[0x0019100A]
    instance.PixelData = bytes(2 << 22)
    with pytest.raises(MosaicError, match="NumberOfImagesInMosaic is 4194304"):
        read_volumes([instance])


@pytest.mark.parametrize("syntax", [uid.ExplicitVRLittleEndian, uid.ImplicitVRLittleEndian])
@pytest.mark.parametrize("orientation", [AXIAL, OBLIQUE])
@pytest.mark.parametrize("step", [3.3, -3.3])
@pytest.mark.parametrize("count", [2, 5, 9])
def test_the_tiles_of_a_grid_become_slices_in_the_places_that_it_tells(
    orientation: tuple[float, ...], step: float, count: int, syntax: str
) -> None:
    expected = slices(count, orientation=orientation, step=step, syntax=syntax)
    (volume,) = read_volumes([part10(grid(expected))])
    assert_equals_slices(volume, expected)
    assert volume.spacing == pytest.approx((0.5, 0.75, 3.3))
    assert volume.report.max_corner_error_mm < 1e-9


def test_grids_of_several_weights_are_a_volume_each() -> None:
    grids = [grid(slices(4)) for _ in range(3)]
    for number, each in enumerate(grids):
        each.SOPInstanceUID = f"1.2.{number}"
        each.private_block(0x0065, "Image Private Header").add_new(0x09, "FD", [1000.0, 0.0, 500.0][number])
    volumes = read_volumes(grids)
    assert [volume.key for volume in volumes] == [{"DiffusionBValue": weight} for weight in (0.0, 500.0, 1000.0)]


def test_a_slice_that_a_grid_lacks_is_refused() -> None:
    with pytest.raises(MissingSlicesError):
        read_volumes([grid([each for index, each in enumerate(slices(5)) if index != 2])])


@pytest.mark.parametrize(("dropped", "told"), [(1, "has 3 items, 3 of them"), (4, "has 0 items, 0 of them")])
def test_a_grid_that_does_not_tell_all_places_is_refused(dropped: int, told: str) -> None:
    instance = grid(slices(4))
    block = instance.private_block(0x0065, "Image Private Header")
    block[0x51].value = block[0x51].value[dropped:]
    with pytest.raises(MosaicError, match=rf"grid of United Imaging of 4 slices \(0065,1050\), but .* {told}"):
        read_volumes([instance])


def test_a_grid_may_be_left_together() -> None:
    instance = grid(slices(4))
    (volume,) = read_volumes([instance], mosaic="tiles")
    assert np.array_equal(volume.array[0], instance.pixel_array)


@pytest.mark.parametrize(("creator", "count"), [("Image Private Header", "1"), ("Somebody", "36")])
def test_a_slice_that_is_no_grid_is_a_slice(creator: str, count: str) -> None:
    (slice_,) = slices(1)
    slice_.private_block(0x0065, creator, create=True).add_new(0x50, "DS", count)
    (volume,) = read_volumes([slice_])
    assert np.array_equal(volume.array[0], slice_.pixel_array)

"""A volume becomes an image of either toolkit, with the same values, geometry and metadata."""

from __future__ import annotations

import gc
import subprocess
import sys
from typing import Any

import itk
import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813

from itkdicomqr.errors import DICOMQRWarning, ToolkitError
from itkdicomqr.volume import Volume, read_volumes
from tests.synthetic import OBLIQUE, noise, series


def volume_of(dtype: str, **overrides: Any) -> Volume:
    (volume,) = read_volumes(series("MR", 3, dtype=dtype, orientation=OBLIQUE, **overrides))
    return volume


def colours(dtype: str) -> Volume:
    (volume,) = read_volumes(series("OT", 1, pixels=lambda _: noise((6, 7, 3), dtype)))
    return volume


def assert_itk_equals(image: Any, volume: Volume) -> None:
    assert np.array_equal(itk.array_from_image(image), volume.array)
    assert tuple(image.GetOrigin()) == volume.origin
    assert tuple(image.GetSpacing()) == volume.spacing
    assert np.array_equal(itk.array_from_matrix(image.GetDirection()), volume.direction)


@pytest.mark.parametrize(
    ("dtype", "held"),
    [
        ("uint8", "uint8"),
        ("int8", "int16"),
        ("uint16", "uint16"),
        ("int16", "int16"),
        ("uint32", "uint32"),
        ("int32", "int32"),
    ],
)
def test_itk_holds_every_type(dtype: str, held: str) -> None:
    volume = volume_of(dtype)
    image = volume.to_itk()
    assert image.GetImageDimension() == 3
    assert itk.array_from_image(image).dtype == held
    assert_itk_equals(image, volume)


def test_itk_holds_fractions() -> None:
    volume = volume_of("int16", RescaleSlope="0.3")
    image = volume.to_itk()
    assert isinstance(image, itk.Image[itk.D, 3])
    assert_itk_equals(image, volume)


def test_itk_holds_colours() -> None:
    eight, sixteen = colours("uint8"), colours("uint16")
    assert isinstance(eight.to_itk(), itk.Image[itk.RGBPixel[itk.UC], 3])
    assert isinstance(sixteen.to_itk(), itk.VectorImage[itk.US, 3])
    assert_itk_equals(eight.to_itk(), eight)
    assert_itk_equals(sixteen.to_itk(), sixteen)


def test_a_type_that_itk_lacks_is_refused() -> None:
    with pytest.raises(ToolkitError, match="itk wraps no image of uint32 with 3 components"):
        colours("uint32").to_itk()


@pytest.mark.parametrize("dtype", ["uint8", "int8", "uint16", "int16", "uint32", "int32"])
def test_simpleitk_holds_every_type(dtype: str) -> None:
    volume = volume_of(dtype)
    image = volume.to_simpleitk()
    array = sitk.GetArrayFromImage(image)
    assert array.dtype == dtype
    assert np.array_equal(array, volume.array)
    assert (image.GetOrigin(), image.GetSpacing()) == (volume.origin, volume.spacing)
    assert image.GetDirection() == tuple(volume.direction.ravel())


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "uint32"])
def test_simpleitk_holds_colours(dtype: str) -> None:
    volume = colours(dtype)
    image = volume.to_simpleitk()
    assert (image.GetDimension(), image.GetNumberOfComponentsPerPixel()) == (3, 3)
    assert np.array_equal(sitk.GetArrayFromImage(image), volume.array)


def test_both_toolkits_carry_the_metadata() -> None:
    volume = volume_of("int16", PatientName="Müller", SpecificCharacterSet="ISO_IR 100")
    image, other = volume.to_itk(), volume.to_simpleitk()
    dictionary = image.GetMetaDataDictionary()
    for key, value in volume.metadata.items():
        assert dictionary[key] == value
        assert other.GetMetaData(key) == value
    assert dictionary["0010|0010"] == "Müller"


def test_uneven_steps_are_in_the_metadata_under_itks_name() -> None:
    heights = ["0", "1", "2.02", "3"]
    with pytest.warns(DICOMQRWarning, match="averaged"):
        (volume,) = read_volumes(series("CT", 4, ImagePositionPatient=lambda index: ["0", "0", heights[index]]))
    key = "ITK_non_uniform_sampling_deviation"
    image = volume.to_itk()
    assert image.GetMetaDataDictionary()[key] == volume.report.sampling_deviation_mm == pytest.approx(0.02)
    assert float(volume.to_simpleitk().GetMetaData(key)) == pytest.approx(0.02)


def test_a_filter_outlives_all_references_to_its_input() -> None:
    """An image that were a view of a NumPy array would read freed memory here."""

    def pipeline() -> tuple[Any, np.ndarray]:
        (volume,) = read_volumes(series("CT", 8, rows=128, columns=128))
        filter_ = itk.FlipImageFilter[itk.Image[itk.SS, 3]].New(volume.to_itk())
        filter_.SetFlipAxes([True, False, False])
        return filter_, volume.array[..., ::-1].copy()

    filter_, expected = pipeline()
    gc.collect()
    heap = [np.full((8, 128, 128), 7, np.int16) for _ in range(20)]
    filter_.Update()
    assert np.array_equal(itk.array_from_image(filter_.GetOutput()), expected)
    assert len(heap) == 20


@pytest.mark.parametrize(
    ("toolkit", "package", "make"), [("itk", "itk-core", "to_itk"), ("SimpleITK", "SimpleITK", "to_simpleitk")]
)
def test_a_missing_toolkit_is_named_with_its_cure(toolkit: str, package: str, make: str) -> None:
    program = f"""
import sys
sys.modules["{toolkit}"] = None
from itkdicomqr.errors import ToolkitError
from itkdicomqr.volume import read_volumes
from tests.synthetic import series
(volume,) = read_volumes(series("CT", 3))
try:
    volume.{make}()
except ToolkitError as error:
    assert str(error) == "{toolkit} is not installed: pip install {package}", error
else:
    raise SystemExit("no error")
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


def test_reading_imports_no_toolkit() -> None:
    program = """
import sys
from itkdicomqr.volume import read_volumes
from tests.synthetic import series
read_volumes(series("CT", 3))
assert not {"itk", "SimpleITK"} & set(sys.modules), "a toolkit was imported"
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


def test_many_threads_may_be_the_first_to_touch_itk() -> None:
    program = """
from concurrent.futures import ThreadPoolExecutor
from itkdicomqr.volume import read_volumes
from tests.synthetic import series
(volume,) = read_volumes(series("CT", 3))
with ThreadPoolExecutor(16) as pool:
    images = list(pool.map(lambda _: volume.to_itk(), range(200)))
assert len(images) == 200
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=120)

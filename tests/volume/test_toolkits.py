"""A volume becomes an image of either toolkit, with the same values, geometry and metadata."""

from __future__ import annotations

import gc
import subprocess
import sys
from dataclasses import replace
from typing import Any

import itk
import numpy as np
import pytest

from itkdicomqr.errors import DICOMQRWarning, ToolkitError
from itkdicomqr.volume import Volume, all_volumes, assemble, one_volume, read_volumes
from itkdicomqr.volume.options import Options
from itkdicomqr.volume.toolkits import IntoITK, IntoVolume
from tests.reference import direction, voxels
from tests.synthetic import OBLIQUE, noise, series
from tests.volume.repeating import of_volume, repeated


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


SUBSTITUTES = {"itk": {"int8": "int16", "int64": "float64"}, "simpleitk": {"int64": "float64"}}
TYPES = ["uint8", "int8", "uint16", "int16", "uint32", "int32", "int64", "float32", "float64"]


def made_of(array: np.ndarray, *, stack: bool) -> Volume:
    """Put voxels of any type and size into a volume."""
    with pytest.warns(DICOMQRWarning, match="sheared"):
        (volume,) = read_volumes(series("MR", 3, orientation=OBLIQUE, along=(0.1, 0.2, 0.97)), stack=stack)
    return replace(volume, array=array)


def assert_equals(image: Any, volume: Volume, toolkit: str) -> None:
    held = SUBSTITUTES[toolkit].get(volume.array.dtype.name, volume.array.dtype.name)
    assert voxels(image).dtype == held
    assert np.array_equal(voxels(image), volume.array)
    assert tuple(image.GetOrigin()) == volume.origin
    assert tuple(image.GetSpacing()) == volume.spacing
    assert direction(image) == tuple(volume.direction.ravel())


@pytest.mark.parametrize("stack", [False, True])
@pytest.mark.parametrize("components", [1, 3, 4])
@pytest.mark.parametrize("dtype", TYPES)
def test_simpleitk_holds_every_type_in_every_dimension(dtype: str, components: int, stack: bool) -> None:
    volume = made_of(voxels_of(dtype, components, stack), stack=stack)
    image = volume.to_simpleitk()
    assert image.GetDimension() == volume.dimension
    assert image.GetNumberOfComponentsPerPixel() == components
    assert_equals(image, volume, "simpleitk")


@pytest.mark.parametrize("stack", [False, True])
@pytest.mark.parametrize("components", [1, 3, 4])
@pytest.mark.parametrize("dtype", TYPES)
def test_itk_holds_every_type_in_every_dimension_or_names_the_one_it_lacks(
    dtype: str, components: int, stack: bool
) -> None:
    volume = made_of(voxels_of(dtype, components, stack), stack=stack)
    if components > 1 and dtype in {"uint32", "int32"}:
        with pytest.raises(ToolkitError, match=f"no image of {dtype} with {components} components"):
            volume.to_itk()
        return
    image = volume.to_itk()
    assert image.GetImageDimension() == volume.dimension
    assert image.GetNumberOfComponentsPerPixel() == components
    assert_equals(image, volume, "itk")


def voxels_of(dtype: str, components: int, stack: bool) -> np.ndarray:
    shape = (2,) * stack + (3, 6, 7) + (components,) * (components > 1)
    return np.arange(np.prod(shape)).reshape(shape).astype(dtype)


@pytest.mark.parametrize("stack", [False, True])
def test_an_image_of_itk_shares_the_memory_that_was_filled_and_outlives_it(stack: bool) -> None:
    def load() -> tuple[Any, int]:
        target = IntoITK()
        slices = repeated(4, EchoTime=of_volume(["4", "8", "12", "16"])) if stack else series("CT", 12)
        volumes = assemble(slices, Options(), len(slices), target.allocate)
        volume = one_volume(volumes, stack=stack)
        return target.image(volume), volume.array.ctypes.data

    image, address = load()
    gc.collect()
    heap = [np.full((12, 6, 7), 7, np.int16) for _ in range(200)]
    assert itk.array_view_from_image(image).ctypes.data == address
    expected = [0, 1, 2, 3] if stack else read_volumes(series("CT", 12))[0].array[:, 0, 0].tolist()
    assert (voxels(image)[:, 0, 0, 0] if stack else voxels(image)[:, 0, 0]).tolist() == expected
    assert len(heap) == 200


def test_a_volume_that_was_picked_does_not_keep_the_memory_of_the_others() -> None:
    target = IntoVolume()
    slices = repeated(4, EchoTime=of_volume(["4", "8", "12", "16"]))
    volumes = all_volumes(assemble(slices, Options(), len(slices), target.allocate))
    picked = target.image(volumes[2])
    assert picked.array.base is None
    assert np.array_equal(picked.array, volumes[2].array)


def test_both_toolkits_carry_what_tells_stacked_volumes_apart() -> None:
    (volume,) = read_volumes(repeated(2, EchoTime=of_volume(["4.6", "9.2"])), stack=True)
    image = volume.to_itk()
    assert image.GetMetaDataDictionary()["EchoTime"] == "4.6\\9.2"
    assert volume.to_simpleitk().GetMetaData("EchoTime") == "4.6\\9.2"


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


@pytest.mark.parametrize("stack", [False, True])
@pytest.mark.parametrize("filled", [False, True])
def test_a_filter_outlives_all_references_to_its_input(stack: bool, filled: bool) -> None:
    """An image that were a view of a NumPy array would read freed memory here."""

    def pipeline() -> tuple[Any, np.ndarray]:
        target = IntoITK()
        slices = series("CT", 8, rows=128, columns=128)
        volume = one_volume(assemble(slices, Options(), 8, target.allocate if filled else np.empty), stack=stack)
        filter_ = itk.FlipImageFilter[itk.Image[itk.SS, volume.dimension]].New(target.image(volume))
        filter_.SetFlipAxes([True] + [False] * (volume.dimension - 1))
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

"""From a volume to the image of a toolkit, which is imported only here."""

from __future__ import annotations

from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np

from itkdicomqr.errors import ToolkitError
from itkdicomqr.volume.lazy_itk import load_itk

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from itkdicomqr.volume.volume import Volume

SAMPLING_DEVIATION = "ITK_non_uniform_sampling_deviation"
"""The key under which ITK's reader of series tells that slices are not evenly spaced."""

_ITK_TYPES: Mapping[str, str] = {
    "uint8": "UC",
    "int16": "SS",
    "uint16": "US",
    "int32": "SI",
    "uint32": "UI",
    "float32": "F",
    "float64": "D",
}
_ITK_SUBSTITUTES: Mapping[str, str] = {"int8": "int16", "int64": "float64"}
_SIMPLEITK_SUBSTITUTES: Mapping[str, str] = {"int64": "float64"}


def to_itk(volume: Volume) -> Any:
    """Make an ``itk.Image`` that owns its voxels.

    The image is allocated by ITK and filled, never a view of the array: a filter that outlives the
    Python wrapper of such a view reads freed memory.

    Raises
    ------
    ToolkitError
        itk is not installed, or wraps no image of this type.
    """
    itk = _toolkit(load_itk, "itk", "itk-core")
    array = _substituted(volume.array, _ITK_SUBSTITUTES)
    image = _allocated(itk, array)
    itk.array_view_from_image(image)[...] = array
    image.SetOrigin(volume.origin)
    image.SetSpacing(volume.spacing)
    image.SetDirection(itk.matrix_from_array(volume.direction))
    dictionary = image.GetMetaDataDictionary()
    for key, value in volume.metadata.items():
        dictionary[key] = value
    if volume.report.sampling_deviation_mm:
        deviation = itk.MetaDataObject[itk.D].New()
        deviation.SetMetaDataObjectValue(volume.report.sampling_deviation_mm)
        dictionary.Set(SAMPLING_DEVIATION, deviation)
    return image


def to_simpleitk(volume: Volume) -> Any:
    """Make a ``SimpleITK.Image``.

    Raises
    ------
    ToolkitError
        SimpleITK is not installed.
    """
    sitk = _toolkit(partial(import_module, "SimpleITK"), "SimpleITK", "SimpleITK")
    array = _substituted(volume.array, _SIMPLEITK_SUBSTITUTES)
    image = sitk.GetImageFromArray(array, isVector=array.ndim > 3)
    image.SetOrigin(volume.origin)
    image.SetSpacing(volume.spacing)
    image.SetDirection(volume.direction.ravel().tolist())
    for key, value in volume.metadata.items():
        image.SetMetaData(key, value)
    if volume.report.sampling_deviation_mm:
        image.SetMetaData(SAMPLING_DEVIATION, repr(volume.report.sampling_deviation_mm))
    return image


def _toolkit(load: Callable[[], Any], module: str, package: str) -> Any:
    try:
        return load()
    except ImportError:
        message = f"{module} is not installed: pip install {package}"
        raise ToolkitError(message) from None


def _substituted(array: NDArray[Any], substitutes: Mapping[str, str]) -> NDArray[Any]:
    return array.astype(substitutes.get(array.dtype.name, array.dtype.name), copy=False)


def _allocated(itk: Any, array: NDArray[Any]) -> Any:
    """Allocate an image of an array's size and type."""
    image = _image_type(itk, array).New()
    image.SetRegions(tuple(reversed(array.shape[:3])))
    if array.ndim > 3 and isinstance(image, itk.VectorImage):
        image.SetVectorLength(array.shape[3])
    image.Allocate()
    return image


def _image_type(itk: Any, array: NDArray[Any]) -> Any:
    """Choose the image type; RGB of other than 8 bits is a VectorImage."""
    try:
        pixel = getattr(itk, _ITK_TYPES[array.dtype.name])
        if array.ndim == 3:
            return itk.Image[pixel, 3]
        if array.shape[3] == 3 and array.dtype == np.uint8:
            return itk.Image[itk.RGBPixel[pixel], 3]
        return itk.VectorImage[pixel, 3]
    except (KeyError, TypeError):
        kind = f"{array.dtype.name} with {array.shape[3] if array.ndim > 3 else 1} components"
        message = f"itk wraps no image of {kind}; take toolkit='simpleitk', or 'volume'"
        raise ToolkitError(message) from None

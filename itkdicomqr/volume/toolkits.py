"""From a volume to the image of a toolkit, which is imported only here."""

from __future__ import annotations

from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol

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


class Target(Protocol):
    """What voxels are read into, and what is made of a volume."""

    def allocate(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> NDArray[Any]:
        """Make memory for voxels."""

    def image(self, volume: Volume) -> Any:
        """Make what the caller asked for."""


class IntoVolume:
    """The volume itself."""

    def allocate(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> NDArray[Any]:
        """Make memory of NumPy's."""
        return np.empty(shape, dtype)

    def image(self, volume: Volume) -> Any:
        """Give the volume."""
        return volume


class IntoSimpleITK(IntoVolume):
    """A ``SimpleITK.Image``, which copies the voxels once."""

    def image(self, volume: Volume) -> Any:
        """Make the image."""
        return to_simpleitk(volume)


class IntoITK(IntoVolume):
    """An ``itk.Image`` whose own memory the voxels are read into."""

    def __init__(self) -> None:
        self._array: NDArray[Any] | None = None
        self._image: Any = None

    def allocate(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> NDArray[Any]:
        """Make an image, and give its memory; NumPy's where ITK has no such image."""
        if dtype.name not in _ITK_TYPES:
            return super().allocate(shape, dtype)
        itk = _toolkit(load_itk, "itk", "itk-core")
        self._image = _allocated(itk, shape, dtype)
        # Not as a plain array: only ITK's own view, and its slices, keep the image's memory alive.
        self._array = itk.array_view_from_image(self._image)
        return self._array

    def image(self, volume: Volume) -> Any:
        """Make the image; the one that was allocated, if the volume fills it."""
        return to_itk(volume, self._image if volume.array is self._array else None)


TARGETS: Mapping[str, Callable[[], Target]] = {"itk": IntoITK, "simpleitk": IntoSimpleITK, "volume": IntoVolume}
"""By the names that ``toolkit=`` takes."""


def to_itk(volume: Volume, filled: Any = None) -> Any:
    """Make an ``itk.Image`` that owns its voxels.

    The image is allocated by ITK and filled, never a view of the array: a filter that outlives the
    Python wrapper of such a view reads freed memory.

    Parameters
    ----------
    volume : Volume
        What to make it of.
    filled : itk.Image, optional
        An image whose memory the voxels lie in already.

    Raises
    ------
    ToolkitError
        itk is not installed, or wraps no image of this type.
    """
    itk = _toolkit(load_itk, "itk", "itk-core")
    image = _filled(itk, volume) if filled is None else filled
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


def _filled(itk: Any, volume: Volume) -> Any:
    array = _substituted(volume.array, _ITK_SUBSTITUTES)
    image = _allocated(itk, array.shape, array.dtype)
    itk.array_view_from_image(image)[...] = array
    return image


def _allocated(itk: Any, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Any:
    """Allocate an image of an array's size and type."""
    image = _image_type(itk, shape, dtype).New()
    image.SetRegions(tuple(reversed(shape[:3])))
    if len(shape) > 3 and isinstance(image, itk.VectorImage):
        image.SetVectorLength(shape[3])
    image.Allocate()
    return image


def _image_type(itk: Any, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Any:
    """Choose the image type; RGB of other than 8 bits is a VectorImage."""
    try:
        pixel = getattr(itk, _ITK_TYPES[dtype.name])
        if len(shape) == 3:
            return itk.Image[pixel, 3]
        if shape[3] == 3 and dtype == np.uint8:
            return itk.Image[itk.RGBPixel[pixel], 3]
        return itk.VectorImage[pixel, 3]
    except (KeyError, TypeError):
        kind = f"{dtype.name} with {shape[3] if len(shape) > 3 else 1} components"
        message = f"itk wraps no image of {kind}; take toolkit='simpleitk', or 'volume'"
        raise ToolkitError(message) from None

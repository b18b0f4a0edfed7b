"""From a volume to the image of a toolkit, which is imported when the first is made."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from itkdicomqr.errors import InputError, ToolkitError
from itkdicomqr.volume.lazy_itk import load_itk
from itkdicomqr.volume.memory import use_huge_pages
from itkdicomqr.volume.volume import VOLUME_DIMENSION

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
        """Give the volume, with memory of its own: that of others at their side can be let go."""
        memory = volume.array.base
        shared = isinstance(memory, np.ndarray) and memory.nbytes > volume.array.nbytes
        return replace(volume, array=volume.array.copy()) if shared else volume


class IntoSimpleITK(IntoVolume):
    """A ``SimpleITK.Image``, which copies the voxels once.

    SimpleITK lets nobody write into the memory of an image: its view is read-only. Only pasting slices
    does without the second copy, and takes 2.4 times as long.
    """

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
        self._image = _allocated(itk, shape, dtype, VOLUME_DIMENSION)
        # Not as a plain array: only ITK's own view, and its slices, keep the image's memory alive.
        self._array = itk.array_view_from_image(self._image)
        return self._array

    def image(self, volume: Volume) -> Any:
        """Make the image; in the memory that was allocated, if the volume fills it."""
        return to_itk(volume, self._image if _is_same(volume.array, self._array) else None)


_TARGETS: Mapping[str, Callable[[], Target]] = {"itk": IntoITK, "simpleitk": IntoSimpleITK, "volume": IntoVolume}
"""By the names that ``toolkit=`` takes."""


def target_of(toolkit: str) -> Target:
    """Make the target that ``toolkit=`` means; no toolkit is imported yet.

    Raises
    ------
    InputError
        There is none of this name.
    """
    if toolkit not in _TARGETS:
        message = f"toolkit={toolkit!r}: there are {', '.join(map(repr, _TARGETS))}"
        raise InputError(message)
    return _TARGETS[toolkit]()


def to_itk(volume: Volume, filled: Any = None) -> Any:
    """Make an ``itk.Image`` that owns its voxels.

    The image is allocated by ITK and filled, never a view of the array: a filter that outlives the
    Python wrapper of such a view reads freed memory.

    Parameters
    ----------
    volume : Volume
        What to make it of.
    filled : itk.Image, optional
        A three-dimensional image whose memory the voxels lie in already.

    Raises
    ------
    ToolkitError
        itk is not installed, or wraps no image of this type.
    """
    itk = _toolkit(load_itk, "itk", "itk-core")
    image = _filled(itk, volume) if filled is None else _in_memory_of(itk, filled, volume)
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
    image = sitk.GetImageFromArray(array, isVector=array.ndim > volume.dimension)
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
    image = _allocated(itk, array.shape, array.dtype, volume.dimension)
    itk.array_view_from_image(image)[...] = array
    return image


def _in_memory_of(itk: Any, filled: Any, volume: Volume) -> Any:
    """Make an image of a volume's dimension of the memory of one; ITK counts who holds it."""
    if volume.dimension == VOLUME_DIMENSION:
        return filled
    image = _empty(itk, volume.array.shape, volume.array.dtype, volume.dimension)
    image.SetPixelContainer(filled.GetPixelContainer())
    return image


def _is_same(array: NDArray[Any], memory: NDArray[Any] | None) -> bool:
    """Tell whether an array is all of a memory, in its order."""
    return (
        memory is not None
        and array.__array_interface__["data"] == memory.__array_interface__["data"]
        and (array.nbytes == memory.nbytes and array.dtype == memory.dtype)
    )


def _allocated(itk: Any, shape: tuple[int, ...], dtype: np.dtype[Any], dimension: int) -> Any:
    """Make an image with memory for an array's size and type."""
    image = _empty(itk, shape, dtype, dimension)
    image.Allocate()
    use_huge_pages(itk.array_view_from_image(image))
    return image


def _empty(itk: Any, shape: tuple[int, ...], dtype: np.dtype[Any], dimension: int) -> Any:
    """Make an image of an array's size and type, without memory."""
    image = _image_type(itk, shape[dimension:], dtype, dimension).New()
    image.SetRegions(tuple(reversed(shape[:dimension])))
    if isinstance(image, itk.VectorImage):
        image.SetVectorLength(shape[-1])
    return image


def _image_type(itk: Any, components: tuple[int, ...], dtype: np.dtype[Any], dimension: int) -> Any:
    """Choose the image type; RGB of other than 8 bits is a VectorImage."""
    try:
        pixel = getattr(itk, _ITK_TYPES[dtype.name])
        if not components:
            return itk.Image[pixel, dimension]
        if components == (3,) and dtype == np.uint8:
            return itk.Image[itk.RGBPixel[pixel], dimension]
        return itk.VectorImage[pixel, dimension]
    except (KeyError, TypeError):
        kind = f"{dtype.name} with {components[0] if components else 1} components"
        message = f"itk wraps no image of {kind}; take toolkit='simpleitk', or 'volume'"
        raise ToolkitError(message) from None

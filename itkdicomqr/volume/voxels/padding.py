"""The value of voxels that no slice came for: ``padding=``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from itkdicomqr.errors import InputError
from itkdicomqr.volume.voxels.pixels import padding_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from itkdicomqr.volume.headers import SliceHeader
    from itkdicomqr.volume.options import Options


def padding_value(header: SliceHeader, array: NDArray[Any], options: Options) -> float:
    """Return the caller's value, else PixelPaddingValue as it is in the volume, else the volume's minimum.

    Parameters
    ----------
    header : SliceHeader
        Of the first slice.
    array : ndarray
        The voxels that came.
    options : Options
        What the caller chose.

    Raises
    ------
    InputError
        The voxels' type does not hold the caller's value.
    """
    if options.padding is None:
        own = padding_of(header, options)
        return own if own is not None and _holds(array.dtype, own) else np.fmin.reduce(array, axis=None).item()
    if not _holds(array.dtype, options.padding):
        message = f"padding={options.padding} is no value of the volume's type, {array.dtype.name}"
        raise InputError(message)
    return options.padding


def _holds(dtype: np.dtype[Any], value: float) -> bool:
    if dtype.kind == "f":
        return True
    limits = np.iinfo(dtype)
    return limits.min <= value <= limits.max and float(value).is_integer()

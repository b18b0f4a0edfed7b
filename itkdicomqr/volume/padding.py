"""The value of voxels that no slice came for: ``padding=``."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

import numpy as np

from itkdicomqr.errors import InputError
from itkdicomqr.volume.pixels import components, stored_range

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from itkdicomqr.volume.headers import SliceHeader
    from itkdicomqr.volume.options import Options

_PIXEL_PADDING_VALUE = 0x00280120


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
        own = _of_header(header, options)
        return own if own is not None and _holds(array.dtype, own) else np.fmin.reduce(array, axis=None).item()
    if not _holds(array.dtype, options.padding):
        message = f"padding={options.padding} is no value of the volume's type, {array.dtype.name}"
        raise InputError(message)
    return options.padding


def _of_header(header: SliceHeader, options: Options) -> float | None:
    """Return PixelPaddingValue (PS3.3 C.7.5.1.1.2), inverted and rescaled as the pixels are."""
    content, layout = header.elements.content(_PIXEL_PADDING_VALUE), header.layout
    if len(content) != 2 or components(layout) > 1:
        return None
    stored: int = struct.unpack(f"{header.elements.byte_order}{'h' if layout.signed else 'H'}", content)[0]
    if options.invert_monochrome1 and layout.photometric == "MONOCHROME1":
        stored = sum(stored_range(layout)) - stored
    return stored * header.slope + header.intercept if options.rescale else stored


def _holds(dtype: np.dtype[Any], value: float) -> bool:
    if dtype.kind == "f":
        return True
    limits = np.iinfo(dtype)
    return limits.min <= value <= limits.max and float(value).is_integer()

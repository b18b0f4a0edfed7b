"""The type of voxels that a caller wants, where no value is lost by it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from itkdicomqr.errors import InputError

CHOICES = ("int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "float32", "float64")


def check_dtype(dtype: DTypeLike | None) -> None:
    """Refuse what names no type of voxels.

    Raises
    ------
    InputError
        It is none of ``CHOICES``.
    """
    try:
        known = dtype is None or np.dtype(dtype).name in CHOICES
    except TypeError:
        known = False
    if not known:
        message = f"dtype={dtype!r} is not among {', '.join(CHOICES)}"
        raise InputError(message)


def cast(array: NDArray[Any], dtype: DTypeLike | None) -> NDArray[Any]:
    """Return voxels in a type that holds them.

    Integers must hold every value exactly. Floating point may round, as float32 rounds most decimals,
    but not overflow.

    Parameters
    ----------
    array : ndarray
        The voxels; they are returned as they are where they have the type, or where it is None.
    dtype : data type or None
        What is wanted.

    Raises
    ------
    InputError
        The type does not hold the values.
    """
    if dtype is None or array.dtype == np.dtype(dtype):
        return array
    with np.errstate(over="ignore", invalid="ignore"):
        result = array.astype(dtype)
    if result.dtype.kind == "f":
        held = np.array_equal(np.isfinite(result), np.isfinite(array))
    else:
        held = _is_within(array, result.dtype) and np.array_equal(result, array)
    if not held:
        message = f"dtype={result.dtype.name!r} does not hold the voxels, {array.min():g} to {array.max():g}; "
        raise InputError(message + f"they are {array.dtype.name}")
    return result


def _is_within(array: NDArray[Any], dtype: np.dtype[Any]) -> bool:
    limits = np.iinfo(dtype)
    return bool(limits.min <= array.min() and array.max() <= limits.max)

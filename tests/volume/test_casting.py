"""A wanted type is given where it holds every voxel, and refused where it does not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from itkdicomqr.errors import InputError
from itkdicomqr.volume import read_volumes
from tests.synthetic import series


def slices(values: list[int], **overrides: Any) -> list[Any]:
    return series("CT", 2, pixels=lambda _: np.array([values], np.int16), **overrides)


@pytest.mark.parametrize("dtype", ["int8", "uint8", "uint16", np.int32, "float32", np.dtype("float64"), "int64"])
def test_a_type_that_holds_all_values_is_given(dtype: Any) -> None:
    (volume,) = read_volumes(slices([0, 1, 127]), dtype=dtype)
    assert volume.array.dtype == np.dtype(dtype)
    assert volume.array.tolist() == [[[0, 1, 127]]] * 2


@pytest.mark.parametrize(("values", "dtype"), [([-1, 3], "uint16"), ([0, 256], "uint8"), ([0, 40000 - 65536], "int8")])
def test_a_type_too_small_is_refused(values: list[int], dtype: str) -> None:
    with pytest.raises(InputError, match=f"dtype='{dtype}' does not hold the voxels"):
        read_volumes(slices(values), dtype=dtype)


def test_fractions_are_not_cut_off() -> None:
    halves = slices([1, 2], RescaleSlope="0.5", RescaleIntercept="0")
    with pytest.raises(InputError, match="dtype='int16' does not hold the voxels"):
        read_volumes(halves, dtype="int16")
    (whole,) = read_volumes(slices([2, 4], RescaleSlope="0.5", RescaleIntercept="0"), dtype="int16")
    assert whole.array.tolist() == [[[1, 2]]] * 2


def test_floating_point_may_round_but_not_overflow() -> None:
    (volume,) = read_volumes(slices([1, 3], RescaleSlope="0.1", RescaleIntercept="0"), dtype="float32")
    assert volume.array[0].tolist() == [[np.float32(0.1), np.float32(np.float64(3) * 0.1)]]
    with pytest.raises(InputError, match="dtype='float32' does not hold"):
        read_volumes(slices([1, 3], RescaleSlope="1e200", RescaleIntercept="0"), dtype="float32")


@pytest.mark.parametrize("dtype", ["complex64", "bool", "int12", "S3"])
def test_what_is_no_type_of_voxels_is_refused(dtype: str) -> None:
    with pytest.raises(InputError, match="is not among int8, uint8"):
        read_volumes(slices([0]), dtype=dtype)

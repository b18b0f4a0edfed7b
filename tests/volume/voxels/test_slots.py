"""Frames are put in order in the memory that they were read into, volume after volume."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from itkdicomqr.volume.voxels.slots import Slots

FRAME = (2, 3)
INT16 = np.dtype(np.int16)


def filled(count: int, *, more: int = 0) -> Slots:
    """Fill slots, each with its own number."""
    slots = Slots(FRAME, INT16, count + more, np.empty)
    for _ in range(count):
        slot = slots.take(None)
        slots.array[slot] = slot
    return slots


@given(order=st.permutations(range(7)), cut=st.integers(0, 7))
def test_two_volumes_lie_one_after_the_other_in_the_one_array(order: list[int], cut: int) -> None:
    slots = filled(7)
    volumes = [slots.in_order(order[:cut], INT16), slots.in_order(order[cut:], INT16)]
    assert [volume[:, 0, 0].tolist() for volume in volumes] == [order[:cut], order[cut:]]
    assert slots.array[:, 1, 2].tolist() == order
    assert all(volume is slots.array or volume.base is slots.array for volume in volumes)


def test_free_slots_stay_behind_the_volumes() -> None:
    slots = filled(3, more=4)
    assert slots.in_order([2, 0, 1], INT16)[:, 0, 0].tolist() == [2, 0, 1]


def test_frames_that_are_needed_twice_are_copied() -> None:
    slots = filled(4)
    first = slots.in_order([3, 1], INT16)
    second = slots.in_order([1, 0, 2], INT16)
    assert (first[:, 0, 0].tolist(), second[:, 0, 0].tolist()) == ([3, 1], [1, 0, 2])
    assert not np.shares_memory(first, second)


def test_another_type_is_a_copy() -> None:
    slots = filled(3)
    floats = slots.in_order([2, 1, 0], np.dtype(np.float64))
    assert floats.dtype == np.float64
    assert floats[:, 0, 0].tolist() == [2, 1, 0]
    assert not np.shares_memory(floats, slots.array)


@pytest.mark.parametrize("dtype", ["int16", "float64"])
def test_slots_grow_with_what_comes(dtype: str) -> None:
    slots = filled(3)
    slots.enlarge(np.dtype(dtype))
    slot = slots.take(None)
    slots.array[slot] = slot
    assert slots.array.dtype == dtype
    assert slots.in_order([3, 2, 1, 0], np.dtype(dtype))[:, 0, 0].tolist() == [3, 2, 1, 0]

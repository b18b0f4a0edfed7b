"""Where voxels go while the order of their slices is not known yet.

Each slice is written once, as it comes. An array as large as all expected slices is allocated for
the first; it is widened when a later one needs a larger type, and put in order in place at the end, so that
several volumes lie one after the other in the one array.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from itkdicomqr.volume.voxels.pixels import common_dtype

Allocate = Callable[[tuple[int, ...], np.dtype[Any]], NDArray[Any]]
"""Gives uninitialised memory of a shape and a type; ``numpy.empty`` unless a toolkit is to own it."""


class Slots:
    """Places for frames of one shape.

    Parameters
    ----------
    frame : tuple of int
        (rows, columns[, components]).
    dtype : numpy.dtype
        Of the first frame.
    count : int
        How many are expected.
    allocate : callable
        Makes the array.
    """

    def __init__(self, frame: tuple[int, ...], dtype: np.dtype[Any], count: int, allocate: Allocate) -> None:
        self._frame = frame
        self._allocate = allocate
        self._free = dict.fromkeys(range(count))
        self._place_of = list(range(count))
        self._slot_at = list(range(count))
        self._given = 0
        self.array = allocate((count, *frame), dtype)

    @property
    def used_bytes(self) -> int:
        """The size of the slots that were taken."""
        return (len(self.array) - len(self._free)) * prod(self._frame) * self.array.itemsize

    def fits(self, dtype: np.dtype[Any]) -> bool:
        """Tell whether one more frame of a type can be taken as the array is."""
        return bool(self._free) and common_dtype([self.array.dtype, dtype]) == self.array.dtype

    def enlarge(self, dtype: np.dtype[Any]) -> None:
        """Make room for one more frame of a type; nobody may be writing into a slot."""
        old = self.array
        count = len(old) if self._free else 2 * len(old)
        self.array = self._allocate((count, *self._frame), common_dtype([old.dtype, dtype]))
        self.array[: len(old)] = old
        self._free.update(dict.fromkeys(range(len(old), count)))
        self._place_of, self._slot_at = list(range(count)), list(range(count))

    def take(self, wanted: int | None) -> int:
        """Take a free slot: the wanted one, or the first."""
        slot = wanted if wanted is not None and wanted in self._free else next(iter(self._free))
        del self._free[slot]
        return slot

    def in_order(self, order: Sequence[int], dtype: np.dtype[Any]) -> NDArray[Any]:
        """Give the frames of some slots in order, in the array's own memory.

        The frames that are given first come to lie first, and so on: volumes that are asked for one after
        the other lie so in memory. Frames are copied only where they are needed again, or as another type.
        """
        first = self._given
        if dtype != self.array.dtype or any(self._place_of[slot] < first for slot in order):
            return self.array[[self._place_of[slot] for slot in order]].astype(dtype, copy=False)
        for place, slot in enumerate(order, first):
            self._move(slot, place)
        self._given = first + len(order)
        return self.array if len(order) == len(self.array) else self.array[first : self._given]

    def _move(self, slot: int, place: int) -> None:
        """Exchange a slot's frame with the one at a place."""
        from_place, other = self._place_of[slot], self._slot_at[place]
        if from_place == place:
            return
        moved = self.array[place].copy()
        self.array[place] = self.array[from_place]
        self.array[from_place] = moved
        self._place_of[slot], self._place_of[other] = place, from_place
        self._slot_at[place], self._slot_at[from_place] = slot, other

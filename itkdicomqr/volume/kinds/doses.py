"""Where the planes of an RT Dose lie (PS3.3 C.8.8.3.2)."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

from itkdicomqr.volume.headers import checked_orientation
from itkdicomqr.volume.vectors import normal, scaled, sum_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from itkdicomqr.volume.headers import SliceHeader

EVEN_OFFSETS = 1e-6
"""How much the steps between offsets may differ, as a fraction, for the first to be that of all, as in ITK."""

_GRID_FRAME_OFFSET_VECTOR = 0x3004000C


def placed_doses(headers: Sequence[SliceHeader]) -> list[SliceHeader]:
    """Put each plane of a dose at its offset along the normal.

    Raises
    ------
    CorruptInstanceError
        The offsets are missing, or the position is.
    """
    first = headers[0]
    if len(headers) == 1:
        return [first]
    offsets = first.top.lengths(_GRID_FRAME_OFFSET_VECTOR, len(headers))
    if offsets is None or first.position is None:
        raise first.top.corrupt(_GRID_FRAME_OFFSET_VECTOR, "is missing, or the dose has no position")
    position, towards = first.position, normal(checked_orientation(first))
    steps = [after - before for before, after in pairwise(offsets)]
    even = max(steps) - min(steps) <= EVEN_OFFSETS * abs(steps[0])
    told_step = abs(steps[0]) if even else None
    return [
        replace(header, position=sum_of(position, scaled(towards, offset - offsets[0])), told_step=told_step)
        for header, offset in zip(headers, offsets, strict=True)
    ]

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

SAME_Z = 1e-3
"""How far the first offset may be from the z that it repeats, mm."""

AXIAL = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
"""The one ImageOrientationPatient for which offsets may be the z of the planes."""

_GRID_FRAME_OFFSET_VECTOR = 0x3004000C


def placed_doses(headers: Sequence[SliceHeader]) -> list[SliceHeader]:
    """Put each plane of a dose at its offset along the normal.

    Offsets begin with 0; or they are the z of planes whose rows and columns go along x and y, and begin with
    that of ImagePositionPatient.

    Raises
    ------
    CorruptInstanceError
        The offsets are missing, or of neither kind, or do not go one way; or the position is missing.
    """
    first = headers[0]
    if len(headers) == 1:
        return [first]
    offsets = first.top.lengths(_GRID_FRAME_OFFSET_VECTOR, len(headers))
    if offsets is None or first.position is None:
        raise first.top.corrupt(_GRID_FRAME_OFFSET_VECTOR, "is missing, or the dose has no position")
    position, towards = first.position, normal(checked_orientation(first))
    steps = [after - before for before, after in pairwise(offsets)]
    if not (all(step > 0 for step in steps) or all(step < 0 for step in steps)):
        raise first.top.corrupt(_GRID_FRAME_OFFSET_VECTOR, "does not go one way")
    is_absolute = first.orientation == AXIAL and abs(offsets[0] - position[2]) <= SAME_Z
    if offsets[0] != 0 and not is_absolute:
        reason = "begins neither with 0 nor with the z of ImagePositionPatient (0020,0032) of axial planes"
        raise first.top.corrupt(_GRID_FRAME_OFFSET_VECTOR, reason)
    even = max(steps) - min(steps) <= EVEN_OFFSETS * abs(steps[0])
    told_step = abs(steps[0]) if even else None
    return [
        replace(header, position=sum_of(position, scaled(towards, offset - offsets[0])), told_step=told_step)
        for header, offset in zip(headers, offsets, strict=True)
    ]

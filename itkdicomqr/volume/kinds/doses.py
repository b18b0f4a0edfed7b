"""Where the planes of an RT Dose lie (PS3.3 C.8.8.3.2)."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

from itkdicomqr.volume.headers import checked_orientation
from itkdicomqr.volume.vectors import difference, length, normal, scaled, sum_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from itkdicomqr.volume.headers import SliceHeader
    from itkdicomqr.volume.vectors import Vector

EVEN_OFFSETS = 1e-6
"""How much the steps between offsets may differ, as a fraction, for the first to be that of all, as in ITK."""

SAME_Z = 0.01
"""How far the first offset may be from the z that it repeats, mm: the two are rounded differently."""

AXIAL = 1e-4
"""How far the normal of planes may be from the z axis, along which offsets may be told."""

_GRID_FRAME_OFFSET_VECTOR = 0x3004000C


def placed_doses(headers: Sequence[SliceHeader]) -> list[SliceHeader]:
    """Put each plane of a dose at its offset along the normal.

    Raises
    ------
    CorruptInstanceError
        The offsets are missing, or not those that the standard knows; or the position is missing.
    """
    first = headers[0]
    if len(headers) == 1:
        return [first]
    offsets = first.top.lengths(_GRID_FRAME_OFFSET_VECTOR, len(headers))
    if offsets is None or first.position is None:
        raise first.top.corrupt(_GRID_FRAME_OFFSET_VECTOR, "is missing, or the dose has no position")
    position, towards = first.position, normal(checked_orientation(first))
    _check_offsets(first, offsets, position, towards)
    steps = [after - before for before, after in pairwise(offsets)]
    even = max(steps) - min(steps) <= EVEN_OFFSETS * abs(steps[0])
    told_step = abs(steps[0]) if even else None
    return [
        replace(header, position=sum_of(position, scaled(towards, offset - offsets[0])), told_step=told_step)
        for header, offset in zip(headers, offsets, strict=True)
    ]


def _check_offsets(first: SliceHeader, offsets: Sequence[float], position: Vector, towards: Vector) -> None:
    """Refuse offsets that do not go one way, or begin neither with 0 nor with the z of planes that go on along it."""
    if offsets[0] != 0:
        is_along_z = length(difference(towards, (0.0, 0.0, 1.0))) <= AXIAL
        if not is_along_z or abs(offsets[0] - position[2]) > SAME_Z:
            reason = "begins neither with 0 nor with the z of ImagePositionPatient (0020,0032) of axial planes"
            raise first.top.corrupt(_GRID_FRAME_OFFSET_VECTOR, reason)
    if list(offsets) not in (sorted(set(offsets)), sorted(set(offsets), reverse=True)):
        raise first.top.corrupt(_GRID_FRAME_OFFSET_VECTOR, "does not go one way")

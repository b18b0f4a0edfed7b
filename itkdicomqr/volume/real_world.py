"""What stored values mean in the real world, which is told and never applied (PS3.3 C.7.6.16.2.11)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from itkdicomqr.errors import CorruptInstanceError
from itkdicomqr.scan import Header
from itkdicomqr.volume.tags import PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE, SHARED_FUNCTIONAL_GROUPS_SEQUENCE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from itkdicomqr.volume.decoding.stored import PixelSource
    from itkdicomqr.volume.elements import Elements
    from itkdicomqr.volume.headers import SliceHeader

_MAPPING_SEQUENCE = 0x00409096
_UNITS_SEQUENCE = 0x004008EA
_CODE_VALUE = 0x00080100
_LABEL = 0x00409210
_INTERCEPT = 0x00409224
_SLOPE = 0x00409225
_TABLE = 0x00409212
_OF_A_FRAME = (_SLOPE, _TABLE)
"""One of these is among a frame's own elements where its functional groups map it."""

_FIRST, _FIRST_OF_FLOATS = 0x00409216, 0x00409214
_LAST, _LAST_OF_FLOATS = 0x00409211, 0x00409213


@dataclass(frozen=True)
class RealWorldValues:
    """One item of RealWorldValueMappingSequence.

    It maps stored values, not rescaled ones: those of a volume that is read with ``rescale=False`` and
    ``invert_monochrome1=False``.

    Attributes
    ----------
    slope, intercept : float or None
        From a stored value to the real one; None where a table tells it.
    unit : str
        The code of MeasurementUnitsCodeSequence, mostly of UCUM.
    label : str
        LUTLabel.
    first, last : float or None
        The stored values from which and up to which it holds.
    """

    slope: float | None
    intercept: float | None
    unit: str
    label: str
    first: float | None
    last: float | None

    def __str__(self) -> str:
        return "a table" if self.slope is None else f"{self.slope:g} x + {self.intercept or 0.0:g} {self.unit}"


def real_world_values_of(slices: Sequence[SliceHeader]) -> tuple[RealWorldValues, ...]:
    """Return the mappings of some slices, each once.

    Raises
    ------
    CorruptInstanceError
        One cannot be read.
    """
    items = (*_of_the_top_level(slices), *_of_functional_groups(slices))
    return tuple(dict.fromkeys(_read(item, signed=slices[0].layout.signed) for item in items))


def _of_the_top_level(slices: Sequence[SliceHeader]) -> list[Elements]:
    """Return the items of the top levels; those of equal bytes once."""
    tops = {header.top.content(_MAPPING_SEQUENCE): header.top for header in slices if _MAPPING_SEQUENCE in header.top}
    return [item for top in tops.values() for item in top.items(_MAPPING_SEQUENCE)]


def _of_functional_groups(slices: Sequence[SliceHeader]) -> list[Elements]:
    """Return the items that the frames of an instance share, and their own."""
    frames_of: dict[PixelSource, list[SliceHeader]] = {}
    for header in slices:
        if header.elements is not header.top and any(tag in header.elements for tag in _OF_A_FRAME):
            frames_of.setdefault(header.source, []).append(header)
    groups = (each for frames in frames_of.values() for each in _groups(frames))
    return [item for each in groups for item in _nested(each, _MAPPING_SEQUENCE)]


def _groups(frames: Sequence[SliceHeader]) -> list[Elements]:
    top = frames[0].top
    shared, own = top.items(SHARED_FUNCTIONAL_GROUPS_SEQUENCE), top.items(PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE)
    return [*shared, *(own[header.frame] for header in frames if header.frame < len(own))]


def _nested(item: Elements, tag: int) -> list[Elements]:
    """Return the items of a sequence within an item."""
    try:
        inner = item.raw.items_of(tag) if isinstance(item.raw, Header) else ()
    except CorruptInstanceError as error:
        raise item.corrupt(tag, f"cannot be read: {error.args[0]}") from None
    return [replace(item, raw=each) for each in inner]


def _read(item: Elements, *, signed: bool) -> RealWorldValues:
    units = [unit.text(_CODE_VALUE) for unit in _nested(item, _UNITS_SEQUENCE)]
    stored = "SS" if signed else "US"
    return RealWorldValues(
        slope=_first(item.binary(_SLOPE, "FD")),
        intercept=_first(item.binary(_INTERCEPT, "FD")),
        unit=units[0] if units else "",
        label=item.text(_LABEL),
        first=_first((*item.binary(_FIRST, stored), *item.binary(_FIRST_OF_FLOATS, "FD"))),
        last=_first((*item.binary(_LAST, stored), *item.binary(_LAST_OF_FLOATS, "FD"))),
    )


def _first(numbers: Sequence[float]) -> float | None:
    return numbers[0] if numbers else None

"""The spacing of an ultrasound image, which its regions tell (PS3.3 C.8.5.5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from itkdicomqr.volume.elements import FARTHEST, NEAREST

if TYPE_CHECKING:
    from itkdicomqr.volume.elements import Elements

SEQUENCE_OF_ULTRASOUND_REGIONS = 0x00186011

CENTIMETRES = 3
"""The code of cm among PhysicalUnitsXDirection and PhysicalUnitsYDirection."""

MM_PER_CM = 10.0

_UNITS = (0x00186026, 0x00186024)
_DELTAS = (0x0018602E, 0x0018602C)
"""Of PhysicalUnits and PhysicalDelta: that along columns (y), then that along rows (x)."""


def calibrated_spacing(elements: Elements) -> tuple[float, ...] | None:
    """Return the spacing between rows and between columns that all regions in centimetres agree on, mm.

    Regions of other units, such as a Doppler trace's or a palette's, have no say. None where no
    region is in centimetres, or where two differ.

    Raises
    ------
    CorruptInstanceError
        The regions cannot be read.
    """
    spacings = {_spacing(region) for region in elements.items(SEQUENCE_OF_ULTRASOUND_REGIONS)} - {None}
    return spacings.pop() if len(spacings) == 1 else None


def _spacing(region: Elements) -> tuple[float, ...] | None:
    """Return the size of a region's pixels, None where they are no lengths; a delta's sign is its direction."""
    units = [region.unsigned(tag) for tag in _UNITS]
    deltas = [delta for tag in _DELTAS for delta in region.binary(tag)]
    if units != [CENTIMETRES] * 2 or len(deltas) != 2 or not all(NEAREST < abs(delta) < FARTHEST for delta in deltas):
        return None
    return tuple(abs(delta) * MM_PER_CM for delta in deltas)

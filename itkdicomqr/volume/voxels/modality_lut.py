"""Modality lookup tables: what stored values mean where no slope and intercept tell it (PS3.3 C.11.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from itkdicomqr.volume.tags import MODALITY_LUT_SEQUENCE
from itkdicomqr.volume.voxels.lookup import LookupTable, entries_of, entry_count, first_value

if TYPE_CHECKING:
    from itkdicomqr.volume.headers import SliceHeader

_LUT_DESCRIPTOR = 0x00283002
_LUT_DATA = 0x00283006


def modality_lut_of(header: SliceHeader) -> LookupTable | None:
    """Read the modality lookup table of an instance, None where it has none.

    Raises
    ------
    CorruptInstanceError
        Its descriptor or its data are missing, or contradict each other.
    """
    items = header.top.items(MODALITY_LUT_SEQUENCE)
    if not items:
        return None
    descriptor = items[0].integers(_LUT_DESCRIPTOR)
    if len(descriptor) != 3 or descriptor[2] not in range(8, 17):
        raise header.top.corrupt(_LUT_DESCRIPTOR, "of the modality lookup table is missing or damaged")
    count, first, bits = descriptor
    entries = entries_of(items[0], _LUT_DATA, entry_count(count), bits)
    return LookupTable(first_value(first, signed=header.layout.signed), entries)

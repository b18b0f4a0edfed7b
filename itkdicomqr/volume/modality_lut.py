"""Modality lookup tables: what stored values mean where no slope and intercept tell it (PS3.3 C.11.1)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from itkdicomqr.volume.headers import SliceHeader

MODALITY_LUT_SEQUENCE = 0x00283000

_LUT_DESCRIPTOR = 0x00283002
_LUT_DATA = 0x00283006
_MOST_ENTRIES = 1 << 16


@dataclass(frozen=True)
class ModalityLUT:
    """A lookup table.

    Attributes
    ----------
    first : int
        The stored value of the first entry.
    entries : ndarray
        Unsigned, of 8 or 16 bits.
    """

    first: int
    entries: NDArray[np.unsignedinteger[Any]]

    def looked_up(self, stored: NDArray[Any]) -> NDArray[np.unsignedinteger[Any]]:
        """Look stored values up; those beyond an end take the entry there."""
        return self.entries[np.clip(stored.astype(np.int64) - self.first, 0, len(self.entries) - 1)]


def modality_lut_of(header: SliceHeader) -> ModalityLUT | None:
    """Read the modality lookup table of an instance, None where it has none.

    Raises
    ------
    CorruptInstanceError
        Its descriptor or its data are missing, or contradict each other.
    """
    items = header.top.items(MODALITY_LUT_SEQUENCE)
    if not items:
        return None
    descriptor = tuple(map(int, items[0].binary(_LUT_DESCRIPTOR)))
    if len(descriptor) != 3 or descriptor[2] not in range(8, 17):
        raise header.top.corrupt(_LUT_DESCRIPTOR, "of the modality lookup table is missing or damaged")
    count, first, bits = descriptor[0] & 0xFFFF or _MOST_ENTRIES, descriptor[1], descriptor[2]
    first = (first + 0x8000 & 0xFFFF) - 0x8000 if header.layout.signed else first & 0xFFFF
    content = items[0].content(_LUT_DATA)
    if len(content) >= 2 * count:
        entries = np.frombuffer(content, f"{header.top.byte_order}u2", count)
        return ModalityLUT(first, entries.astype(np.uint8 if bits == 8 else np.uint16))
    if bits == 8 and len(content) >= count:
        return ModalityLUT(first, np.frombuffer(content, np.uint8, count))
    reason = f"has {len(content)} bytes, too few for {count} entries of {bits} bits"
    raise header.top.corrupt(_LUT_DATA, reason)

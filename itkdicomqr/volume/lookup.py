"""Lookup tables: from a stored value to the entry that stands for it (PS3.3 C.7.9, C.11.1)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from itkdicomqr.volume.elements import Elements

    Entries = NDArray[np.unsignedinteger[Any]]

_MOST_ENTRIES = 1 << 16
"""How many entries a table has whose descriptor says 0."""


@dataclass(frozen=True)
class LookupTable:
    """Entries for consecutive stored values.

    Attributes
    ----------
    first : int
        The stored value of the first entry.
    entries : ndarray
        (entries,) or (entries, components); unsigned, of 8 or 16 bits.
    """

    first: int
    entries: Entries

    def looked_up(self, stored: NDArray[Any]) -> Entries:
        """Look stored values up; those beyond an end take the entry there."""
        return self.entries[np.clip(stored.astype(np.int64) - self.first, 0, len(self.entries) - 1)]


def entry_count(told: int) -> int:
    """Return the first number of a descriptor, whatever VR it is written in."""
    return told & 0xFFFF or _MOST_ENTRIES


def first_value(told: int, *, signed: bool) -> int:
    """Return the second number of a descriptor as the stored values are, whatever VR it is written in."""
    return (told + 0x8000 & 0xFFFF) - 0x8000 if signed else told & 0xFFFF


def entries_of(elements: Elements, tag: int, count: int, bits: int) -> Entries:
    """Read the data of a table; one of 8 bits may be stored in bytes or in words.

    Raises
    ------
    CorruptInstanceError
        It has fewer entries than its descriptor says.
    """
    content = elements.content(tag)
    if len(content) >= 2 * count:
        words = np.frombuffer(content, f"{elements.byte_order}u2", count)
        return words.astype(np.uint8 if bits == 8 else np.uint16)
    if bits == 8 and len(content) >= count:
        return np.frombuffer(content, np.uint8, count)
    raise elements.corrupt(tag, f"has {len(content)} bytes, too few for {count} entries of {bits} bits")

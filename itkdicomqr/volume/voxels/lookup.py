"""Lookup tables: from a stored value to the entry that stands for it (PS3.3 C.7.9, C.11.1)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from itkdicomqr.errors import UnsupportedImageError
from itkdicomqr.prose import counted

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from itkdicomqr.volume.elements import Elements

    Entries = NDArray[np.unsignedinteger[Any]]

_DISCRETE, _LINEAR, _INDIRECT = 0, 1, 2
"""The kinds of segments."""

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
        return self.entries[np.clip(stored.astype(np.int64, copy=False) - self.first, 0, len(self.entries) - 1)]


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
    needed = f"{counted(count, 'entry', 'entries')} of {bits} bits"
    raise elements.corrupt(tag, f"has {counted(len(content), 'byte')}, too few for {needed}")


def segments_of(elements: Elements, tag: int, count: int, bits: int) -> Entries:
    """Read the data of a segmented table (PS3.3 C.7.9.2), and write all of its entries.

    Raises
    ------
    UnsupportedImageError
        A segment names others by an offset, which software counts in bytes or in words.
    CorruptInstanceError
        The segments are damaged, or make fewer entries than the descriptor says.
    """
    width = 1 if bits == 8 else 2
    content = elements.content(tag)
    numbers = np.frombuffer(content, f"{elements.byte_order}u{width}", len(content) // width)
    segments: list[NDArray[Any]] = []
    made = at = 0
    while made < count and at + 2 < len(numbers):
        kind, length = numbers[at : at + 2].tolist()
        at += 2
        if kind == _INDIRECT:
            message = f"instance {elements.sop_instance_uid}: a palette with indirect segments (0028,1221) is not read"
            raise UnsupportedImageError(message)
        if not (kind == _DISCRETE or (kind == _LINEAR and made)):
            raise elements.corrupt(tag, f"has a segment of type {kind} that cannot be there")
        read = length if kind == _DISCRETE else 1
        if length:
            entries = numbers[at : at + read]
            segments.append(entries if kind == _DISCRETE else _line(segments[-1][-1], entries[0], length))
            made += len(segments[-1])
        at += read
    if made < count:
        raise elements.corrupt(tag, f"makes {made} entries, of which its descriptor says {count}")
    return np.concatenate(segments)[:count].astype(f"u{width}")


def _line(before: int, last: int, length: int) -> NDArray[Any]:
    """Give the entries of a linear segment, which goes on from the one before it."""
    return np.around(np.linspace(before, last, length + 1)[1:])

"""From stored colours to RGB, as GDCM computes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from itkdicomqr.volume.tags import BITS_ALLOCATED, PIXEL_REPRESENTATION
from itkdicomqr.volume.voxels.lookup import LookupTable, entries_of, entry_count, first_value, segments_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from itkdicomqr.volume.decoding.stored import Stored
    from itkdicomqr.volume.elements import Elements

PALETTE = "PALETTE COLOR"
YBR = frozenset({"YBR_FULL", "YBR_FULL_422"})

_KR, _KG, _KB = 0.299, 0.587, 0.114
"""The luma of red, green and blue (ITU-R BT.601)."""

_DESCRIPTORS = (0x00281101, 0x00281102, 0x00281103)
_TABLES = (0x00281201, 0x00281202, 0x00281203)
_SEGMENTED_TABLES = (0x00281221, 0x00281222, 0x00281223)


def to_rgb(stored: Stored) -> NDArray[np.integer[Any]]:
    """Return samples whose colours, where there are any but those of a palette, are RGB."""
    return ybr_to_rgb(stored.samples) if stored.photometric in YBR else stored.samples


def ybr_to_rgb(samples: NDArray[np.integer[Any]]) -> NDArray[np.uint8]:
    """Convert YBR_FULL samples of 8 bits (PS3.3 C.7.6.3.1.2), rounding half up.

    Parameters
    ----------
    samples : ndarray
        (rows, columns, 3).
    """
    y, cb, cr = (samples[..., index].astype(np.float64) for index in range(3))
    cb -= 128
    cr -= 128
    green = y - (_KB * 1.772 / _KG) * cb - (_KR * 1.402 / _KG) * cr
    rgb = np.stack((y + 1.402 * cr, green, y + 1.772 * cb), axis=-1)
    return np.clip(np.floor(rgb + 0.5), 0, 255).astype(np.uint8)


def palette_of(elements: Elements) -> LookupTable:
    """Read the palette of an image (PS3.3 C.7.9).

    Its entries are RGB, of 8 bits, or of 16 where both the samples and the tables have as many: GDCM
    keeps the upper byte of larger entries.

    Raises
    ------
    CorruptInstanceError
        A table is missing, or is not as long as its descriptor says.
    """
    descriptors = {elements.integers(tag) for tag in _DESCRIPTORS}
    if len(descriptors) != 1 or len(descriptor := next(iter(descriptors))) != 3 or descriptor[2] not in {8, 16}:
        raise elements.corrupt(_DESCRIPTORS[0], "is missing, damaged, or not equal for the three colours")
    count, first, bits = descriptor
    is_segmented = any(tag in elements for tag in _SEGMENTED_TABLES)
    read, tags = (segments_of, _SEGMENTED_TABLES) if is_segmented else (entries_of, _TABLES)
    entries = np.stack([read(elements, tag, entry_count(count), bits) for tag in tags], axis=1)
    if bits > (elements.unsigned(BITS_ALLOCATED) or bits):
        entries = (entries >> 8).astype(np.uint8)
    return LookupTable(first_value(first, signed=bool(elements.unsigned(PIXEL_REPRESENTATION))), entries)

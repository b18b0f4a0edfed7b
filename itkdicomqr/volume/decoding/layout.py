"""How the samples of an instance are stored."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from itkdicomqr.volume.tags import BITS_ALLOCATED, COLUMNS, PIXEL_REPRESENTATION, ROWS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from itkdicomqr.volume.elements import Elements

_SAMPLES_PER_PIXEL = 0x00280002
_PHOTOMETRIC_INTERPRETATION = 0x00280004
_PLANAR_CONFIGURATION = 0x00280006
_BITS_STORED = 0x00280101
_HIGH_BIT = 0x00280102

SUBSAMPLED = "YBR_FULL_422"

FLOAT_BITS: Mapping[int, int] = {0x7FE00008: 32, 0x7FE00009: 64}
"""BitsAllocated of FloatPixelData and DoubleFloatPixelData (PS3.3 C.7.6.24, C.7.6.25), by tag."""


@dataclass(frozen=True, slots=True)
class PixelLayout:
    """How the pixels of an instance are stored (PS3.3 C.7.6.3).

    Attributes
    ----------
    rows, columns, samples : int
        The size of a frame, and its samples per pixel.
    photometric : str
        PhotometricInterpretation.
    planar : bool
        Whether each sample has a plane of its own.
    bits_allocated, bits_stored, high_bit : int
        Where the bits of a sample lie.
    signed : bool
        Whether they are a two's complement.
    floating : bool
        Whether they are floating point numbers.
    """

    rows: int
    columns: int
    samples: int
    photometric: str
    planar: bool
    bits_allocated: int
    bits_stored: int
    high_bit: int
    signed: bool
    floating: bool = False

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of a frame: (rows, columns), or (rows, columns, samples)."""
        return (self.rows, self.columns) + ((self.samples,) if self.samples > 1 else ())

    @property
    def stored_samples(self) -> int:
        """How many samples of a frame native pixel data stores: YBR_FULL_422 two of three (PS3.3 C.7.6.3.1.2)."""
        return self.rows * self.columns * (2 if self.photometric == SUBSAMPLED else self.samples)

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of a stored sample, in native byte order; a single bit takes a byte."""
        kind = "f" if self.floating else "iu"[not self.signed]
        return np.dtype(f"{kind}{max(1, self.bits_allocated // 8)}")


def layout_of(elements: Elements, pixel_tag: int | None) -> PixelLayout:
    """Read how the samples of an instance are stored.

    Parameters
    ----------
    elements : Elements
        Its header.
    pixel_tag : int or None
        The tag of its pixel data element.

    Raises
    ------
    CorruptInstanceError
        An attribute is missing, or contradicts another.
    """
    allocated = required(elements, BITS_ALLOCATED)
    stored = elements.unsigned(_BITS_STORED) or allocated
    high_bit = elements.unsigned(_HIGH_BIT)
    layout = PixelLayout(
        rows=required(elements, ROWS),
        columns=required(elements, COLUMNS),
        samples=elements.unsigned(_SAMPLES_PER_PIXEL) or 1,
        photometric=elements.text(_PHOTOMETRIC_INTERPRETATION),
        planar=_flag(elements, _PLANAR_CONFIGURATION),
        bits_allocated=allocated,
        bits_stored=stored,
        high_bit=stored - 1 if high_bit is None else high_bit,
        signed=_flag(elements, PIXEL_REPRESENTATION),
        floating=pixel_tag in FLOAT_BITS,
    )
    float_bits = FLOAT_BITS.get(pixel_tag or 0, allocated)
    if allocated != float_bits:
        raise elements.corrupt(BITS_ALLOCATED, f"is {allocated}, but the floats have {float_bits}")
    if not layout.bits_stored - 1 <= layout.high_bit < layout.bits_allocated:
        bits = f"BitsAllocated {allocated}, BitsStored {stored}"
        raise elements.corrupt(_HIGH_BIT, f"is {layout.high_bit}, which contradicts {bits}")
    return layout


def _flag(elements: Elements, tag: int) -> bool:
    """Return a US element that is 0 or 1, False where it is absent."""
    number = elements.unsigned(tag) or 0
    if number > 1:
        raise elements.corrupt(tag, f"is {number}, neither 0 nor 1")
    return bool(number)


def required(elements: Elements, tag: int) -> int:
    """Return the one number of a US element, which must not be zero.

    Raises
    ------
    CorruptInstanceError
        It is missing or zero.
    """
    number = elements.unsigned(tag)
    if not number:
        raise elements.corrupt(tag, "is missing or zero")
    return number

"""From stored samples to voxels: bits, colours, inversion, rescale, and the type that holds them all."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from itkdicomqr.errors import UnsupportedImageError
from itkdicomqr.volume.decoding.codecs import read_stored
from itkdicomqr.volume.decoding.stored import Stored
from itkdicomqr.volume.tags import PIXEL_PADDING_VALUE
from itkdicomqr.volume.voxels.colours import PALETTE, palette_of, to_rgb
from itkdicomqr.volume.voxels.modality_lut import modality_lut_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import DTypeLike, NDArray

    from itkdicomqr.volume.decoding.layout import PixelLayout
    from itkdicomqr.volume.headers import SliceHeader
    from itkdicomqr.volume.options import Options
    from itkdicomqr.volume.voxels.lookup import LookupTable

    Voxels = NDArray[Any]

_PADDING_VALUES = (PIXEL_PADDING_VALUE, 0x00280122, 0x00280123)
"""PixelPaddingValue, FloatPixelPaddingValue, DoubleFloatPixelPaddingValue."""

_BEST_FIT = {
    negative: tuple((np.iinfo(dtype).min, np.iinfo(dtype).max, np.dtype(dtype)) for dtype in dtypes)
    for negative, dtypes in {False: ("uint8", "uint16", "uint32"), True: ("int8", "int16", "int32")}.items()
}
"""GDCM's choice for rescaled integers, by whether any is negative, with their limits; beyond them float64."""


def voxel_dtype(header: SliceHeader, options: Options) -> np.dtype[Any]:
    """Return the type that GDCM gives to one instance (gdcm::Rescaler).

    Unchanged without rescale; the smallest integers that hold the rescaled range of BitsStored where
    slope and intercept are integers; float64 otherwise, and for doses. That of the entries where a
    modality lookup table is applied.
    """
    layout = header.layout
    if layout.photometric == PALETTE:
        return palette_of(header.elements).entries.dtype
    table = _table_of(header, options)
    if table is not None:
        return table.entries.dtype
    if not options.rescale or ((header.slope, header.intercept) == (1, 0) and not header.is_dose):
        return layout.dtype
    if header.is_dose or layout.floating or not (header.slope.is_integer() and header.intercept.is_integer()):
        return np.dtype(np.float64)
    return _smallest(header.slope * end + header.intercept for end in stored_range(layout))


def common_dtype(dtypes: Iterable[np.dtype[Any]]) -> np.dtype[Any]:
    """Return the smallest type that holds all of some; float64 where no 32-bit integer does."""
    common = np.result_type(*dtypes)
    return np.dtype(np.float64) if common.kind == "i" and common.itemsize > 4 else common


def stored_range(layout: PixelLayout) -> tuple[int, int]:
    """Return the least and the greatest value that BitsStored can hold."""
    if layout.signed:
        return -(1 << layout.bits_stored - 1), (1 << layout.bits_stored - 1) - 1
    return 0, (1 << layout.bits_stored) - 1


def components(layout: PixelLayout) -> int:
    """Return how many components a voxel gets."""
    return 3 if layout.photometric == PALETTE else layout.samples


def padding_of(header: SliceHeader, options: Options) -> float | None:
    """Return the voxel that PixelPaddingValue (PS3.3 C.7.5.1.1.2) makes, None where there is no such value."""
    layout = header.layout
    read = header.elements.binary if layout.floating else header.elements.integers
    told = [value for tag in _PADDING_VALUES for value in read(tag)]
    if not told or components(layout) > 1 or _table_of(header, options) is not None:
        return None
    value: float = told[0] if layout.floating else _bits_of(int(told[0]), layout)
    if options.invert_monochrome1 and layout.photometric == "MONOCHROME1":
        value = sum(stored_range(layout)) - value
    return float(value * header.slope + header.intercept if options.rescale else value)


def _bits_of(sample: int, layout: PixelLayout) -> int:
    """Return the BitsStored up to HighBit of one sample, extended by its sign."""
    least, greatest = stored_range(layout)
    value = sample >> layout.high_bit + 1 - layout.bits_stored & (1 << layout.bits_stored) - 1
    return value if value <= greatest else value + 2 * least


def fill_slice(header: SliceHeader, target: Voxels, options: Options) -> int:
    """Read the pixels of one frame and write them as voxels into their place.

    Parameters
    ----------
    header : SliceHeader
        Whose pixels.
    target : ndarray
        (rows, columns[, components]), of a type that holds all values.
    options : Options
        Whether to rescale and to invert.

    Returns
    -------
    int
        How many bytes the pixel data has beyond the frame.
    """
    if header.constant is not None:
        target[...] = header.constant
        return 0
    stored = _stored_of(header, options)
    is_palette = stored.photometric == PALETTE
    table = palette_of(header.elements) if is_palette else _table_of(header, options)
    if table is not None:
        _write_looked_up(stored.samples, header.layout, target, table)
        return stored.excess
    slope, intercept = (header.slope, header.intercept) if options.rescale else (1.0, 0.0)
    inverted = options.invert_monochrome1 and stored.photometric == "MONOCHROME1"
    write = _write_integers if target.dtype.kind in "iu" else _write_floats
    write(to_rgb(stored), header.layout, target, (slope, intercept), inverted=inverted)
    return stored.excess


def _stored_of(header: SliceHeader, options: Options) -> Stored:
    """Read the frame of a slice; of a mosaic once for all tiles, of which the first tells the excess."""
    if header.tile is None:
        return read_stored(header.source, header.frame, options.jpeg)
    kept = header.source.decoded
    if 0 not in kept:
        kept[0] = read_stored(header.source, 0, options.jpeg)
    row, column = header.tile
    samples = kept[0].samples[row : row + header.layout.rows, column : column + header.layout.columns]
    return replace(kept[0], samples=samples, excess=0 if header.frame else kept[0].excess)


def _table_of(header: SliceHeader, options: Options) -> LookupTable | None:
    """Return the lookup table to apply; an inversion before it would look up other entries than are meant."""
    table = modality_lut_of(header) if options.rescale and options.modality_lut == "apply" else None
    if table is not None and options.invert_monochrome1 and header.layout.photometric == "MONOCHROME1":
        message = (
            f"instance {header.sop_instance_uid}: modality_lut='apply' looks up stored values, which MONOCHROME1 "
            "(0028,0004) would invert first; take invert_monochrome1=False"
        )
        raise UnsupportedImageError(message)
    return table


def _write_looked_up(samples: NDArray[Any], layout: PixelLayout, target: Voxels, table: LookupTable) -> None:
    values = np.empty(samples.shape, np.int64)
    _extract(samples, layout, values)
    np.copyto(target, table.looked_up(values))


def _write_integers(
    samples: NDArray[Any],
    layout: PixelLayout,
    target: Voxels,
    rescale: tuple[float, float],
    *,
    inverted: bool,
) -> None:
    """Compute in the target's own integers; they wrap, but the result fits, so it is exact."""
    _extract(samples, layout, target)
    slope, intercept = map(int, rescale)
    if inverted:
        slope, intercept = -slope, intercept + slope * sum(stored_range(layout))
    if slope != 1:
        np.multiply(target, _wrapped(slope, target.dtype), out=target)
    if intercept != 0:
        np.add(target, _wrapped(intercept, target.dtype), out=target)


def _write_floats(
    samples: NDArray[Any],
    layout: PixelLayout,
    target: Voxels,
    rescale: tuple[float, float],
    *,
    inverted: bool,
) -> None:
    """Compute in float64, one multiplication and one addition, as GDCM does; stored floats may become infinite."""
    _extract(samples, layout, target)
    if inverted:
        np.subtract(sum(stored_range(layout)), target, out=target)
    slope, intercept = rescale
    if (slope, intercept) != (1, 0):
        with np.errstate(over="ignore", invalid="ignore"):
            np.multiply(target, slope, out=target)
            np.add(target, intercept, out=target)


def _extract(samples: NDArray[Any], layout: PixelLayout, target: Voxels) -> None:
    """Write the BitsStored up to HighBit of each sample, extended by its sign."""
    if layout.bits_stored == layout.bits_allocated:
        np.copyto(target, samples, casting="unsafe")
        return
    shift = layout.high_bit + 1 - layout.bits_stored
    shifted = np.right_shift(samples, shift) if shift else samples
    # Integers of one size need no cast, and NumPy no buffers for it.
    alike = target.dtype.kind in "iu" and target.dtype.itemsize == samples.dtype.itemsize and samples.dtype.isnative
    out = target.view(samples.dtype) if alike else target
    np.bitwise_and(shifted, (1 << layout.bits_stored) - 1, out=out, casting="unsafe")
    if layout.signed:
        sign = 1 << layout.bits_stored - 1
        negative = np.greater_equal(target, sign)
        np.subtract(target, negative * _wrapped(2 * sign, target.dtype), out=target)


def _wrapped(number: int, dtype: DTypeLike) -> Any:
    """Return an integer modulo the size of a type."""
    return np.array(number, np.int64).astype(dtype)


def _smallest(values: Iterable[float]) -> np.dtype[Any]:
    low, high = min(both := tuple(values)), max(both)
    fitting = (dtype for least, greatest, dtype in _BEST_FIT[low < 0] if least <= low and high <= greatest)
    return next(fitting, np.dtype(np.float64))

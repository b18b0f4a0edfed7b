"""Synthetic mosaics of Siemens and grids of United Imaging: slices of a series put side by side, and told so."""

from __future__ import annotations

import math
import struct
from copy import deepcopy
from typing import TYPE_CHECKING, Any

import numpy as np
from pydicom.dataset import Dataset

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

VRS = {"AcquisitionMatrixText": b"SH", "NumberOfImagesInMosaic": b"US", "SliceNormalVector": b"FD"}
"""The elements of a CSA header that tell what a mosaic is made of."""

CSA_ITEMS = 6
"""How many items Siemens writes for a single value, most of them empty."""


def mosaic(slices: Sequence[Dataset], *, csa: bytes | None = None, **overrides: Any) -> Dataset:
    """Put the slices of a series into one mosaic, in their order, row by row.

    Parameters
    ----------
    slices : sequence of Dataset
        Uncompressed, of one size, in steps along their normal or against it.
    csa : bytes, optional
        The CSA header; a truthful one unless given.
    overrides
        Attributes by keyword; None deletes one.
    """
    first, merged = slices[0], _put_together(slices)
    side = merged.Rows // first.Rows
    merged.ImageType = ["ORIGINAL", "PRIMARY", "M", "ND", "MOSAIC"]
    merged.Manufacturer = "SIEMENS"
    merged.ImagePositionPatient = [f"{axis:.10g}" for axis in _sheet_corner(first, side)]
    step = _positions(slices)[-1] - _positions(slices)[0]
    merged.private_block(0x0019, "SIEMENS MR HEADER", create=True).add_new(0x0A, "US", len(slices))
    header = csa_header(told(first, len(slices), step)) if csa is None else csa
    merged.private_block(0x0029, "SIEMENS CSA HEADER", create=True).add_new(0x10, "OB", header)
    for keyword, value in overrides.items():
        if value is None:
            delattr(merged, keyword)
        else:
            setattr(merged, keyword, value)
    return merged


def grid(slices: Sequence[Dataset]) -> Dataset:
    """Put the slices of a series into one grid of United Imaging, which tells the place of each."""
    merged = _put_together(slices)
    merged.Manufacturer = "UIH"
    block = merged.private_block(0x0065, "Image Private Header", create=True)
    block.add_new(0x50, "DS", str(len(slices)))
    block.add_new(0x51, "SQ", [_place(each) for each in slices])
    return merged


def _put_together(slices: Sequence[Dataset]) -> Dataset:
    """Make one image of the slices as tiles, row by row."""
    side = math.isqrt(len(slices) - 1) + 1
    first = slices[0]
    rows, columns = first.Rows, first.Columns
    sheet = np.zeros((side * rows, side * columns), first.pixel_array.dtype)
    for index, tile in enumerate(slices):
        row, column = index // side * rows, index % side * columns
        sheet[row : row + rows, column : column + columns] = tile.pixel_array
    merged = deepcopy(first)
    merged.Rows, merged.Columns = sheet.shape
    distance = np.linalg.norm(_positions(slices)[-1] - _positions(slices)[0])
    merged.SpacingBetweenSlices = f"{distance / (len(slices) - 1):.10g}"
    merged.PixelData = sheet.tobytes()
    return merged


def _place(slice_: Dataset) -> Dataset:
    place = Dataset()
    place.ImagePositionPatient = slice_.ImagePositionPatient
    return place


def csa_header(elements: Mapping[str, Sequence[str]], *, older: bool = False) -> bytes:
    """Write a CSA header, in the form with a signature or in the older one without."""
    parts = [b"" if older else b"SV10\4\3\2\1", struct.pack("<2I", len(elements), 77)]
    for name, values in elements.items():
        parts.append(struct.pack("<64si4s3i", name.encode(), len(values), VRS[name], 0, CSA_ITEMS, 77))
        parts += [_item(value, older=older) for value in (*values, *[""] * (CSA_ITEMS - len(values)))]
    return b"".join(parts)


def _item(value: str, *, older: bool) -> bytes:
    content = value.encode() + b"\0" if value else b""
    size = len(content)
    numbers = (size + CSA_ITEMS, 0, 0, 0) if older else (size, size, 77, size)
    return struct.pack("<4i", *numbers) + content + b"\0" * (-size % 4)


def told(first: Dataset, count: int, step: np.ndarray) -> dict[str, list[str]]:
    """Say in a CSA header's words how many slices follow a first one, and where to."""
    normal = step / np.linalg.norm(step)
    return {
        "AcquisitionMatrixText": [f"{first.Rows}p*{first.Columns}"],
        "NumberOfImagesInMosaic": [str(count)],
        "SliceNormalVector": [f"{axis:.8f}" for axis in normal],
    }


def _positions(slices: Sequence[Dataset]) -> list[np.ndarray]:
    return [np.array(dataset.ImagePositionPatient, float) for dataset in slices]


def _sheet_corner(first: Dataset, side: int) -> np.ndarray:
    """Where the mosaic's first pixel is, so that it has the centre of the first slice."""
    orientation = np.array(first.ImageOrientationPatient, float)
    down, right = map(float, first.PixelSpacing)
    back = orientation[:3] * right * first.Columns * (side - 1) / 2
    up = orientation[3:] * down * first.Rows * (side - 1) / 2
    corner: np.ndarray = _positions([first])[0] - back - up
    return corner

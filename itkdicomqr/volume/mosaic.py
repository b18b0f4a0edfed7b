"""Siemens mosaics: the slices of a volume as tiles of one image, taken apart.

The attributes of a mosaic place the whole image as if it were one slice, with the same centre as the
first slice. What the tiles are is told by the CSA header alone.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from itkdicomqr.errors import MosaicError
from itkdicomqr.volume import csa
from itkdicomqr.volume.geometry import dot, normal, scaled, sum_of
from itkdicomqr.volume.headers import checked_orientation

if TYPE_CHECKING:
    from collections.abc import Mapping

    from itkdicomqr.volume.elements import Elements
    from itkdicomqr.volume.geometry import Vector
    from itkdicomqr.volume.headers import SliceHeader

PARALLEL = 1e-3
"""How far the slices' normal of the CSA header may be from that of ImageOrientationPatient."""

_UIH_GRID = 0x00651050
_MR_HEADER = "SIEMENS MR HEADER"
_CSA_HEADER = "SIEMENS CSA HEADER"
_IMAGES_IN_MOSAIC = 0x0A
_CSA_IMAGE_HEADER_INFO = 0x10


@dataclass(frozen=True)
class Tiling:
    """What a mosaic is made of.

    Attributes
    ----------
    count : int
        The number of its tiles that hold a slice, row by row.
    towards : tuple of float
        The unit vector from a slice to the next.
    """

    count: int
    towards: Vector


def is_mosaic(header: SliceHeader) -> bool:
    """Tell whether an image holds slices as tiles."""
    if "MOSAIC" in header.image_type or _UIH_GRID in header.top:
        return True
    return header.modality == "MR" and bool(_told_count(header.top))


def tiles_of(mosaic: SliceHeader) -> list[SliceHeader]:
    """Take a mosaic apart into its slices, each with its true place.

    Raises
    ------
    MosaicError
        The header does not tell how, or contradicts itself.
    """
    tiling = _tiling_of(mosaic)
    side = math.isqrt(tiling.count - 1) + 1
    layout = mosaic.layout
    if layout.rows % side or layout.columns % side:
        raise _refusal(mosaic, f"{layout.rows} x {layout.columns} pixels are no {side} x {side} tiles")
    tile = replace(layout, rows=layout.rows // side, columns=layout.columns // side)
    corner, step = _first_corner(mosaic, side), _step(mosaic)
    return [
        replace(
            mosaic,
            frame=index,
            layout=tile,
            position=sum_of(corner, scaled(tiling.towards, index * step)),
            told_step=step,
            tile=(index // side * tile.rows, index % side * tile.columns),
        )
        for index in range(tiling.count)
    ]


def _first_corner(mosaic: SliceHeader, side: int) -> Vector:
    """Move from the mosaic's first pixel to that of a tile with the same centre."""
    orientation = checked_orientation(mosaic)
    rows, columns = mosaic.pixel_spacing or (0.0, 0.0)
    if not (mosaic.position and rows and columns):
        raise _refusal(mosaic, "PixelSpacing (0028,0030) or ImagePositionPatient (0020,0032) is missing")
    layout = mosaic.layout
    right = scaled(orientation[:3], columns * (layout.columns - layout.columns // side) / 2)
    down = scaled(orientation[3:], rows * (layout.rows - layout.rows // side) / 2)
    return sum_of(mosaic.position, sum_of(right, down))


def _step(mosaic: SliceHeader) -> float:
    step = mosaic.spacing_between_slices
    if not step or step < 0:
        raise _refusal(mosaic, "SpacingBetweenSlices (0018,0088) is not there, or not positive")
    return step


def _tiling_of(mosaic: SliceHeader) -> Tiling:
    """Read the number of tiles and the direction of the slices from the CSA header."""
    if _UIH_GRID in mosaic.top:
        raise _refusal(mosaic, "grids of United Imaging (0065,1050) are not taken apart")
    header = csa.parsed(mosaic.top.private(_CSA_HEADER, 0x0029, _CSA_IMAGE_HEADER_INFO))
    if header is None:
        raise _refusal(mosaic, "the CSA header (0029,xx10) is missing or damaged")
    count = _told_count(mosaic.top) or int(_numbers(header, "NumberOfImagesInMosaic", 1, mosaic)[0])
    if not 1 <= count <= mosaic.layout.rows * mosaic.layout.columns:
        raise _refusal(mosaic, f"NumberOfImagesInMosaic is {count}")
    across = normal(checked_orientation(mosaic))
    cosine = dot(across, _numbers(header, "SliceNormalVector", 3, mosaic))
    if abs(abs(cosine) - 1) > PARALLEL:
        raise _refusal(mosaic, "SliceNormalVector of the CSA header is not normal to ImageOrientationPatient")
    return Tiling(count, scaled(across, math.copysign(1.0, cosine)))


def _told_count(top: Elements) -> int:
    """Return NumberOfImagesInMosaic of Siemens' private block, 0 where it is not there."""
    content = top.private(_MR_HEADER, 0x0019, _IMAGES_IN_MOSAIC)
    return int.from_bytes(content[:2], "little" if top.byte_order == "<" else "big")


def _numbers(header: Mapping[str, tuple[str, ...]], name: str, count: int, mosaic: SliceHeader) -> tuple[float, ...]:
    try:
        numbers = tuple(map(float, header.get(name, ())))
    except ValueError:
        numbers = ()
    if len(numbers) != count or not all(map(math.isfinite, numbers)):
        raise _refusal(mosaic, f"the CSA header tells no {name}")
    return numbers


def _refusal(mosaic: SliceHeader, reason: str) -> MosaicError:
    message = (
        f"instance {mosaic.sop_instance_uid}: a mosaic (ImageType (0008,0008)) that cannot be taken apart: {reason}; "
        "mosaic='tiles' gives the image as it is, without true places"
    )
    return MosaicError(message)

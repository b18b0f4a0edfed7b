"""Siemens mosaics and grids of United Imaging: the slices of a volume as tiles of one image, taken apart.

The attributes of a mosaic place the whole image as if it were one slice, with the same centre as the
first slice. What the tiles are is told by the CSA header alone. A grid tells the place of each of its
slices in a private sequence.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from itkdicomqr.errors import MosaicError
from itkdicomqr.prose import counted
from itkdicomqr.volume.headers import checked_orientation
from itkdicomqr.volume.kinds import csa
from itkdicomqr.volume.tags import IMAGE_POSITION_PATIENT
from itkdicomqr.volume.vectors import dot, normal, scaled, sum_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from itkdicomqr.volume.elements import Elements
    from itkdicomqr.volume.headers import SliceHeader
    from itkdicomqr.volume.vectors import Vector

PARALLEL = 1e-3
"""How far the slices' normal of the CSA header may be from that of ImageOrientationPatient."""

MOST_TILES = 1 << 16
"""A limit of the tiles of a mosaic: a number alone must not fill the memory."""

# United Imaging takes the first block of its group.
_GRID_HEADER = "Image Private Header"
_GRID_CREATOR = 0x00650010
_SLICES_IN_GRID = 0x00651050
_FRAMES_OF_GRID = 0x00651051
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
    if "MOSAIC" in header.image_type or _grid_count(header.top) > 1:
        return True
    return header.modality == "MR" and bool(_told_count(header.top))


def tiles_of(mosaic: SliceHeader) -> list[SliceHeader]:
    """Take a mosaic or a grid apart into its slices, each with its true place.

    Raises
    ------
    MosaicError
        The header does not tell how, or contradicts itself.
    """
    if mosaic.orientation is None:
        raise _refusal(mosaic, "ImageOrientationPatient (0020,0037) or ImagePositionPatient (0020,0032) is missing")
    if _grid_count(mosaic.top) > 1:
        return _tiles(mosaic, _positions_in_grid(mosaic), None)
    tiling, step = _tiling_of(mosaic), _step(mosaic)
    corner = _first_corner(mosaic, _side(tiling.count))
    positions = [sum_of(corner, scaled(tiling.towards, index * step)) for index in range(tiling.count)]
    return _tiles(mosaic, positions, step)


def _tiles(mosaic: SliceHeader, positions: Sequence[Vector], step: float | None) -> list[SliceHeader]:
    """Cut an image into the tiles that have positions, row by row."""
    side, layout = _side(len(positions)), mosaic.layout
    if layout.rows % side or layout.columns % side:
        raise _refusal(mosaic, f"{layout.rows} x {layout.columns} pixels are no {side} x {side} tiles")
    tile = replace(layout, rows=layout.rows // side, columns=layout.columns // side)
    return [
        replace(
            mosaic,
            frame=index,
            layout=tile,
            position=position,
            told_step=step,
            tile=(index // side * tile.rows, index % side * tile.columns),
        )
        for index, position in enumerate(positions)
    ]


def _side(count: int) -> int:
    """Return how many tiles a row and a column of the smallest square have."""
    return math.isqrt(count - 1) + 1


def _first_corner(mosaic: SliceHeader, side: int) -> Vector:
    """Move from the mosaic's first pixel to that of a tile with the same centre."""
    orientation = checked_orientation(mosaic)
    rows, columns = mosaic.pixel_spacing or (0.0, 0.0)
    if not (mosaic.position and rows and columns):
        raise _refusal(mosaic, "PixelSpacing (0028,0030) is missing")
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
    header = csa.parsed(mosaic.top.private(_CSA_HEADER, 0x0029, _CSA_IMAGE_HEADER_INFO))
    if header is None:
        raise _refusal(mosaic, "the CSA header (0029,xx10) is missing or damaged")
    count = _told_count(mosaic.top) or int(_numbers(header, "NumberOfImagesInMosaic", 1, mosaic)[0])
    if not 1 <= count <= min(mosaic.layout.rows * mosaic.layout.columns, MOST_TILES):
        raise _refusal(mosaic, f"NumberOfImagesInMosaic is {count}")
    across = normal(checked_orientation(mosaic))
    cosine = dot(across, _numbers(header, "SliceNormalVector", 3, mosaic))
    if abs(abs(cosine) - 1) > PARALLEL:
        raise _refusal(mosaic, "SliceNormalVector of the CSA header is not normal to ImageOrientationPatient")
    return Tiling(count, scaled(across, math.copysign(1.0, cosine)))


def _grid_count(top: Elements) -> int:
    """Return how many slices a grid of United Imaging says that it has, 0 where there is none."""
    if _SLICES_IN_GRID not in top or top.text(_GRID_CREATOR) not in {_GRID_HEADER, ""}:
        return 0
    told = top.values(_SLICES_IN_GRID)
    return int(told[0]) if told and not isinstance(told[0], str) and math.isfinite(told[0]) else 0


def _positions_in_grid(grid: SliceHeader) -> list[Vector]:
    count, frames = _grid_count(grid.top), grid.top.items(_FRAMES_OF_GRID)
    told = [position for frame in frames if (position := frame.lengths(IMAGE_POSITION_PATIENT, 3))]
    if not len(told) == len(frames) == count:
        found = f"{counted(len(frames), 'item')}, {len(told)} of them with ImagePositionPatient"
        wanted = f"a grid of United Imaging of {counted(count, 'slice')} (0065,1050)"
        raise _refusal(grid, f"it is {wanted}, but MRVFrameSequence (0065,1051) has {found}")
    return [(x, y, z) for x, y, z in told]


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

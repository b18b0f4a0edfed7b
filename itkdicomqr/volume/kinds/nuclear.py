"""Where the frames of a nuclear medicine image lie (PS3.3 C.8.4)."""

from __future__ import annotations

import struct
from dataclasses import replace
from typing import TYPE_CHECKING

from itkdicomqr.errors import UnsupportedImageError
from itkdicomqr.prose import counted
from itkdicomqr.scan import RawElement
from itkdicomqr.volume.headers import UNKNOWN_SPACING, checked_orientation, place_of
from itkdicomqr.volume.vectors import normal, scaled, sum_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from itkdicomqr.volume.elements import Elements
    from itkdicomqr.volume.headers import SliceHeader

NUCLEAR_MEDICINE = "1.2.840.10008.5.1.4.1.1.20"

FRAME_VECTORS = (
    0x00540010,
    0x00540020,
    0x00540030,
    0x00540050,
    0x00540060,
    0x00540070,
    0x00540080,
    0x00540090,
)
"""EnergyWindow, Detector, Phase, Rotation, RRInterval, TimeSlot, Slice and AngularView Vector: a number a frame."""

_FRAME_INCREMENT_POINTER = 0x00280009
_DETECTOR_INFORMATION_SEQUENCE = 0x00540022
_DETECTOR_VECTOR = 0x00540020
_SLICE_VECTOR = 0x00540080


def placed_by_detector(headers: Sequence[SliceHeader]) -> list[SliceHeader]:
    """Place frames by the first detector, reconstructed slices one after the other.

    Where no detector has a place, the ImagePositionPatient is that of the top level. Slices are
    SpacingBetweenSlices apart along the normal, against it where that is negative (PS3.3 C.8.4.15),
    and 1 mm where it is missing, as in ITK. Frames that are no slices, such as a dynamic study's, get
    no place.

    Raises
    ------
    CorruptInstanceError
        The place or the frames' numbers are damaged.
    UnsupportedImageError
        Slices are of several detectors, which have different places.
    """
    top = headers[0].top
    detectors = top.items(_DETECTOR_INFORMATION_SEQUENCE)
    of_detector = place_of(detectors[0]) if detectors else (None, None)
    position, orientation = of_detector if of_detector[0] else place_of(top)
    if len(headers) == 1:
        return [replace(headers[0], position=position, orientation=orientation)]
    vectors = {tag: _vector(top, tag, len(headers)) for tag in FRAME_VECTORS if tag in _pointer(top)}
    if {_DETECTOR_VECTOR, _SLICE_VECTOR} <= vectors.keys() and len(set(map(place_of, detectors))) > 1:
        message = f"instance {top.sop_instance_uid}: slices of detectors at several places are not assembled"
        raise UnsupportedImageError(message)
    numbered = [_numbered(header, vectors) for header in headers]
    step = headers[0].spacing_between_slices or UNKNOWN_SPACING
    if position is None or _SLICE_VECTOR not in vectors:
        return [replace(header, position=None, orientation=None) for header in numbered]
    oriented = [replace(header, orientation=orientation) for header in numbered]
    towards = scaled(normal(checked_orientation(oriented[0])), step)
    return [
        replace(header, position=sum_of(position, scaled(towards, number - 1)), told_step=abs(step))
        for header, number in zip(oriented, vectors[_SLICE_VECTOR], strict=True)
    ]


MAX_UNSIGNED = (1 << 16) - 1
"""The largest value of the VR US."""


def _pointer(top: Elements) -> frozenset[int]:
    """Return the tags of the attributes by which the frames go on."""
    numbers = top.integers(_FRAME_INCREMENT_POINTER)
    return frozenset(group << 16 | element for group, element in zip(numbers[::2], numbers[1::2], strict=False))


def _vector(top: Elements, tag: int, count: int) -> tuple[int, ...]:
    numbers = top.integers(tag)
    if len(numbers) != count:
        raise top.corrupt(tag, f"has {counted(len(numbers), 'value')}, but NumberOfFrames (0028,0008) is {count}")
    if not 0 <= min(numbers) <= max(numbers) <= MAX_UNSIGNED:
        raise top.corrupt(tag, "has values beyond those of US")
    return numbers


def _numbered(header: SliceHeader, vectors: Mapping[int, Sequence[int]]) -> SliceHeader:
    """Say of a frame alone what the vectors say of all, so that volumes are told apart by it."""
    number = struct.Struct(f"{header.top.byte_order}H")
    own = {tag: RawElement(tag, "US", number.pack(vector[header.frame])) for tag, vector in vectors.items()}
    return replace(header, elements=replace(header.elements, raw=dict(header.elements.raw) | own))

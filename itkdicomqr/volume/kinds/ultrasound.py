"""Where the frames of an enhanced ultrasound volume lie (PS3.3 C.7.6.16.2.21, C.7.6.16.2.22, C.8.24.2).

Each lies in the volume's own frame of reference, in mm; some say besides where it lies in the patient.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from itkdicomqr.volume.elements import FARTHEST
from itkdicomqr.volume.tags import IMAGE_POSITION_PATIENT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from itkdicomqr.volume.elements import Elements
    from itkdicomqr.volume.headers import SliceHeader

ULTRASOUND_VOLUME = "1.2.840.10008.5.1.4.1.1.6.2"

_IMAGE_POSITION_VOLUME = 0x00209301
_IMAGE_ORIENTATION_VOLUME = 0x00209302
_VOLUME_FRAME_OF_REFERENCE_UID = 0x00209312


def placed_in_volume(headers: Sequence[SliceHeader]) -> list[SliceHeader]:
    """Place frames in the patient where they tell that, else in the volume's frame of reference.

    Raises
    ------
    CorruptInstanceError
        A position or an orientation in the volume is missing, or is no numbers.
    """
    return [_placed(header) if is_in_volume(header) else header for header in headers]


def is_in_volume(header: SliceHeader) -> bool:
    """Tell whether a frame does not say where it lies in the patient."""
    return header.sop_class_uid == ULTRASOUND_VOLUME and IMAGE_POSITION_PATIENT not in header.elements


def _placed(header: SliceHeader) -> SliceHeader:
    position = _numbers(header.elements, _IMAGE_POSITION_VOLUME, 3)
    return replace(
        header,
        position=(position[0], position[1], position[2]),
        orientation=_numbers(header.elements, _IMAGE_ORIENTATION_VOLUME, 6),
        frame_of_reference_uid=header.top.text(_VOLUME_FRAME_OF_REFERENCE_UID),
    )


def _numbers(elements: Elements, tag: int, count: int) -> tuple[float, ...]:
    numbers = elements.binary(tag, "FD")
    if len(numbers) != count or not all(math.isfinite(number) and abs(number) <= FARTHEST for number in numbers):
        raise elements.corrupt(tag, f"is missing, or is not {count} finite numbers")
    return numbers

"""Kinds of instances that are refused rather than guessed at."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydicom.uid import ExplicitVRBigEndian

from itkdicomqr.errors import UnsupportedImageError
from itkdicomqr.volume.decoding.codecs import decoder_name, is_native, undoes_colours
from itkdicomqr.volume.kinds.arrangements import NEVER_PLACED_AT_ONCE
from itkdicomqr.volume.kinds.segmentation import SEGMENTATIONS
from itkdicomqr.volume.multiframe import is_tiled
from itkdicomqr.volume.tags import IMAGE_POSITION_PATIENT, PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE
from itkdicomqr.volume.voxels.colours import YBR

if TYPE_CHECKING:
    from collections.abc import Callable

    from itkdicomqr.volume.headers import SliceHeader

_CONCATENATION_UID = 0x00209161
_IN_CONCATENATION_TOTAL_NUMBER = 0x00209163
_WHOLE_SLIDE = "1.2.840.10008.5.1.4.1.1.77.1.6"
_SAMPLES = {
    "MONOCHROME1": 1,
    "MONOCHROME2": 1,
    "PALETTE COLOR": 1,
    "RGB": 3,
    "YBR_FULL": 3,
    "YBR_FULL_422": 3,
    "YBR_RCT": 3,
    "YBR_ICT": 3,
}
"""SamplesPerPixel of each PhotometricInterpretation that is understood."""


def _is_placed_at_once(header: SliceHeader) -> bool:
    """Tell whether one place at the top level is said of several frames, and nothing else tells theirs."""
    if header.frames == 1 or header.sop_class_uid in NEVER_PLACED_AT_ONCE:
        return False
    if PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE in header.top:
        return header.position is None and IMAGE_POSITION_PATIENT in header.top
    return header.position is not None


def _is_part_without_place(header: SliceHeader) -> bool:
    """Tell whether a part of a concatenation (PS3.3 C.7.6.16.2.2.4) holds what is completed or ordered as a whole."""
    is_part = _CONCATENATION_UID in header.top and header.top.unsigned(_IN_CONCATENATION_TOTAL_NUMBER) != 1
    return is_part and (header.position is None or header.sop_class_uid in SEGMENTATIONS)


def _is_wide_ybr(header: SliceHeader) -> bool:
    layout = header.layout
    return layout.photometric in YBR and (layout.bits_allocated, layout.bits_stored) != (8, 8)


def _is_stray_transform(header: SliceHeader) -> bool:
    """Tell whether the colours are those of JPEG 2000, but the transfer syntax is not."""
    photometric = header.layout.photometric
    return photometric in {"YBR_RCT", "YBR_ICT"} and not undoes_colours(
        header.instance.transfer_syntax_uid, photometric
    )


_REFUSALS: tuple[tuple[Callable[[SliceHeader], bool], str], ...] = (
    (
        lambda header: header.sop_class_uid == _WHOLE_SLIDE or is_tiled(header.top),
        "images that are tiles of a plane, as those of whole slides, are not assembled",
    ),
    (
        _is_part_without_place,
        "parts of a concatenation (0020,9161) are not put together where their frames have no place, nor those of "
        "segmentations",
    ),
    (
        lambda header: header.layout.floating and not is_native(header.instance.transfer_syntax_uid),
        "float pixel data (7FE0,0008) or (7FE0,0009) is never compressed",
    ),
    (
        lambda header: header.layout.floating and header.layout.photometric != "MONOCHROME2",
        "float pixel data (7FE0,0008) or (7FE0,0009) is MONOCHROME2 (0028,0004) alone",
    ),
    (
        _is_placed_at_once,
        "multi-frame instances with one ImagePositionPatient (0020,0032) for all frames are not assembled",
    ),
    (
        lambda header: header.layout.bits_allocated not in {1, 8, 16, 32} and not header.layout.floating,
        "BitsAllocated (0028,0100) is not 1, 8, 16 or 32",
    ),
    (
        lambda header: _SAMPLES.get(header.layout.photometric) != header.layout.samples,
        "PhotometricInterpretation (0028,0004) is not understood, or contradicts SamplesPerPixel (0028,0002)",
    ),
    (
        lambda header: (
            header.layout.bits_allocated == 32
            and not header.layout.floating
            and header.instance.transfer_syntax_uid == ExplicitVRBigEndian
        ),
        "samples of 32 bits in big endian are written in two ways that cannot be told apart: retrieve it in another "
        "transfer syntax",
    ),
    (_is_stray_transform, "YBR_RCT and YBR_ICT (0028,0004) exist within JPEG 2000 alone"),
    (_is_wide_ybr, "YBR colours of other than 8 bits are not converted"),
    (
        lambda header: (
            header.layout.photometric == "YBR_FULL_422"
            and header.layout.columns % 2 == 1
            and is_native(header.instance.transfer_syntax_uid)
        ),
        "YBR_FULL_422 with an odd number of columns is not converted uncompressed",
    ),
    (
        lambda header: header.layout.photometric == "PALETTE COLOR" and (header.slope, header.intercept) != (1, 0),
        "a palette and a rescale contradict each other",
    ),
)
"""Each with its reason; the first that applies is raised."""


def refuse_unsupported(header: SliceHeader) -> None:
    """Refuse an instance that no rule here makes one slice of.

    Raises
    ------
    UnsupportedImageError
        The reason, and which instance.
    """
    decoder_name(header.instance.transfer_syntax_uid)
    for applies, reason in _REFUSALS:
        if applies(header):
            message = f"instance {header.sop_instance_uid}: {reason}"
            raise UnsupportedImageError(message)

"""What a caller should know of a volume that is nevertheless right."""

from __future__ import annotations

import inspect
import warnings
from typing import TYPE_CHECKING

from itkdicomqr.errors import DICOMQRWarning
from itkdicomqr.prose import counted
from itkdicomqr.volume.elements import shown
from itkdicomqr.volume.grid.geometry import in_plane_spacing
from itkdicomqr.volume.kinds.ultrasound import is_in_volume
from itkdicomqr.volume.separating.discriminators import WORTH_A_WORD, Private, Standard, may_differ, read_all
from itkdicomqr.volume.tags import (
    IMAGE_ORIENTATION_PATIENT,
    IMAGE_POSITION_PATIENT,
    MODALITY_LUT_SEQUENCE,
    RESCALE_INTERCEPT,
    RESCALE_SLOPE,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from itkdicomqr.volume.headers import SliceHeader
    from itkdicomqr.volume.intake import Intake
    from itkdicomqr.volume.options import Options
    from itkdicomqr.volume.real_world import RealWorldValues

_PACKAGE = __name__.partition(".")[0]
_PLACE = {
    IMAGE_POSITION_PATIENT: "ImagePositionPatient (0020,0032)",
    IMAGE_ORIENTATION_PATIENT: "ImageOrientationPatient (0020,0037)",
}
_MAXIMUM_FRACTIONAL_VALUE = 0x0062000E

NOTABLE_DISPLACEMENT = 0.1
"""How far from where its header puts it a corner lies that is worth a word, mm; cosines of 4 digits make 0.03."""


def notices_of(
    slices: Sequence[SliceHeader], intake: Intake, options: Options, excess: int, mappings: Sequence[RealWorldValues]
) -> tuple[str, ...]:
    """Return a sentence for each thing that was left out, ignored or assumed.

    Parameters
    ----------
    slices : sequence of SliceHeader
        Of one volume.
    intake : Intake
        Of all input.
    options : Options
        What was asked for.
    excess : int
        Bytes of pixel data beyond the frames.
    mappings : sequence of RealWorldValues
        What they map to.
    """
    first = slices[0]
    cine = len(slices) > 1 and first.position is None and first.frames > 1
    thickness_unknown = len(slices) == 1 and first.position is not None and not first.spacing_between_slices
    step_unknown = first.told_step is not None and not first.spacing_between_slices and not first.is_dose
    without_pixels = counted(len(intake.skipped), "instance without pixels was", "instances without pixels were")
    beyond = counted(excess, "byte beyond the frames, which was", "bytes beyond the frames, which were")
    noticed = (
        (bool(intake.skipped), f"{without_pixels} skipped"),
        (bool(excess), f"the pixel data has {beyond} ignored"),
        (cine, "no frame has an ImagePositionPatient (0020,0032) of its own: the third axis is their order, 1 apart"),
        (bool(mappings), "RealWorldValueMappingSequence (0040,9096) is not applied; the report tells it"),
        (thickness_unknown, "one slice without SpacingBetweenSlices (0018,0088): its spacing is 1 mm by convention"),
        (
            any(map(_has_unused_rescale, slices)),
            "colours are as stored: RescaleSlope (0028,1053) and RescaleIntercept (0028,1052) are not applied",
        ),
        (len({header.image_type for header in slices}) > 1, "ImageType (0008,0008) differs among its slices"),
        (step_unknown, "no SpacingBetweenSlices (0018,0088): the slices are 1 mm apart by convention"),
        *_of_segmentation(slices),
        *_of_spacing(first, options),
    )
    return tuple(sentence for applies, sentence in noticed if applies)


def departures_of(slices: Sequence[SliceHeader], options: Options) -> tuple[str, ...]:
    """Return a sentence for each thing, besides irregular slices, that makes voxels lie or be otherwise than expected.

    Parameters
    ----------
    slices : sequence of SliceHeader
        Of one volume.
    options : Options
        What was asked for.
    """
    first = slices[0]
    one_place = first.frames > 1 and first.position is None and IMAGE_POSITION_PATIENT in first.top
    unplaced = len(slices) > 1 and first.position is None and first.frames == 1
    ignored = options.rescale and options.modality_lut == "ignore"
    unapplied = ignored and any(MODALITY_LUT_SEQUENCE in header.elements for header in slices)
    told = [name for tag, name in _PLACE.items() if first.elements.texts(tag)]
    half = first.position is None and len(told) == 1
    lacking = next((name for name in _PLACE.values() if name not in told), "")
    departures = (
        (
            is_in_volume(first),
            "positions are in VolumeFrameOfReferenceUID (0020,9312): the axes are not the patient's",
        ),
        (one_place, "one ImagePositionPatient (0020,0032) for all frames says nothing of theirs, and is not used"),
        (unplaced, f"no {lacking}: slices are in the order of InstanceNumber, 1 mm apart"),
        (half and not unplaced, f"no {lacking}: the image has no place"),
        (unapplied, "ModalityLUTSequence (0028,3000) is not applied; modality_lut='apply' does"),
        *_of_several_volumes(slices),
    )
    return tuple(sentence for applies, sentence in departures if applies)


def displacement_of(error: float) -> tuple[str, ...]:
    """Return a sentence where a corner of a slice lies too far, in mm, from where its own header puts it."""
    if error <= NOTABLE_DISPLACEMENT:
        return ()
    return (f"a slice's corner lies {error:.3g} mm from where its own position, orientation and spacing put it",)


def warn_of(sentences: Iterable[str]) -> None:
    """Give each sentence once as a Python warning, at the line that called into this package."""
    for sentence in dict.fromkeys(sentences):
        warnings.warn(sentence, DICOMQRWarning, stacklevel=_level_of_caller())


def _level_of_caller() -> int:
    """Count the frames of this package above `warn_of`, as `warnings.warn` counts them."""
    level, frame = 0, inspect.currentframe()
    while frame is not None and frame.f_globals.get("__name__", "").partition(".")[0] == _PACKAGE:
        level, frame = level + 1, frame.f_back
    return level


def _has_unused_rescale(header: SliceHeader) -> bool:
    if header.layout.samples == 1:
        return False
    return (header.elements.number(RESCALE_SLOPE) or 1, header.elements.number(RESCALE_INTERCEPT) or 0) != (1, 0)


def _of_several_volumes(slices: Sequence[SliceHeader]) -> Iterator[tuple[bool, str]]:
    """Say what tells volumes apart and nevertheless differs within this one, whose slices share no position."""
    headers = [header.elements for header in slices]
    if len(slices) > 1 and may_differ(headers, WORTH_A_WORD, Standard | Private):
        read = read_all(headers)
        for keyword in WORTH_A_WORD:
            count = len({values[keyword] for values in read} - {()})
            yield count > 1, f"{keyword} has {count} values in one volume: it may be several, taken for one"


def _of_segmentation(slices: Sequence[SliceHeader]) -> tuple[tuple[bool, str], ...]:
    """Say what was added to a segmentation, and what its fractions are of."""
    constants = [header.constant for header in slices if header.constant is not None]
    largest = slices[0].top.unsigned(_MAXIMUM_FRACTIONAL_VALUE)
    return (
        (bool(constants), f"planes that are not stored: {len(constants)}, filled with {max(constants, default=0)}"),
        (largest is not None, f"the voxels are fractions of MaximumFractionalValue (0062,000E), which is {largest}"),
    )


def _of_spacing(header: SliceHeader, options: Options) -> tuple[tuple[bool, str], ...]:
    """Say whose spacing it is where there are two kinds, or none."""
    spacing = in_plane_spacing(header, options.spacing_source)
    at_detector = header.is_projection and spacing is not None and spacing == header.imager_pixel_spacing
    other = header.imager_pixel_spacing if spacing == header.pixel_spacing else header.pixel_spacing
    return (
        (spacing is None, "no PixelSpacing (0028,0030): 1 mm is assumed, so distances mean nothing"),
        (at_detector, "the spacing is ImagerPixelSpacing (0018,1164), that at the detector"),
        (
            header.is_projection and None not in (spacing, other) and other != spacing,
            f"PixelSpacing and ImagerPixelSpacing differ: {shown(spacing or ())} is used, not {shown(other or ())} mm",
        ),
    )

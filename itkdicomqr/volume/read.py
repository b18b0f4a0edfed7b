"""The assembling half's door: from instances in any form and order to volumes."""

from __future__ import annotations

from operator import length_hint
from typing import TYPE_CHECKING, Any

import numpy as np

from itkdicomqr.errors import LimitExceededError
from itkdicomqr.sources import Source, check_several
from itkdicomqr.volume.assembly import Assembly, Placed
from itkdicomqr.volume.casting import cast
from itkdicomqr.volume.decoding.codecs import decoder_name
from itkdicomqr.volume.grid.geometry import corner_error, sampling_deviation
from itkdicomqr.volume.grid.placement import Placement, placement_of
from itkdicomqr.volume.grid.resampling import sampled
from itkdicomqr.volume.intake import Intake
from itkdicomqr.volume.metadata import SliceMetadata
from itkdicomqr.volume.notices import departures_of, displacement_of, notices_of, warn_of
from itkdicomqr.volume.options import (
    JPEG,
    MAX_SERIES_BYTES,
    Dictionary,
    Gaps,
    ModalityLUT,
    Mosaic,
    Options,
    SpacingSource,
    Tilt,
)
from itkdicomqr.volume.outcomes import Outcome, Refused, attempted
from itkdicomqr.volume.picking import all_volumes
from itkdicomqr.volume.real_world import real_world_values_of
from itkdicomqr.volume.report import Report
from itkdicomqr.volume.separating.grouping import stacks_of
from itkdicomqr.volume.separating.splitting import regular_parts
from itkdicomqr.volume.separating.subvolumes import separated
from itkdicomqr.volume.stack import Stack
from itkdicomqr.volume.stacking import stacked
from itkdicomqr.volume.volume import Volume
from itkdicomqr.volume.voxels.padding import padding_value
from itkdicomqr.volume.voxels.pixels import common_dtype, padding_of, voxel_dtype

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import DTypeLike

    from itkdicomqr.volume.headers import SliceHeader
    from itkdicomqr.volume.voxels.slots import Allocate


def read_volumes(
    instances: Iterable[Source],
    *,
    gaps: Gaps = "error",
    tilt: Tilt = "shear",
    padding: float | None = None,
    rescale: bool = True,
    invert_monochrome1: bool = True,
    spacing_source: SpacingSource = "calibrated",
    max_series_bytes: int = MAX_SERIES_BYTES,
    dictionary: Dictionary = "itk",
    mosaic: Mosaic = "volume",
    modality_lut: ModalityLUT = "ignore",
    jpeg: JPEG = "imagecodecs",
    dtype: DTypeLike | None = None,
    stack: bool = False,
) -> list[Volume]:
    """Assemble instances into volumes, equal to ITK's to the last bit wherever ITK is right.

    Parameters
    ----------
    instances : iterable of Instance, bytes, pydicom.Dataset, str or path
        In any order and mixture; bytes are those of a DICOM file. The result does not depend on
        the order.
    gaps : {"error", "average", "pad", "split", "resample"}
        What to do where the steps between slices differ by more than 5 %: refuse; average them as ITK
        does; put slices of one value where whole ones are missing, so that every slice keeps its place;
        give each regular part as a volume; or interpolate linearly between the slices on a regular grid
        from the first to the last, rounded where the volume is of integers.
    tilt : {"shear", "error", "itk", "resample"}
        What to do where the slices are not at right angles to the stack (gantry tilt): shear the
        direction, which keeps every voxel in its place; refuse; ITK's orthogonal axes; or interpolate
        within the slices, into the smallest rectangular grid that holds them all. The last two also
        take slices that lie beside the line of the others.
    padding : float, optional
        The value of voxels that nothing came for. None is PixelPaddingValue, rescaled, where there is
        one that the volume's type holds, else the least value of the volume.
    rescale : bool
        Whether to apply RescaleSlope and RescaleIntercept, or of an RT Dose DoseGridScaling.
    invert_monochrome1 : bool
        Whether to invert the stored values of MONOCHROME1, as ITK does.
    spacing_source : {"calibrated", "imager"}
        Of projections (CR, DX, MG, RF, XA, IO, PX): PixelSpacing where there is one, or
        ImagerPixelSpacing alone, as ITK does.
    max_series_bytes : int
        Limit of the voxels of all volumes together.
    mosaic : {"volume", "tiles"}
        Whether to take Siemens mosaics apart into their slices, or to give the flat image as ITK does.
    modality_lut : {"ignore", "apply"}
        What to do with ModalityLUTSequence: a warning in the report, as ITK ignores it, or look values up.
    jpeg : {"imagecodecs", "gdcm"}
        What decodes lossy JPEG; ``"gdcm"`` is ITK's own decoder and needs python-gdcm.
    dtype : data type, optional
        The type that the voxels are to have: integers must hold every value exactly, floating point
        may round. The smallest that holds them all unless given.
    dictionary : {"itk", "clean"}
        How metadata are written: as GDCM does for ITK, or without padding and with all digits.
    stack : bool
        Whether volumes of one grid become one that is four-dimensional, also one alone.

    Returns
    -------
    list of Volume
        One for each set of slices that make a grid, by InstanceNumber; those at the same positions
        by what tells them apart.

    Raises
    ------
    InputError
        An argument is not among its values, or nothing that holds an instance; ``dtype`` does not hold
        the voxels.
    CorruptInstanceError, ConflictingInstancesError
        An instance is damaged, or came in two versions.
    LimitExceededError
        The voxels would need more than ``max_series_bytes``.
    VolumeError
        The instances do not make right images; each kind says why, and what to try.

    Warns
    -----
    DICOMQRWarning
        Slices are a little uneven, or were averaged, padded, resampled or sheared; or they have no
        position; ``Volume.report`` tells it too.
    """
    check_several(instances)
    options = Options(
        gaps=gaps,
        tilt=tilt,
        padding=padding,
        rescale=rescale,
        invert_monochrome1=invert_monochrome1,
        spacing_source=spacing_source,
        max_series_bytes=max_series_bytes,
        dictionary=dictionary,
        mosaic=mosaic,
        modality_lut=modality_lut,
        jpeg=jpeg,
        dtype=dtype,
    )
    volumes = all_volumes(assemble(instances, options, length_hint(instances)))
    warn_of(sentence for volume in volumes for sentence in volume.report.departures)
    return stacked(volumes) if stack else volumes


def assemble(
    instances: Iterable[Source],
    options: Options,
    expected: int = 0,
    allocate: Allocate = np.empty,
    *,
    consuming: bool = False,
) -> list[Outcome]:
    """Do what `read_volumes` does, into memory of the caller's choice, and refuse each stack for itself.

    Parameters
    ----------
    instances : iterable
        As `read_volumes` takes them; each can be let go when the next is asked for.
    options : Options
        What the caller chose.
    expected : int
        How many instances will come, if that is known.
    allocate : callable
        Makes the arrays for voxels.
    consuming : bool
        Whether the memory of large instances may be given back while they are read: nobody else has them.

    Returns
    -------
    list of Volume or Refused
        In the order of `read_volumes`; one that is refused has its place among the others, and the images of
        kinds that are refused are the last.
    """
    with Assembly(options, expected, allocate, consuming=consuming) as assembly:
        for instance in instances:
            assembly.add(instance)
        frames = {frame.header: frame for frame in assembly.finish()}
    intake = Intake(dict(sorted(assembly.origins.items())), tuple(sorted(assembly.skipped)), _once(assembly.duplicates))
    laid = [each for stack in stacks_of(frames) for each in _laid(stack, options)]
    _check_room([each for each in laid if isinstance(each, Placement)], options)
    made = [
        each if isinstance(each, Refused) else attempted(_volume, each.stack, each, frames, intake, options, allocate)
        for each in laid
    ]
    return [*made, *assembly.refused]


def _laid(stack: Stack, options: Options) -> list[Placement | Refused]:
    """Lay the grid of each volume that a stack holds."""
    parts = attempted(_divided, stack, options)
    return [parts] if isinstance(parts, Refused) else [attempted(placement_of, part, options) for part in parts]


def _divided(stack: Stack, options: Options) -> list[Stack]:
    return [part for volume in separated(stack) for part in regular_parts(volume, options)]


def _check_room(placements: Sequence[Placement], options: Options) -> None:
    """Refuse what padding and resampling would make too large, before it is made."""
    needed = sum(
        placement.sampling.voxels(placement.stack.slices[0].layout) * _dtype_of(placement.stack, options).itemsize
        for placement in placements
        if not placement.sampling.is_identity
    )
    if needed > options.max_series_bytes:
        message = (
            f"the padded or resampled voxels need {needed} bytes; max_series_bytes={options.max_series_bytes} "
            "allows fewer"
        )
        raise LimitExceededError(message)


def _dtype_of(stack: Stack, options: Options) -> np.dtype[Any]:
    return common_dtype(voxel_dtype(header, options) for header in stack.slices)


def _volume(
    stack: Stack,
    placement: Placement,
    frames: Mapping[SliceHeader, Placed],
    intake: Intake,
    options: Options,
    allocate: Allocate,
) -> Volume:
    placed = [frames[header] for header in stack.slices]
    came = placed[0].slots.in_order([frame.slot for frame in placed], _dtype_of(stack, options))
    sampling, grid = placement.sampling, placement.grid
    padding = padding_value(stack.slices[0], came, options) if sampling.needs_padding else None
    return Volume(
        array=cast(sampled(came, sampling, padding, allocate), options.dtype),
        origin=grid.origin,
        spacing=grid.spacing,
        direction=np.array(grid.direction),
        key=stack.key,
        slices=SliceMetadata.of((header.top for header in stack.slices), sampling.slice_at, options.dictionary),
        report=_report(stack, placement, intake, options, padding, sum(frame.excess.result() for frame in placed)),
    )


def _once(uids: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(set(uids)))


def _padding_value_of(stack: Stack, options: Options) -> float | None:
    values = {padding_of(header, options) for header in stack.slices}
    return values.pop() if len(values) == 1 else None


def _report(
    stack: Stack, placement: Placement, intake: Intake, options: Options, padding: float | None, excess: int
) -> Report:
    syntaxes = (header.instance.transfer_syntax_uid for header in stack.slices)
    first, grid, sampling = stack.slices[0], placement.grid, placement.sampling
    mappings = real_world_values_of(stack.slices)
    astray = corner_error(stack.slices, grid, sampling.first_voxels, options.spacing_source)
    displaced = placement.departures or displacement_of(astray)
    departures = (*displaced, *departures_of(stack.slices, options))
    return Report(
        sop_instance_uids=tuple(dict.fromkeys(header.sop_instance_uid for header in stack.slices)),
        origins=intake.origins,
        decoders=tuple(sorted({decoder_name(syntax, options.jpeg) for syntax in syntaxes})),
        skipped=intake.skipped,
        duplicates=intake.duplicates,
        warnings=(*departures, *notices_of(stack.slices, intake, options, excess, mappings)),
        max_corner_error_mm=astray,
        tilt_degrees=placement.regularity.tilt_degrees,
        step_deviation=placement.regularity.step_deviation,
        sampling_deviation_mm=sampling_deviation(stack.slices, grid.spacing[2]) if sampling.is_identity else 0.0,
        pixel_padding_value=_padding_value_of(stack, options),
        monochrome1_inverted=options.invert_monochrome1 and first.layout.photometric == "MONOCHROME1",
        departures=departures,
        padded=placement.padded,
        padding=padding,
        sheared=placement.sheared,
        resampled=placement.resampled,
        real_world_values=mappings,
    )

"""The assembling half's door: from instances in any form and order to volumes."""

from __future__ import annotations

from operator import length_hint
from typing import TYPE_CHECKING

import numpy as np

from itkdicomqr.errors import InputError
from itkdicomqr.volume.assembly import Assembly, Placed
from itkdicomqr.volume.casting import cast
from itkdicomqr.volume.codecs import decoder_name
from itkdicomqr.volume.geometry import corner_error, sampling_deviation
from itkdicomqr.volume.grouping import Stack, stacks_of
from itkdicomqr.volume.intake import SOURCES, Intake, Source
from itkdicomqr.volume.metadata import SliceMetadata
from itkdicomqr.volume.notices import notices_of
from itkdicomqr.volume.options import (
    JPEG,
    MAX_SERIES_BYTES,
    Gaps,
    ModalityLUT,
    Mosaic,
    Options,
    SpacingSource,
    Tilt,
)
from itkdicomqr.volume.pixels import common_dtype, padding_of, voxel_dtype
from itkdicomqr.volume.regularity import Placement, placement_of
from itkdicomqr.volume.subvolumes import separated
from itkdicomqr.volume.volume import Report, Volume

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import DTypeLike

    from itkdicomqr.volume.slots import Allocate


def read_volumes(
    instances: Iterable[Source],
    *,
    gaps: Gaps = "error",
    tilt: Tilt = "shear",
    rescale: bool = True,
    invert_monochrome1: bool = True,
    spacing_source: SpacingSource = "calibrated",
    max_series_bytes: int = MAX_SERIES_BYTES,
    mosaic: Mosaic = "volume",
    modality_lut: ModalityLUT = "ignore",
    jpeg: JPEG = "imagecodecs",
    dtype: DTypeLike | None = None,
) -> list[Volume]:
    """Assemble instances into volumes, equal to ITK's to the last bit wherever ITK is right.

    Parameters
    ----------
    instances : iterable of Instance, bytes, pydicom.Dataset, str or path
        In any order and mixture; bytes are those of a DICOM file. The result does not depend on
        the order.
    gaps : {"error", "average"}
        What to do where the steps between slices differ by more than 5 %: refuse, or average them
        as ITK does.
    tilt : {"shear", "error", "itk"}
        What to do where the slices are not at right angles to the stack (gantry tilt): shear the
        direction, which keeps every voxel in its place; refuse; or ITK's orthogonal axes.
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

    Returns
    -------
    list of Volume
        One for each set of slices that make a grid, by InstanceNumber.

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
    """
    if isinstance(instances, SOURCES):
        message = f"a {type(instances).__name__} is one source: give a list of them, or the paths in a folder"
        raise InputError(message)
    options = Options(
        gaps,
        tilt,
        rescale,
        invert_monochrome1,
        spacing_source,
        max_series_bytes,
        mosaic,
        modality_lut,
        jpeg,
        dtype,
    )
    return assemble(instances, options, length_hint(instances))


def assemble(
    instances: Iterable[Source], options: Options, expected: int = 0, allocate: Allocate = np.empty
) -> list[Volume]:
    """Do what `read_volumes` does, into memory of the caller's choice.

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
    """
    with Assembly(options, expected, allocate) as assembly:
        for instance in instances:
            assembly.add(instance)
        frames = {frame.header: frame for frame in assembly.finish()}
    intake = Intake(dict(sorted(assembly.origins.items())), tuple(sorted(assembly.skipped)), _once(assembly.duplicates))
    stacks = [volume for stack in stacks_of(frames) for volume in separated(stack)]
    placements = [placement_of(stack, options) for stack in stacks]
    return [
        _volume(stack, placement, [frames[header] for header in stack.slices], intake, options)
        for stack, placement in zip(stacks, placements, strict=True)
    ]


def _volume(stack: Stack, placement: Placement, frames: Sequence[Placed], intake: Intake, options: Options) -> Volume:
    dtype = common_dtype(voxel_dtype(frame.header, options) for frame in frames)
    array = cast(frames[0].slots.in_order([frame.slot for frame in frames], dtype), options.dtype)
    grid = placement.grid
    return Volume(
        array=array,
        origin=grid.origin,
        spacing=grid.spacing,
        direction=np.array(grid.direction),
        key=stack.key,
        slices=SliceMetadata(header.top for header in stack.slices),
        report=_report(stack, placement, intake, options, sum(frame.excess.result() for frame in frames)),
    )


def _once(uids: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(set(uids)))


def _padding(stack: Stack, options: Options) -> float | None:
    values = {padding_of(header, options) for header in stack.slices}
    return values.pop() if len(values) == 1 else None


def _report(stack: Stack, placement: Placement, intake: Intake, options: Options, excess: int) -> Report:
    syntaxes = (header.instance.transfer_syntax_uid for header in stack.slices)
    first = stack.slices[0]
    return Report(
        sop_instance_uids=tuple(dict.fromkeys(header.sop_instance_uid for header in stack.slices)),
        origins=intake.origins,
        decoders=tuple(sorted({decoder_name(syntax, options.jpeg) for syntax in syntaxes})),
        skipped=intake.skipped,
        duplicates=intake.duplicates,
        warnings=(*placement.warnings, *notices_of(stack.slices, intake, options, excess)),
        max_corner_error_mm=corner_error(stack.slices, placement.grid, options.spacing_source),
        tilt_degrees=placement.regularity.tilt_degrees,
        step_deviation=placement.regularity.step_deviation,
        sampling_deviation_mm=sampling_deviation(stack.slices, placement.grid.spacing[2]),
        pixel_padding_value=_padding(stack, options),
        monochrome1_inverted=options.invert_monochrome1 and first.layout.photometric == "MONOCHROME1",
    )

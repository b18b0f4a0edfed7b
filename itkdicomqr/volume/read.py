"""The assembling half's door: from instances in any form and order to volumes."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from itkdicomqr.errors import LimitExceededError
from itkdicomqr.volume.codecs import decoder_name, is_native
from itkdicomqr.volume.geometry import corner_error, sampling_deviation
from itkdicomqr.volume.grouping import Stack, stacks_of
from itkdicomqr.volume.headers import read_headers
from itkdicomqr.volume.intake import Intake, Source, take_in
from itkdicomqr.volume.metadata import SliceMetadata
from itkdicomqr.volume.notices import notices_of
from itkdicomqr.volume.options import MAX_SERIES_BYTES, Gaps, Options, SpacingSource, Tilt
from itkdicomqr.volume.pixels import common_dtype, components, fill_slice, voxel_dtype
from itkdicomqr.volume.refusals import refuse_unsupported
from itkdicomqr.volume.regularity import Placement, placement_of
from itkdicomqr.volume.subvolumes import separated
from itkdicomqr.volume.volume import Report, Volume

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray


def read_volumes(
    instances: Iterable[Source],
    *,
    gaps: Gaps = "error",
    tilt: Tilt = "shear",
    rescale: bool = True,
    invert_monochrome1: bool = True,
    spacing_source: SpacingSource = "calibrated",
    max_series_bytes: int = MAX_SERIES_BYTES,
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

    Returns
    -------
    list of Volume
        One for each set of slices that make a grid, by InstanceNumber.

    Raises
    ------
    InputError
        An argument is not among its values, or nothing that holds an instance.
    CorruptInstanceError, ConflictingInstancesError
        An instance is damaged, or came in two versions.
    LimitExceededError
        The voxels would need more than ``max_series_bytes``.
    VolumeError
        The instances do not make right images; each kind says why, and what to try.
    """
    options = Options(gaps, tilt, rescale, invert_monochrome1, spacing_source, max_series_bytes)
    intake = take_in(instances)
    headers = [header for instance in intake.instances for header in read_headers(instance)]
    for header in headers:
        refuse_unsupported(header)
    stacks = [volume for stack in stacks_of(headers) for volume in separated(stack)]
    placements = [placement_of(stack, options) for stack in stacks]
    check_size(stacks, options)
    return [assembled(stack, placement, intake, options) for stack, placement in zip(stacks, placements, strict=True)]


def check_size(stacks: Sequence[Stack], options: Options) -> None:
    """Refuse voxels beyond the limit, before any are allocated.

    Raises
    ------
    LimitExceededError
        Their bytes, and the limit.
    """
    needed = sum(int(np.prod(_shape(stack))) * _dtype(stack, options).itemsize for stack in stacks)
    if needed > options.max_series_bytes:
        message = f"the voxels need {needed} bytes; max_series_bytes={options.max_series_bytes} allows fewer"
        raise LimitExceededError(message)


def assembled(stack: Stack, placement: Placement, intake: Intake, options: Options) -> Volume:
    """Read a stack's pixels into one array, each slice straight into its place."""
    array = np.empty(_shape(stack), _dtype(stack, options))
    excess = sum(_filled(stack, array, options))
    grid = placement.grid
    return Volume(
        array=array,
        origin=grid.origin,
        spacing=grid.spacing,
        direction=np.array(grid.direction),
        key=stack.key,
        slices=SliceMetadata(header.top for header in stack.slices),
        report=_report(stack, placement, intake, options, excess),
    )


def _filled(stack: Stack, array: NDArray[Any], options: Options) -> Iterable[int]:
    """Fill all slices; compressed ones in threads, since decoders let go of the interpreter."""
    fill = partial(fill_slice, options=options)
    if all(is_native(header.instance.transfer_syntax_uid) for header in stack.slices):
        return map(fill, stack.slices, array)
    with ThreadPoolExecutor() as pool:
        return list(pool.map(fill, stack.slices, array))


def _report(stack: Stack, placement: Placement, intake: Intake, options: Options, excess: int) -> Report:
    syntaxes = (header.instance.transfer_syntax_uid for header in stack.slices)
    first = stack.slices[0]
    return Report(
        sop_instance_uids=tuple(dict.fromkeys(header.sop_instance_uid for header in stack.slices)),
        origins=intake.origins,
        decoders=tuple(sorted(set(map(decoder_name, syntaxes)))),
        skipped=intake.skipped,
        duplicates=intake.duplicates,
        warnings=(*placement.warnings, *notices_of(stack.slices, intake, options, excess)),
        max_corner_error_mm=corner_error(stack.slices, placement.grid, options.spacing_source),
        tilt_degrees=placement.regularity.tilt_degrees,
        step_deviation=placement.regularity.step_deviation,
        sampling_deviation_mm=sampling_deviation(stack.slices, placement.grid.spacing[2]),
        monochrome1_inverted=options.invert_monochrome1 and first.layout.photometric == "MONOCHROME1",
    )


def _shape(stack: Stack) -> tuple[int, ...]:
    layout = stack.slices[0].layout
    count = components(layout)
    return (len(stack.slices), layout.rows, layout.columns) + ((count,) if count > 1 else ())


def _dtype(stack: Stack, options: Options) -> np.dtype[Any]:
    return common_dtype(voxel_dtype(header, options) for header in stack.slices)

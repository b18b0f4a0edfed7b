"""Whether a stack of slices makes one regular grid, and what to do where it does not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from itkdicomqr.errors import MisalignedSlicesError, MissingSlicesError, NonUniformSpacingError, UnsupportedImageError
from itkdicomqr.volume.geometry import Geometry, Regularity, Vector, difference, grid_of, normal, regularity_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from itkdicomqr.volume.grouping import Stack
    from itkdicomqr.volume.options import Options

SILENT_DEVIATION = 1e-3
"""Largest deviation of a step, as a fraction of the mean one, that is not worth a word."""

TOLERATED_DEVIATION = 0.05
"""Largest deviation of a step that still makes a volume, with a warning."""

WHOLE_MULTIPLE = 0.02
"""How near to whole multiples of the smallest step the others are where slices are missing."""

SILENT_TILT = 0.1
"""Largest angle between the stack's line and its normal that is not worth a word, degrees."""

SIDEWAYS = 0.1
"""Distance from the stack's line that is always tolerated, mm."""

SIDEWAYS_FRACTION = 0.05
"""Distance from the stack's line that is tolerated, as a fraction of the slice spacing."""


@dataclass(frozen=True)
class Placement:
    """A stack's grid, how regular it is, and what is worth a word.

    Attributes
    ----------
    grid : Geometry
        Where the voxels lie.
    regularity : Regularity
        How far the slices are from it.
    warnings : tuple of str
        What a caller should know.
    """

    grid: Geometry
    regularity: Regularity
    warnings: tuple[str, ...]


def placement_of(stack: Stack, options: Options) -> Placement:
    """Lay a stack's grid, or refuse.

    Raises
    ------
    MisalignedSlicesError
        Slices lie beside the line of the others.
    MissingSlicesError, NonUniformSpacingError
        The steps differ by more than ``TOLERATED_DEVIATION`` and ``gaps`` is ``"error"``.
    UnsupportedImageError
        The stack is tilted and ``tilt`` is ``"error"``.
    """
    grid = grid_of(stack.slices, options.spacing_source)
    positions = [header.position for header in stack.slices if header.position is not None]
    if not positions:
        return Placement(grid, Regularity(), _without_positions(stack))
    orientation = stack.slices[0].orientation or ()
    regularity = regularity_of(positions, normal(orientation))
    check_alignment(regularity)
    warnings = check_steps(regularity, positions, options)
    if regularity.tilt_degrees <= SILENT_TILT:
        return Placement(grid, regularity, warnings)
    grid = tilted(grid, regularity, difference(positions[-1], positions[0]), options)
    return Placement(grid, regularity, (*warnings, _tilt_warning(regularity, options)))


def check_alignment(regularity: Regularity) -> None:
    """Refuse slices that lie beside the line from the first to the last.

    Raises
    ------
    MisalignedSlicesError
        One lies further off than ``SIDEWAYS`` and ``SIDEWAYS_FRACTION`` of the spacing.
    """
    if not regularity.steps:
        return
    allowed = max(SIDEWAYS, SIDEWAYS_FRACTION * regularity.mean_step)
    if regularity.sideways > allowed:
        message = (
            f"ImagePositionPatient (0020,0032) of a slice lies {regularity.sideways:.3f} mm beside the line of the "
            f"others (allowed: {allowed:.3f} mm): the slices make no grid; read them as separate groups of instances"
        )
        raise MisalignedSlicesError(message)


def check_steps(regularity: Regularity, positions: Sequence[Vector], options: Options) -> tuple[str, ...]:
    """Return what is to be said about uneven steps, or refuse them.

    Raises
    ------
    MissingSlicesError
        All steps are whole multiples of the smallest.
    NonUniformSpacingError
        They are not.
    """
    deviation = regularity.step_deviation
    if deviation <= SILENT_DEVIATION:
        return ()
    smallest, largest = min(regularity.steps), max(regularity.steps)
    found = f"steps between slices from {smallest:.4f} to {largest:.4f} mm, up to {deviation:.1%} from their mean"
    if deviation <= TOLERATED_DEVIATION or options.gaps == "average":
        return (f"{found}: averaged, so slices lie beside their place in the grid",)
    if all(_is_whole(step / smallest) for step in regularity.steps):
        gaps = _gaps(regularity, positions, smallest)
        message = f"slices are missing: {found}; {gaps}; retrieve them, or average with gaps='average'"
        raise MissingSlicesError(message)
    message = f"{found}: the slices make no regular grid; average with gaps='average'"
    raise NonUniformSpacingError(message)


def tilted(grid: Geometry, regularity: Regularity, along: Vector, options: Options) -> Geometry:
    """Return the grid of a tilted stack as the caller wants it.

    Raises
    ------
    UnsupportedImageError
        No tilt is wanted.
    """
    if options.tilt == "error":
        message = (
            f"the slices are tilted by {regularity.tilt_degrees:.2f} degrees against their normal (gantry tilt); "
            "tilt='shear' keeps every slice in its place, tilt='itk' gives ITK's orthogonal axes"
        )
        raise UnsupportedImageError(message)
    return grid.sheared(along) if options.tilt == "shear" else grid


def _tilt_warning(regularity: Regularity, options: Options) -> str:
    tilt = f"the slices are tilted by {regularity.tilt_degrees:.2f} degrees against their normal"
    if options.tilt == "shear":
        return f"{tilt}: the direction is sheared, which NIfTI cannot store"
    return f"{tilt}: the axes are orthogonal as in ITK, so slices lie beside their place in the grid"


def _without_positions(stack: Stack) -> tuple[str, ...]:
    if len(stack.slices) == 1:
        return ()
    if stack.slices[0].frames > 1:
        return ("the frames have no ImagePositionPatient (0020,0032): the third axis is their order, 1 apart",)
    return ("no ImagePositionPatient (0020,0032): slices are in the order of InstanceNumber, 1 mm apart by convention",)


def _is_whole(ratio: float) -> bool:
    return abs(ratio - round(ratio)) <= WHOLE_MULTIPLE * round(ratio)


def _gaps(regularity: Regularity, positions: Sequence[Vector], smallest: float) -> str:
    """Say after which positions slices are missing; past ten, how many more gaps there are."""
    gaps = [
        f"{round(step / smallest) - 1} after ({', '.join(f'{axis:g}' for axis in position)})"
        for step, position in zip(regularity.steps, positions, strict=False)
        if round(step / smallest) > 1
    ]
    more = f" and {len(gaps) - 10} more gaps" if len(gaps) > 10 else ""
    return ", ".join(gaps[:10]) + more

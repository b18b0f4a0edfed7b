"""Where a stack's voxels lie, and how they get there."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from itkdicomqr.volume.grid.gaps import filled
from itkdicomqr.volume.grid.geometry import Geometry, grid_of
from itkdicomqr.volume.grid.regularity import Regularity, regularity_of
from itkdicomqr.volume.grid.resampling import Sampling, unsampled
from itkdicomqr.volume.grid.tilt import check_alignment, straightened
from itkdicomqr.volume.vectors import normal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from itkdicomqr.volume.options import Options
    from itkdicomqr.volume.stack import Stack
    from itkdicomqr.volume.vectors import Vector


@dataclass(frozen=True)
class Placement:
    """A stack's grid, how its slices get there, and what is worth a word.

    Attributes
    ----------
    stack : Stack
        Whose.
    grid : Geometry
        Where the voxels lie.
    sampling : Sampling
        How the slices that came make those of the grid.
    padded : mapping
        The slices of the grid that nothing came for, and the ImagePositionPatient that they would have, mm.
    sheared : bool
        Whether the direction follows a tilt.
    regularity : Regularity
        How far the slices that came are from a regular stack.
    departures : tuple of str
        What is worth a warning.
    """

    stack: Stack
    grid: Geometry
    sampling: Sampling
    padded: Mapping[int, Vector] = field(default_factory=dict)
    sheared: bool = False
    regularity: Regularity = field(default_factory=Regularity)
    departures: tuple[str, ...] = ()

    @property
    def resampled(self) -> tuple[str, ...]:
        """The options by which voxels are interpolated."""
        return ("gaps",) * self.sampling.interpolated + ("tilt",) * bool(self.sampling.offsets)


def placement_of(stack: Stack, options: Options) -> Placement:
    """Lay a stack's grid, or refuse.

    Raises
    ------
    MisalignedSlicesError
        Slices lie beside the line of the others, and ``tilt`` does not say what to do.
    MissingSlicesError, NonUniformSpacingError
        The steps differ by more than ``TOLERATED_DEVIATION``, and ``gaps`` does not say what to do.
    UnsupportedImageError
        The stack is tilted and ``tilt`` is ``"error"``.
    LimitExceededError
        A regular grid through the slices would have too many.
    """
    count = len(stack.slices)
    positions = [header.position for header in stack.slices if header.position is not None]
    if not positions:
        return Placement(stack, grid_of(stack.slices, options.spacing_source, count), unsampled(count))
    regularity = regularity_of(positions, normal(stack.slices[0].orientation or ()))
    check_alignment(regularity, positions, options)
    sampling, of_gaps = filled(regularity, positions, options)
    orthogonal = grid_of(stack.slices, options.spacing_source, sampling.count)
    grid, moved, of_tilt = straightened(orthogonal, sampling, positions, regularity, options)
    return Placement(
        stack=stack,
        grid=grid,
        sampling=moved,
        padded=sampling.padded_positions(positions),
        sheared=grid.direction != orthogonal.direction,
        regularity=regularity,
        departures=of_gaps + of_tilt,
    )

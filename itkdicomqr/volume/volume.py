"""The result: voxels, where they lie, what the headers say, and how it all came about."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from itkdicomqr.volume import toolkits

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from itkdicomqr.volume.geometry import Vector
    from itkdicomqr.volume.metadata import Entries, SliceMetadata


@dataclass(frozen=True)
class Report:
    """How a volume came about.

    Attributes
    ----------
    sop_instance_uids : tuple of str
        The instances, in slice order.
    origins : mapping
        How many instances of the whole input came from where.
    decoders : tuple of str
        What decoded the pixels; ``"native"`` where nothing had to be decoded.
    skipped : tuple of str
        The SOP Instance UIDs of the input that have no pixels.
    duplicates : tuple of str
        Those that came more than once, identical, and were taken once.
    warnings : tuple of str
        What a caller should know.
    max_corner_error_mm : float
        The largest distance of a slice's corner from where its own header puts it.
    tilt_degrees : float
        Between the slices' normal and the line from the first to the last.
    step_deviation : float
        The largest difference of a step between slices from the mean one, as a fraction of it.
    sampling_deviation_mm : float
        The same in mm, as ITK writes it into the image's metadata.
    monochrome1_inverted : bool
        Whether the stored values were inverted.
    pixel_padding_value : float or None
        The voxel value that stands for no measurement, where all slices tell the same: PixelPaddingValue
        after inversion and rescale. Such voxels are left as they are.
    """

    sop_instance_uids: tuple[str, ...] = field(repr=False)
    origins: Mapping[str, int]
    decoders: tuple[str, ...]
    skipped: tuple[str, ...]
    duplicates: tuple[str, ...]
    warnings: tuple[str, ...]
    max_corner_error_mm: float
    tilt_degrees: float
    step_deviation: float
    sampling_deviation_mm: float
    monochrome1_inverted: bool
    pixel_padding_value: float | None = None


@dataclass(frozen=True, eq=False, repr=False)
class Volume:
    """A volume in the patient's coordinates (LPS, mm).

    Attributes
    ----------
    array : ndarray
        (slices, rows, columns[, components]), native-endian, C-contiguous.
    origin : tuple of float
        The centre of the first voxel.
    spacing : tuple of float
        x, y, z: between columns, rows and slices.
    direction : ndarray
        (3, 3) float64; its columns are the directions of x, y and z.
    key : mapping
        The attributes that tell it from the other volumes of its series, and their values.
    slices : sequence of dict
        The metadata of each slice, parsed when first asked for.
    report : Report
        How it came about.
    """

    array: NDArray[Any]
    origin: Vector
    spacing: Vector
    direction: NDArray[np.float64]
    key: Mapping[str, Any]
    slices: SliceMetadata
    report: Report

    @cached_property
    def metadata(self) -> Entries:
        """The entries that are equal in all slices, by GDCM's keys (``"0008|103e"``)."""
        return self.slices.common()

    def to_itk(self) -> Any:
        """Make a three-dimensional ``itk.Image`` that owns its voxels.

        int8 becomes int16, and RGB of 16 bits a ``itk.VectorImage``: itk wraps no others.

        Raises
        ------
        ToolkitError
            itk is not installed, or wraps no image of this type.
        """
        return toolkits.to_itk(self)

    def to_simpleitk(self) -> Any:
        """Make a three-dimensional ``SimpleITK.Image``.

        Raises
        ------
        ToolkitError
            SimpleITK is not installed.
        """
        return toolkits.to_simpleitk(self)

    @property
    def orientation(self) -> str:
        """The letters of where columns, rows and slices go to, such as ``"LPS"``."""
        return "".join(_towards(axis) for axis in self.direction.T)

    def __repr__(self) -> str:
        shape = "×".join(map(str, self.array.shape))
        spacing = "×".join(f"{step:.4g}" for step in self.spacing)
        noticed = f", {len(self.report.warnings)} noticed" if self.report.warnings else ""
        return f"<Volume {shape} {self.array.dtype.name}, spacing {spacing} mm (x×y×z), {self.orientation}{noticed}>"


def _towards(axis: NDArray[np.float64]) -> str:
    largest = int(np.abs(axis).argmax())
    return ("RAI", "LPS")[bool(axis[largest] > 0)][largest]

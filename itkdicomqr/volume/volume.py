"""The result: voxels, where they lie, what the headers say, and how it all came about."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from itkdicomqr.volume.metadata import as_entries

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import DTypeLike, NDArray

    from itkdicomqr.volume.metadata import Entries, SliceMetadata
    from itkdicomqr.volume.report import Report

VOLUME_DIMENSION = 3
"""How many axes a volume has in the patient."""


@dataclass(frozen=True, eq=False, repr=False)
class Volume:
    """A volume in the patient's coordinates (LPS, mm), or several of one grid.

    Attributes
    ----------
    array : ndarray
        (slices, rows, columns[, components]), native-endian, C-contiguous; of several volumes
        (volumes, slices, rows, columns[, components]).
    origin : tuple of float
        The centre of the first voxel; of several volumes, 0 besides.
    spacing : tuple of float
        x, y, z: between columns, rows and slices; of several volumes, besides the seconds between
        them, where an attribute of time tells them apart in even steps, else 1.
    direction : ndarray
        (3, 3) float64; its columns are the directions of x, y and z. Of several volumes (4, 4), the
        fourth at right angles to the others.
    key : mapping
        The attributes that tell it from the other volumes of its series, and their values; of several
        volumes, a tuple of those that differ, in the order of the volumes.
    slices : sequence of dict
        The metadata of each slice of the array, parsed when first asked for, and empty where none came
        since it is padded or interpolated; of several volumes, those of the first volume, then those of
        the second, and so on. Those of all slices that came, whatever became of them, are ``slices.came``.
    report : Report
        How it came about.
    """

    array: NDArray[Any]
    origin: tuple[float, ...]
    spacing: tuple[float, ...]
    direction: NDArray[np.float64]
    key: Mapping[str, Any]
    slices: SliceMetadata
    report: Report

    @cached_property
    def metadata(self) -> Entries:
        """The entries that are equal in all slices that came, by GDCM's keys (``"0008|103e"``).

        Of several volumes, besides what ``key`` says by DICOM's keywords, such as ``"EchoTime"``: the values
        of the volumes are joined by backslashes, several values of one volume by commas.
        """
        return self.slices.common() | (as_entries(self.key) if self.dimension > VOLUME_DIMENSION else {})

    @property
    def dimension(self) -> int:
        """3, or 4 where the first axis of the array counts volumes."""
        return len(self.spacing)

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]:  # noqa: FBT001
        """Be ``array`` to NumPy."""
        return np.array(self.array, dtype=dtype, copy=copy) if copy else np.asarray(self.array, dtype=dtype)

    def noting(self, departures: Sequence[str]) -> Self:
        """Give the same volume with more to tell in its report."""
        report = replace(
            self.report,
            warnings=(*self.report.warnings, *departures),
            departures=(*self.report.departures, *departures),
        )
        return replace(self, report=report) if departures else self

    def to_itk(self) -> Any:
        """Make an ``itk.Image`` of its dimension that owns its voxels.

        int8 becomes int16, and RGB of 16 bits a ``itk.VectorImage``: itk wraps no others.

        Raises
        ------
        ToolkitError
            itk is not installed, or wraps no image of this type.
        """
        from itkdicomqr.volume.toolkits import to_itk  # which imports this module

        return to_itk(self)

    def to_simpleitk(self) -> Any:
        """Make a ``SimpleITK.Image`` of its dimension.

        Raises
        ------
        ToolkitError
            SimpleITK is not installed.
        """
        from itkdicomqr.volume.toolkits import to_simpleitk  # which imports this module

        return to_simpleitk(self)

    @property
    def orientation(self) -> str:
        """The letters of where columns, rows and slices go to, such as ``"LPS"``."""
        return "".join(_towards(axis) for axis in self.direction[:3, :3].T)

    def __repr__(self) -> str:
        shape = "×".join(map(str, self.array.shape))
        spacing = "×".join(f"{step:.4g}" for step in self.spacing[:VOLUME_DIMENSION])
        noticed = f", {len(self.report.warnings)} noticed" if self.report.warnings else ""
        voxels = f"{shape} {self.array.dtype.name}, {_memory(self.array.nbytes)}"
        return f"<Volume {voxels}, spacing {spacing} mm (x×y×z), {self.orientation}{noticed}>"


def _memory(size: float) -> str:
    for unit in ("bytes", "kB", "MB"):
        if size < 1000:
            return f"{size:.3g} {unit}"
        size /= 1000
    return f"{size:.3g} GB"


def _towards(axis: NDArray[np.float64]) -> str:
    largest = int(np.abs(axis).argmax())
    return ("RAI", "LPS")[bool(axis[largest] > 0)][largest]

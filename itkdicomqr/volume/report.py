"""How a volume came about, also in lines for a person."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from itkdicomqr.prose import in_brackets, listed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from itkdicomqr.volume.real_world import RealWorldValues
    from itkdicomqr.volume.vectors import Vector


@dataclass(frozen=True, repr=False)
class Report:
    """How a volume came about; as text, a line for each thing that there is to tell.

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
    departures : tuple of str
        Those of the warnings that tell how voxels are or lie otherwise than ITK would have them, or
        than their headers say; each is also given as a `DICOMQRWarning`.
    padded : mapping
        The slices of the volume that no instance came for, and the ImagePositionPatient that theirs would be;
        of several volumes, counted on from one to the next.
    padding : float or None
        The value of voxels that no instance came for, if there are any.
    sheared : bool
        Whether the direction follows a tilt.
    resampled : tuple of str
        ``"gaps"`` where slices are interpolated between those that came, ``"tilt"`` where voxels are
        within their slices.
    pixel_padding_value : float or None
        The voxel value that stands for no measurement, where all slices tell the same: PixelPaddingValue
        after inversion and rescale. Such voxels are left as they are.
    real_world_values : tuple of RealWorldValues
        What RealWorldValueMappingSequence says of the slices, each mapping once; it is not applied.
    """

    sop_instance_uids: tuple[str, ...]
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
    departures: tuple[str, ...]
    padded: Mapping[int, Vector]
    padding: float | None
    sheared: bool
    resampled: tuple[str, ...]
    pixel_padding_value: float | None = None
    real_world_values: tuple[RealWorldValues, ...] = ()

    def __repr__(self) -> str:
        return "\n".join(_lines_of(self))


def _lines_of(report: Report) -> Iterator[str]:
    """Tell what a report holds: no patient data, a line for each thing, and none for what did not happen."""
    padded = (f"{index} at {in_brackets(position)}" for index, position in report.padded.items())
    items = (
        ("instances", f"{len(report.sop_instance_uids)} of {_origins(report)}"),
        ("decoder", ", ".join(report.decoders)),
        ("skipped, without pixels", listed(report.skipped)),
        ("duplicates, taken once", listed(report.duplicates)),
        ("padded slices", listed(padded)),
        ("padding value", "" if report.padding is None else f"{report.padding:g}"),
        ("direction", "sheared" if report.sheared else ""),
        ("resampled", ", ".join(report.resampled)),
        ("stored values", "inverted (MONOCHROME1)" if report.monochrome1_inverted else ""),
        ("real world values, not applied", listed(map(str, report.real_world_values))),
        ("tilt", f"{report.tilt_degrees:.3g} degrees" if report.tilt_degrees else ""),
        ("uneven steps", f"{report.step_deviation:.2%}" if report.step_deviation else ""),
        ("largest corner error", f"{report.max_corner_error_mm:.3g} mm"),
        *(("warning", warning) for warning in report.warnings),
    )
    return (f"{name}: {value}" for name, value in items if value)


def _origins(report: Report) -> str:
    total = sum(report.origins.values())
    return f"{total} that came: " + ", ".join(f"{count} by {origin}" for origin, count in report.origins.items())

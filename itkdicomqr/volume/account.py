"""How a volume came about, in lines for a person."""

from __future__ import annotations

from typing import TYPE_CHECKING

from itkdicomqr.volume.regularity import named, shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from itkdicomqr.volume.volume import Report


def account_of(report: Report) -> Iterator[str]:
    """Tell what a report holds: no patient data, a line for each thing, and none for what did not happen."""
    padded = (f"{index} at {shown(position)}" for index, position in report.padded.items())
    items = (
        ("instances", f"{len(report.sop_instance_uids)} of {_origins(report)}"),
        ("decoder", ", ".join(report.decoders)),
        ("skipped, without pixels", named(report.skipped)),
        ("duplicates, taken once", named(report.duplicates)),
        ("padded slices", named(padded)),
        ("padding value", "" if report.padding is None else f"{report.padding:g}"),
        ("direction", "sheared" if report.sheared else ""),
        ("resampled", ", ".join(report.resampled)),
        ("stored values", "inverted (MONOCHROME1)" if report.monochrome1_inverted else ""),
        ("real world values, not applied", named(map(str, report.real_world_values))),
        ("tilt", f"{report.tilt_degrees:.3g} degrees" if report.tilt_degrees else ""),
        ("uneven steps", f"{report.step_deviation:.2%}" if report.step_deviation else ""),
        ("largest corner error", f"{report.max_corner_error_mm:.3g} mm"),
        *(("warning", warning) for warning in report.warnings),
    )
    return (f"{name}: {value}" for name, value in items if value)


def _origins(report: Report) -> str:
    total = sum(report.origins.values())
    return f"{total} that came: " + ", ".join(f"{count} by {origin}" for origin, count in report.origins.items())

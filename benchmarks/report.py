"""What was measured, as tables of ratios in Markdown."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmarks.contenders import FLOOR, RELAYED, REPLAYED_FLOOR, SECURED_FLOOR, SIMPLEITK_FILES
from benchmarks.data import PLAIN, SIZE, Series
from benchmarks.measure import Measured

Round = Mapping[str, Measured | str]
"""What each contender did, or why it did not; by name."""


@dataclass(frozen=True)
class Comparison:
    """Who is compared with whom.

    Attributes
    ----------
    title : str
        What it shows.
    base : str
        The contender whose time is 1.
    names : tuple of str
        The others.
    compressed : bool
        Whether it is of compressed series, too; else of uncompressed ones.
    """

    title: str
    base: str
    names: tuple[str, ...]
    compressed: bool = False

    def among(self, rounds: Sequence[Round]) -> list[str]:
        """Give those that took part, the base first."""
        return [name for name in (self.base, *self.names) if name in rounds[0]]

    def fits(self, series: Series) -> bool:
        return self.compressed or series.coding == PLAIN


COMPARISONS = (
    Comparison(
        "From Orthanc",
        FLOOR,
        (
            "itkdicomqr, itk",
            "itkdicomqr, itk, whole load_series",
            "itkdicomqr, itk, 4 associations",
            "itkdicomqr, itk, C-MOVE",
            "itkdicomqr, SimpleITK",
            "dicomweb-client + stacking",
            "DCMTK at its best + SimpleITK",
            "DCMTK as it comes + SimpleITK",
            "pynetdicom + stacking",
        ),
    ),
    Comparison(
        "The same bytes from a plain socket server, without Orthanc's own time",
        REPLAYED_FLOOR,
        ("itkdicomqr, itk, replay",),
    ),
    Comparison(
        "From Orthanc over TLS, both sides of which these cores encrypt",
        SECURED_FLOOR,
        ("itkdicomqr, itk, TLS", "pynetdicom + stacking, TLS"),
    ),
    Comparison("From Orthanc over a relay that delays each way", RELAYED, ("itkdicomqr, 4 associations, relay",)),
    Comparison(
        "Assembly alone, and the whole way from Orthanc",
        SIMPLEITK_FILES,
        ("itkdicomqr from memory, one core", "itkdicomqr from memory, all cores", "itkdicomqr, itk"),
        compressed=True,
    ),
)


@dataclass(frozen=True)
class Figures:
    """The medians of a contender's rounds.

    Attributes
    ----------
    warm, ratio, first : float
        Seconds, the same in those of the comparison's base in the same round, and seconds of the first call.
    peak : float
        In the size of the volume.
    """

    warm: float
    ratio: float
    first: float
    peak: float


def medians(comparison: Comparison, rounds: Sequence[Round], series: Series) -> dict[str, Figures]:
    """Take the medians of those that did their job in every round."""
    told = {name: _figures(name, comparison.base, rounds, series) for name in comparison.among(rounds)}
    return {name: each for name, each in told.items() if isinstance(each, Figures)}


def markdown(comparison: Comparison, rounds: Sequence[Round], series: Series) -> str:
    """Draw the medians of the rounds; of those that failed, how."""
    size = f"{series.slices} slices of {SIZE} x {SIZE}, {series.coding}, {series.volume_bytes >> 20} MiB of voxels"
    lines = [f"### {comparison.title}", "", size, ""]
    lines += ["| who | warm, s | ratio | first call, s | peak memory / volume |", "|---|--:|--:|--:|--:|"]
    for name in comparison.among(rounds):
        lines.append(f"| {name} | {_cells(_figures(name, comparison.base, rounds, series))} |")
    return "\n".join(lines) + "\n"


def _figures(name: str, base: str, rounds: Sequence[Round], series: Series) -> Figures | str:
    """Take the medians; where a round failed, say why."""
    runs, references = _runs(name, rounds), _runs(base, rounds)
    if isinstance(runs, str):
        return runs
    if isinstance(references, str):
        return f"{base}: {references}"
    return Figures(
        statistics.median(run.warm for run in runs),
        statistics.median(run.warm / reference.warm for run, reference in zip(runs, references, strict=True)),
        statistics.median(run.first for run in runs),
        statistics.median(run.peak for run in runs) / series.volume_bytes,
    )


def _runs(name: str, rounds: Sequence[Round]) -> list[Measured] | str:
    runs = [each[name] for each in rounds]
    failure = next((run for run in runs if isinstance(run, str)), None)
    return failure or [run for run in runs if isinstance(run, Measured)]


def _cells(told: Figures | str) -> str:
    if isinstance(told, str):
        return f"failed: {told.replace('|', '/')[:100]} | | | "
    return f"{told.warm:.2f} | {told.ratio:.2f} | {told.first:.2f} | {told.peak:.2f}"

"""How the command line shows rows, volumes and progress."""

from __future__ import annotations

import json
import math
import sys
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import groupby
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from itkdicomqr.cli.options import PICKING_OPTIONS
from itkdicomqr.errors import DICOMQRWarning
from itkdicomqr.query.table import PICK_HEADING, Row, SeriesTable
from itkdicomqr.text import printable
from itkdicomqr.volume import Volume

PIPE_WIDTH = 10_000
"""Columns of a table that goes to a file or a pipe, where nothing should be cut."""

STUDY_COLUMNS = ("PatientName", "PatientID", "StudyDate", "StudyDescription")
"""What a heading tells of the series below it."""


def console(*, stderr: bool = False) -> Console:
    """Make a console; what is not a terminal gets whole lines."""
    stream = sys.stderr if stderr else sys.stdout
    return Console(file=stream, width=None if stream.isatty() else PIPE_WIDTH, highlight=False)


def show_json(value: object) -> None:
    """Print a value as JSON."""
    print(json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False))


def show_table(table: SeriesTable, *, names: bool = False, stderr: bool = False) -> None:
    """Print the series with the options that pick each; where lines would be too long, under their studies."""
    screen = console(stderr=stderr)
    headings = table.columns(names=names)
    picks = dict(zip(table, map(_as_options, table.picks()), strict=True))
    flat = _drawn(headings, table, picks, box=SIMPLE_HEAD if screen.is_terminal else None)
    if screen.measure(flat, options=screen.options.update(width=PIPE_WIDTH)).maximum <= screen.width:
        screen.print(flat)
    else:
        _print_by_study(screen, headings, table, picks)


def empty_table(widths: Mapping[str, int], **settings: Any) -> Table:
    """Make a table of columns, each with a least width."""
    drawn = Table(**{"box": None, "pad_edge": False, **settings})
    for heading, width in widths.items():
        drawn.add_column(heading, min_width=width or None, overflow="fold")
    return drawn


def summary(volume: Volume) -> dict[str, Any]:
    """Describe a volume and how it came about, without any patient data."""
    report, dimension = volume.report, volume.dimension
    return {
        "size": [*reversed(volume.array.shape[:dimension])],
        "components": math.prod(volume.array.shape[dimension:]),
        "pixel_type": volume.array.dtype.name,
        "spacing": list(volume.spacing),
        "origin": list(volume.origin),
        "direction": volume.direction.tolist(),
        "orientation": volume.orientation,
        "minimum": _finite(volume.array.min().item()),
        "maximum": _finite(volume.array.max().item()),
        "instances": len(report.sop_instance_uids),
        "origins": dict(report.origins),
        "decoders": list(report.decoders),
        "warnings": list(report.warnings),
    }


def show_summary(volume: Volume) -> None:
    """Print what `summary` tells."""
    drawn = empty_table({"attribute": 0, "value": 0}, show_header=False)
    for name, value in summary(volume).items():
        if value not in ([], {}):
            drawn.add_row(Text(name.replace("_", " ")), Text(_in_words(value)))
    console().print(drawn)


@contextmanager
def progress_bar(*, shown: bool) -> Iterator[InstanceProgress | None]:
    """Draw a bar on stderr while instances come."""
    if not shown:
        yield None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console(stderr=True), transient=True) as bar:
        yield InstanceProgress(bar)


@contextmanager
def warnings_shown() -> Iterator[None]:
    """Print the package's warnings on stderr, as its errors are."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", DICOMQRWarning)
        yield
    for warning in caught:
        print(f"itkdicomqr: {warning.message}", file=sys.stderr)


class InstanceProgress:
    """One task of a rich progress bar, as the library reports to it."""

    def __init__(self, bar: Progress) -> None:
        self._bar = bar
        self._task = bar.add_task("retrieving", total=None)

    @property
    def total(self) -> float | None:
        """How many instances are expected."""
        return self._bar.tasks[0].total

    @total.setter
    def total(self, total: float | None) -> None:
        self._bar.update(self._task, total=total)

    def update(self, n: float, /) -> None:
        """Take note that ``n`` more came."""
        self._bar.advance(self._task, n)


def _drawn(headings: Mapping[str, str], rows: Iterable[Row], picks: Mapping[Row, str], **settings: Any) -> Table:
    """Draw rows; columns are as wide as all rows of ``picks`` need."""
    widths = {heading: max(len(_cell(row, keyword)) for row in picks) for keyword, heading in headings.items()}
    drawn = empty_table(widths | {PICK_HEADING: max(map(len, picks.values()))}, **settings)
    for row in rows:
        drawn.add_row(*(Text(_cell(row, keyword)) for keyword in headings), Text(picks[row]))
    return drawn


def _print_by_study(
    screen: Console, headings: Mapping[str, str], rows: Iterable[Row], picks: Mapping[Row, str]
) -> None:
    """Print a heading for each study, and its series below it."""
    columns = {keyword: heading for keyword, heading in headings.items() if keyword not in STUDY_COLUMNS}
    for _, of_study in groupby(rows, lambda row: row.get("StudyInstanceUID")):
        series = list(of_study)
        told = [_cell(series[0], keyword) for keyword in STUDY_COLUMNS if keyword in headings]
        screen.print(Text("\n" + "  ".join(filter(None, told)), style="bold"))
        screen.print(_drawn(columns, series, picks))


def _cell(row: Row, keyword: str) -> str:
    """Give a value as text that can neither forge a line nor command the terminal."""
    return printable(row.get(keyword) or "")


def _as_options(pick: Mapping[str, str | int]) -> str:
    return " ".join(f"{PICKING_OPTIONS[name]} {value}" for name, value in pick.items())


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _in_words(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{count} by {name}" for name, count in value.items())
    if isinstance(value, list):
        return _separator(value).join(map(_in_words, value))
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _separator(values: Sequence[object]) -> str:
    return ", " if any(isinstance(value, list | str) for value in values) else "  "

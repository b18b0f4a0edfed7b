"""How the command line shows rows, volumes and progress."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from itkdicomqr.table import SeriesTable
from itkdicomqr.volume import Volume

PIPE_WIDTH = 10_000
"""Columns of a table that goes to a file or a pipe, where nothing should be cut."""


def console(*, stderr: bool = False) -> Console:
    """Make a console; what is not a terminal gets whole lines."""
    stream = sys.stderr if stderr else sys.stdout
    return Console(file=stream, width=None if stream.isatty() else PIPE_WIDTH, highlight=False)


def show_json(value: object) -> None:
    """Print a value as JSON."""
    print(json.dumps(value, indent=2, ensure_ascii=False))


def show_table(table: SeriesTable, *, names: bool = False) -> None:
    """Print the series with the keyword that picks each."""
    columns = table.columns(names=names)
    lines = [
        [*(row.get(keyword) or "" for keyword in columns), pick] for row, pick in zip(table, table.picks(), strict=True)
    ]
    show_lines([*columns.values(), "pick it by"], lines)


def show_lines(headings: Sequence[str], lines: Iterable[Sequence[str]]) -> None:
    """Print a table; what an archive sent cannot forge markup."""
    drawn = Table(box=SIMPLE_HEAD, pad_edge=False)
    for heading in headings:
        drawn.add_column(heading, overflow="fold")
    for line in lines:
        drawn.add_row(*(Text(cell) for cell in line))
    console().print(drawn)


def summary(volume: Volume) -> dict[str, Any]:
    """Describe a volume and how it came about, without any patient data."""
    report = volume.report
    return {
        "size": [*reversed(volume.array.shape[:3])],
        "components": volume.array.shape[3] if volume.array.ndim > 3 else 1,
        "pixel_type": volume.array.dtype.name,
        "spacing": list(volume.spacing),
        "origin": list(volume.origin),
        "direction": volume.direction.tolist(),
        "orientation": volume.orientation,
        "minimum": volume.array.min().item(),
        "maximum": volume.array.max().item(),
        "instances": len(report.sop_instance_uids),
        "origins": dict(report.origins),
        "decoders": list(report.decoders),
        "warnings": list(report.warnings),
    }


def show_summary(volume: Volume) -> None:
    """Print what `summary` tells."""
    told = summary(volume)
    show_lines(
        ["attribute", "value"], [[name, _in_words(value)] for name, value in told.items() if value not in ([], {})]
    )


@contextmanager
def progress_bar(*, shown: bool) -> Iterator[InstanceProgress | None]:
    """Draw a bar on stderr while instances come."""
    if not shown:
        yield None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console(stderr=True), transient=True) as bar:
        yield InstanceProgress(bar)


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


def _in_words(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{count} by {name}" for name, count in value.items())
    if isinstance(value, list):
        return "  ".join(_in_words(each) for each in value)
    return f"{value:.6g}" if isinstance(value, float) else str(value)

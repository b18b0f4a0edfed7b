"""A cohort on the command line: a CSV file of criteria in, a folder of images and a report out."""

from __future__ import annotations

import csv
import hashlib
import json
import re
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.text import Text

from itkdicomqr.cli.exits import exit_code
from itkdicomqr.cli.options import picked_volume
from itkdicomqr.cli.show import console, empty_table, show_json
from itkdicomqr.cli.write import write_image
from itkdicomqr.cohort import load_cohort
from itkdicomqr.errors import DICOMQRError, DICOMQRWarning, InputError
from itkdicomqr.query.criteria import NAMES
from itkdicomqr.tasks import Tasks
from itkdicomqr.text import printable
from itkdicomqr.volume import Volume
from itkdicomqr.volume.picking import check_pick

NAME, VOLUME = "name", "volume"
"""Columns besides the criteria: what the image's file is called, and which volume of the series it is."""

DIGEST_LENGTH = 8


@dataclass(frozen=True)
class Wanted:
    """An image that a row asks for.

    Attributes
    ----------
    row : int
        Counted from 1, without the heading.
    words : mapping
        Keyword arguments of `load_series`.
    path : Path
        Where it goes.
    """

    row: int
    words: Mapping[str, Any]
    path: Path


@dataclass(frozen=True)
class Outcome:
    """What became of a row.

    Attributes
    ----------
    row : int
        Counted from 1, without the heading.
    outcome : str
        ``"written"``, ``"skipped"`` or ``"failed"``.
    file : str
        Its image.
    code : int
        The exit code that this row alone would have had.
    error : str
        The kind of the error, if it failed.
    message : str
        Why it was skipped, or failed.
    warnings : tuple of str
        What was noticed about the image.
    """

    row: int
    outcome: str
    file: str
    code: int = 0
    error: str = ""
    message: str = ""
    warnings: tuple[str, ...] = ()


def wanted_images(table: Path, folder: Path, suffix: str, options: Mapping[str, Any]) -> list[Wanted]:
    """Read what a CSV file asks for.

    The columns are called like the criteria, or by DICOM keywords; an empty cell is no criterion. Without
    a column ``name``, a file is called by its row, and by a digest of what was asked for: where the table
    changes, no image of another row is taken for one that is there already.

    Raises
    ------
    InputError
        The file cannot be read, a column cannot be meant, or two rows have one name.
    """
    wanted = []
    for number, cells in enumerate(_rows_of(table), 1):
        name = _safe(cells.pop(NAME, ""))
        words = _words(cells)
        wanted.append(Wanted(number, words, folder / f"{name or _name(number, {**options, **words})}{suffix}"))
    repeated = [path.name for path, count in Counter(each.path for each in wanted).items() if count > 1]
    if repeated:
        message = f"{table}: several rows are called {', '.join(repeated)}"
        raise InputError(message)
    return wanted


def written_images(
    wanted: Iterable[Wanted], common: Mapping[str, Any], *, workers: int, keep_metadata: bool, overwrite: bool
) -> Iterator[Outcome]:
    """Load and write the images one by one; those that are there already are skipped unless to be overwritten."""
    missing = []
    for each in wanted:
        if each.path.exists() and not overwrite:
            yield Outcome(each.row, "skipped", str(each.path), message="it is there already; --overwrite replaces it")
        else:
            missing.append(each)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DICOMQRWarning)  # each row's are in the report
        # As many as are looked ahead work at once; Ctrl-C waits for none of them.
        executor = Tasks() if workers > 1 else None
        rows = [each.words for each in missing]
        loaded = load_cohort(rows, toolkit="volume", executor=executor, look_ahead=workers, **common)
        for each, (_, image) in zip(missing, loaded, strict=True):
            yield _written(each, image, keep_metadata=keep_metadata)


def show_report(outcomes: Iterable[Outcome], *, as_json: bool) -> None:
    """Print what became of each row."""
    rows = sorted(outcomes, key=lambda outcome: outcome.row)
    if as_json:
        show_json([asdict(each) for each in rows])
    elif rows:
        drawn = empty_table(dict.fromkeys(("row", "outcome", "file", "why"), 0))
        for each in rows:
            why = each.message.partition("\n")[0] or "; ".join(each.warnings)
            drawn.add_row(*(Text(printable(cell)) for cell in (str(each.row), each.outcome, each.file, why)))
        console().print(drawn)


def _written(wanted: Wanted, image: Volume | DICOMQRError, *, keep_metadata: bool) -> Outcome:
    try:
        if isinstance(image, DICOMQRError):
            raise image
        write_image(image, wanted.path, keep_metadata=keep_metadata)
    except DICOMQRError as error:
        kind = type(error).__name__
        return Outcome(wanted.row, "failed", str(wanted.path), exit_code(error), kind, str(error))
    return Outcome(wanted.row, "written", str(wanted.path), warnings=image.report.warnings)


def _rows_of(table: Path) -> list[dict[str, str]]:
    """Read the cells that are not empty, by column."""
    try:
        text = table.read_text(encoding="utf-8-sig")
        delimiter = max(",;\t", key=text.partition("\n")[0].count)
        heading, *lines = csv.reader(text.splitlines() or [""], delimiter=delimiter, strict=True)
    except (OSError, ValueError, csv.Error) as error:
        message = f"{table} cannot be read: {error}"
        raise InputError(message) from None
    columns = [column.strip() for column in heading]
    _check_columns(table, columns)
    return [_cells(table, columns, line) for line in lines if line]


def _cells(table: Path, columns: Sequence[str], line: Sequence[str]) -> dict[str, str]:
    if len(line) != len(columns):
        message = f"{table}: a row has {len(line)} cells, and there are {len(columns)} columns; quote those with commas"
        raise InputError(message)
    return {column: cell.strip() for column, cell in zip(columns, line, strict=True) if cell.strip()}


def _check_columns(table: Path, columns: Sequence[str]) -> None:
    """Refuse a column that is neither a criterion, nor a DICOM keyword, nor one of the two others."""
    known = {*NAMES, NAME, VOLUME} - {"keys"}
    unknown = [column for column in columns if column not in known and not column[:1].isupper()]
    if unknown or not columns or len({*columns}) < len(columns):
        message = (
            f"{table}: its columns are {', '.join(map(repr, columns)) or 'none'}; they may be, once each, "
            f"{', '.join(sorted(known))}, and DICOM keywords such as BodyPartExamined"
        )
        raise InputError(message)


def _words(cells: Mapping[str, str]) -> dict[str, Any]:
    """Make a row of `load_cohort` of cells."""
    words: dict[str, Any] = dict(cells)
    if VOLUME in words:
        words[VOLUME] = picked_volume([words[VOLUME]])
        check_pick(words[VOLUME])
    return words


def _safe(name: str) -> str:
    """Refuse a name that would be hidden, or lie in another folder."""
    if name and not re.fullmatch(r"[\w+=-][\w .+=-]*", name):
        message = f"{NAME} {name!r}: write letters, digits, spaces and . _ + = -"
        raise InputError(message)
    return name


def _name(number: int, asked: Mapping[str, Any]) -> str:
    text = json.dumps(asked, sort_keys=True, default=str)
    return f"{number:04}-{hashlib.sha256(text.encode()).hexdigest()[:DIGEST_LENGTH]}"

"""What a search returns: frozen rows, and tables of them that show no patient's name."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import overload

from itkdicomqr.errors import AmbiguousSeriesError, NoMatchError
from itkdicomqr.levels import UNIQUE_KEYS, Level
from itkdicomqr.node import Node
from itkdicomqr.text import printable

MAX_SHOWN = 20
"""Rows that a repr or a message shows."""

MAX_DIGITS = 12
"""Of a number of the VR IS (PS3.5 6.2)."""

HEADINGS: Mapping[str, str] = {
    "PatientID": "patient",
    "StudyDate": "date",
    "StudyDescription": "study",
    "Modality": "modality",
    "SeriesNumber": "number",
    "SeriesDescription": "series",
    "NumberOfSeriesRelatedInstances": "instances",
}
"""Column heading by DICOM keyword: no name, no birth date."""

PICK_HEADING = "pick it by"
"""Of the column that tells what picks a row."""

PICKS = (("series_number",), ("date", "series_number"), ("series_uid",))
"""The keyword arguments that may pick a row, the shortest first."""

_PICKED: Mapping[str, tuple[str, str, Callable[[str], str | int]]] = {
    "series_number": ("SeriesNumber", r"[+-]?[0-9]{1,12}", int),
    "date": ("StudyDate", r"[0-9]{8}", str),
    "series_uid": ("SeriesInstanceUID", r"[0-9.]+", str),
}
"""What each stands for: the attribute, how a value that can be searched for is spelt, and its type."""


@dataclass(frozen=True)
class Row:
    """One patient, study, series or instance, as an archive describes it.

    The attributes have their DICOM keywords: ``row.SeriesDescription``. None stands for what the
    archive did not tell, which is not the same as an empty value.

    Attributes
    ----------
    level : Level
        What it describes.
    attributes : tuple of (str, str or None)
        Keywords and values.
    node : Node, optional
        The archive that told.
    """

    level: Level
    attributes: tuple[tuple[str, str | None], ...] = field(repr=False)
    node: Node | None = field(default=None, repr=False, compare=False)

    def get(self, keyword: str) -> str | None:
        """Give a value; None where it was not told, or not asked for."""
        for name, value in self.attributes:
            if name == keyword:
                return value
        return None

    def number(self, keyword: str) -> int | None:
        """Read a count; None where none was told."""
        digits = (self.get(keyword) or "").strip()
        return int(digits) if digits.isdecimal() and len(digits) <= MAX_DIGITS else None

    def __getattr__(self, keyword: str) -> str | None:
        if keyword[:1].isupper() and any(name == keyword for name, _ in self.attributes):
            return self.get(keyword)
        raise AttributeError(f"this row has no {keyword!r}")

    def with_values(self, values: Mapping[str, str | None]) -> Row:
        """Give the same row with some values set."""
        return Row(self.level, tuple({**dict(self.attributes), **values}.items()), self.node)

    def without(self, keyword: str) -> Row:
        """Give the same row less one attribute."""
        return Row(self.level, tuple(each for each in self.attributes if each[0] != keyword), self.node)

    def joined(self, above: Row) -> Row:
        """Give the same row with what is known of the levels above it."""
        return Row(self.level, tuple({**dict(above.attributes), **dict(self.attributes)}.items()), self.node)

    def __repr__(self) -> str:
        shown = (f"{keyword}={self.get(keyword)!r}" for keyword in HEADINGS if self.get(keyword))
        return f"<{self.level.name.lower()} {', '.join(shown)}>"


@dataclass(frozen=True)
class SeriesTable(Sequence[Row]):
    """The series that a search found; it may be empty.

    Attributes
    ----------
    rows : tuple of Row
        One a series.
    criteria : str
        What was searched for, as the caller typed it.
    lost : NoMatchError, optional
        Why it is empty.
    issuers : tuple of str
        Who issued the Patient ID, where several did: then they are several patients.
    """

    rows: tuple[Row, ...]
    criteria: str = ""
    lost: NoMatchError | None = field(default=None, compare=False)
    issuers: tuple[str, ...] = ()

    @overload
    def __getitem__(self, index: int) -> Row: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Row, ...]: ...
    def __getitem__(self, index: int | slice) -> Row | tuple[Row, ...]:
        return self.rows[index]

    def __len__(self) -> int:
        return len(self.rows)

    def one(self) -> Row:
        """Give the only row.

        Raises
        ------
        NoMatchError
            There is none; the message says which key lost it.
        AmbiguousSeriesError
            There are several, or the Patient ID is of several patients; the message is the table.
        """
        if not self.rows:
            raise self.lost or NoMatchError(f"no series for {self.criteria}")
        if len(self.issuers) > 1:
            message = (
                f"the Patient ID was issued by {', '.join(map(repr, self.issuers))}: these are several patients; "
                f"give issuer_of_patient_id=\n{self.listing()}"
            )
            raise AmbiguousSeriesError(message, candidates=self)
        if len(self.rows) > 1:
            message = f"{len(self.rows)} series for {self.criteria}; pick one by its keyword:\n{self.listing()}"
            raise AmbiguousSeriesError(message, candidates=self)
        return self.rows[0]

    def picks(self) -> list[dict[str, str | int]]:
        """Give the keyword arguments that, added to the search, pick each row: the first of `PICKS` that do."""
        told = [[_pick(row, names) for names in PICKS] for row in self.rows]
        counts = Counter(str(pick) for picks in told for pick in picks)
        return [next((pick for pick in picks if pick and counts[str(pick)] == 1), {}) for picks in told]

    def columns(self, *, names: bool = False) -> dict[str, str]:
        """Give the headings by keyword, of the attributes that any row has a value of."""
        wanted = {"PatientName": "name", **HEADINGS} if names else HEADINGS
        return {keyword: heading for keyword, heading in wanted.items() if any(row.get(keyword) for row in self.rows)}

    def listing(self) -> str:
        """Draw the table as text, with the keyword that picks each row."""
        return "\n".join([*_aligned(self._lines()), *_elision(len(self.rows))])

    def _lines(self) -> list[list[str]]:
        """Give the headings, and then the cells of each row that is shown."""
        columns = self.columns()
        lines = [[*columns.values(), PICK_HEADING]]
        lines += [
            [*(printable(row.get(keyword) or "") for keyword in columns), _spelt(pick)]
            for row, pick in zip(self.rows[:MAX_SHOWN], self.picks(), strict=False)
        ]
        return lines

    def to_dicts(self, *, names: bool = False) -> list[dict[str, str | None]]:
        """Give every row as a dictionary, for JSON or a data frame; with the patients' names only if asked."""
        hidden = () if names else ("PatientName",)
        return [{name: value for name, value in row.attributes if name not in hidden} for row in self.rows]

    def __repr__(self) -> str:
        return f"<SeriesTable of {len(self.rows)} series>\n{self.listing()}" if self.rows else "<SeriesTable, empty>"

    def _repr_html_(self) -> str:
        if not self.rows:
            return escape(repr(self))
        head, *body = self._lines()
        lines = "".join(_html_line(line, "td") for line in body)
        table = f"<table><thead>{_html_line(head, 'th')}</thead><tbody>{lines}</tbody></table>"
        return table + "".join(_elision(len(self.rows)))


def distinct(rows: Iterable[Row]) -> list[Row]:
    """Drop doubles; of patients, one ID may have several issuers."""
    kept: dict[tuple[str | None, ...], Row] = {}
    for row in rows:
        issuer = row.get("IssuerOfPatientID") if row.level is Level.PATIENT else None
        kept.setdefault((row.get(UNIQUE_KEYS[row.level]), issuer), row)
    return list(kept.values())


def merged(tables: Iterable[SeriesTable]) -> SeriesTable:
    """Join what several archives answered, in order; a series that more than one holds is one row."""
    tables = list(tables)
    rows = {row.get("SeriesInstanceUID"): row for table in reversed(tables) for row in table.rows}
    losses = [str(table.lost) for table in tables if table.lost is not None]
    issuers = dict.fromkeys(issuer for table in tables for issuer in table.issuers)
    keys = dict.fromkeys(table.lost.lost_by for table in tables if table.lost is not None)
    lost = NoMatchError("\n".join(losses), lost_by=next(iter(keys))) if losses and not rows else None
    return SeriesTable(tuple(sorted(rows.values(), key=_place_in_table)), tables[0].criteria, lost, tuple(issuers))


def _pick(row: Row, names: Iterable[str]) -> dict[str, str | int]:
    """Give the values of keyword arguments; none where the row does not tell them all."""
    pick: dict[str, str | int] = {}
    for name in names:
        keyword, spelling, kind = _PICKED[name]
        value = (row.get(keyword) or "").strip()
        if not re.fullmatch(spelling, value):
            return {}
        pick[name] = kind(value)
    return pick


def _spelt(pick: Mapping[str, str | int]) -> str:
    return ", ".join(
        f'{name}="{value}"' if isinstance(value, str) else f"{name}={value}" for name, value in pick.items()
    )


def _place_in_table(row: Row) -> tuple[str, str, int, str]:
    number = row.get("SeriesNumber") or ""
    return (
        row.get("StudyDate") or "",
        row.get("StudyInstanceUID") or "",
        int(number) if re.fullmatch(_PICKED["series_number"][1], number) else 0,
        row.get("SeriesInstanceUID") or "",
    )


def _aligned(lines: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines]


def _html_line(cells: Iterable[str], element: str) -> str:
    return f"<tr>{''.join(f'<{element}>{escape(cell)}</{element}>' for cell in cells)}</tr>"


def _elision(count: int) -> list[str]:
    return [f"... and {count - MAX_SHOWN} more"] if count > MAX_SHOWN else []

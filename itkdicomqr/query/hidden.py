"""Rows that are hidden by an archive which silently cuts its answers at a number that nobody would suspect.

Part of what was answered is asked for again. An archive that cuts at some number of rows has room left
for others then; one new row shows that the answer was cut. An archive that ignores the key which makes
the part answers as before, and shows nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from itkdicomqr.errors import StatusError
from itkdicomqr.levels import UNIQUE_KEYS, Level
from itkdicomqr.query.catalogue import Catalogue
from itkdicomqr.query.criteria import Criterion
from itkdicomqr.query.matchers import ALL_DAYS, DateRange, Exactly, day_of
from itkdicomqr.query.table import Row
from itkdicomqr.query.truncation import FEWEST_CUT, Answer, doubt, parts_around

MAX_GAPS = 2
"""How many numbers that are missing between those of the series are asked for, besides the next one."""


def studies_looked_behind(catalogue: Catalogue, wanted: Sequence[Criterion], answer: Answer) -> Answer:
    """Ask for the earlier and the later part of many studies, to see whether they hide others.

    Those without a date are in neither part, and one day has no parts.
    """
    date, span = span_of(wanted)
    others = [each for each in wanted if each is not date]
    days = [day for row in answer.rows if (day := day_of(row.get("StudyDate") or ""))]
    parts = (catalogue.ask(Level.STUDY, [*others, dated(part)]) for part in parts_around(days, span))
    return _doubted(answer, parts, Level.STUDY, str(catalogue))


def series_looked_behind(catalogue: Catalogue, study: Row, wanted: Sequence[Criterion], answer: Answer) -> Answer:
    """Ask for series of the numbers next to those of many series, to see whether they hide others."""
    numbers = {int(text) for row in answer.rows if (text := (row.get("SeriesNumber") or "").strip()).isdecimal()}
    last = max(numbers, default=0)
    gaps = [number for number in range(1, min(last, len(numbers) + MAX_GAPS)) if number not in numbers]
    probed = [*gaps[:MAX_GAPS], last + 1]
    parts = (catalogue.ask(Level.SERIES, [*wanted, coded("SeriesNumber", str(each))], below=study) for each in probed)
    return _doubted(answer, parts, Level.SERIES, str(catalogue))


def full(answer: Answer, part: Answer, level: Level, place: str) -> Answer:
    """Count a part as cut that has as many rows as an answer which the archive cut in silence."""
    has_limit = not answer.admitted and not answer.matches
    is_full = has_limit and 0 < len(answer.rows) <= len(part.rows)
    return replace(part, cut=part.cut or (doubt(place, level, len(part.rows)) if is_full else None))


def span_of(wanted: Sequence[Criterion]) -> tuple[Criterion | None, DateRange]:
    """Give the criterion of the study's date, and its days; all days where there is none."""
    date = next((each for each in wanted if each.keyword == "StudyDate"), None)
    return date, date.matcher if date and isinstance(date.matcher, DateRange) else ALL_DAYS


def dated(days: DateRange) -> Criterion:
    """Ask for the studies of some days."""
    return Criterion("date", "StudyDate", days)


def coded(keyword: str, value: str) -> Criterion:
    """Ask for the series that have one value."""
    return Criterion(keyword, keyword, Exactly(value))


def _doubted(answer: Answer, parts: Iterable[Answer], level: Level, place: str) -> Answer:
    """Call an answer cut if a part of it has rows that it lacks; ask only if it has many."""
    if answer.cut or len(answer.rows) < FEWEST_CUT:
        return answer
    known = {row.get(UNIQUE_KEYS[level]) for row in answer.rows}
    try:
        is_cut = any(row.get(UNIQUE_KEYS[level]) not in known for part in parts for row in part.rows)
    except StatusError:  # It answers no such question, which shows nothing.
        return answer
    return replace(answer, cut=doubt(place, level, len(answer.rows))) if is_cut else answer

"""Rows that are hidden by an archive which silently cuts its answers at a number that nobody would suspect.

Part of what was answered is asked for again. An archive that cuts at some number of rows has room left
for others then; one new row shows that the answer was cut. An archive that ignores the key which makes
the part answers as before, and shows nothing.
"""

from __future__ import annotations

from collections.abc import Iterable

from itkdicomqr.errors import StatusError
from itkdicomqr.levels import UNIQUE_KEYS
from itkdicomqr.query.matchers import day_of
from itkdicomqr.query.question import Question, coded, dated, span_of
from itkdicomqr.query.truncation import FEWEST_CUT, Answer, parts_around

MAX_GAPS = 2
"""How many numbers that are missing between those of the series are asked for, besides the next one."""


def studies_looked_behind(question: Question, answer: Answer) -> Answer:
    """Ask for the earlier and the later part of many studies, to see whether they hide others.

    Those without a date are in neither part, and one day has no parts.
    """
    _, span = span_of(question.wanted)
    days = [day for row in answer.rows if (day := day_of(row.get("StudyDate") or ""))]
    return _looked_behind(question, answer, (question.ask(dated(part)) for part in parts_around(days, span)))


def series_looked_behind(question: Question, answer: Answer) -> Answer:
    """Ask for series of the numbers next to those of many series, to see whether they hide others."""
    numbers = {int(text) for row in answer.rows if (text := (row.get("SeriesNumber") or "").strip()).isdecimal()}
    last = max(numbers, default=0)
    gaps = [number for number in range(1, min(last, len(numbers) + MAX_GAPS)) if number not in numbers]
    probed = [*gaps[:MAX_GAPS], last + 1]
    return _looked_behind(question, answer, (question.ask(coded("SeriesNumber", str(each))) for each in probed))


def _looked_behind(question: Question, answer: Answer, parts: Iterable[Answer]) -> Answer:
    """Doubt an answer if a part of it has rows that it lacks; ask only if it has many, and the archive counts none."""
    if question.expected or answer.cut or len(answer.rows) < FEWEST_CUT:
        return answer
    key = UNIQUE_KEYS[question.level]
    known = {row.get(key) for row in answer.rows}
    try:
        is_cut = any(row.get(key) not in known for part in parts for row in part.rows)
    except StatusError:  # It answers no such question, which shows nothing.
        return answer
    return question.doubted(answer) if is_cut else answer

"""Answers that an archive may have cut at a limit of its own, and how to ask again in parts that it does not cut.

Some archives say that they stopped (status FE00 or B001), others end as if there were no more. Then only
a round number of rows, or a count that the archive tells elsewhere, betrays it; or rows that come only when
part of the answer is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from itkdicomqr.errors import TruncatedMatchesError
from itkdicomqr.levels import Level
from itkdicomqr.query.matchers import DateRange
from itkdicomqr.query.table import Row

LIKELY_LIMITS = frozenset(
    {100, 128, 150, 200, 250, 256, 300, 400, 500, 512, 600, 750, 800, 1000, 1024, 1500, 2000, 2048, 2500}
    | {3000, 4000, 4096, 5000, 8192, 10_000, 15_000, 16_384, 20_000}
)
"""Numbers of rows at which administrators and manufacturers cut."""

ROUND = 100
"""An answer of a multiple of this many rows may have been cut there, where nothing else tells."""

FEWEST_CUT = 20
"""Shorter answers are believed without asking again: no archive is known to have a lower limit."""

MAX_QUERIES = 200
"""How many parts one question may be asked in."""

EARLIEST = date(1970, 1, 1)
"""Where the days of a range without a beginning are first halved."""

FIRST_DAY, LAST_DAY = date(1000, 1, 1), date.max
"""Between these, all days have a spelling of eight digits."""

CURES: Mapping[Level, str] = {
    Level.PATIENT: "narrow the search by patient_id",
    Level.STUDY: "narrow the search by patient_id, date, accession_number or study_uid",
    Level.SERIES: "narrow the search by series_uid, series_number or modality",
    Level.IMAGE: "ask the archive's administrator to raise its limit of instances",
}
"""What brings fewer matches, by level."""


@dataclass(frozen=True)
class Answer:
    """The rows of one query.

    Attributes
    ----------
    rows : tuple of Row
        Each once.
    cut : TruncatedMatchesError, optional
        Why more may be there.
    admitted : bool
        Whether the archive itself says so.
    matches : int
        How many came, if some of them came in place of others.
    """

    rows: tuple[Row, ...]
    cut: TruncatedMatchesError | None = None
    admitted: bool = False
    matches: int = 0


def doubt(place: str, level: Level, count: int) -> TruncatedMatchesError:
    """Say why a number of matches is not believed to be all."""
    return TruncatedMatchesError(
        f"{place}: exactly {count} matches at the {level.name} level, or fewer than it counts: the archive may have "
        f"cut its answer there; {CURES[level]}"
    )


def overwritten(place: str, level: Level, count: int, told: int) -> TruncatedMatchesError:
    """Say that matches were lost, for which others came repeatedly."""
    return TruncatedMatchesError(
        f"{place}: {count} matches at the {level.name} level, but only {told} different, and what came repeatedly "
        f"comes once if it is asked for alone: it was sent in place of others; {CURES[level]}, or give "
        "the node dicomweb="
    )


def by_days(ask: Callable[[DateRange], Answer], span: DateRange, enough: int | None = None) -> list[Answer]:
    """Ask for halves of a span of days, and for halves of these, until no answer is cut.

    Parameters
    ----------
    ask : callable
        Asks for the studies of some days.
    span : DateRange
        All days in question; what has no date is in no part of it.
    enough : int, optional
        The number of studies that there are, if it is known: with so many, all is there.

    Returns
    -------
    list of Answer
        In the order of the days. Those that are still cut are of one day; or `MAX_QUERIES` were asked.
    """
    answers: list[Answer] = []
    pending = [span]
    found: set[str | None] = set()
    for _ in range(MAX_QUERIES):
        if not pending or (enough is not None and len(found) >= enough):
            return answers
        part = pending.pop()
        answer = ask(part)
        found |= {row.get("StudyInstanceUID") for row in answer.rows}
        parts = halves(part) if answer.cut else ()
        pending += reversed(parts)
        answers.append(Answer(answer.rows) if parts else answer)
    return [*answers, Answer((), _too_many())]


def halves(span: DateRange) -> tuple[DateRange, ...]:
    """Give the earlier and the later half of some days; nothing of a single day."""
    today = datetime.now(UTC).date()
    first = span.first or (EARLIEST if span.last is None or span.last > EARLIEST else FIRST_DAY)
    last = span.last or (today if first < today else LAST_DAY)
    if first >= last:
        return ()
    middle = first + (last - first) // 2
    return DateRange(span.first, middle), DateRange(middle + timedelta(1), span.last)


def parts_around(days: Iterable[date], span: DateRange) -> tuple[DateRange, ...]:
    """Give two parts of a span of days, neither of which has all of ``days``; nothing if these are one day."""
    some = sorted(set(days))
    if len(some) < 2:
        return ()
    middle = some[(len(some) - 1) // 2]
    return DateRange(span.first, middle), DateRange(middle + timedelta(1), span.last)


def cut_of(answers: Iterable[Answer]) -> TruncatedMatchesError | None:
    """Give the first reason why some of the parts may not be whole."""
    return next((answer.cut for answer in answers if answer.cut), None)


def _too_many() -> TruncatedMatchesError:
    return TruncatedMatchesError(
        f"the archive still cuts its answers after {MAX_QUERIES} queries, each for fewer days: {CURES[Level.STUDY]}"
    )

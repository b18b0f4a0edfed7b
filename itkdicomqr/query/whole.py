"""All studies of a patient or of some days, and all series of a study, also from archives that cut their answers.

An answer is whole if the archive does not say otherwise, its number of rows is no likely limit, and it
is not smaller than what the archive counts; where it counts nothing, if asking for parts of a longer answer brings
no row that it lacked. One that is not whole is asked for again in parts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from itkdicomqr.errors import ConnectionLostError, StatusError, TruncatedMatchesError
from itkdicomqr.levels import RELATED_INSTANCES, RELATED_SERIES, RELATED_STUDIES, Level
from itkdicomqr.query.catalogue import Catalogue
from itkdicomqr.query.criteria import Criteria, Criterion
from itkdicomqr.query.hidden import coded, dated, full, series_looked_behind, span_of, studies_looked_behind
from itkdicomqr.query.matchers import ALL_DAYS, DateRange, Exactly, OneOf
from itkdicomqr.query.table import Row, distinct
from itkdicomqr.query.truncation import Answer, by_days, cut_of, doubt

MAX_NUMBERS = 200
"""The highest series number that is tried."""


def whole_studies(catalogue: Catalogue, wanted: Sequence[Criterion]) -> list[Row]:
    """Ask for all studies that fulfil the criteria; others may be among them.

    Raises
    ------
    TruncatedMatchesError
        There may be more.
    """
    answer = catalogue.ask(Level.STUDY, wanted)
    patient = [each for each in wanted if each.keyword == "PatientID"]
    counted = _counted(catalogue, patient or wanted) if answer.rows or answer.cut else ()
    told = max((row.number(RELATED_STUDIES) or 0 for row in counted if patient), default=0)
    answer = answer if told else studies_looked_behind(catalogue, wanted, answer)
    if answer.cut:
        answer = _by_days(catalogue, wanted, answer)
    if answer.cut or told > len(counted):
        answer = _by_count(catalogue, patient, told, answer)
    if answer.cut:
        raise answer.cut
    numbers = {row.get("StudyInstanceUID"): row.get(RELATED_SERIES) for row in counted}
    return [row.with_values({RELATED_SERIES: numbers.get(row.get("StudyInstanceUID"))}) for row in answer.rows]


def whole_series(catalogue: Catalogue, study: Row, criteria: Criteria) -> list[Row]:
    """Ask for all series of a study that fulfil the criteria; others may be among them.

    Raises
    ------
    TruncatedMatchesError
        There may be more.
    """
    wanted = [each if each.name == "series_uid" else each.universal() for each in criteria.at(Level.SERIES)]
    answer = catalogue.ask(Level.SERIES, wanted, below=study)
    told = 0 if criteria.named("series_uid") else study.number(RELATED_SERIES) or 0
    answer = answer if told else series_looked_behind(catalogue, study, wanted, answer)
    if told > len(answer.rows):
        told = _counted_alone(catalogue, study) or told
    if answer.cut is None and (told <= len(answer.rows) or not _counts_rightly(catalogue, study)):
        return list(answer.rows)
    return _in_parts(catalogue, study, criteria, wanted, answer, max(told, answer.matches))


def _by_days(catalogue: Catalogue, wanted: Sequence[Criterion], answer: Answer) -> Answer:
    """Ask day by day; without a date, studies that have none may still be missing, unless as many came as match."""
    date, span = span_of(wanted)
    others = [each for each in wanted if each is not date]

    def ask(days: DateRange) -> Answer:
        return full(answer, catalogue.ask(Level.STUDY, [*others, dated(days)]), Level.STUDY, str(catalogue))

    parts = by_days(ask, span)
    rows = _joined(answer, *parts)
    undated = date is None and (answer.admitted or len(rows) > len(answer.rows))
    is_short = len(rows) < answer.matches if answer.matches else undated
    return Answer(tuple(rows), cut_of(parts) or (answer.cut if is_short else None))


def _by_count(catalogue: Catalogue, patient: Sequence[Criterion], told: int, answer: Answer) -> Answer:
    """Ask for all of one patient's studies, until there are as many as the archive counts."""
    if not patient or not told:
        return answer
    plain = catalogue.ask(Level.STUDY, patient)

    def ask(days: DateRange) -> Answer:
        return full(plain, catalogue.ask(Level.STUDY, [*patient, dated(days)]), Level.STUDY, str(catalogue))

    parts = by_days(ask, ALL_DAYS, told) if len(plain.rows) < told else []
    every = _joined(plain, *parts)
    if len(every) >= told:
        return Answer(tuple(_joined(answer, Answer(tuple(every)))))
    if answer.cut is None and every and _counts_rightly(catalogue, every[0]):
        return replace(answer, cut=doubt(str(catalogue), Level.STUDY, len(answer.rows)))
    return answer


def _in_parts(
    catalogue: Catalogue, study: Row, criteria: Criteria, wanted: Sequence[Criterion], answer: Answer, told: int
) -> list[Row]:
    """Ask for the series by what the archive may match of the criteria, else by their numbers."""
    narrowed = [
        full(answer, catalogue.ask(Level.SERIES, [*wanted, each], below=study), Level.SERIES, str(catalogue))
        for each in _narrowing(criteria)
    ]
    if answer.cut and narrowed and cut_of(narrowed) is None:
        return _joined(answer, *narrowed)
    try:
        every = _by_numbers(catalogue, study, wanted, answer, told)
    except (StatusError, ConnectionLostError) as error:  # some archives know no series number
        raise answer.cut or doubt(str(catalogue), Level.SERIES, len(answer.rows)) from error
    if not told or len(every) < told:
        raise answer.cut or doubt(str(catalogue), Level.SERIES, len(answer.rows))
    return every


def _by_numbers(catalogue: Catalogue, study: Row, wanted: Sequence[Criterion], answer: Answer, told: int) -> list[Row]:
    """Ask for one series number after the other, until there are as many series as the archive counts."""
    rows = list(answer.rows)
    for number in range(min(2 * told, MAX_NUMBERS) + 1 if told else 0):
        if len(rows) >= told:
            break
        part = catalogue.ask(Level.SERIES, [*wanted, coded("SeriesNumber", str(number))], below=study)
        rows = _joined(Answer(tuple(rows)), part)
    return rows


def _counted(catalogue: Catalogue, wanted: Sequence[Criterion]) -> tuple[Row, ...]:
    """Ask for counts, apart: some archives make one row of all where they are asked for."""
    try:
        return catalogue.ask(Level.STUDY, wanted, keys=(RELATED_STUDIES, RELATED_SERIES)).rows
    except StatusError:
        return ()


def _counted_alone(catalogue: Catalogue, study: Row) -> int | None:
    """Ask for the number of series of one study: of several, some archives tell the sum."""
    alone = Criterion("study_uid", "StudyInstanceUID", Exactly(study.get("StudyInstanceUID") or ""))
    return next((row.number(RELATED_SERIES) for row in _counted(catalogue, [alone])), None)


def _counts_rightly(catalogue: Catalogue, study: Row) -> bool:
    """Tell whether the archive counts the instances of a series as it lists them; some count one too many."""
    told = [row for row in catalogue.counts(study).values() if row.number(RELATED_INSTANCES) is not None]
    if not told:
        return True
    try:
        listed = catalogue.instances(told[0])
    except (StatusError, TruncatedMatchesError):
        return True
    return len(listed) == told[0].number(RELATED_INSTANCES)


def _narrowing(criteria: Criteria) -> list[Criterion]:
    """Give what the archive may match of the criteria, one query each."""
    number, modality = criteria.named("series_number"), criteria.named("modality")
    if number is not None:
        return [coded("SeriesNumber", str(number.matcher))]
    codes = modality.matcher.choices if modality and isinstance(modality.matcher, OneOf) else ()
    return [coded("Modality", code) for code in codes]


def _joined(*answers: Answer) -> list[Row]:
    return distinct(row for answer in answers for row in answer.rows)

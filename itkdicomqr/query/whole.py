"""All studies of a patient or of some days, and all series of a study, also from archives that cut their answers.

An answer is whole if the archive does not say otherwise, its number of rows is no likely limit, and it
is not smaller than what the archive counts; where it counts nothing, if asking for parts of a longer answer brings
no row that it lacked. One that is not whole is asked for again in parts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from itkdicomqr.errors import ConnectionLostError, StatusError, TruncatedMatchesError
from itkdicomqr.levels import RELATED_INSTANCES, RELATED_SERIES, RELATED_STUDIES, Level
from itkdicomqr.query.catalogue import Catalogue
from itkdicomqr.query.criteria import Criteria, Criterion
from itkdicomqr.query.hidden import series_looked_behind, studies_looked_behind
from itkdicomqr.query.matchers import ALL_DAYS, Exactly, OneOf
from itkdicomqr.query.question import Question, coded, dated, span_of
from itkdicomqr.query.table import Row, distinct
from itkdicomqr.query.truncation import Answer, by_days, cut_of

MAX_NUMBERS = 200
"""The highest series number that is tried."""

Step = Callable[[Question, Answer], Answer]
"""Makes an answer more whole, or doubts it; what needs neither is returned as it is."""


def whole_studies(catalogue: Catalogue, wanted: Sequence[Criterion]) -> list[Row]:
    """Ask for all studies that fulfil the criteria; others may be among them.

    Raises
    ------
    TruncatedMatchesError
        There may be more.
    """
    question = Question(catalogue, Level.STUDY, tuple(wanted))
    answer = question.ask()
    if answer.rows or answer.cut:
        question = _with_counts(question)
    rows = _all_rows(question, answer, (studies_looked_behind, _by_days, _by_patient))
    numbers = {row.get("StudyInstanceUID"): row.get(RELATED_SERIES) for row in question.counted}
    return [row.with_values({RELATED_SERIES: numbers.get(row.get("StudyInstanceUID"))}) for row in rows]


def whole_series(catalogue: Catalogue, study: Row, criteria: Criteria) -> list[Row]:
    """Ask for all series of a study that fulfil the criteria; others may be among them.

    Raises
    ------
    TruncatedMatchesError
        There may be more.
    """
    wanted = tuple(each if each.name == "series_uid" else each.universal() for each in criteria.at(Level.SERIES))
    expected = 0 if criteria.named("series_uid") else study.number(RELATED_SERIES) or 0
    question = Question(catalogue, Level.SERIES, wanted, study, _narrower(criteria), expected=expected)
    answer = series_looked_behind(question, question.ask())
    if expected > len(answer.rows):
        question = replace(question, expected=_number_of_series(catalogue, study) or expected)
    # The count is of the whole study: where it alone raises the doubt, a part that is enough would not settle it.
    steps = (_by_criteria, _by_numbers) if answer.cut else (_compared_with_count, _by_numbers)
    return _all_rows(question, answer, steps)


def _all_rows(question: Question, answer: Answer, steps: Iterable[Step]) -> list[Row]:
    """Take one step after the other, and refuse what is still not whole."""
    for step in steps:
        answer = step(question, answer)
    if answer.cut:
        raise answer.cut
    return list(answer.rows)


def _by_days(question: Question, answer: Answer) -> Answer:
    """Ask day by day; without a date, studies that have none may still be missing, unless as many came as match."""
    if answer.cut is None:
        return answer
    date, span = span_of(question.wanted)
    parts = by_days(lambda days: question.ask_part(answer, dated(days)), span)
    rows = _joined(answer, *parts)
    may_lack_undated = date is None and (answer.admitted or len(rows) > len(answer.rows))
    is_short = len(rows) < answer.matches if answer.matches else may_lack_undated
    return Answer(rows, cut_of(parts) or (answer.cut if is_short else None))


def _by_patient(question: Question, answer: Answer) -> Answer:
    """Ask for all of one patient's studies, until there are as many as the archive counts."""
    expected = question.expected
    if not expected or (answer.cut is None and expected <= len(question.counted)):
        return answer
    of_patient = replace(question, wanted=_of_patient(question.wanted))
    plain = of_patient.ask()
    is_short = len(plain.rows) < expected
    parts = by_days(lambda days: of_patient.ask_part(plain, dated(days)), ALL_DAYS, expected) if is_short else []
    every = Answer(_joined(plain, *parts))
    if len(every.rows) >= expected:
        return Answer(_joined(answer, every))
    if answer.cut is None and every.rows and _counts_rightly(question.catalogue, every.rows[0]):
        return question.doubted(answer)
    return answer


def _compared_with_count(question: Question, answer: Answer) -> Answer:
    """Doubt an answer of fewer series than the archive counts, unless it is seen to count wrongly."""
    study, is_short = question.below, len(answer.rows) < question.expected
    return question.doubted(answer) if study and is_short and _counts_rightly(question.catalogue, study) else answer


def _by_criteria(question: Question, answer: Answer) -> Answer:
    """Ask for what is enough, which the archive may not cut."""
    parts = [question.ask_part(answer, each) for each in question.narrower]
    return Answer(_joined(answer, *parts)) if parts and cut_of(parts) is None else answer


def _by_numbers(question: Question, answer: Answer) -> Answer:
    """Ask for one series number after the other, until there are as many series as the archive counts."""
    if answer.cut is None:
        return answer
    expected = max(question.expected, answer.matches)
    every = Answer(answer.rows)
    try:
        for number in range(min(2 * expected, MAX_NUMBERS) + 1):
            if len(every.rows) >= expected:
                break
            every = Answer(_joined(every, question.ask(coded("SeriesNumber", str(number)))))
    except (StatusError, ConnectionLostError) as error:  # some archives know no series number
        raise answer.cut from error
    return every if 0 < expected <= len(every.rows) else answer


def _with_counts(question: Question) -> Question:
    """Ask how many studies the patient has, and how many series each study, where the archive counts them."""
    of_patient = _of_patient(question.wanted)
    counted = _counted(question.catalogue, of_patient or question.wanted)
    expected = max((row.number(RELATED_STUDIES) or 0 for row in counted if of_patient), default=0)
    return replace(question, counted=counted, expected=expected)


def _of_patient(wanted: Iterable[Criterion]) -> tuple[Criterion, ...]:
    return tuple(each for each in wanted if each.keyword == "PatientID")


def _counted(catalogue: Catalogue, wanted: Sequence[Criterion]) -> tuple[Row, ...]:
    """Ask for counts, apart: some archives make one row of all where they are asked for."""
    try:
        return catalogue.ask(Level.STUDY, wanted, keys=(RELATED_STUDIES, RELATED_SERIES)).rows
    except StatusError:
        return ()


def _number_of_series(catalogue: Catalogue, study: Row) -> int | None:
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


def _narrower(criteria: Criteria) -> tuple[Criterion, ...]:
    """Give what the archive may match of the criteria, one query each."""
    number, modality = criteria.named("series_number"), criteria.named("modality")
    if number is not None:
        return (coded("SeriesNumber", str(number.matcher)),)
    codes = modality.matcher.choices if modality and isinstance(modality.matcher, OneOf) else ()
    return tuple(coded("Modality", code) for code in codes)


def _joined(*answers: Answer) -> tuple[Row, ...]:
    return tuple(distinct(row for answer in answers for row in answer.rows))

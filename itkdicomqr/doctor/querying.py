"""Examinations of an archive's queries: what it matches, what it returns, and where it stops.

None of them shows a value that the archive returned: only how many rows there were.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from itkdicomqr.doctor.case import MAX_ROWS, Answer, Case
from itkdicomqr.doctor.diagnosis import Finding, bad, good, notable, unknown
from itkdicomqr.doctor.sampling import windows
from itkdicomqr.errors import ConnectionLostError, NetworkError, StatusError
from itkdicomqr.levels import RELATED_INSTANCES, Level
from itkdicomqr.query.matchers import ALL_DAYS, day_of
from itkdicomqr.query.table import Row
from itkdicomqr.query.truncation import ROUND, parts_around

DESCRIPTION = "SeriesDescription"
NOBODYS = "NOBODY CALLS A SERIES SO"
NOBODYS_UID = "2.25.8"
"""Values that nothing has."""

ELSEWHERE = "give dicomweb=, if it offers that, or narrow searches until one series is left"
NARROW = "narrow searches by patient_id, date or accession_number"


def tells_each_series_once(case: Case) -> Finding:
    """Ask for the series of one study, and look for doubles and for those of other studies."""
    study = case.sample.one
    rows = case.ask_series(study).rows
    foreign = [row for row in rows if row.get("StudyInstanceUID") not in (None, "", _study(study))]
    different = len(set(map(_uid, rows)))
    if _takes_places(case, rows):
        return bad(f"{len(rows)} rows, but only {different} different: it sends some in place of others", ELSEWHERE)
    if foreign or different < len(rows):
        words = f"of {len(rows)} rows, {len(rows) - different} are doubles and {len(foreign)} of other studies"
        return notable(f"{words}; they are dropped here")
    return good(f"each of {different} series once, and none of another study")


def _takes_places(case: Case, rows: Sequence[Row]) -> bool:
    """Tell whether a row that comes repeatedly comes once if it is asked for alone."""
    doubles = [row for row in rows if [*map(_uid, rows)].count(_uid(row)) > 1]
    return bool(doubles) and len(case.ask_series(doubles[0], SeriesInstanceUID=_uid(doubles[0])).rows) == 1


def tells_descriptions(case: Case) -> Finding:
    """Ask whether rows of series tell their Series Description."""
    told = [row.get(DESCRIPTION) for row in case.sample.series]
    if any(told):
        return good(f"{sum(map(bool, told))} of {len(told)} series tell it")
    how = "it is not returned" if set(told) == {None} else f"it is empty in all {len(told)} series, so may not be known"
    limit = f"Limits(max_verified=...), now {case.node.limits.max_verified}"
    cure = f"narrow searches by date, modality or series_number, or raise {limit}, if there are too many candidates"
    return notable(f"{how}; one instance of each candidate is read for it", cure)


def matches_descriptions(case: Case) -> Finding:
    """Ask for a Series Description that nothing has."""
    rows = _described(case, NOBODYS)
    if not rows:
        return good("it finds nothing by a description that nothing has")
    return notable(f"it gives {len(rows)} series for a description that nothing has; it is matched here")


def matches_descriptions_by_case(case: Case) -> Finding:
    """Ask for a Series Description in the other case."""
    one, text = _described_series(case)
    if one is None or text.swapcase() == text:
        return unknown("no series has a description with letters that could be asked for")
    if _described(case, NOBODYS):
        return unknown("it does not match descriptions")
    if _finds(case, one, text.swapcase()):
        return notable("it matches descriptions in any case, as we do")
    return good("it matches descriptions in their own case alone; they are matched here in any")


def matches_wildcards(case: Case) -> Finding:
    """Ask for a Series Description with ``*`` and ``?``."""
    one, text = _described_series(case)
    if one is None:
        return unknown("no series has a description that could be asked for")
    if _described(case, NOBODYS):
        return unknown("it does not match descriptions")
    if _finds(case, one, f"{text[:-1]}*") and _finds(case, one, f"{text[:-1]}?"):
        return good("it understands * and ?")
    return notable("it does not understand * and ?; they are matched here")


def matches_date_ranges(case: Case) -> Finding:
    """Ask for a study by ranges of dates around its own, and before it."""
    study = case.sample.studies[0]
    day = _day(study)
    if day is None:
        return unknown("the study that was looked at tells no date")
    before, after = (day + timedelta(days=days) for days in (-1, 1))
    inside = all(_has(case, study, dates) for dates in (f"{before:%Y%m%d}-{after:%Y%m%d}", f"{before:%Y%m%d}-"))
    outside = _has(case, study, f"-{before:%Y%m%d}")
    if inside and not outside:
        return good("it matches ranges of dates")
    if inside:
        return notable("it gives studies outside a range of dates; they are matched here")
    return bad("it does not find a study by a range of dates that holds its own", "give single dates")


def tells_all_studies(case: Case) -> Finding:
    """Ask for the studies of longer and longer times, until there are many, or a limit shows."""
    answer = Answer(())
    for dates in windows(case.about):
        try:
            answer = case.ask_studies(dates)
        except StatusError as error:
            return notable(f"it refuses a query of many studies: {error.args[0]}", NARROW)
        if answer.cut:
            return notable(f"it stops at {len(answer.rows)} studies, and says so", NARROW)
        if answer.more:
            return good(f"it tells more than {MAX_ROWS} studies")
    count, parts = len(_studies(answer)), _counts_of_halves(case, answer.rows)
    if sum(parts) > count:
        cure = f"{NARROW}, and compare with what you know: nothing tells when it stops"
        return bad(f"it stops without a word: {count} studies in all, but {parts[0]} and {parts[1]} by halves", cure)
    if count % ROUND == 0:
        return notable(f"it tells {count} studies, a round number that may be its limit", NARROW)
    return good(f"it tells all of {count} studies")


def tells_all_instances(case: Case) -> Finding:
    """Ask for the instances of a large series, and compare their number with the one that is told."""
    series = case.sample.largest
    cure = "whether a series is whole is then told by NumberOfSeriesRelatedInstances alone; have the limit lifted"
    try:
        answer = case.ask_instances(series)
    except StatusError as error:
        return notable(f"it lists no instances: {error.args[0]}", cure)
    count, told = len(answer.rows), _counts(case).get(_uid(series))
    if answer.cut:
        return notable(f"it stops at {count} instances of a series, and says so", cure)
    if not count:
        return bad("it lists no instance of a series that has some", cure)
    if answer.more:
        return good(f"it lists more than {MAX_ROWS} instances of a series")
    if told is not None and told > count:
        return notable(f"it lists {count} of {told} instances of a series: a limit, or a wrong number", cure)
    if told is None and count % ROUND == 0:
        return notable(f"it lists {count} instances of a series, a round number that may be its limit", cure)
    return good(f"it lists all of {count} instances of a series")


def tells_counts(case: Case) -> Finding:
    """Ask for NumberOfSeriesRelatedInstances, and compare it with the instances that are listed."""
    counts, sample = _counts(case), case.sample
    if len(counts) < len(sample.series):
        return notable(
            f"asked for counts, it gives {len(counts)} of {len(sample.series)} rows; they are asked for apart"
        )
    told = counts.get(_uid(sample.one))
    listed = len(sample.uids(sample.one))
    if told is None:
        return notable("it tells no number of instances; those that it lists are counted")
    if not listed:
        return unknown("it tells a number of instances, and nothing to compare it with")
    if told == listed:
        return good("NumberOfSeriesRelatedInstances is right")
    return notable(f"it tells {told} instances of a series of which it lists {listed}; the list counts")


def takes_uid_lists(case: Case) -> Finding:
    """Ask for a study by a list of its UID and one that nothing has."""
    study = case.sample.studies[0]
    uid = study.get("StudyInstanceUID") or ""
    keys = {"PatientID": study.get("PatientID") or ""} if case.node.model == "patient" else {}
    try:
        rows = case.ask(Level.STUDY, {**keys, "StudyInstanceUID": f"{NOBODYS_UID}\\{uid}"}).rows
    except (StatusError, ConnectionLostError) as error:
        return notable(f"a list of UIDs is refused: {error.args[0]}; they are asked for one by one")
    found = {row.get("StudyInstanceUID") for row in rows}
    if found == {uid}:
        return good("it finds a study by a list of UIDs")
    return notable(f"it gives {len(found)} studies for a list of one that exists; UIDs are asked for one by one")


def finds_series_by_uid_alone(case: Case) -> Finding:
    """Ask for a series by nothing but its UID."""
    uid = _uid(case.sample.one)
    cure = "give study_uid= or patient_id= with every series_uid="
    try:
        rows = case.ask(Level.SERIES, {"SeriesInstanceUID": uid, "StudyInstanceUID": ""}).rows
    except (StatusError, ConnectionLostError) as error:
        return notable(f"a series UID without its study is refused: {error.args[0]}", cure)
    if any(_uid(row) == uid and row.get("StudyInstanceUID") for row in rows):
        return good("it finds a series by its UID alone")
    return notable("it does not find a series by its UID alone", cure)


def _described(case: Case, text: str) -> Sequence[Row]:
    return case.ask_series(case.sample.one, SeriesDescription=text).rows


def _finds(case: Case, series: Row, text: str) -> bool:
    return _uid(series) in map(_uid, _described(case, text))


def _described_series(case: Case) -> tuple[Row | None, str]:
    """Choose a series whose description can be asked for as it is."""
    for row in case.sample.series:
        text = row.get(DESCRIPTION) or ""
        if len(text) > 1 and text.isascii() and text.isprintable() and not set(text) & set("*?\\"):
            return row, text
    return None, ""


def _day(study: Row) -> date | None:
    return day_of(study.get("StudyDate") or "")


def _has(case: Case, study: Row, dates: str) -> bool:
    """Tell whether a study is found by its UID and a range of dates."""
    keys = {"PatientID": study.get("PatientID") or ""} if case.node.model == "patient" else {}
    rows = case.ask(Level.STUDY, {**keys, "StudyInstanceUID": study.get("StudyInstanceUID") or "", "StudyDate": dates})
    return study.get("StudyInstanceUID") in {row.get("StudyInstanceUID") for row in rows.rows}


def _counts_of_halves(case: Case, studies: Sequence[Row]) -> tuple[int, int]:
    """Count the studies up to a date in the middle of those that were told, and after it."""
    parts = parts_around(filter(None, map(_day, studies)), ALL_DAYS)
    earlier, later = (len(_studies(case.ask_studies(part.query))) for part in parts) if parts else (0, 0)
    return earlier, later


def _counts(case: Case) -> dict[str, int | None]:
    """Ask for the number of instances of every series of the study."""
    try:
        rows = case.ask_series(case.sample.one, **{RELATED_INSTANCES: ""}).rows
    except NetworkError:
        return {}
    return {_uid(row): row.number(RELATED_INSTANCES) for row in rows}


def _uid(row: Row) -> str:
    return row.get("SeriesInstanceUID") or ""


def _studies(answer: Answer) -> set[str]:
    return set(map(_study, answer.rows))


def _study(row: Row) -> str:
    return row.get("StudyInstanceUID") or ""

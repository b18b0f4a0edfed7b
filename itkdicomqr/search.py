"""From criteria to the series that fulfil them, and why there is none.

An archive's matching is never trusted: every criterion is decided here, on what came back. What
an archive does not return is read from one instance of each candidate.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from pydicom.datadict import tag_for_keyword

from itkdicomqr.catalogue import SERIES_COUNT, Catalogue
from itkdicomqr.criteria import Criteria, Criterion, Level
from itkdicomqr.errors import NoMatchError, UnverifiedMatchError
from itkdicomqr.instance import Instance
from itkdicomqr.matchers import Wording
from itkdicomqr.node import Node
from itkdicomqr.table import MAX_SHOWN, Row, SeriesTable
from itkdicomqr.text import text_of
from itkdicomqr.verdicts import fulfils, may_be_lost_whole, refusal, untold

FetchOne = Callable[[Row], Instance]
"""Brings any one instance of a series."""


@dataclass(frozen=True)
class Findings:
    """What a search saw on its way.

    Attributes
    ----------
    studies : tuple of Row
        Studies that fulfil the criteria of their level, as far as they can be told.
    candidates : tuple of Row
        All series of these, with what one instance of each told where it was needed.
    matches : tuple of Row
        The series that fulfil all criteria.
    """

    studies: tuple[Row, ...]
    candidates: tuple[Row, ...]
    matches: tuple[Row, ...]


def search(catalogue: Catalogue, criteria: Criteria, fetch_one: FetchOne, node: Node) -> SeriesTable:
    """Find the series that fulfil the criteria.

    Parameters
    ----------
    catalogue : Catalogue
        The archive's queries.
    criteria : Criteria
        What to find.
    fetch_one : callable
        Brings one instance of a series whose row does not tell what decides.
    node : Node
        The archive, for messages and limits.

    Raises
    ------
    UnverifiedMatchError
        More candidates than ``Limits.max_verified`` would have to be looked into.
    """
    findings = _find(catalogue, criteria, fetch_one, node)
    lost = None if findings.matches else _explain(catalogue, criteria, findings, node)
    return SeriesTable(findings.matches, str(criteria), lost, _issuers(criteria, findings.matches))


def counted(catalogue: Catalogue, table: SeriesTable) -> SeriesTable:
    """Add the number of instances to every row, where the archive tells it."""
    studies: dict[str | None, list[Row]] = {}
    for row in table:
        studies.setdefault(row.get("StudyInstanceUID"), []).append(row)
    numbers = {uid: count for rows in studies.values() for uid, count in _counts(catalogue, rows).items()}
    told = (row.with_values({SERIES_COUNT: numbers.get(row.get("SeriesInstanceUID") or "")}) for row in table)
    return replace(table, rows=tuple(told))


def decided(rows: Sequence[Row], criteria: Criteria, node: Node) -> list[Row]:
    """Keep the rows that fulfil the criteria by what the archive tells.

    Raises
    ------
    UnverifiedMatchError
        It does not tell what would decide.
    """
    possible = [row for row in told(rows, criteria.criteria) if refusal(row, criteria.criteria) is None]
    unclear = [row for row in possible if not fulfils(row, criteria.criteria)]
    hidden = {criterion.keyword for row in unclear for criterion in untold(row, criteria.criteria)}
    if hidden:
        message = f"{node} returns no {', '.join(sorted(hidden))}, so nothing can be matched by it: leave it out"
        raise UnverifiedMatchError(message)
    return possible


def _find(catalogue: Catalogue, criteria: Criteria, fetch_one: FetchOne, node: Node) -> Findings:
    studies = told(_studies(catalogue, criteria), criteria.at(Level.STUDY))
    studies = studies if catalogue.plain_spoken else [_doubted(row, criteria.at(Level.STUDY)) for row in studies]
    studies = [row for row in studies if refusal(row, criteria.at(Level.STUDY)) is None]
    candidates = [series for study in studies for series in catalogue.series(study, criteria)]
    candidates = told(candidates, criteria.at(Level.SERIES))
    candidates = candidates if catalogue.plain_spoken else [_doubted(row, criteria.criteria) for row in candidates]
    looked_into = _looked_into(candidates, criteria, fetch_one, node)
    fulfilling = [row for row in looked_into if fulfils(row, criteria.criteria)]
    return Findings(tuple(studies), tuple(looked_into), tuple(_literal_first(fulfilling, criteria)))


def _studies(catalogue: Catalogue, criteria: Criteria) -> list[Row]:
    """Ask for the studies; where only a series' UID is known, first for the study that it belongs to."""
    series = criteria.named("series_uid")
    if criteria.at(Level.STUDY) or series is None:
        return catalogue.studies(criteria)
    study_uid = catalogue.study_of(series)
    return catalogue.studies(Criteria.from_words(study_uid=study_uid)) if study_uid else []


def told(rows: Sequence[Row], criteria: Iterable[Criterion]) -> list[Row]:
    """Count an empty value as not told where the archive fills it in no row: it may not know the attribute."""
    hidden = [each.keyword for each in criteria if not any(row.get(each.keyword) for row in rows)]
    return [row.with_values(dict.fromkeys(hidden)) for row in rows]


def _doubted(row: Row, criteria: Iterable[Criterion]) -> Row:
    """Count an empty text as not told where it may have lost all of the characters that would decide."""
    keywords = [each.keyword for each in criteria if may_be_lost_whole(each)]
    return row.with_values({keyword: row.get(keyword) or None for keyword in keywords})


def _looked_into(rows: Sequence[Row], criteria: Criteria, fetch_one: FetchOne, node: Node) -> list[Row]:
    """Read what was not told from one instance of each series that may still match."""
    doubtful = [row for row in rows if untold(row, criteria.criteria) and refusal(row, criteria.criteria) is None]
    if len(doubtful) > node.limits.max_verified:
        hidden = ", ".join(criterion.keyword for criterion in untold(doubtful[0], criteria.criteria))
        message = (
            f"{node} returns no {hidden}, and {len(doubtful)} candidates are too many to look into one instance of "
            "each: narrow the search by date, modality or series_number, or raise Limits(max_verified=...)"
        )
        raise UnverifiedMatchError(message)
    return [_completed(row, criteria, fetch_one, node) if row in doubtful else row for row in rows]


def _completed(row: Row, criteria: Criteria, fetch_one: FetchOne, node: Node) -> Row:
    """An attribute that the instance lacks is empty; text in an unknown character set stays untold."""
    header = fetch_one(row).elements
    keywords = [criterion.keyword for criterion in untold(row, criteria.criteria)]
    return row.with_values(
        {
            keyword: text_of(header, keyword, node.character_set) if tag_for_keyword(keyword) in header else ""
            for keyword in keywords
        }
    )


def _literal_first(rows: Sequence[Row], criteria: Criteria) -> Sequence[Row]:
    """Prefer the rows that read exactly as a text with wildcards is spelt: ``"T2*"`` is a real description."""
    for criterion in criteria.criteria:
        matcher = criterion.matcher
        if isinstance(matcher, Wording):
            literal = [row for row in rows if matcher.matches_literally(row.get(criterion.keyword) or "")]
            rows = literal or rows
    return rows


def _counts(catalogue: Catalogue, rows: Sequence[Row]) -> dict[str, str | None]:
    """Count the instances of series of one study: one by one where fewer rows come, which may count them together."""
    if len(rows) > 1:
        numbers = catalogue.counts(rows[0].without("SeriesInstanceUID"))
        if not numbers or len(numbers) >= len(rows):
            return numbers
    return {uid: count for row in rows for uid, count in catalogue.counts(row).items()}


def _issuers(criteria: Criteria, rows: Iterable[Row]) -> tuple[str, ...]:
    """Who issued the Patient ID; told apart only if the caller did not."""
    if criteria.named("patient_id") is None or criteria.named("issuer_of_patient_id") is not None:
        return ()
    return tuple(dict.fromkeys(issuer for row in rows if (issuer := row.get("IssuerOfPatientID"))))


def _explain(catalogue: Catalogue, criteria: Criteria, findings: Findings, node: Node) -> NoMatchError:
    """Say which criterion lost the match, and what is there instead."""
    if findings.studies:
        what = f"{_plural(len(findings.studies), 'study', 'studies')} in question"
        series = findings.candidates or [each for study in findings.studies for each in catalogue.series(study, _ANY)]
        return _loss(series, criteria.criteria, f"{node}: {what}", "series", criteria)
    first, *others = criteria.at(Level.STUDY) or criteria.criteria
    rows = told(catalogue.studies(Criteria((first,))), others) if first.level is Level.STUDY and others else []
    rows = [row for row in rows if refusal(row, (first,)) is None]
    if not rows:
        message = f"{node}: no study has {first}{_ADVICE.get(first.name, '')}"
        return NoMatchError(message, lost_by=first.name)
    return _loss(rows, others, f"{node}: {_plural(len(rows), 'study', 'studies')} with {first}", "study", criteria)


_ANY = Criteria(())

_ADVICE = {
    "patient_id": ": it is compared literally and by case; check leading zeros and the issuer's prefix",
    "series_uid": ": check that every digit is there; some archives need study_uid= or patient_id= too",
}


def _loss(rows: Sequence[Row], criteria: Iterable[Criterion], where: str, what: str, asked: Criteria) -> NoMatchError:
    """Apply one criterion after the other until nothing is left."""
    left = list(rows)
    for criterion in criteria:
        kept = [row for row in left if refusal(row, (criterion,)) is None]
        if not kept and left:
            there = _there_are(left, criterion.keyword)
            message = f"no match for {asked}. {where}, but no {what} with {criterion}{there}"
            return NoMatchError(message, lost_by=criterion.name)
        left = kept
    last = asked.criteria[-1]
    return NoMatchError(f"no match for {asked}. {where}, but no series of it fulfils {last}", lost_by=last.name)


_TELLING_NOBODY = frozenset(
    {
        "BodyPartExamined",
        "Modality",
        "ModalitiesInStudy",
        "ProtocolName",
        "SeriesDate",
        "SeriesDescription",
        "SeriesInstanceUID",
        "SeriesNumber",
        "StudyDate",
        "StudyDescription",
        "StudyInstanceUID",
    }
)


def _there_are(rows: Iterable[Row], keyword: str) -> str:
    """List the values that there are instead, of attributes that do not tell who a patient is."""
    if keyword not in _TELLING_NOBODY:
        return ""
    values = list(dict.fromkeys(repr(row.get(keyword) or "") for row in rows))
    more = f", and {len(values) - MAX_SHOWN} more" if len(values) > MAX_SHOWN else ""
    return f"; there are: {', '.join(sorted(values)[:MAX_SHOWN])}{more}"


def _plural(count: int, one: str, many: str) -> str:
    return f"{count} {one if count == 1 else many}"

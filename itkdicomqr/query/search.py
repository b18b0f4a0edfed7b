"""From criteria to the series that fulfil them.

An archive's matching is never trusted: every criterion is decided here, on what came back. What
an archive does not return is read from one instance of each candidate.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

from pydicom.datadict import tag_for_keyword

from itkdicomqr.errors import IncompleteSeriesError, InstanceError, UnverifiedMatchError
from itkdicomqr.instance import Instance
from itkdicomqr.levels import RELATED_INSTANCES, Level
from itkdicomqr.node import Node
from itkdicomqr.query.candidates import candidate_series, candidate_studies
from itkdicomqr.query.catalogue import Catalogue
from itkdicomqr.query.criteria import Criteria, Criterion
from itkdicomqr.query.matchers import Wording
from itkdicomqr.query.table import Row, SeriesTable
from itkdicomqr.query.unmatched import Findings, explained
from itkdicomqr.query.verdicts import fulfils, may_be_left_of, may_be_lost_whole, refusal, told, untold
from itkdicomqr.text import text_of

FetchOne = Callable[[Row], Instance]
"""Brings any one instance of a series."""


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
        More candidates than ``Limits.max_verified`` would have to be looked into, or no instance of one comes.
    """
    findings = _find(catalogue, criteria, fetch_one, node)
    lost = None if findings.matches else explained(catalogue, criteria, findings, node)
    return SeriesTable(findings.matches, str(criteria), lost, _issuers(criteria, findings.matches))


def counted(catalogue: Catalogue, table: SeriesTable) -> SeriesTable:
    """Add the number of instances to every row, where the archive tells it."""
    studies: dict[str | None, list[Row]] = {}
    for row in table:
        studies.setdefault(row.get("StudyInstanceUID"), []).append(row)
    counts = {uid: count for rows in studies.values() for uid, count in _counts(catalogue, rows).items()}
    numbers = {uid: count.get(RELATED_INSTANCES) for uid, count in counts.items()}
    told = (row.with_values({RELATED_INSTANCES: numbers.get(row.get("SeriesInstanceUID") or "")}) for row in table)
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


def confirmed(instances: Iterable[Instance], row: Row, criteria: Criteria, node: Node) -> Iterator[Instance]:
    """Give the instances of the series that was found, once the first shows that its row had lost nothing.

    Parameters
    ----------
    instances : iterable of Instance
        As they come.
    row : Row
        What the archive told of the series.
    criteria : Criteria
        What it was found by.
    node : Node
        The archive, for messages.

    Raises
    ------
    UnverifiedMatchError
        The row fulfils a criterion only because the archive lost characters of the text that the instances have.
    """
    wordings = [each for each in criteria.criteria if isinstance(each.matcher, Wording)]
    for index, instance in enumerate(instances):
        if index == 0:
            for criterion in wordings:
                _check_own_text(instance, row, criterion, node)
        yield instance


def _check_own_text(instance: Instance, row: Row, criterion: Criterion, node: Node) -> None:
    own = text_of(instance.elements, criterion.keyword, node.character_set) or ""
    if criterion.matcher.matches(own) or not may_be_left_of(row.get(criterion.keyword) or "", own):
        return
    message = (
        f"{node} lost characters of {criterion.keyword}, which the instances have otherwise than {criterion}: pick the "
        "series by series_number= or series_uid=, if it is meant"
    )
    raise UnverifiedMatchError(message)


def _find(catalogue: Catalogue, criteria: Criteria, fetch_one: FetchOne, node: Node) -> Findings:
    of_study = criteria.at(Level.STUDY)
    studies = _doubted(told(candidate_studies(catalogue, criteria), of_study), of_study)
    studies = [row for row in studies if refusal(row, of_study) is None]
    candidates = [series for study in studies for series in candidate_series(catalogue, study, criteria)]
    candidates = _doubted(told(candidates, criteria.at(Level.SERIES)), criteria.criteria)
    looked_into = _looked_into(candidates, criteria, fetch_one, node)
    fulfilling = [row for row in looked_into if fulfils(row, criteria.criteria)]
    return Findings(tuple(studies), tuple(looked_into), tuple(_literal_first(fulfilling, criteria)))


def _doubted(rows: list[Row], criteria: Iterable[Criterion]) -> list[Row]:
    """Count an empty text as not told where the archive may have lost all of the characters that would decide."""
    keywords = [each.keyword for each in criteria if may_be_lost_whole(each)]
    return [row.with_values({keyword: row.get(keyword) or None for keyword in keywords}) for row in rows]


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
    keywords = [criterion.keyword for criterion in untold(row, criteria.criteria)]
    try:
        header = fetch_one(row).elements
    except (IncompleteSeriesError, InstanceError) as error:
        message = f"{node} returns no {', '.join(keywords)}, and no instance came to read it from: {error}"
        raise UnverifiedMatchError(message) from error
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


def _counts(catalogue: Catalogue, rows: Sequence[Row]) -> dict[str, Row]:
    """Count the instances of series of one study: one by one where fewer rows come, which may count them together."""
    if len(rows) > 1:
        counts = catalogue.counts(rows[0].without("SeriesInstanceUID"))
        if not counts or len(counts) >= len(rows):
            return counts
    return {uid: count for row in rows for uid, count in catalogue.counts(row).items()}


def _issuers(criteria: Criteria, rows: Iterable[Row]) -> tuple[str, ...]:
    """Who issued the Patient ID; told apart only if the caller did not."""
    if criteria.named("patient_id") is None or criteria.named("issuer_of_patient_id") is not None:
        return ()
    return tuple(dict.fromkeys(issuer for row in rows if (issuer := row.get("IssuerOfPatientID"))))

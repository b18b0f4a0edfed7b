"""The studies and series that may fulfil criteria, from whichever archive: others may be among them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from itkdicomqr.errors import CriteriaError, StatusError
from itkdicomqr.levels import RELATED_SERIES, Level
from itkdicomqr.node import Node
from itkdicomqr.query.catalogue import Catalogue
from itkdicomqr.query.criteria import Criteria, Criterion
from itkdicomqr.query.matchers import Exactly
from itkdicomqr.query.table import Row
from itkdicomqr.query.verdicts import refusal
from itkdicomqr.query.whole import whole_series, whole_studies
from itkdicomqr.status import MISMATCH, is_unable


def candidate_studies(catalogue: Catalogue, criteria: Criteria) -> list[Row]:
    """Ask for studies; where only a series' UID is known, first for the study that it belongs to.

    Raises
    ------
    TruncatedMatchesError
        There may be more.
    CriteriaError
        The archive needs the study's UID or the Patient ID.
    """
    series = criteria.named("series_uid")
    if criteria.at(Level.STUDY) or series is None:
        return _studies(catalogue, criteria.at(Level.STUDY))
    study_uid = _study_of(catalogue, series)
    return _studies(catalogue, Criteria.from_words(study_uid=study_uid).criteria) if study_uid else []


def candidate_series(catalogue: Catalogue, study: Row, criteria: Criteria) -> list[Row]:
    """Ask for the series of one study, and join to each what is known of the study.

    Raises
    ------
    TruncatedMatchesError
        There may be more.
    """
    if catalogue.plain_spoken:
        rows = catalogue.rows(Level.SERIES, criteria.at(Level.SERIES), below=study)
    else:
        rows = whole_series(catalogue, study, criteria)
    known = study.without(RELATED_SERIES)
    return [row.joined(known) for row in rows]


def surest(wanted: Sequence[Criterion]) -> tuple[Criterion, ...]:
    """Keep only what every archive matches as we do: what is literal and ASCII, or else all that is ASCII."""
    ascii_only = [each for each in wanted if each.matcher.query.isascii()]
    literal = [each for each in ascii_only if isinstance(each.matcher, Exactly)]
    return tuple(
        each if each in (literal or ascii_only) or not each.matcher.query else each.universal() for each in wanted
    )


def _studies(catalogue: Catalogue, wanted: Sequence[Criterion]) -> list[Row]:
    """Ask for studies; where none is found, again with only such keys as every archive matches alike."""
    try:
        if catalogue.plain_spoken:
            return catalogue.rows(Level.STUDY, wanted)
        rows = whole_studies(catalogue, wanted)
        surer = surest(wanted)
        if surer == wanted or any(refusal(row, wanted) is None for row in rows):
            return rows
        return whole_studies(catalogue, surer)
    except StatusError as error:
        if not _needs_patient(error, catalogue.node, wanted):
            raise
        message = f"{catalogue.node} answers in the Patient Root model only about one patient: give patient_id= too"
        raise CriteriaError(message) from error


def _needs_patient(error: StatusError, node: Node, wanted: Iterable[Criterion]) -> bool:
    """Tell whether an archive refused a query for want of the key of the level above."""
    lacking = node.model == "patient" and not any(each.name == "patient_id" for each in wanted)
    return lacking and (error.status == MISMATCH or is_unable(error.status))


def _study_of(catalogue: Catalogue, series: Criterion) -> str:
    """Ask which study a series belongs to, by nothing but its UID; not every archive answers."""
    message = f"{catalogue.node} finds no series by its UID alone: give study_uid= or patient_id= too"
    try:
        rows = catalogue.rows(Level.SERIES, [series], keys=["StudyInstanceUID"])
    except StatusError as error:
        raise CriteriaError(message) from error
    own = [row for row in rows if refusal(row, [series]) is None]
    if not own:
        return ""
    study_uid = own[0].get("StudyInstanceUID")
    if not study_uid:
        raise CriteriaError(message)
    return study_uid

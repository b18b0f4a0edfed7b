"""Why no series fulfils the criteria: which of them lost the match, and what is there instead."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from itkdicomqr.errors import NoMatchError
from itkdicomqr.levels import Level
from itkdicomqr.node import Node
from itkdicomqr.prose import counted, listed
from itkdicomqr.query.candidates import candidate_series, candidate_studies
from itkdicomqr.query.catalogue import Catalogue
from itkdicomqr.query.criteria import Criteria, Criterion
from itkdicomqr.query.table import MAX_SHOWN, Row
from itkdicomqr.query.verdicts import refusal, told

_ANY = Criteria(())

_ADVICE = {
    "patient_id": ": it is compared literally and by case; check leading zeros and the issuer's prefix",
    "series_uid": ": check that every digit is there; some archives need study_uid= or patient_id= too",
}
"""What to look at when a criterion finds no study, by its keyword argument."""

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
"""Attributes whose values do not tell who a patient is."""


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


def explained(catalogue: Catalogue, criteria: Criteria, findings: Findings, node: Node) -> NoMatchError:
    """Say which criterion lost the match, and what is there instead.

    Parameters
    ----------
    catalogue : Catalogue
        The archive's queries: where no study was found, it is asked for what fulfils fewer criteria.
    criteria : Criteria
        What was searched for.
    findings : Findings
        What was found, without a match.
    node : Node
        The archive, for the message.
    """
    if findings.studies:
        what = f"{counted(len(findings.studies), 'study', 'studies')} in question"
        below = (each for study in findings.studies for each in candidate_series(catalogue, study, _ANY))
        series = findings.candidates or [*below]
        return _loss(series, criteria.criteria, f"{node}: {what}", "series", criteria)
    first, *others = criteria.at(Level.STUDY) or criteria.criteria
    rows = _studies_with(catalogue, first, others) if first.level is Level.STUDY and others else []
    if not rows:
        message = f"{node}: no study has {first}{_ADVICE.get(first.name, '')}"
        return NoMatchError(message, lost_by=first.name)
    return _loss(rows, others, f"{node}: {counted(len(rows), 'study', 'studies')} with {first}", "study", criteria)


def _studies_with(catalogue: Catalogue, first: Criterion, others: Sequence[Criterion]) -> list[Row]:
    """Ask for the studies that fulfil the first criterion, with what they tell of the others."""
    rows = told(candidate_studies(catalogue, Criteria((first,))), others)
    return [row for row in rows if refusal(row, (first,)) is None]


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


def _there_are(rows: Iterable[Row], keyword: str) -> str:
    """List the values that there are instead, of attributes that do not tell who a patient is."""
    if keyword not in _TELLING_NOBODY:
        return ""
    values = list(dict.fromkeys(repr(row.get(keyword) or "") for row in rows))
    return f"; there are: {listed(sorted(values), MAX_SHOWN)}"

"""What an archive's query service tells, level by level (PS3.4 C.4.1)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from pydicom.dataset import Dataset

from itkdicomqr.association import Association
from itkdicomqr.criteria import Criteria, Criterion, Level
from itkdicomqr.errors import CriteriaError, ProtocolError, StatusError
from itkdicomqr.node import Node
from itkdicomqr.scan import Header
from itkdicomqr.table import Row
from itkdicomqr.text import text_of

UNIQUE_KEYS = {
    Level.PATIENT: "PatientID",
    Level.STUDY: "StudyInstanceUID",
    Level.SERIES: "SeriesInstanceUID",
    Level.IMAGE: "SOPInstanceUID",
}
"""PS3.4 C.6.1.1, C.6.2.1."""

RETURN_KEYS = {
    Level.PATIENT: ("PatientName", "IssuerOfPatientID"),
    Level.STUDY: (
        "PatientID",
        "PatientName",
        "IssuerOfPatientID",
        "StudyDate",
        "StudyTime",
        "StudyDescription",
        "AccessionNumber",
        "ModalitiesInStudy",
    ),
    Level.SERIES: ("Modality", "SeriesNumber", "SeriesDescription", "SeriesDate", "ProtocolName"),
    Level.IMAGE: ("InstanceNumber",),
}
"""What is asked for besides the unique keys; no counts, over which some archives collapse rows."""

_UID = re.compile("[0-9.]{1,64}")

SERIES_COUNT = "NumberOfSeriesRelatedInstances"


class Catalogue:
    """The queries that a search needs, on one association.

    Rows come back without doubles, and without those that belong to another study or series
    than was asked for: archives send both. All but `_answers` holds for DICOMweb too.

    Parameters
    ----------
    association : Association
        Open, with the query service accepted.
    node : Node
        The archive.
    """

    def __init__(self, association: Association, node: Node) -> None:
        self._association = association
        self._node = node

    def patients(self, criteria: Criteria) -> list[Row]:
        """Ask for patients (PS3.4 table C.6-1)."""
        known = [each for each in criteria.criteria if each.keyword in ("PatientID", *RETURN_KEYS[Level.PATIENT])]
        return self._ask(Level.PATIENT, known, {})

    def studies(self, criteria: Criteria) -> list[Row]:
        """Ask for studies (PS3.4 tables C.6-2, C.6-5)."""
        return self._ask(Level.STUDY, criteria.at(Level.STUDY), {})

    def series(self, study: Row, criteria: Criteria) -> list[Row]:
        """Ask for the series of one study, and join to each what is known of the study."""
        rows = self._ask(Level.SERIES, criteria.at(Level.SERIES), path_to(study, Level.STUDY, self._node.model))
        return [row.joined(study) for row in rows]

    def study_of(self, series: Criterion) -> str:
        """Ask which study a series belongs to, by nothing but its UID; not every archive answers.

        Raises
        ------
        CriteriaError
            This one does not.
        """
        try:
            rows = self._ask(Level.SERIES, [series], {}, ["StudyInstanceUID"])
        except StatusError:
            rows = [Row(Level.SERIES, ())]
        if not rows:
            return ""
        study_uid = rows[0].get("StudyInstanceUID")
        if not study_uid:
            message = f"{self._node} finds no series by its UID alone: give study_uid= or patient_id= too"
            raise CriteriaError(message)
        return study_uid

    def counts(self, series: Row) -> dict[str, str | None]:
        """Ask for the number of instances of every series in the study of ``series``; empty where it is not told."""
        try:
            rows = self._ask(Level.SERIES, (), path_to(series, Level.STUDY, self._node.model), [SERIES_COUNT])
        except StatusError:
            return {}
        return {row.get("SeriesInstanceUID") or "": row.get(SERIES_COUNT) for row in rows}

    def instances(self, series: Row) -> list[Row]:
        """Ask for the instances of one series (PS3.4 table C.6-4)."""
        return self._ask(Level.IMAGE, (), path_to(series, Level.SERIES, self._node.model))

    def classes(self, series: Row) -> dict[str, str]:
        """Ask for SOP Class UIDs by SOP Instance UID; apart, since Orthanc reads every instance to answer."""
        rows = self._ask(Level.IMAGE, (), path_to(series, Level.SERIES, self._node.model), ["SOPClassUID"])
        told = {row.get("SOPInstanceUID") or "": row.get("SOPClassUID") or "" for row in rows}
        return {uid: sop_class for uid, sop_class in told.items() if _UID.fullmatch(sop_class)}

    def _ask(
        self, level: Level, matched: Sequence[Criterion], path: Mapping[str, str], keys: Sequence[str] | None = None
    ) -> list[Row]:
        """Query one level below the unique keys of ``path``."""
        wanted = [UNIQUE_KEYS[level], *(RETURN_KEYS[level] if keys is None else keys)]
        values = dict.fromkeys(wanted, "") | {each.keyword: each.matcher.query for each in matched} | dict(path)
        rows = self._answers(level, values)
        self._check_unique_keys(rows, level)
        return distinct(row.with_values(path) for row in rows if _belongs(row, path))

    def _answers(self, level: Level, values: Mapping[str, str]) -> list[Row]:
        """Ask the archive for the attributes of ``values``, of which the empty ones are universal."""
        model = "patient" if level is Level.PATIENT else self._node.model
        answers = self._association.find(identifier(level, values), model)
        return [_row(level, answer, values, self._node) for answer in answers]

    def _check_unique_keys(self, rows: Iterable[Row], level: Level) -> None:
        """Refuse rows that cannot be told apart, or that name what no UID can."""
        key = UNIQUE_KEYS[level]
        if level is not Level.PATIENT and not all(_UID.fullmatch(row.get(key) or "") for row in rows):
            message = f"a match has no {key}, or one that is no UID"
            raise ProtocolError(message, place=self._node.place, step="C-FIND")


def identifier(level: Level, values: Mapping[str, str]) -> Dataset:
    """Make the identifier of a C-FIND or C-GET (PS3.4 C.4.1.1.3, C.4.3.1.3).

    Parameters
    ----------
    level : Level
        Query/Retrieve Level (0008,0052).
    values : dict
        Value by keyword; empty ones ask for all.
    """
    dataset = Dataset()
    if not all(value.isascii() for value in values.values()):
        dataset.SpecificCharacterSet = "ISO_IR 192"
    dataset.QueryRetrieveLevel = level.value
    for keyword, value in values.items():
        setattr(dataset, keyword, value)
    return dataset


def path_to(row: Row, last: Level, model: str) -> dict[str, str]:
    """Give the unique keys from the study down to ``last``; the Patient Root model asks for the patient's too."""
    levels = list(Level)[: list(Level).index(last) + 1]
    keys = [UNIQUE_KEYS[level] for level in levels if level is not Level.PATIENT or model == "patient"]
    return {key: row.get(key) or "" for key in keys}


def _row(level: Level, answer: Header, keywords: Iterable[str], node: Node) -> Row:
    return Row(level, tuple((keyword, text_of(answer, keyword)) for keyword in keywords), node)


def _belongs(row: Row, path: Mapping[str, str]) -> bool:
    return all(row.get(key) in (None, "", value) for key, value in path.items())


def distinct(rows: Iterable[Row]) -> list[Row]:
    """Drop doubles; of patients, one ID may have several issuers."""
    kept: dict[tuple[str | None, ...], Row] = {}
    for row in rows:
        issuer = row.get("IssuerOfPatientID") if row.level is Level.PATIENT else None
        kept.setdefault((row.get(UNIQUE_KEYS[row.level]), issuer), row)
    return list(kept.values())

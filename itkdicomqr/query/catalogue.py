"""What an archive's query service tells, level by level (PS3.4 C.4.1)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import ClassVar, Protocol

from itkdicomqr.association.contexts import LOSSLESS, LOSSY
from itkdicomqr.errors import ProtocolError, StatusError
from itkdicomqr.levels import RELATED_INSTANCES, UNIQUE_KEYS, Level
from itkdicomqr.node import Node
from itkdicomqr.query.criteria import Criteria, Criterion
from itkdicomqr.query.identifiers import path_to
from itkdicomqr.query.matchers import Exactly
from itkdicomqr.query.table import Row, distinct
from itkdicomqr.query.truncation import Answer, overwritten
from itkdicomqr.uids import is_uid

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
    ),
    Level.SERIES: ("Modality", "SeriesNumber", "SeriesDescription", "SeriesDate", "ProtocolName"),
    Level.IMAGE: ("InstanceNumber",),
}
"""What is asked for besides the unique keys; no counts and no ModalitiesInStudy, over which some archives collapse
rows."""


class Service(Protocol):
    """What carries the questions to an archive: C-FIND or QIDO-RS."""

    step: ClassVar[str]
    """What errors call its questions."""

    plain_spoken: ClassVar[bool]
    """Whether answers come in pages, so that none is cut, and UTF-8 is spoken."""

    patients_at: ClassVar[Level]
    """The level whose rows tell of patients."""

    @property
    def node(self) -> Node:
        """The archive, with the information model that it speaks; rows carry it."""

    def answer(self, level: Level, values: Mapping[str, str]) -> Answer:
        """Ask for the attributes of ``values``, of which the empty ones are universal."""


class Catalogue:
    """The queries that a search needs.

    Rows come back without doubles, and without those that belong to another study or series
    than was asked for: archives send both.

    Parameters
    ----------
    service : Service
        What answers them.

    Attributes
    ----------
    node : Node
        The archive.
    plain_spoken : bool
        Whether its answers are never cut, and text beyond ASCII is understood.
    """

    def __init__(self, service: Service) -> None:
        self._service = service
        self.node = service.node
        self.plain_spoken = service.plain_spoken

    def patients(self, criteria: Criteria) -> list[Row]:
        """Ask for patients (PS3.4 table C.6-1)."""
        keys = ("PatientID", *RETURN_KEYS[Level.PATIENT])
        known = [each for each in criteria.criteria if each.keyword in keys]
        rows = self.rows(self._service.patients_at, known, keys=keys)
        return distinct(Row(Level.PATIENT, tuple((key, row.get(key)) for key in keys), self.node) for row in rows)

    def counts(self, series: Row) -> dict[str, Row]:
        """Ask for the number of instances of a series, or of every series of a study: rows by Series Instance UID."""
        uid = series.get("SeriesInstanceUID")
        alone = [Criterion("series_uid", "SeriesInstanceUID", Exactly(uid))] if uid else []
        try:
            rows = self.ask(Level.SERIES, alone, below=series, keys=[RELATED_INSTANCES]).rows
        except StatusError:
            return {}
        return {row.get("SeriesInstanceUID") or "": row for row in rows}

    def instances(self, series: Row) -> list[Row]:
        """Ask for the instances of one series (PS3.4 table C.6-4)."""
        return self.rows(Level.IMAGE, below=series)

    def classes(self, series: Row) -> dict[str, str]:
        """Ask for SOP Class UIDs by SOP Instance UID; apart, since Orthanc reads every instance to answer."""
        rows = self.ask(Level.IMAGE, below=series, keys=["SOPClassUID"]).rows
        told = {row.get("SOPInstanceUID") or "": row.get("SOPClassUID") or "" for row in rows}
        return {uid: sop_class for uid, sop_class in told.items() if is_uid(sop_class)}

    def lossless(self, series: Row) -> dict[str, bool]:
        """Ask which instances are kept without loss, by SOP Instance UID; only those of which it is told."""
        rows = self.ask(Level.IMAGE, below=series, keys=["LossyImageCompression", "AvailableTransferSyntaxUID"]).rows
        told = {row.get("SOPInstanceUID") or "": _kept_lossless(row) for row in rows}
        return {uid: is_lossless for uid, is_lossless in told.items() if is_lossless is not None}

    def ask(
        self,
        level: Level,
        matched: Sequence[Criterion] = (),
        *,
        below: Row | None = None,
        keys: Sequence[str] | None = None,
    ) -> Answer:
        """Query one level once.

        Parameters
        ----------
        level : Level
            Of the rows.
        matched : sequence of Criterion
            What the archive may match; their attributes come back too.
        below : Row, optional
            What tells the study of series, or the study and the series of instances.
        keys : sequence of str, optional
            What else is asked for; `RETURN_KEYS` unless given.
        """
        path = path_to(below, Level(level - 1), self.node.model) if below else {}
        wanted = [UNIQUE_KEYS[level], *(RETURN_KEYS[level] if keys is None else keys)]
        values = dict.fromkeys(wanted, "") | {each.keyword: each.matcher.query for each in matched} | path
        answer = self._service.answer(level, values)
        self._check_unique_keys(answer.rows, level)
        own = [row.with_values(path) for row in answer.rows if _belongs(row, path)]
        kept = tuple(distinct(own))
        if len(kept) < len(own) and answer.cut is None and self._repeats_once(level, values, own):
            return Answer(kept, overwritten(self.node.place, level, len(own), len(kept)), matches=len(own))
        return replace(answer, rows=kept)

    def rows(
        self,
        level: Level,
        matched: Sequence[Criterion] = (),
        *,
        below: Row | None = None,
        keys: Sequence[str] | None = None,
    ) -> list[Row]:
        """Query one level once, as `ask` does, and refuse an answer that is cut.

        Raises
        ------
        TruncatedMatchesError
            There may be more.
        """
        answer = self.ask(level, matched, below=below, keys=keys)
        if answer.cut:
            raise answer.cut
        return list(answer.rows)

    def __str__(self) -> str:
        return str(self.node)

    def _repeats_once(self, level: Level, values: Mapping[str, str], rows: Sequence[Row]) -> bool:
        """Tell whether what came repeatedly comes once if it is asked for alone: then it came in place of others."""
        key = UNIQUE_KEYS[level]
        ((uid, _),) = Counter(row.get(key) for row in rows).most_common(1)
        above = {each: values[each] for each in UNIQUE_KEYS.values() if values.get(each)}
        try:
            alone = self._service.answer(level, {**above, key: uid or ""})
        except StatusError:
            return False
        return sum(row.get(key) == uid for row in alone.rows) == 1

    def _check_unique_keys(self, rows: Iterable[Row], level: Level) -> None:
        """Refuse rows that cannot be told apart, or that name what no UID can."""
        key = UNIQUE_KEYS[level]
        if level is not Level.PATIENT and not all(is_uid(row.get(key) or "") for row in rows):
            message = f"a match has no {key}, or one that is no UID"
            raise ProtocolError(message, place=self.node.place, step=self._service.step)


def _kept_lossless(row: Row) -> bool | None:
    """Read of one instance whether it is kept without loss (PS3.3 C.7.6.1.1.5, PS3.4 C.4.1.1.3.2)."""
    syntaxes = (row.get("AvailableTransferSyntaxUID") or "").split("\\")
    if row.get("LossyImageCompression") == "00" or not frozenset(LOSSLESS).isdisjoint(syntaxes):
        return True
    is_lossy = row.get("LossyImageCompression") == "01" or not frozenset(LOSSY).isdisjoint(syntaxes)
    return False if is_lossy else None


def _belongs(row: Row, path: Mapping[str, str]) -> bool:
    return all(row.get(key) in (None, "", value) for key, value in path.items())

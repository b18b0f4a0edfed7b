"""What an archive's query service tells, level by level (PS3.4 C.4.1)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import ClassVar

from pydicom.dataset import Dataset

from itkdicomqr.association import Association
from itkdicomqr.association.contexts import FIND, LOSSLESS, LOSSY, PATIENT_STUDY_ONLY, Proposal, service
from itkdicomqr.charsets import encodable
from itkdicomqr.errors import (
    CriteriaError,
    NoPresentationContextError,
    ProtocolError,
    StatusError,
    TruncatedMatchesError,
)
from itkdicomqr.levels import RELATED_INSTANCES, RELATED_SERIES, UNIQUE_KEYS, Level
from itkdicomqr.node import AUTO, Node
from itkdicomqr.query.criteria import Criteria, Criterion
from itkdicomqr.query.matchers import Exactly
from itkdicomqr.query.table import Row, distinct
from itkdicomqr.query.truncation import LIKELY_LIMITS, Answer, doubt, overwritten
from itkdicomqr.query.verdicts import refusal
from itkdicomqr.query.whole import universal, whole_series, whole_studies
from itkdicomqr.scan import Header
from itkdicomqr.status import MISMATCH, is_unable
from itkdicomqr.text import text_of
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


class Catalogue:
    """The queries that a search needs, on one association.

    Rows come back without doubles, and without those that belong to another study or series
    than was asked for: archives send both. All but `_answer` holds for DICOMweb too.

    Parameters
    ----------
    association : Association
        Open; `query_services` is what to propose.
    node : Node
        The archive; rows carry it with the model that it accepted.
    """

    step: ClassVar[str] = "C-FIND"
    """What errors call its questions."""

    plain_spoken: ClassVar[bool] = False
    """Whether answers come in pages, so that none is cut, and UTF-8 is spoken."""

    def __init__(self, association: Association, node: Node) -> None:
        self._association = association
        self._node = spoken(node, association)

    def patients(self, criteria: Criteria) -> list[Row]:
        """Ask for patients (PS3.4 table C.6-1)."""
        known = [each for each in criteria.criteria if each.keyword in ("PatientID", *RETURN_KEYS[Level.PATIENT])]
        return self._all(Level.PATIENT, known)

    def studies(self, criteria: Criteria) -> list[Row]:
        """Ask for studies (PS3.4 tables C.6-2, C.6-5).

        Where nothing is found, the archive is asked again with only such keys as every archive matches alike.

        Raises
        ------
        TruncatedMatchesError
            There may be more.
        CriteriaError
            The archive needs a Patient ID.
        """
        wanted = criteria.at(Level.STUDY)
        try:
            rows = self._studies(wanted)
            surer = surest(wanted)
            if not self.plain_spoken and surer != wanted and not any(refusal(row, wanted) is None for row in rows):
                rows = self._studies(surer)
        except StatusError as error:
            raise self._needing_patient(error, wanted) from error
        return rows

    def series(self, study: Row, criteria: Criteria) -> list[Row]:
        """Ask for the series of one study, and join to each what is known of the study.

        Raises
        ------
        TruncatedMatchesError
            There may be more.
        """
        known = study.without(RELATED_SERIES)
        if self.plain_spoken:
            return [row.joined(known) for row in self._all(Level.SERIES, criteria.at(Level.SERIES), below=study)]
        return [row.joined(known) for row in whole_series(self, study, criteria)]

    def study_of(self, series: Criterion) -> str:
        """Ask which study a series belongs to, by nothing but its UID; not every archive answers.

        Raises
        ------
        CriteriaError
            This one does not.
        """
        message = f"{self._node} finds no series by its UID alone: give study_uid= or patient_id= too"
        try:
            rows = self._all(Level.SERIES, [series], keys=["StudyInstanceUID"])
        except StatusError as error:
            raise CriteriaError(message) from error
        own = [row for row in rows if refusal(row, [series]) is None]
        if not own:
            return ""
        study_uid = own[0].get("StudyInstanceUID")
        if not study_uid:
            raise CriteriaError(message)
        return study_uid

    def counts(self, series: Row) -> dict[str, str | None]:
        """Ask for the number of instances of a series, or of every series of a study; empty where it is not told."""
        uid = series.get("SeriesInstanceUID")
        alone = [Criterion("series_uid", "SeriesInstanceUID", Exactly(uid))] if uid else []
        try:
            rows = self.ask(Level.SERIES, alone, below=series, keys=[RELATED_INSTANCES]).rows
        except StatusError:
            return {}
        return {row.get("SeriesInstanceUID") or "": row.get(RELATED_INSTANCES) for row in rows}

    def instances(self, series: Row) -> list[Row]:
        """Ask for the instances of one series (PS3.4 table C.6-4)."""
        return self._all(Level.IMAGE, below=series)

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
        path = path_to(below, Level(level - 1), self._node.model) if below else {}
        wanted = [UNIQUE_KEYS[level], *(RETURN_KEYS[level] if keys is None else keys)]
        values = dict.fromkeys(wanted, "") | {each.keyword: each.matcher.query for each in matched} | path
        answer = self._answer(level, values)
        self._check_unique_keys(answer.rows, level)
        own = [row.with_values(path) for row in answer.rows if _belongs(row, path)]
        kept = tuple(distinct(own))
        if len(kept) < len(own) and answer.cut is None and self._repeats_once(level, values, own):
            return Answer(kept, overwritten(self._node.place, level, len(own), len(kept)), matches=len(own))
        return replace(answer, rows=kept)

    def __str__(self) -> str:
        return str(self._node)

    def _studies(self, wanted: Sequence[Criterion]) -> list[Row]:
        return self._all(Level.STUDY, wanted) if self.plain_spoken else whole_studies(self, wanted)

    def _all(
        self,
        level: Level,
        matched: Sequence[Criterion] = (),
        *,
        below: Row | None = None,
        keys: Sequence[str] | None = None,
    ) -> list[Row]:
        """Query one level, and refuse an answer that is cut."""
        answer = self.ask(level, matched, below=below, keys=keys)
        if answer.cut:
            raise answer.cut
        return list(answer.rows)

    def _answer(self, level: Level, values: Mapping[str, str]) -> Answer:
        """Ask the archive for the attributes of ``values``, of which the empty ones are universal."""
        model = "patient" if level is Level.PATIENT else self._node.model
        rows: list[Row] = []
        try:
            for match in self._association.find(identifier(level, values, self._node.character_set), model):
                rows.append(_row(level, match, values, self._node))  # noqa: PERF401 what came before a cut is kept
        except TruncatedMatchesError as error:
            return Answer(tuple(rows), error, admitted=True)
        except NoPresentationContextError as error:
            raise _unspoken(self._node, model, self._association) from error
        is_likely = level is not Level.IMAGE and len(rows) in LIKELY_LIMITS
        return Answer(tuple(rows), doubt(self._node.place, level, len(rows)) if is_likely else None)

    def _repeats_once(self, level: Level, values: Mapping[str, str], rows: Sequence[Row]) -> bool:
        """Tell whether what came repeatedly comes once if it is asked for alone: then it came in place of others."""
        key = UNIQUE_KEYS[level]
        ((uid, _),) = Counter(row.get(key) for row in rows).most_common(1)
        above = {each: values[each] for each in UNIQUE_KEYS.values() if values.get(each)}
        try:
            alone = self._answer(level, {**above, key: uid or ""})
        except StatusError:
            return False
        return sum(row.get(key) == uid for row in alone.rows) == 1

    def _needing_patient(self, error: StatusError, wanted: Iterable[Criterion]) -> Exception:
        """Say what to give to an archive that refuses a query without the key of the level above."""
        lacking = self._node.model == "patient" and not any(each.name == "patient_id" for each in wanted)
        if not (lacking and (error.status == MISMATCH or is_unable(error.status))):
            return error
        message = f"{self._node} answers in the Patient Root model only about one patient: give patient_id= too"
        return CriteriaError(message)

    def _check_unique_keys(self, rows: Iterable[Row], level: Level) -> None:
        """Refuse rows that cannot be told apart, or that name what no UID can."""
        key = UNIQUE_KEYS[level]
        if level is not Level.PATIENT and not all(is_uid(row.get(key) or "") for row in rows):
            message = f"a match has no {key}, or one that is no UID"
            raise ProtocolError(message, place=self._node.place, step=self.step)


def query_services() -> list[Proposal]:
    """Propose what `Catalogue` asks by: every model, so that one that serves instead can be named."""
    return [service(sop_class) for sop_class in (*FIND.values(), PATIENT_STUDY_ONLY)]


def spoken(node: Node, association: Association) -> Node:
    """Give the node with the model that the archive accepted, where the node leaves it open.

    Raises
    ------
    NoPresentationContextError
        It accepted none that serves.
    """
    if node.model != AUTO:
        return node
    for model, sop_class in FIND.items():
        if association.accepts(sop_class):
            return node.speaking(model)
    raise _unspoken(node, AUTO, association)


def _unspoken(node: Node, model: str, association: Association) -> NoPresentationContextError:
    """Say what the archive speaks instead of a model."""
    others = [other for other, sop_class in FIND.items() if association.accepts(sop_class)]
    if others:
        cure = f"it offers only the {others[0].title()} Root model: set model={others[0]!r} or model='auto' of the node"
    elif association.accepts(PATIENT_STUDY_ONLY):
        cure = "it offers only the retired Patient/Study Only model, which knows no series: nothing can be found there"
    else:
        cure = f"it may not offer queries, or not to the AE title {node.calling_ae_title!r}: ask its administrator"
    message = f"the archive accepts no presentation context to query the {model} model; {cure}"
    return NoPresentationContextError(message, place=node.place, step="C-FIND")


def identifier(level: Level, values: Mapping[str, str], character_set: str = "") -> Dataset:
    """Make the identifier of a C-FIND or C-GET (PS3.4 C.4.1.1.3, C.4.3.1.3).

    Parameters
    ----------
    level : Level
        Query/Retrieve Level (0008,0052).
    values : dict
        Value by keyword; empty ones ask for all.
    character_set : str
        Specific Character Set (0008,0005) for what is not ASCII, if it can be written in it; else UTF-8.
    """
    dataset = Dataset()
    if not all(value.isascii() for value in values.values()):
        fits = character_set and all(encodable(value, character_set) for value in values.values())
        dataset.SpecificCharacterSet = character_set.split("\\") if fits else "ISO_IR 192"
    dataset.QueryRetrieveLevel = level.name
    for keyword, value in values.items():
        setattr(dataset, keyword, value)
    return dataset


def retrieval_identifier(series: Row, model: str, uids: Sequence[str] = (), character_set: str = "") -> Dataset:
    """Make the identifier of a C-GET or C-MOVE: of some instances, or of the whole series (PS3.4 C.4.2.1.4).

    Parameters
    ----------
    series : Row
        Which.
    model : {"study", "patient"}
        The information model.
    uids : sequence of str
        The SOP Instance UIDs; none are all.
    character_set : str
        As `identifier` takes it.
    """
    path = path_to(series, Level.SERIES, model)
    if not uids:
        return identifier(Level.SERIES, path, character_set)
    return identifier(Level.IMAGE, {**path, "SOPInstanceUID": "\\".join(uids)}, character_set)


def path_to(row: Row, last: Level, model: str) -> dict[str, str]:
    """Give the unique keys from the study down to ``last``; the Patient Root model asks for the patient's too."""
    first = Level.PATIENT if model == "patient" else Level.STUDY
    keys = [UNIQUE_KEYS[level] for level in Level if first <= level <= last]
    return {key: row.get(key) or "" for key in keys}


def surest(wanted: Sequence[Criterion]) -> tuple[Criterion, ...]:
    """Keep only what every archive matches as we do: what is literal and ASCII, or else all that is ASCII."""
    ascii_only = [each for each in wanted if each.matcher.query.isascii()]
    literal = [each for each in ascii_only if isinstance(each.matcher, Exactly)]
    return tuple(
        each if each in (literal or ascii_only) or not each.matcher.query else universal(each) for each in wanted
    )


def _row(level: Level, answer: Header, keywords: Iterable[str], node: Node) -> Row:
    told = ((keyword, text_of(answer, keyword, node.character_set)) for keyword in keywords)
    return Row(level, tuple(told), node)


def _kept_lossless(row: Row) -> bool | None:
    """Read of one instance whether it is kept without loss (PS3.3 C.7.6.1.1.5, PS3.4 C.4.1.1.3.2)."""
    syntaxes = (row.get("AvailableTransferSyntaxUID") or "").split("\\")
    if row.get("LossyImageCompression") == "00" or not frozenset(LOSSLESS).isdisjoint(syntaxes):
        return True
    is_lossy = row.get("LossyImageCompression") == "01" or not frozenset(LOSSY).isdisjoint(syntaxes)
    return False if is_lossy else None


def _belongs(row: Row, path: Mapping[str, str]) -> bool:
    return all(row.get(key) in (None, "", value) for key, value in path.items())

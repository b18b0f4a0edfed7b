"""The table of examinations, and the round through it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from itkdicomqr.association import Deadline
from itkdicomqr.dicomweb import Session
from itkdicomqr.doctor import characters, connecting, querying, retrieving
from itkdicomqr.doctor.case import Case, Sample
from itkdicomqr.doctor.diagnosis import MODELS, REACHED, STUDIES, Diagnosis, Finding, bad, good, unknown
from itkdicomqr.doctor.sampling import Queries, Resources, sample_of
from itkdicomqr.errors import AssociationRejectedError, DICOMQRError
from itkdicomqr.node import AUTO, Node
from itkdicomqr.query.catalogue import Catalogue
from itkdicomqr.query.qido import QidoService

SECONDS = 300.0
"""How long the whole may take."""


@dataclass(frozen=True)
class Examination:
    """One question to an archive.

    Attributes
    ----------
    name : str
        What its finding is called.
    ask : callable
        Asks, and judges the answer; one of our errors is an answer too.
    of_sample : bool
        Whether it needs something that the archive holds.
    by_dimse : bool
        Whether it is asked by DIMSE, and not over HTTP.
    cure : str
        What to do about an error whose message does not tell.
    """

    name: str
    ask: Callable[[Case], Finding]
    of_sample: bool = False
    by_dimse: bool = True
    cure: str = ""


ACQUAINTANCE: Sequence[Examination] = (
    Examination(REACHED, connecting.is_reached),
    Examination(MODELS, connecting.offers_models),
)
"""What must be known first: how it is asked everything else."""

EXAMINATIONS: Sequence[Examination] = (
    Examination("TLS", connecting.is_secured),
    Examination("called AE title", connecting.checks_its_own_title),
    Examination("calling AE title", connecting.checks_our_title),
    Examination("simultaneous associations", connecting.takes_associations),
    Examination("storage contexts", connecting.takes_storage_contexts),
    Examination("rows", querying.tells_each_series_once, of_sample=True),
    Examination("descriptions", querying.tells_descriptions, of_sample=True),
    Examination("matching descriptions", querying.matches_descriptions, of_sample=True),
    Examination("case", querying.matches_descriptions_by_case, of_sample=True),
    Examination("wildcards", querying.matches_wildcards, of_sample=True),
    Examination("date ranges", querying.matches_date_ranges, of_sample=True),
    Examination("character sets", characters.tells_characters, of_sample=True),
    Examination("matching characters", characters.matches_characters, of_sample=True),
    Examination("UID lists", querying.takes_uid_lists, of_sample=True),
    Examination("series UID alone", querying.finds_series_by_uid_alone, of_sample=True),
    Examination("counts", querying.tells_counts, of_sample=True),
    Examination("limit of studies", querying.tells_all_studies, of_sample=True),
    Examination("limit of instances", querying.tells_all_instances, of_sample=True),
    Examination("C-GET", retrieving.sends_by_get, of_sample=True, cure=retrieving.OTHER_WAYS),
    Examination("C-GET by UID list", retrieving.sends_lists_by_get, of_sample=True),
    Examination("C-MOVE", retrieving.sends_by_move, of_sample=True),
    Examination("QIDO-RS", retrieving.answers_qido, by_dimse=False),
    Examination("WADO-RS", retrieving.sends_by_wado, of_sample=True, by_dimse=False),
)
"""All others, in the order in which they are told."""


def examine(node: Node, *, patient_id: str = "", study_uid: str = "", seconds: float = SECONDS) -> Diagnosis:
    """Find out what an archive can do, and what it does otherwise than the standard.

    It is asked harmless questions alone: C-ECHO, C-FIND by narrow keys, of which at most 1000 rows
    are read, and one instance by each way that it may come, which is thrown away. Two associations
    under wrong AE titles show whether these are checked. Nothing there is changed, and no finding
    holds patient data.

    Parameters
    ----------
    node : Node
        The archive; C-MOVE is tried if it has a ``receiver``, DICOMweb if it has ``dicomweb``.
    patient_id, study_uid : str
        What to ask about; the newest studies by default.
    seconds : float
        How long it may take at most.

    Returns
    -------
    Diagnosis
        What was found; an archive that cannot be reached is a finding, not an error.
    """
    given = {"PatientID": patient_id, "StudyInstanceUID": study_uid}
    spoken = node.speaking("study") if node.model == AUTO else node
    case = Case(spoken, Deadline(seconds), {keyword: value for keyword, value in given.items() if value})
    findings: list[Finding] = []
    for examination in ACQUAINTANCE if node.ae_title else ():
        findings.append(_found(examination, case))
        if findings[-1].error is not None:
            return Diagnosis(node, tuple(findings))
        case = replace(case, node=replace(case.node, **findings[-1].settings))
    case, finding = _sampled(case)
    findings.append(finding)
    fitting = [each for each in EXAMINATIONS if _fits(each, case)]
    return Diagnosis(node, (*findings, *(_found(examination, case) for examination in fitting)))


def _fits(examination: Examination, case: Case) -> bool:
    is_answerable = bool(case.node.ae_title) or not examination.by_dimse
    return is_answerable and (case.found is not None or not examination.of_sample)


def _sampled(case: Case) -> tuple[Case, Finding]:
    """Find something to ask about."""
    try:
        sample = _sample_of(case)
    except DICOMQRError as error:
        return case, replace(_judged(error, case, _allowing(case.node)), name=STUDIES)
    if sample is None:
        words = "it shows us no study with a series, so most of it was not examined"
        return case, replace(unknown(words, "give --patient-id or --study-uid of one that is there"), name=STUDIES)
    words = f"the newest {len(sample.studies)} found, one of them with {len(sample.series)} series"
    return replace(case, found=sample), replace(good(words), name=STUDIES)


def _allowing(node: Node) -> str:
    """Say what may let an archive answer queries that refuses them."""
    allowing = f"have its administrator allow queries (C-FIND) by our AE title {node.calling_ae_title!r}; or "
    return f"{allowing if node.ae_title else ''}give --patient-id or --study-uid, if it needs one to answer"


def _sample_of(case: Case) -> Sample | None:
    if case.node.ae_title:
        return sample_of(Queries(case), case.about)
    with Session(case.node, case.until()) as session:
        return sample_of(Resources(Catalogue(QidoService(session)), case.about), case.about)


def _found(examination: Examination, case: Case) -> Finding:
    """Ask; what fails is a finding too, unless no time is left to tell."""
    try:
        finding = examination.ask(case)
    except DICOMQRError as error:
        finding = _judged(error, case, examination.cure)
    return replace(finding, name=examination.name)


def _judged(error: DICOMQRError, case: Case, cure: str) -> Finding:
    if case.deadline.remaining <= 0:
        return replace(unknown("there was no time left", "raise --total-timeout"), error=error)
    if isinstance(error, AssociationRejectedError) and error.transient:
        cure = f"it may take one later: try again, or {connecting.ROOM}"
    return bad(str(error.args[0]), cure, error)

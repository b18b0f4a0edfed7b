"""Examinations of how instances can be had; each brings one, which is thrown away."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import closing
from itertools import islice
from typing import Any

from pydicom.dataset import Dataset

from itkdicomqr.association.contexts import GET, LOSSLESS, LOSSY, MAX_CONTEXTS, classes_of, service, storage
from itkdicomqr.dicomweb import Session, wado
from itkdicomqr.doctor.case import Case
from itkdicomqr.doctor.diagnosis import Finding, bad, good, notable, unknown
from itkdicomqr.errors import IncompleteSeriesError, NetworkError
from itkdicomqr.instance import Instance
from itkdicomqr.levels import UNIQUE_KEYS, Level
from itkdicomqr.node import Node
from itkdicomqr.query.identifiers import path_to, retrieval_identifier
from itkdicomqr.query.qido import QidoService
from itkdicomqr.retrieval import RECEIVERS
from itkdicomqr.retrieval.moving import move

SYNTAXES = (*LOSSLESS, *LOSSY)
"""All, since it is to show whether anything comes; what comes is thrown away."""

OTHER_WAYS = "have C-GET allowed; or let C-MOVE (receiver=) or DICOMweb (dicomweb=) bring what does not come by it"

NO_RECEIVER = (
    "give receiver='host:port' of this machine (--receiver), and have the archive's administrator enter our AE title "
    "{title!r} with that address"
)

UNSECURED_RECEIVER = (
    "give our receiver a certificate, receiver_tls=TLS(certificate=..., key=...), and have TLS turned on there for our "
    "AE title"
)


def sends_by_get(case: Case) -> Finding:
    """Ask for one instance by C-GET."""
    instance, said = got(case, [case.sample.instance_uid])
    if instance is not None:
        return good("an instance came")
    message = f"no instance came by C-GET (the archive said: {said})"
    return bad(message, OTHER_WAYS, IncompleteSeriesError(message))


def sends_lists_by_get(case: Case) -> Finding:
    """Ask for one instance by C-GET with a list: of its UID twice, since a UID that nothing has may fail anyway."""
    uid = case.sample.instance_uid
    if not uid:
        return unknown("no instance is listed")
    try:
        instance, said = got(case, [uid, uid])
    except NetworkError as error:
        instance, said = None, error.args[0]
    if instance is not None:
        return good("it sends instances by a list of UIDs")
    return notable(f"it does not send an instance by a list of UIDs ({said}); they are asked for one by one")


def sends_by_move(case: Case) -> Finding:
    """Ask for one instance by C-MOVE to our receiver."""
    if not case.node.receiver:
        return unknown("we have no receiver", NO_RECEIVER.format(title=case.node.calling_ae_title))
    came: list[Instance] = []
    request = _request(case, [case.sample.instance_uid], (case.node.move or case.node).model)
    deadline = case.until()
    with RECEIVERS.of(case.node, deadline) as receiver:
        moving = move(case.node, request, receiver, deadline, complete=lambda: bool(came), lossy=True)
        with closing(moving):
            came.extend(_first(moving))
    return _came_by_move(case.node)


def _came_by_move(node: Node) -> Finding:
    """Tell whether the way back is as secure as the way there."""
    words = f"an instance came from it to our receiver at {node.receiver}"
    if node.receiver_security:
        return good(f"{words}, by TLS")
    return notable(f"{words}, not encrypted", UNSECURED_RECEIVER) if node.tls else good(words)


def answers_qido(case: Case) -> Finding:
    """Ask for one study by QIDO-RS."""
    if not case.node.dicomweb:
        return unknown("no DICOMweb service is configured", "give dicomweb='https://host/dicom-web' if it has one")
    with Session(case.node, case.until()) as session:
        QidoService(session).verify()
    return good("it answers a query")


def sends_by_wado(case: Case) -> Finding:
    """Ask for one instance by WADO-RS."""
    if not case.node.dicomweb:
        return unknown("no DICOMweb service is configured")
    uid, series = case.sample.instance_uid, case.sample.one
    study_uid, series_uid = (series.get(UNIQUE_KEYS[level]) or "" for level in (Level.STUDY, Level.SERIES))
    with closing(wado(case.node, study_uid, series_uid, case.until(), [uid] if uid else None)) as sending:
        if _first(sending):
            return good("an instance came")
    message = "no instance came by WADO-RS"
    return bad(message, error=IncompleteSeriesError(message))


def got(case: Case, uids: Sequence[str]) -> tuple[Instance | None, str]:
    """Ask by C-GET for an instance, or any one of the series; give it, or what the archive said in its place."""
    endpoint = case.node.get or case.node
    proposals = [service(GET[endpoint.model]), *storage(_classes(case), SYNTAXES)]
    with (
        case.associate(*proposals, as_node=endpoint) as association,
        closing(association.get(_request(case, uids, endpoint.model))) as sending,
    ):
        try:
            return next(sending), ""
        except StopIteration as end:
            return None, str(end.value)


def _classes(case: Case) -> Sequence[str]:
    """Ask for the storage class of the instance; where the archive does not tell, guess some from the modality."""
    series, uid = case.sample.one, case.sample.instance_uid
    path = path_to(series, Level.SERIES, case.node.model)
    try:
        rows = case.ask(Level.IMAGE, {**path, "SOPInstanceUID": uid, "SOPClassUID": ""}).rows if uid else ()
    except NetworkError:
        rows = ()
    told = [row.get("SOPClassUID") for row in rows if row.get("SOPInstanceUID") == uid]
    if told and told[0]:
        return (told[0],)
    return classes_of(series.get("Modality") or "")[: (MAX_CONTEXTS - 1) // len(SYNTAXES)]


def _request(case: Case, uids: Sequence[str], model: str) -> Dataset:
    """Ask for instances of the series, or where none is listed for all of it."""
    return retrieval_identifier(case.sample.one, model, [*filter(None, uids)], case.node.character_set)


def _first(sending: Generator[Instance, None, Any]) -> list[Instance]:
    return [*islice(sending, 1)]

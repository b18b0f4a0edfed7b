"""Examinations of the way to an archive, and of what it lets us ask for."""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterable
from contextlib import ExitStack, closing
from dataclasses import replace

from pydicom.uid import UID

from itkdicomqr.association import Association
from itkdicomqr.association.connection import connect
from itkdicomqr.association.contexts import (
    FIND,
    GET,
    LOSSLESS,
    MOVE,
    PATIENT_STUDY_ONLY,
    UNCOMPRESSED,
    VERIFICATION,
    classes_of,
    service,
    storage,
)
from itkdicomqr.doctor.case import Case
from itkdicomqr.doctor.diagnosis import Finding, bad, good, notable
from itkdicomqr.errors import (
    AssociationRejectedError,
    NetworkError,
    NoPresentationContextError,
    StatusError,
)
from itkdicomqr.node import Node
from itkdicomqr.prose import listed

NOBODY = "NOBODY_ITKDICOMQ"
"""An AE title that no archive is called, nor knows."""

MAX_ASSOCIATIONS = 4
"""How many associations are tried at once."""

MIN_CERTIFICATE_DAYS = 30
"""Validity of a certificate below which it should be renewed."""

ROOM = "ask the archive's administrator to allow more associations at once"
"""What helps against a rejection for now."""

MAX_NAMED = 4
"""Names of what was refused that are listed."""

DAY_SECONDS = 86_400


def is_reached(case: Case) -> Finding:
    """Ask whether it takes an association from us, and answers a C-ECHO."""
    association, refusal = _let_in(case)
    with association:
        try:
            association.echo()
        except (NoPresentationContextError, StatusError):
            return notable("it takes an association, and refuses the C-ECHO")
    if refusal is None:
        return good("it answers a C-ECHO")
    return notable(f"it answers a C-ECHO, after a first association was {refusal.args[0]}", ROOM)


def is_secured(case: Case) -> Finding:
    """Ask by which version of TLS the channel is secured, and until when its certificate is valid."""
    with closing(connect(case.node, case.until())) as connection:
        if not isinstance(connection, ssl.SSLSocket):
            return notable(
                "nothing is encrypted: everyone on the way can read the images",
                "ask the administrator for a port with TLS (dicoms://)",
            )
        version, certificate = connection.version(), connection.getpeercert() or {}
    days = (ssl.cert_time_to_seconds(str(certificate["notAfter"])) - time.time()) // DAY_SECONDS
    words = f"{version}, by a certificate that is valid for {days:.0f} more days"
    return good(words) if days >= MIN_CERTIFICATE_DAYS else notable(words, "have the archive's certificate renewed")


def checks_its_own_title(case: Case) -> Finding:
    """Ask whether it rejects an association that calls it by another AE title."""
    if _rejects(case, replace(case.node, ae_title=NOBODY)):
        return good("it rejects whoever calls it by another AE title")
    return notable("it accepts whatever AE title it is called by: a misspelt one is not noticed")


def checks_our_title(case: Case) -> Finding:
    """Ask whether it rejects an association from an AE title that it cannot know."""
    if _rejects(case, replace(case.node, calling_ae_title=NOBODY)):
        return good(f"it knows our AE title {case.node.calling_ae_title!r}, and rejects unknown ones")
    return good("it accepts any AE title of ours")


def offers_models(case: Case) -> Finding:
    """Ask for queries and retrievals of the Study Root, Patient Root and retired Patient/Study Only models."""
    services = (*FIND.values(), *GET.values(), *MOVE.values(), PATIENT_STUDY_ONLY)
    with case.associate(*map(service, services)) as association:
        accepted = {each.abstract_syntax for each in association.contexts}
    offers = {model: _offers(accepted, model) for model in _models_of(case)}
    usable = [model for model, services in offers.items() if "C-FIND" in services]
    words = "; ".join(f"{model} root: {', '.join(services) or 'nothing'}" for model, services in offers.items())
    if not usable:
        return _no_model(case, words, retired=PATIENT_STUDY_ONLY in accepted)
    # The configured model comes first, and gives way to one that can do more.
    model = max(usable, key=lambda model: len(offers[model]))
    is_told = notable if set(map(len, offers.values())) != {3} else good
    return is_told(words, model=model)


def takes_associations(case: Case) -> Finding:
    """Ask how many associations it takes at once."""
    taken, more = 0, ""
    with ExitStack() as held:
        for _ in range(MAX_ASSOCIATIONS):
            try:
                held.enter_context(case.associate(service(FIND[case.node.model]), back_off=()))
            except NetworkError as error:
                more = f"; one more is {_refused(error)}"
                break
            taken += 1
    if taken > 1:
        return good(f"it takes {taken} associations at once{more}", associations=taken)
    return notable(f"it takes one association at a time{more}", associations=1)


def takes_storage_contexts(case: Case) -> Finding:
    """Ask which storage classes and lossless transfer syntaxes it may send by C-GET, to us as the SCP."""
    endpoint = case.node.get or case.node
    get, classes = GET[endpoint.model], classes_of("")
    likely = (case.found.one.get("Modality") if case.found else None) or "CT"
    first = classes_of(likely)[0]
    proposals = [service(get), *storage(classes, UNCOMPRESSED[:1]), *storage([first], LOSSLESS[1:])]
    with case.associate(*proposals, as_node=endpoint) as association:
        if not association.accepts(get):
            return notable("it offers no C-GET, so no storage contexts for it")
        accepted = [each for each in association.contexts if each.abstract_syntax != get]
    refused_classes = _names(set(classes) - {each.abstract_syntax for each in accepted})
    syntaxes = {each.transfer_syntax for each in accepted if each.abstract_syntax == first}
    refused_syntaxes = _names(set(LOSSLESS) - syntaxes)
    words = f"{len(classes) - len(refused_classes)} of {len(classes)} storage classes"
    words += _without(refused_classes) + f"; {len(syntaxes)} of {len(LOSSLESS)} lossless transfer syntaxes of "
    words += UID(first).keyword + _without(refused_syntaxes)
    return notable(words) if refused_classes or refused_syntaxes else good(words)


def _let_in(case: Case) -> tuple[Association, AssociationRejectedError | None]:
    """Associate; if the archive rejects it for now, again after a while, and tell how it rejected."""
    proposals = [*map(service, (VERIFICATION, *FIND.values(), *GET.values(), *MOVE.values()))]
    try:
        return case.associate(*proposals, back_off=()), None
    except AssociationRejectedError as error:
        if not error.transient:
            raise
        return case.associate(*proposals), error


def _refused(error: NetworkError) -> str:
    """Tell a rejection that may pass (PS3.8 9.3.4) from one for good."""
    if not isinstance(error, AssociationRejectedError):
        return "not answered as it should be"
    return "rejected for now, so it is waited for" if error.transient else "rejected for good"


def _rejects(case: Case, misnamed: Node) -> bool:
    """Tell whether it refuses under another title; some close the connection without a word."""
    try:
        case.associate(service(VERIFICATION), service(FIND[case.node.model]), as_node=misnamed).release()
    except NetworkError as error:
        if isinstance(error, AssociationRejectedError) and error.transient:
            raise
        return True
    return False


def _models_of(case: Case) -> list[str]:
    return sorted(FIND, key=lambda model: model != case.node.model)


def _offers(accepted: Iterable[str], model: str) -> list[str]:
    services = {"C-FIND": FIND[model], "C-GET": GET[model], "C-MOVE": MOVE[model]}
    return [name for name, uid in services.items() if uid in accepted]


def _no_model(case: Case, words: str, *, retired: bool) -> Finding:
    cure = "ask the administrator to allow queries (C-FIND) by our AE title"
    if retired:
        words += "; queries of the retired Patient/Study Only model alone, which knows no series"
        cure = "ask the administrator for the Study Root model"
    error = NoPresentationContextError(f"no query can be asked: {words}: {cure}", place=case.node.place, step="C-FIND")
    return bad(words, cure, error)


def _names(uids: Iterable[str]) -> list[str]:
    return sorted(UID(uid).keyword or uid for uid in uids)


def _without(refused: list[str]) -> str:
    return f" (not {listed(refused, MAX_NAMED)})" if refused else ""

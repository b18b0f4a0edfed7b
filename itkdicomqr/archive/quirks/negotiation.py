"""Quirks of associations: which are accepted, and with which presentation contexts."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any

from itkdicomqr.archive.quirks.named import Named
from itkdicomqr.archive.seams import Quirk

if TYPE_CHECKING:
    from collections.abc import Callable

    from pynetdicom.association import Association
    from pynetdicom.presentation import PresentationContext

    from itkdicomqr.archive.seams import Rejection

FIND, MOVE, GET = "1", "2", "3"
PATIENT_ROOT, STUDY_ROOT = "1", "2"

_QUERY_RETRIEVE = "1.2.840.10008.5.1.4.1.2."
"""Followed by the root, and by the service (PS3.4 C.6.1.3 and C.6.2.3)."""

_LIMIT_EXCEEDED: Rejection = (2, 3, 2)
_NO_REASON: Rejection = (2, 2, 1)
"""Transient, and by whom and why (PS3.8 9.3.4)."""


def accepting_any_title() -> Quirk:
    """Accept whoever calls."""
    return Quirk(rejection=lambda _rejection, _association: None)


def rejecting_at_first(times: int) -> Quirk:
    """Reject some associations as if the archive were busy for a while."""
    requests = count()
    return Quirk(rejection=lambda rejection, _: rejection or (_NO_REASON if next(requests) < times else None))


def rejecting_a_second() -> Quirk:
    """Reject an association while another lasts."""

    def rejection(rejection: Rejection | None, association: Association) -> Rejection | None:
        others = (other for other in association.ae.active_associations if other is not association)
        busy = any(other.is_acceptor and other.is_established for other in others)
        return rejection or (_LIMIT_EXCEEDED if busy else None)

    return Quirk(rejection=rejection)


def without_service(service: str) -> Quirk:
    """Refuse the contexts of one service of query and retrieve."""
    return _without(lambda root_and_service: root_and_service.endswith(f".{service}"))


def without_root(root: str) -> Quirk:
    """Refuse the contexts of one query/retrieve model."""
    return _without(lambda root_and_service: root_and_service.startswith(f"{root}."))


def without_role_reply() -> Quirk:
    """Accept proposed roles without a word."""
    return Quirk(user_information=lambda items: [item for item in items if not hasattr(item, "scu_role")])


def with_maximum_pdu(length: int) -> Quirk:
    """Announce a maximum PDU length; 0 is none."""

    def user_information(items: list[Any]) -> list[Any]:
        for item in items:
            if hasattr(item, "maximum_length_received"):
                item.maximum_length_received = length
        return items

    return Quirk(user_information=user_information)


def _without(refused: Callable[[str], bool]) -> Quirk:
    def contexts(contexts: list[PresentationContext]) -> list[PresentationContext]:
        return [context for context in contexts if not refused(_root_and_service(str(context.abstract_syntax)))]

    return Quirk(contexts=contexts)


def _root_and_service(uid: str) -> str:
    """Give the part that tells the models apart; nothing of any other class."""
    return uid.removeprefix(_QUERY_RETRIEVE) if uid.startswith(_QUERY_RETRIEVE) else ""


NAMED = (
    Named("accepts-any-ae", "accepts whatever AE title it is called by", accepting_any_title, seen="qrscp"),
    Named("rejects-transiently", "rejects the first N associations with 2/2/1", rejecting_at_first, "N", 1),
    Named("rejects-second-association", "rejects an association with 2/3/2 while another lasts", rejecting_a_second),
    Named("max-pdu-0", "announces no limit of the PDU's length", lambda: with_maximum_pdu(0)),
    Named("no-role-reply", "sends no role selection item", without_role_reply),
    Named("no-cget", "refuses the contexts of C-GET", lambda: without_service(GET)),
    Named("no-cmove", "refuses the contexts of C-MOVE", lambda: without_service(MOVE)),
    Named("no-patient-root", "refuses the Patient Root model", lambda: without_root(PATIENT_ROOT)),
    Named("no-study-root", "refuses the Study Root model", lambda: without_root(STUDY_ROOT)),
)

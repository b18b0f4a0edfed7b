"""The PDUs that open and end an association: what is asked for, what was granted (PS3.8 9.3.2 to 9.3.8)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from pynetdicom.pdu import A_ASSOCIATE_AC, A_ASSOCIATE_RJ, A_ASSOCIATE_RQ
from pynetdicom.pdu_primitives import (
    A_ASSOCIATE,
    ImplementationClassUIDNotification,
    ImplementationVersionNameNotification,
    MaximumLengthNotification,
    SCP_SCU_RoleSelectionNegotiation,
    UserIdentityNegotiation,
)
from pynetdicom.presentation import PresentationContext

from itkdicomqr.association.contexts import MAX_CONTEXTS, Proposal
from itkdicomqr.association.stream import PduType
from itkdicomqr.errors import AssociationRejectedError, ProtocolError
from itkdicomqr.node import Node
from itkdicomqr.security import Identity

APPLICATION_CONTEXT = "1.2.840.10008.3.1.1.1"
IMPLEMENTATION_CLASS_UID = "2.25.279507317305881255384568493617768359448"
"""Made from a UUID (PS3.5 B.2), so it is nobody else's."""
IMPLEMENTATION_VERSION = "ITKDICOMQR_0_1"
ACCEPTED = 0

RELEASE_RQ = bytes([PduType.RELEASE_RQ, 0, 0, 0, 0, 4, 0, 0, 0, 0])
RELEASE_RP = bytes([PduType.RELEASE_RP, 0, 0, 0, 0, 4, 0, 0, 0, 0])
ABORT = bytes([PduType.ABORT, 0, 0, 0, 0, 4, 0, 0, 0, 0])
"""The PDUs that end an association, encoded."""

_CALLED, _CALLING = "its own", "our"
_REASONS: Mapping[tuple[int, int], str] = {
    (1, 1): "it gives no reason; often the calling AE title {calling!r} is not configured there",
    (1, 2): "it does not support DICOM's application context",
    (1, 3): "it does not know our AE title {calling!r}: have it configured there, or give calling_ae_title=",
    (1, 7): "it is not called {called!r}: ask for its AE title (case counts)",
    (2, 1): "it gives no reason; often it wants another user identity (Node.identity)",
    (2, 2): "it does not support this protocol version",
    (3, 1): "it is congested: try again later",
    (3, 2): "it has reached its limit of associations: try again later, or with fewer at once",
}
"""By source and reason (PS3.8 9.3.4)."""

_RESULTS = {1: "permanently", 2: "for now"}

_IDENTITY_TYPES: Mapping[str, int] = {"passcode": 2, "username": 1, "saml": 4, "jwt": 5}
"""The type of a user identity, by the first of its attributes that is given (PS3.7 D.3.3.7.1)."""

T = TypeVar("T")


@dataclass(frozen=True)
class Context:
    """A presentation context that was accepted."""

    id: int
    abstract_syntax: str
    transfer_syntax: str


@dataclass(frozen=True)
class Granted:
    """What the archive accepted.

    Attributes
    ----------
    contexts : mapping of int to Context
        By identifier.
    max_pdu : int
        The longest PDU that it takes; 0 is no limit.
    """

    contexts: Mapping[int, Context]
    max_pdu: int

    def serving(self, abstract_syntax: str) -> Context | None:
        """The context of a service, if it was accepted."""
        return next((each for each in self.contexts.values() if each.abstract_syntax == abstract_syntax), None)


def request_pdu(node: Node, proposals: Sequence[Proposal], max_pdu: int) -> bytes:
    """Encode an A-ASSOCIATE-RQ."""
    if len(proposals) > MAX_CONTEXTS:
        message = f"{len(proposals)} presentation contexts do not fit one association; {MAX_CONTEXTS} do"
        raise ProtocolError(message)
    primitive = A_ASSOCIATE()
    primitive.application_context_name = APPLICATION_CONTEXT
    primitive.calling_ae_title = node.calling_ae_title
    primitive.called_ae_title = node.ae_title
    primitive.presentation_context_definition_list = [
        _context(number, proposal) for number, proposal in enumerate(proposals)
    ]
    primitive.user_information = [*_notifications(max_pdu), *_roles(proposals), *_user_identity(node.identity)]
    pdu = A_ASSOCIATE_RQ()
    pdu.from_primitive(primitive)
    return bytes(pdu.encode())


def read_acceptance(encoded: bytes, proposals: Sequence[Proposal], identity: Identity | None = None) -> Granted:
    """Decode an A-ASSOCIATE-AC.

    Raises
    ------
    ProtocolError
        It is damaged, allows no data at all, or does not confirm a user identity that it must.
    """

    def read() -> tuple[list[tuple[int, int, str]], int, bool]:
        pdu = A_ASSOCIATE_AC()
        pdu.decode(encoded)
        results = [(item.context_id, item.result, str(item.transfer_syntax or "")) for item in pdu.presentation_context]
        information = pdu.user_information
        return results, int(information.maximum_length), information.user_identity is not None

    results, max_pdu, confirmed = _decoded(read, "A-ASSOCIATE-AC")
    if 0 < max_pdu <= 6:
        message = f"the archive takes PDUs of at most {max_pdu} bytes, into which nothing fits"
        raise ProtocolError(message)
    if identity and identity.confirmed and not confirmed:
        message = (
            "the archive does not confirm the user identity: have it configured there, or leave out "
            "Identity(confirmed=True) for an archive that knows none"
        )
        raise ProtocolError(message)
    proposed = {_context_id(number): proposal for number, proposal in enumerate(proposals)}
    contexts = {
        context_id: Context(context_id, proposed[context_id].abstract_syntax, syntax)
        for context_id, result, syntax in results
        if result == ACCEPTED and context_id in proposed and syntax in proposed[context_id].transfer_syntaxes
    }
    return Granted(contexts, max_pdu)


def read_rejection(encoded: bytes, node: Node) -> AssociationRejectedError:
    """Decode an A-ASSOCIATE-RJ into the error that tells its reason."""

    def read() -> tuple[int, int, int]:
        pdu = A_ASSOCIATE_RJ()
        pdu.decode(encoded)
        return int(pdu.result), int(pdu.source), int(pdu.reason_diagnostic)

    result, source, reason = _decoded(read, "A-ASSOCIATE-RJ")
    words = _REASONS.get((source, reason), "the reason is reserved")
    advice = words.format(called=node.ae_title, calling=node.calling_ae_title)
    message = (
        f"rejected {_RESULTS.get(result, 'with an unknown result')} (result {result}, source {source}, "
        f"reason {reason}): {advice}"
    )
    return AssociationRejectedError(message, result=result, source=source, reason=reason)


def _decoded(read: Callable[[], T], name: str) -> T:
    """Decode; what the codec raises over hostile bytes is of many kinds."""
    try:
        return read()
    except Exception as error:
        message = f"the {name} is damaged ({type(error).__name__})"
        raise ProtocolError(message) from None


def _context_id(number: int) -> int:
    return 2 * number + 1


def _context(number: int, proposal: Proposal) -> PresentationContext:
    context = PresentationContext()
    context.context_id = _context_id(number)
    context.abstract_syntax = proposal.abstract_syntax
    context.transfer_syntax = list(proposal.transfer_syntaxes)
    return context


def _notifications(max_pdu: int) -> list[Any]:
    length = MaximumLengthNotification()
    length.maximum_length_received = max_pdu
    implementation = ImplementationClassUIDNotification()
    implementation.implementation_class_uid = IMPLEMENTATION_CLASS_UID
    version = ImplementationVersionNameNotification()
    version.implementation_version_name = IMPLEMENTATION_VERSION
    return [length, implementation, version]


def _roles(proposals: Sequence[Proposal]) -> list[Any]:
    """Offer to be the SCP of every storage class; no reply counts as granted."""
    roles = []
    for sop_class in dict.fromkeys(each.abstract_syntax for each in proposals if each.as_scp):
        role = SCP_SCU_RoleSelectionNegotiation()
        role.sop_class_uid = sop_class
        role.scu_role = False
        role.scp_role = True
        roles.append(role)
    return roles


def _user_identity(identity: Identity | None) -> list[Any]:
    if identity is None:
        return []
    item = UserIdentityNegotiation()
    item.user_identity_type = next(number for name, number in _IDENTITY_TYPES.items() if getattr(identity, name))
    item.positive_response_requested = identity.confirmed
    item.primary_field = (identity.username or identity.saml or identity.jwt).encode()
    item.secondary_field = identity.passcode.encode()
    return [item]

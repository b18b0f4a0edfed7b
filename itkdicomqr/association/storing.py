"""The request of a C-STORE, of which we are the SCP in C-GET and after C-MOVE (PS3.4 annex B)."""

from __future__ import annotations

from collections.abc import Mapping

from itkdicomqr.association.dimse import Element
from itkdicomqr.association.negotiation import Context
from itkdicomqr.association.stream import Message
from itkdicomqr.errors import CorruptInstanceError, ProtocolError
from itkdicomqr.instance import Instance
from itkdicomqr.node import Limits
from itkdicomqr.uids import is_uid


def stored_instance(message: Message, contexts: Mapping[int, Context], origin: str, limits: Limits) -> Instance:
    """Take the instance that a C-STORE request brings.

    Parameters
    ----------
    message : Message
        The request.
    contexts : mapping of int to Context
        The presentation contexts of its association, by identifier.
    origin : str
        How it came.
    limits : Limits
        Of the archive; how much the instance may grow is for its data set to know.

    Raises
    ------
    ProtocolError
        The request breaks the rules of its presentation context, or names no UID.
    CorruptInstanceError
        It brings no data set.
    """
    context = contexts.get(message.context_id)
    command = message.command
    if context is None:
        raise ProtocolError(f"it sent an instance on presentation context {message.context_id}, which is not open")
    if command.text(Element.AFFECTED_SOP_CLASS_UID) != context.abstract_syntax:
        raise ProtocolError("it sent an instance on the presentation context of another SOP class")
    sop_instance_uid = command.text(Element.AFFECTED_SOP_INSTANCE_UID)
    if not is_uid(sop_instance_uid):
        raise ProtocolError("it sent an instance whose SOP Instance UID is no UID")
    if not command.has_data_set:
        reason = "it came as a C-STORE request without a data set"
        raise CorruptInstanceError(reason, sop_instance_uid=sop_instance_uid)
    return Instance(
        context.abstract_syntax,
        sop_instance_uid,
        context.transfer_syntax,
        message.data,
        origin,
        limits.max_inflate_ratio,
    )

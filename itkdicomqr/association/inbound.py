"""One association that a peer opened with our receiver: verification and storage, and nothing else."""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping
from contextlib import suppress
from threading import Semaphore

from itkdicomqr.association import acceptance, dimse
from itkdicomqr.association.acceptance import AssociationRequest, Rejection
from itkdicomqr.association.contexts import VERIFICATION
from itkdicomqr.association.deadline import Deadline
from itkdicomqr.association.dimse import Command, Field
from itkdicomqr.association.events import MAX_PDU, Events
from itkdicomqr.association.negotiation import ABORT, APPLICATION_CONTEXT, RELEASE_RP, Granted
from itkdicomqr.association.pending import Register
from itkdicomqr.association.storing import stored_instance
from itkdicomqr.association.stream import Event, Message, Pdu, PduType, p_data
from itkdicomqr.association.transport import Transport
from itkdicomqr.errors import (
    AssociationRejectedError,
    ConnectionLostError,
    CorruptInstanceError,
    LimitExceededError,
    NetworkError,
    ProtocolError,
)
from itkdicomqr.node import Node

ANSWER_SECONDS = 1.0
"""How long a peer may leave our answers unread: they are small, and wait in the system's buffers."""


class Inbound:
    """One association with a peer that called us.

    Parameters
    ----------
    connection : socket.socket
        Accepted; one that is to be secured has its handshake before it.
    peer : str
        The address that it came from.
    node : Node
        For which archive we listen.
    register : Register
        What is expected.
    seats : Semaphore
        Counts the associations that there may be at once.
    """

    def __init__(self, connection: socket.socket, peer: str, node: Node, register: Register, seats: Semaphore) -> None:
        self._node = node
        self._register = register
        self._seats = seats
        self._peer = peer
        self._transport = Transport(connection, Deadline(node.timeouts.connect, "connect"))
        self._events = Events(self._transport, node.timeouts.idle, register.reached)
        self._granted = Granted({}, 0)
        self._left = False

    def serve(self) -> None:
        """Serve until the peer releases the association, or errs, or `leave` is called.

        No error is raised: it is noted for those who wait for a series.
        """
        try:
            self._converse()
        except (NetworkError, LimitExceededError) as error:
            self._end(error)
        except Exception as error:
            # A mistake of ours, or no memory: whoever waits must know.
            self._end(NetworkError(f"our receiver failed ({type(error).__name__})"))
        finally:
            self._transport.close()

    def leave(self) -> None:
        """Have the association aborted, from another thread."""
        self._left = True
        self._transport.interrupt()

    def _converse(self) -> None:
        self._secure()
        request = self._request()
        objection = self._objection(request)
        if objection is None and not self._seats.acquire(blocking=False):
            objection = acceptance.TOO_MANY
        if objection is not None:
            self._reject(request, objection)
        try:
            self._accept(request)
            while isinstance(event := self._next(), Message):
                self._answer(event)
            self._part(event)
        finally:
            self._seats.release()

    def _secure(self) -> None:
        try:
            self._transport.secure(self._node.timeouts.connect)
        except NetworkError:
            # Somebody did connect, which is half of what an error about a move must tell.
            self._register.reached()
            raise

    def _request(self) -> AssociationRequest:
        event = self._events.next(self._node.timeouts.connect, "connect")
        if not isinstance(event, Pdu) or event.type is not PduType.ASSOCIATE_RQ:
            raise ProtocolError("what came first is no association request")
        return acceptance.read_request(event.encoded)

    def _objection(self, request: AssociationRequest) -> Rejection | None:
        """Find what speaks against an association (PS3.8 9.3.4), the lasting reasons first."""
        callers = self._node.store_ae_titles
        objections = {
            acceptance.NOT_DICOM: request.application_context != APPLICATION_CONTEXT,
            acceptance.UNKNOWN_NAME: request.called_ae_title != self._node.calling_ae_title.strip(),
            acceptance.UNKNOWN_CALLER: bool(callers) and request.calling_ae_title not in callers,
            acceptance.NOTHING_EXPECTED: not self._register,
        }
        return next((objection for objection, holds in objections.items() if holds), None)

    def _reject(self, request: AssociationRequest, objection: Rejection) -> None:
        self._send(objection.pdu())
        words = objection.words.format(called=request.called_ae_title, calling=request.calling_ae_title)
        message = f"our receiver rejected it: {words}"
        raise AssociationRejectedError(
            message, result=objection.result, source=objection.source, reason=objection.reason
        )

    def _accept(self, request: AssociationRequest) -> None:
        self._granted = acceptance.granted(request, lossy=self._register.lossy)
        self._send(acceptance.acceptance_pdu(request, self._granted, MAX_PDU))
        self._events.limit(self._node.limits.max_instance_bytes, "raise it by Limits(max_instance_bytes=...)")

    def _next(self) -> Event:
        """Wait for a message; between two of them the archive may be silent as long as it is waited for."""
        self._transport.deadline = self._register.deadline()
        return self._events.next(self._node.timeouts.total, "total")

    def _answer(self, message: Message) -> None:
        answers: Mapping[int, Callable[[Message], Command]] = {
            Field.C_ECHO_RQ: self._echoed,
            Field.C_STORE_RQ: self._stored,
        }
        answer = answers.get(message.command.field)
        if answer is None:
            raise ProtocolError(f"command 0x{message.command.field:04X} came, where only storage is offered")
        response = answer(message).encode()
        for part in p_data(message.context_id, response, command=True, max_pdu=self._granted.max_pdu):
            self._send(part)

    def _echoed(self, message: Message) -> Command:
        context = self._granted.contexts.get(message.context_id)
        if context is None or context.abstract_syntax != VERIFICATION:
            raise ProtocolError("a C-ECHO came on the presentation context of something else")
        return dimse.echo_response(message.command)

    def _stored(self, message: Message) -> Command:
        """Answer once the instance is in the queue: the archive sends no faster than it is worked on."""
        try:
            instance = stored_instance(message, self._granted.contexts, "C-MOVE", self._node.limits)
        except CorruptInstanceError as error:
            raise ProtocolError(f"an instance is refused: {error}") from None
        return dimse.store_response(message.command, self._register.deliver(instance))

    def _part(self, pdu: Pdu) -> None:
        if pdu.type is PduType.RELEASE_RQ:
            self._send(RELEASE_RP)
        elif pdu.type is PduType.ABORT:
            raise ConnectionLostError("the archive aborted the association")
        else:
            raise ProtocolError(f"it sent a PDU of type {pdu.type.name}, which does not belong here")

    def _send(self, content: bytes) -> None:
        self._transport.send(content, ANSWER_SECONDS, "idle")

    def _end(self, error: NetworkError | LimitExceededError) -> None:
        """Tell both sides of an error; a peer that was rejected, or failed to shake hands, has been told."""
        if not self._left:
            error.place, error.step = error.place or self._peer, error.step or "storing to our receiver"
            self._register.note(error)
        if self._transport.is_ready and not isinstance(error, AssociationRejectedError):
            self._transport.deadline = Deadline(ANSWER_SECONDS)
            with suppress(NetworkError):
                self._send(ABORT)

"""The messages of one association that we open: each sent whole, and each received in time (PS3.8 7, 9)."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Self

from pydicom.dataset import Dataset
from pydicom.uid import UID

from itkdicomqr.association.contexts import GET, UNCOMPRESSED, Proposal
from itkdicomqr.association.deadline import Deadline
from itkdicomqr.association.dimse import Command
from itkdicomqr.association.events import MAX_PDU, Events
from itkdicomqr.association.negotiation import (
    ABORT,
    RELEASE_RP,
    RELEASE_RQ,
    Context,
    Granted,
    read_acceptance,
    read_rejection,
    request_pdu,
)
from itkdicomqr.association.stream import Event, Message, Pdu, PduType, p_data
from itkdicomqr.association.transport import Transport
from itkdicomqr.errors import (
    ConnectionLostError,
    DeadlineError,
    LimitExceededError,
    NetworkError,
    NoPresentationContextError,
    ProtocolError,
)
from itkdicomqr.instance import encoded
from itkdicomqr.node import Node
from itkdicomqr.place import placed

RELEASE_SECONDS = 2.0
"""How long a release may take; the work is done by then."""

ABORT_SECONDS = 0.5
"""How long an abort may take to be sent: it fits into the system's buffers, unless the archive reads nothing."""

_ABORT_SOURCES = {0: "the archive's application", 2: "the archive's DICOM layer"}

_UNANSWERED = (
    " instead of answering: it may not allow this to our AE title {title!r}: have the title, the address of this "
    "machine and this service entered there (Orthanc: DicomModalities)"
)
"""What an abort often means that comes before any answer."""

_BY_MOVE = "; where it sends by C-MOVE alone, give Node(receiver='host:port'), or ?receiver=host:port after its address"
"""What helps where C-GET is not offered, and nothing may be sent to us."""


class Channel:
    """One association, as far as messages: opened, written to and read from, released or aborted.

    Parameters
    ----------
    node : Node
        With whom.
    transport : Transport
        Connected.

    Attributes
    ----------
    granted : Granted
        The presentation contexts that the archive accepted.
    transport : Transport
        The connection, with its deadline.
    is_open : bool
        Whether it was neither released nor aborted.
    """

    def __init__(self, node: Node, transport: Transport) -> None:
        self._node = node
        self._events = Events(transport, node.timeouts.idle)
        self._has_answered = False
        self.transport = transport
        self.granted = Granted({}, 0)
        self.is_open = True

    @classmethod
    def open(cls, node: Node, proposals: Sequence[Proposal], deadline: Deadline) -> Self:
        """Connect, and associate; see `Association.open`."""
        opening = deadline.part(node.timeouts.connect, "connect")
        with placed(node.place, "connecting"):
            channel = cls(node, Transport.connect(node, opening))
        try:
            with placed(node.place, "opening the association"):
                channel._associate(proposals)
        except BaseException:
            channel.abort()
            raise
        channel.transport.deadline = deadline
        return channel

    def context(self, abstract_syntax: str) -> Context:
        """Give the presentation context of a service.

        Raises
        ------
        NoPresentationContextError
            None was accepted.
        """
        context = self.granted.serving(abstract_syntax)
        if context is None:
            offered = " or ".join(UID(each).name for each in UNCOMPRESSED)
            message = (
                f"the archive accepts no presentation context for {UID(abstract_syntax).name} in {offered}: it may not "
                f"offer this service, or not to the AE title {self._node.calling_ae_title!r}"
                f"{_BY_MOVE if abstract_syntax in GET.values() and not self._node.receiver else ''}"
            )
            raise NoPresentationContextError(message)
        return context

    def limit(self, max_message: int, cure: str) -> None:
        """Set the largest data set to accept from the next message on, and what an error says of it."""
        self._events.limit(max_message, cure)

    def send(self, context_id: int, command: Command) -> None:
        """Send a command set."""
        self._send_parts(context_id, command.encode(), command=True)

    def send_data(self, context: Context, identifier: Dataset) -> None:
        """Send a data set, encoded as its context says."""
        self._send_parts(context.id, encoded(identifier, UID(context.transfer_syntax)), command=False)

    def receive(self, setting: str) -> Message:
        """Wait for a message as long as a timeout says.

        Raises
        ------
        ConnectionLostError, DeadlineError, ProtocolError, LimitExceededError
            None came, or what came is none.
        """
        return self._message(self._events.next(getattr(self._node.timeouts, setting), setting))

    def heard(self, seconds: float) -> Message | None:
        """Read for so long at most; a message that is not whole by then is read on the next time."""
        try:
            event = self._events.read(seconds, "idle")
        except DeadlineError:
            self.transport.deadline.left(seconds)
            return None
        return None if event is None else self._message(event)

    def release(self, seconds: float = RELEASE_SECONDS) -> None:
        """Release the association within so long, and close the connection."""
        if self.is_open:
            self.transport.deadline = Deadline(seconds)
            with suppress(NetworkError, LimitExceededError):
                self.transport.send(RELEASE_RQ, seconds, "idle")
                while not isinstance(self._events.next(seconds, "idle"), Pdu):
                    pass
        self._close()

    def abort(self) -> None:
        """Abort the association, and close the connection."""
        if self.is_open:
            self.transport.deadline = Deadline(ABORT_SECONDS)
            with suppress(NetworkError, LimitExceededError):
                self.transport.send(ABORT, ABORT_SECONDS, "idle")
        self._close()

    def _close(self) -> None:
        self.is_open = False
        self.transport.close()

    def _associate(self, proposals: Sequence[Proposal]) -> None:
        sending_failed: NetworkError | None = None
        try:
            self.transport.send(request_pdu(self._node, proposals, MAX_PDU), self._node.timeouts.connect, "connect")
        except ConnectionLostError as error:
            # A rejection may have come before the reset.
            sending_failed = error
        try:
            answer = self._events.next(self._node.timeouts.connect, "connect")
        except ConnectionLostError as error:
            message = (
                "it closed the connection: it may not know our address, not speak DICOM on this port, "
                "or expect TLS (dicoms://)"
            )
            raise sending_failed or ConnectionLostError(message) from error
        if not isinstance(answer, Pdu):
            raise ProtocolError("it sent data before the association was there")
        if answer.type is PduType.ASSOCIATE_RJ:
            raise read_rejection(answer.encoded, self._node)
        if answer.type is not PduType.ASSOCIATE_AC:
            raise self._interrupted(answer)
        self.granted = read_acceptance(answer.encoded, proposals, self._node.identity)

    def _send_parts(self, context_id: int, content: bytes, *, command: bool) -> None:
        for part in p_data(context_id, content, command=command, max_pdu=self.granted.max_pdu):
            self.transport.send(part, self._node.timeouts.idle, "idle")

    def _message(self, event: Event) -> Message:
        if isinstance(event, Pdu):
            raise self._interrupted(event)
        self._has_answered = True
        return event

    def _interrupted(self, pdu: Pdu) -> NetworkError:
        """Say what a PDU in place of an answer means."""
        if pdu.type is PduType.ABORT:
            source = _ABORT_SOURCES.get(pdu.encoded[8] if len(pdu.encoded) > 8 else -1, "the archive")
            why = "" if self._has_answered else _UNANSWERED.format(title=self._node.calling_ae_title)
            return ConnectionLostError(f"{source} aborted the association{why}")
        if pdu.type is PduType.RELEASE_RQ:
            with suppress(NetworkError, LimitExceededError):
                self.transport.send(RELEASE_RP, RELEASE_SECONDS, "idle")
            return ConnectionLostError("the archive released the association in the middle of an operation")
        return ProtocolError(f"it sent a PDU of type {pdu.type.name}, which does not belong here")

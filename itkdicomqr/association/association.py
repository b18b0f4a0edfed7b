"""An association: opened, used for one operation at a time, released (PS3.7, PS3.8)."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from pydicom.dataset import Dataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset
from pydicom.uid import UID

from itkdicomqr.association import dimse, status
from itkdicomqr.association.contexts import FIND, GET, MOVE, VERIFICATION, Proposal
from itkdicomqr.association.deadline import Deadline
from itkdicomqr.association.dimse import Command, Element, Field
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
from itkdicomqr.association.storing import stored_instance
from itkdicomqr.association.stream import Event, Message, Pdu, PduType, StreamReader, p_data
from itkdicomqr.association.transport import Transport
from itkdicomqr.errors import (
    ConnectionLostError,
    CorruptInstanceError,
    DeadlineError,
    LimitExceededError,
    NetworkError,
    NoPresentationContextError,
    ProtocolError,
    StatusError,
    TruncatedMatchesError,
)
from itkdicomqr.instance import Instance
from itkdicomqr.node import Node
from itkdicomqr.scan import Header, scan

MAX_PDU = 1 << 17
"""The longest PDU that we announce: archives seldom send longer ones."""

MAX_MATCH_BYTES = 1 << 16
"""The largest data set of a C-FIND response: a usual one has some hundred bytes."""

MAX_MOVE_BYTES = 1 << 22
"""The largest data set of a C-MOVE response: it lists the UIDs of what failed."""

TICK_SECONDS = 0.2
"""How long a C-MOVE listens before whoever waits for it may turn to something else."""

RELEASE_SECONDS = 2.0
"""How long a release may take; the work is done by then."""

CANCEL_SECONDS = 1.0
"""How long the archive may take to end what it was asked to cancel, before it is aborted."""

_ABORT_SOURCES = {0: "the archive's application", 2: "the archive's DICOM layer"}


@dataclass(frozen=True)
class Retrieved:
    """How a C-GET or C-MOVE ended, in the archive's words; they prove nothing (PS3.4 C.4.3).

    Attributes
    ----------
    status : int
        The final status.
    failed : int
        Failed sub-operations.
    server_comment : str
        Error Comment (0000,0902), escaped.
    """

    status: int
    failed: int
    server_comment: str

    def __str__(self) -> str:
        failures = f", {self.failed} sub-operations failed" if self.failed else ""
        return f"{status.describe(self.status)}{failures}" if self.status else f"success{failures}"


class Association:
    """One association with a node.

    Use `open` to make it, and a ``with`` statement to have it released, or aborted if an error
    leaves the block.
    """

    def __init__(self, node: Node, transport: Transport) -> None:
        self._node = node
        self._transport = transport
        self._reader = StreamReader(MAX_PDU)
        self._granted = Granted({}, 0)
        self._message_id = 0
        self._asked: Context | None = None
        self._open = True

    @classmethod
    def open(cls, node: Node, proposals: Sequence[Proposal], deadline: Deadline) -> Self:
        """Connect, and associate.

        Parameters
        ----------
        node : Node
            With whom.
        proposals : sequence of Proposal
            At most 128 presentation contexts.
        deadline : Deadline
            Of the whole call.

        Raises
        ------
        ConnectError, TLSError, DeadlineError
            There is no connection.
        AssociationRejectedError
            The archive rejects it; result, source and reason are kept.
        ProtocolError
            What listens there speaks no DICOM.
        """
        opening = deadline.part(node.timeouts.connect, "connect")
        with _placed(node, "connecting"):
            association = cls(node, Transport.connect(node, opening))
        with association._step("opening the association"):
            association._associate(proposals)
        association._transport.deadline = deadline
        return association

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if kind is None:
            self.release()
        else:
            self.abort()

    def echo(self) -> None:
        """Verify that the archive answers (C-ECHO, PS3.4 annex A).

        Raises
        ------
        StatusError
            It answers with a failure.
        """
        with self._step("C-ECHO"):
            context = self._context(VERIFICATION)
            self._request(Field.C_ECHO_RQ, context)
            response = self._response(Field.C_ECHO_RSP, context)
            if response.command.status != status.SUCCESS:
                raise _failure(response.command)

    def find(self, identifier: Dataset, model: str) -> Generator[Header, None, None]:
        """Query at the level that the identifier names (C-FIND, PS3.4 C.4.1).

        Parameters
        ----------
        identifier : Dataset
            Its keys.
        model : {"study", "patient"}
            The information model.

        Yields
        ------
        Header
            One a match, as the archive encoded it; take all of them before the next operation.

        Raises
        ------
        StatusError
            The archive refuses the query.
        TruncatedMatchesError
            It stops at a limit of its own.
        LimitExceededError
            It sends more than ``Limits.max_matches``.
        """
        with self._step("C-FIND"):
            context = self._context(FIND[model])
            self._request(Field.C_FIND_RQ, context, identifier)
            self._reader.limit(MAX_MATCH_BYTES, "which no match needs")
            yield from self._matches(context)

    def get(self, identifier: Dataset) -> Generator[Instance, None, Retrieved]:
        """Have instances sent on this association (C-GET, PS3.4 C.4.3).

        Parameters
        ----------
        identifier : Dataset
            Level and unique keys.

        Yields
        ------
        Instance
            As they come; the next is on its way while this one is worked on.

        Returns
        -------
        Retrieved
            How the archive says that it ended.
        """
        with self._step("C-GET"):
            context = self._context(GET[self._node.model])
            self._request(Field.C_GET_RQ, context, identifier)
            self._reader.limit(self._node.limits.max_instance_bytes, "raise it by Limits(max_instance_bytes=...)")
            message = self._receive("first_response")
            while message.command.field == Field.C_STORE_RQ or self._pending(message, Field.C_GET_RSP, context):
                if message.command.field == Field.C_STORE_RQ:
                    yield from self._stored(message)
                message = self._receive("idle")
            command = message.command
            return Retrieved(command.status, command.number(Element.FAILED), _comment(command))

    def move(self, identifier: Dataset, destination: str) -> Generator[bool, None, Retrieved]:
        """Have instances sent to a Storage SCP (C-MOVE, PS3.4 C.4.2).

        How long the archive may be silent is the caller's to judge: meanwhile instances may come.

        Parameters
        ----------
        identifier : Dataset
            Level and unique keys.
        destination : str
            The AE title of the Storage SCP.

        Yields
        ------
        bool
            Whether the archive said that it is at it, or nothing for a moment.

        Returns
        -------
        Retrieved
            How the archive says that it ended.
        """
        with self._step("C-MOVE"):
            context = self._context(MOVE[self._node.model])
            self._request(Field.C_MOVE_RQ, context, identifier, destination)
            self._reader.limit(MAX_MOVE_BYTES, "which no list of UIDs needs")
            message = None
            while message is None or self._pending(message, Field.C_MOVE_RSP, context):
                yield message is not None
                message = self._heard(TICK_SECONDS)
            command = message.command
            return Retrieved(command.status, command.number(Element.FAILED), _comment(command))

    @property
    def local_host(self) -> str:
        """Our address on this connection."""
        return self._transport.local_host

    @property
    def contexts(self) -> tuple[Context, ...]:
        """The presentation contexts that the archive accepted."""
        return tuple(self._granted.contexts.values())

    def accepts(self, abstract_syntax: str) -> bool:
        """Tell whether a presentation context of this class was accepted."""
        return self._granted.serving(abstract_syntax) is not None

    def release(self) -> None:
        """Release the association, and close the connection."""
        if self._open:
            self._transport.deadline = Deadline(RELEASE_SECONDS)
            with suppress(NetworkError, LimitExceededError):
                self._transport.send(RELEASE_RQ, RELEASE_SECONDS, "idle")
                while not isinstance(self._event(RELEASE_SECONDS, "idle"), Pdu):
                    pass
        self._close()

    def abort(self) -> None:
        """Abort the association, and close the connection."""
        if self._open:
            self._transport.deadline = Deadline(RELEASE_SECONDS)
            with suppress(NetworkError, LimitExceededError):
                self._transport.send(ABORT, RELEASE_SECONDS, "idle")
        self._close()

    def _close(self) -> None:
        self._open = False
        self._transport.close()

    @contextmanager
    def _step(self, step: str) -> Iterator[None]:
        """Abort when the step fails or is left, and tell in the error where and when."""
        try:
            with _placed(self._node, step):
                yield
        except (StatusError, TruncatedMatchesError):
            raise
        except BaseException as error:
            self._leave(error)
            raise

    def _leave(self, error: BaseException) -> None:
        """Abort; if nothing but the caller's will ends the operation, ask the archive to cancel it first."""
        cancelled = self._transport.deadline.cancelled
        if cancelled or isinstance(error, KeyboardInterrupt | GeneratorExit):
            with suppress(NetworkError, LimitExceededError):
                self._cancel(await_end=not cancelled)
        self.abort()

    def _cancel(self, *, await_end: bool) -> None:
        """Ask the archive to stop (C-CANCEL, PS3.7 9.3.2.3), never in the middle of a PDU, and wait until it did."""
        asked = self._asked
        if not self._open or asked is None or self._transport.sending:
            return
        self._transport.deadline = Deadline(CANCEL_SECONDS)
        self._send(asked.id, dimse.cancel(self._message_id))
        while await_end:
            message = self._receive("idle")
            if message.command.field == Field.C_STORE_RQ:
                self._send(message.context_id, dimse.store_response(message.command, status.OUT_OF_RESOURCES))
            elif message.command.status not in status.PENDING:
                self.release()
                return

    def _associate(self, proposals: Sequence[Proposal]) -> None:
        sending_failed: NetworkError | None = None
        try:
            self._transport.send(request_pdu(self._node, proposals, MAX_PDU), self._node.timeouts.connect, "connect")
        except ConnectionLostError as error:
            # A rejection may have come before the reset.
            sending_failed = error
        try:
            answer = self._event(self._node.timeouts.connect, "connect")
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
        self._granted = read_acceptance(answer.encoded, proposals, self._node.identity)

    def _context(self, abstract_syntax: str) -> Context:
        context = self._granted.serving(abstract_syntax)
        if context is None:
            message = (
                f"the archive accepts no presentation context for {UID(abstract_syntax).name}: it may not offer "
                f"this service, or not to the AE title {self._node.calling_ae_title!r}"
            )
            raise NoPresentationContextError(message)
        return context

    def _request(
        self, field: Field, context: Context, identifier: Dataset | None = None, destination: str = ""
    ) -> None:
        self._message_id = self._message_id % 0xFFFF + 1
        self._asked = context if field is not Field.C_ECHO_RQ else None
        has_data_set = identifier is not None
        command = dimse.request(
            field, self._message_id, context.abstract_syntax, data_set=has_data_set, destination=destination
        )
        self._send(context.id, command)
        if identifier is not None:
            content = _encoded(identifier, UID(context.transfer_syntax))
            self._send_parts(context.id, content, command=False)

    def _send(self, context_id: int, command: Command) -> None:
        self._send_parts(context_id, command.encode(), command=True)

    def _send_parts(self, context_id: int, content: bytes, *, command: bool) -> None:
        for part in p_data(context_id, content, command=command, max_pdu=self._granted.max_pdu):
            self._transport.send(part, self._node.timeouts.idle, "idle")

    def _response(self, field: Field, context: Context, setting: str = "first_response") -> Message:
        message = self._receive(setting)
        self._check_response(message, field, context)
        return message

    def _pending(self, message: Message, field: Field, context: Context) -> bool:
        self._check_response(message, field, context)
        return message.command.status in status.PENDING

    def _check_response(self, message: Message, field: Field, context: Context) -> None:
        if message.command.field != field:
            found = message.command.field
            raise ProtocolError(f"it answered with command 0x{found:04X} where {field.name} was due")
        if message.command.number(Element.MESSAGE_ID_BEING_RESPONDED_TO) != self._message_id:
            raise ProtocolError("it answered a request that was not made")
        if message.context_id != context.id:
            raise ProtocolError(f"it answered on presentation context {message.context_id}, not on {context.id}")
        if message.command.status not in status.PENDING:
            self._asked = None

    def _matches(self, context: Context) -> Iterator[Header]:
        limit = self._node.limits.max_matches
        response = self._response(Field.C_FIND_RSP, context)
        count = 0
        while response.command.status in status.PENDING:
            count += 1
            if count > limit:
                message = f"more than {limit} matches: narrow the search, or raise Limits(max_matches=...)"
                raise LimitExceededError(message)
            if not response.command.has_data_set:
                raise ProtocolError("it sent a match without a data set")
            yield _decoded(response.data, UID(context.transfer_syntax))
            response = self._response(Field.C_FIND_RSP, context, "idle")
        self._check_end_of_matches(response.command, count)

    def _check_end_of_matches(self, command: Command, count: int) -> None:
        if command.status in (status.CANCELLED, status.MATCHES_TRUNCATED):
            message = (
                f"{self._node.place}: C-FIND: the archive cut its answer after {count} matches: narrow the search "
                "by patient_id, date or accession_number"
            )
            raise TruncatedMatchesError(message, server_comment=_comment(command))
        if command.status != status.SUCCESS:
            raise _failure(command)

    def _stored(self, message: Message) -> Iterator[Instance]:
        """Answer for one instance, and take it (C-STORE as the SCP, PS3.4 annex B)."""
        instance = stored_instance(message, self._granted.contexts, "C-GET", self._node.limits)
        # Answered first, so that the archive sends the next instance while this one is worked on.
        self._send(message.context_id, dimse.store_response(message.command, status.SUCCESS))
        yield instance

    def _receive(self, setting: str) -> Message:
        event = self._event(getattr(self._node.timeouts, setting), setting)
        if isinstance(event, Pdu):
            raise self._interrupted(event)
        return event

    def _heard(self, seconds: float) -> Message | None:
        """Read for so long at most; a message that is not whole by then is read on the next time."""
        try:
            count = self._transport.read_into(self._reader.room(), seconds, "idle")
        except DeadlineError:
            self._transport.deadline.left(seconds)
            return None
        event = self._reader.arrived(count)
        if isinstance(event, Pdu):
            raise self._interrupted(event)
        return event

    def _event(self, seconds: float, setting: str) -> Event:
        """Read on until something is complete; after the first byte the idle timeout counts."""
        while True:
            count = self._transport.read_into(self._reader.room(), seconds, setting)
            event = self._reader.arrived(count)
            if event is not None:
                return event
            seconds, setting = self._node.timeouts.idle, "idle"

    def _interrupted(self, pdu: Pdu) -> NetworkError:
        """Say what a PDU in place of an answer means."""
        if pdu.type is PduType.ABORT:
            source = _ABORT_SOURCES.get(pdu.encoded[8] if len(pdu.encoded) > 8 else -1, "the archive")
            return ConnectionLostError(f"{source} aborted the association")
        if pdu.type is PduType.RELEASE_RQ:
            with suppress(NetworkError, LimitExceededError):
                self._transport.send(RELEASE_RP, RELEASE_SECONDS, "idle")
            return ConnectionLostError("the archive released the association in the middle of an operation")
        return ProtocolError(f"it sent a PDU of type {pdu.type.name}, which does not belong here")


@contextmanager
def _placed(node: Node, step: str) -> Iterator[None]:
    try:
        yield
    except (NetworkError, LimitExceededError) as error:
        error.place = error.place or node.place
        error.step = error.step or step
        raise


def _failure(command: Command) -> StatusError:
    message = status.describe(command.status)
    return StatusError(message, status=command.status, server_comment=_comment(command))


def _comment(command: Command) -> str:
    """Error Comment, with all that could forge a line of a log escaped."""
    return command.text(Element.ERROR_COMMENT).encode("unicode_escape").decode("ascii")


def _encoded(dataset: Dataset, syntax: UID) -> bytes:
    buffer = DicomBytesIO()
    buffer.is_implicit_VR, buffer.is_little_endian = syntax.is_implicit_VR, syntax.is_little_endian
    write_dataset(buffer, dataset)
    return buffer.getvalue()


def _decoded(data: memoryview, syntax: UID) -> Header:
    try:
        return scan(data, syntax)
    except CorruptInstanceError:
        raise ProtocolError("a match is damaged") from None

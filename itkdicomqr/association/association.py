"""An association: opened, used for one operation at a time, released (PS3.7, PS3.8)."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from pydicom.dataset import Dataset
from pydicom.uid import UID

from itkdicomqr import status
from itkdicomqr.association import dimse
from itkdicomqr.association.channel import Channel
from itkdicomqr.association.contexts import FIND, GET, MOVE, VERIFICATION, Proposal
from itkdicomqr.association.deadline import Deadline
from itkdicomqr.association.dimse import Command, Element, Field
from itkdicomqr.association.negotiation import Context
from itkdicomqr.association.storing import stored_instance
from itkdicomqr.association.stream import Message
from itkdicomqr.errors import (
    CorruptInstanceError,
    LimitExceededError,
    NetworkError,
    ProtocolError,
    StatusError,
    TruncatedMatchesError,
)
from itkdicomqr.instance import Instance
from itkdicomqr.node import Node
from itkdicomqr.outlines import Outlines
from itkdicomqr.place import placed
from itkdicomqr.prose import counted
from itkdicomqr.scan import Header
from itkdicomqr.text import escaped

MAX_MATCH_BYTES = 1 << 16
"""The largest data set of a C-FIND response: a usual one has some hundred bytes."""

MAX_MOVE_BYTES = 1 << 22
"""The largest data set of a C-MOVE response: it lists the UIDs of what failed."""

TICK_SECONDS = 0.2
"""How long a C-MOVE listens before whoever waits for it may turn to something else."""

CANCEL_SECONDS = 1.0
"""How long the archive may take to end what it was asked to cancel, and the association, before it is aborted."""


@dataclass(frozen=True)
class Retrieved:
    """How a C-GET or C-MOVE ended, in the archive's words; they prove nothing (PS3.4 C.4.3).

    Attributes
    ----------
    status : int
        The final status.
    failed : int
        Failed sub-operations.
    sent : int or None
        Completed sub-operations, with a warning or without; None where they are not counted.
    server_comment : str
        Error Comment (0000,0902), escaped.
    """

    status: int
    failed: int
    sent: int | None
    server_comment: str

    def __str__(self) -> str:
        failures = f", {counted(self.failed, 'sub-operation')} failed" if self.failed else ""
        return f"{status.describe(self.status)}{failures}" if self.status else f"success{failures}"


class Association:
    """One association with a node.

    Use `open` to make it, and a ``with`` statement to have it released, or aborted if an error
    leaves the block.
    """

    def __init__(self, node: Node, channel: Channel) -> None:
        self._node = node
        self._channel = channel
        self._message_id = 0
        self._asked: Context | None = None

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
        return cls(node, Channel.open(node, proposals, deadline))

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
            context = self._channel.context(VERIFICATION)
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
            context = self._channel.context(FIND[model])
            self._request(Field.C_FIND_RQ, context, identifier)
            self._channel.limit(MAX_MATCH_BYTES, "which no match needs")
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
            context = self._channel.context(GET[self._node.model])
            self._request(Field.C_GET_RQ, context, identifier)
            self._channel.limit(self._node.limits.max_instance_bytes, "raise it by Limits(max_instance_bytes=...)")
            message = self._channel.receive("first_response")
            while message.command.field == Field.C_STORE_RQ or self._pending(message, Field.C_GET_RSP, context):
                if message.command.field == Field.C_STORE_RQ:
                    yield from self._stored(message)
                message = self._channel.receive("idle")
            return _retrieved(message.command)

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
            True after a pending response, False if nothing came for `TICK_SECONDS`.

        Returns
        -------
        Retrieved
            How the archive says that it ended.
        """
        with self._step("C-MOVE"):
            context = self._channel.context(MOVE[self._node.model])
            self._request(Field.C_MOVE_RQ, context, identifier, destination)
            self._channel.limit(MAX_MOVE_BYTES, "which no list of UIDs needs")
            message = None
            while message is None or self._pending(message, Field.C_MOVE_RSP, context):
                yield message is not None
                message = self._channel.heard(TICK_SECONDS)
            return _retrieved(message.command)

    @property
    def local_host(self) -> str:
        """Our address on this connection."""
        return self._channel.transport.local_host

    @property
    def contexts(self) -> tuple[Context, ...]:
        """The presentation contexts that the archive accepted."""
        return tuple(self._channel.granted.contexts.values())

    def accepts(self, abstract_syntax: str) -> bool:
        """Tell whether a presentation context of this class was accepted."""
        return self._channel.granted.serving(abstract_syntax) is not None

    def release(self) -> None:
        """Release the association, and close the connection."""
        self._channel.release()

    def abort(self) -> None:
        """Abort the association, and close the connection."""
        self._channel.abort()

    @contextmanager
    def _step(self, step: str) -> Iterator[None]:
        """Abort when the step fails or is left, and tell in the error where and when."""
        try:
            with placed(self._node.place, step):
                yield
        except (StatusError, TruncatedMatchesError):
            raise
        except BaseException as error:
            self._leave(error)
            raise

    def _leave(self, error: BaseException) -> None:
        """Abort; if nothing but the caller's will ends the operation, ask the archive to cancel it first."""
        cancelled = self._channel.transport.deadline.cancelled
        if cancelled or isinstance(error, KeyboardInterrupt | GeneratorExit):
            with suppress(NetworkError, LimitExceededError):
                self._cancel(await_end=not cancelled)
        self.abort()

    def _cancel(self, *, await_end: bool) -> None:
        """Ask the archive to stop (C-CANCEL, PS3.7 9.3.2.3), never in the middle of a PDU, and wait until it did."""
        asked = self._asked
        if not self._channel.is_open or asked is None or self._channel.transport.sending:
            return
        deadline = self._channel.transport.deadline = Deadline(CANCEL_SECONDS)
        self._channel.send(asked.id, dimse.cancel(self._message_id))
        while await_end:
            message = self._channel.receive("idle")
            if message.command.field == Field.C_STORE_RQ:
                self._channel.send(message.context_id, dimse.store_response(message.command, status.OUT_OF_RESOURCES))
            elif not status.is_pending(message.command.status):
                self._channel.release(deadline.remaining)
                return

    def _request(
        self, field: Field, context: Context, identifier: Dataset | None = None, destination: str = ""
    ) -> None:
        if self._asked is not None:
            raise ProtocolError("another operation is under way on this association")
        self._message_id = self._message_id % 0xFFFF + 1
        self._asked = context if field is not Field.C_ECHO_RQ else None
        has_data_set = identifier is not None
        command = dimse.request(
            field, self._message_id, context.abstract_syntax, data_set=has_data_set, destination=destination
        )
        self._channel.send(context.id, command)
        if identifier is not None:
            self._channel.send_data(context, identifier)

    def _response(self, field: Field, context: Context, setting: str = "first_response") -> Message:
        message = self._channel.receive(setting)
        self._check_response(message, field, context)
        return message

    def _pending(self, message: Message, field: Field, context: Context) -> bool:
        self._check_response(message, field, context)
        return status.is_pending(message.command.status)

    def _check_response(self, message: Message, field: Field, context: Context) -> None:
        if message.command.field != field:
            found = message.command.field
            raise ProtocolError(f"it answered with command 0x{found:04X} where {field.name} was due")
        if message.command.number(Element.MESSAGE_ID_BEING_RESPONDED_TO) != self._message_id:
            raise ProtocolError("it answered a request that was not made")
        if message.context_id != context.id:
            raise ProtocolError(f"it answered on presentation context {message.context_id}, not on {context.id}")
        if not status.is_pending(message.command.status):
            self._asked = None

    def _matches(self, context: Context) -> Iterator[Header]:
        limit = self._node.limits.max_matches
        response = self._response(Field.C_FIND_RSP, context)
        outlines, syntax = Outlines(), UID(context.transfer_syntax)
        count = 0
        while status.is_pending(response.command.status):
            count += 1
            if count > limit:
                message = f"more than {limit} matches: narrow the search, or raise Limits(max_matches=...)"
                raise LimitExceededError(message)
            if not response.command.has_data_set:
                raise ProtocolError("it sent a match without a data set")
            yield _decoded(response.data, syntax, outlines)
            response = self._response(Field.C_FIND_RSP, context, "idle")
        self._check_end_of_matches(response.command, count)

    def _check_end_of_matches(self, command: Command, count: int) -> None:
        if command.status in (status.CANCELLED, status.LIMIT_REACHED):
            message = (
                f"{self._node.place}: C-FIND: the archive cut its answer after {count} matches: narrow the search "
                "by patient_id, date or accession_number"
            )
            raise TruncatedMatchesError(message, server_comment=_comment(command))
        if command.status != status.SUCCESS:
            raise _failure(command)

    def _stored(self, message: Message) -> Iterator[Instance]:
        """Answer for one instance, and take it (C-STORE as the SCP, PS3.4 annex B)."""
        instance = stored_instance(message, self._channel.granted.contexts, "C-GET", self._node.limits)
        # Answered first, so that the archive sends the next instance while this one is worked on.
        self._channel.send(message.context_id, dimse.store_response(message.command, status.SUCCESS))
        yield instance


def _failure(command: Command) -> StatusError:
    message = status.describe(command.status)
    return StatusError(message, status=command.status, server_comment=_comment(command))


def _retrieved(command: Command) -> Retrieved:
    completed = command.number(Element.COMPLETED) + command.number(Element.WARNING)
    sent = completed if Element.COMPLETED in command.elements else None
    return Retrieved(command.status, command.number(Element.FAILED), sent, _comment(command))


def _comment(command: Command) -> str:
    """Error Comment, with all that could forge a line of a log escaped."""
    return escaped(command.text(Element.ERROR_COMMENT))


def _decoded(data: memoryview, syntax: UID, outlines: Outlines) -> Header:
    try:
        return outlines.scan(data, syntax)
    except CorruptInstanceError:
        raise ProtocolError("a match is damaged") from None

"""The bytes of an association, cut into PDUs and messages; no socket in sight (PS3.8 9.3).

The reader tells where the next bytes belong, whoever reads puts them there, and says how many
came. So a fragment of a data set goes from the socket straight to its place in the message,
and any split of the stream gives the same events.
"""

from __future__ import annotations

import struct
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import IntEnum

from itkdicomqr.association.dimse import Command
from itkdicomqr.errors import LimitExceededError, ProtocolError

MAX_ASSOCIATION_PDU = 1 << 20
MAX_COMMAND_BYTES = 1 << 16
PDU_TOLERANCE = 6
"""Some archives count the PDU's header in the maximum length that we announce."""

MAX_WASTE = 1 / 16
"""How much larger than its data set a buffer may stay; a smaller data set is copied out of it."""

MAX_GIVEN = 4
"""How many buffers are remembered to be used again."""

PDU_HEADER = struct.Struct(">BxI")
PDV_HEADER = struct.Struct(">IBB")
COMMAND_FRAGMENT = 0x01
LAST_FRAGMENT = 0x02

_OTHERS = {
    b"HTTP/": "this port speaks HTTP, not DICOM: ask for the archive's DICOM (DIMSE) port, often 104, 4242 or 11112",
    b"\x15\x03": "this port speaks TLS: give dicoms://, or ask for the archive's port without TLS",
}
"""What other protocols answer to an association request: how it begins, and what to try."""


class PduType(IntEnum):
    """PDU types (PS3.8 9.3.1)."""

    ASSOCIATE_RQ = 1
    ASSOCIATE_AC = 2
    ASSOCIATE_RJ = 3
    P_DATA_TF = 4
    RELEASE_RQ = 5
    RELEASE_RP = 6
    ABORT = 7


@dataclass(frozen=True)
class Pdu:
    """A PDU that is no P-DATA-TF, header included."""

    type: PduType
    encoded: bytes


@dataclass(frozen=True)
class Message:
    """A whole DIMSE message."""

    context_id: int
    command: Command
    data: memoryview


Event = Pdu | Message


class StreamReader:
    """Cut what arrives into events.

    Parameters
    ----------
    max_pdu : int
        The maximum length that we announced.
    max_message : int
        The largest data set to accept, in bytes, until `limit` sets another.

    Examples
    --------
    >>> reader = StreamReader(max_pdu=16384, max_message=1 << 20)
    >>> len(reader.room())
    6
    """

    def __init__(self, max_pdu: int, max_message: int = 0) -> None:
        self._max_pdu = max_pdu
        self._command = _Fragments(MAX_COMMAND_BYTES, "a command set", "which no request needs")
        self.limit(max_message)
        self._parsed: Command | None = None
        self._context_id = 0
        self._unread_of_pdu = 0
        self._await_header()

    def limit(self, max_message: int, cure: str = "which no answer needs") -> None:
        """Set the largest data set to accept from the next message on, and what an error says of it."""
        self._data = _Fragments(max_message, "a data set", cure)

    def room(self) -> memoryview:
        """Tell where the next bytes belong; never empty."""
        return self._view[self._filled :]

    def arrived(self, count: int) -> Event | None:
        """Take note that ``count`` bytes were put into `room`.

        Returns
        -------
        Pdu, Message or None
            What is complete now.

        Raises
        ------
        ProtocolError
            These bytes are no DICOM.
        LimitExceededError
            A length is larger than what was announced or allowed.
        """
        self._filled += count
        return self._then() if self._filled == len(self._view) else None

    def _await(self, view: memoryview, then: Callable[[], Event | None]) -> None:
        self._view, self._filled, self._then = view, 0, then

    def _await_header(self) -> None:
        self._await(memoryview(bytearray(PDU_HEADER.size)), self._pdu_begins)

    def _pdu_begins(self) -> Event | None:
        number, length = PDU_HEADER.unpack(self._view)
        if number not in iter(PduType):
            raise ProtocolError(_no_dicom(bytes(self._view)))
        if number == PduType.P_DATA_TF:
            _check(length, self._max_pdu + PDU_TOLERANCE, "a P-DATA PDU", "the maximum length that was announced")
            self._unread_of_pdu = length
            self._next_pdv()
            return None
        _check(length, MAX_ASSOCIATION_PDU, "an association PDU", "which no association needs")
        body = bytearray(self._view) + bytearray(length)
        self._await(memoryview(body), lambda: self._pdu_ends(PduType(number)))
        self._filled = PDU_HEADER.size
        return self._then() if length == 0 else None

    def _pdu_ends(self, kind: PduType) -> Pdu:
        pdu = Pdu(kind, bytes(self._view))
        self._await_header()
        return pdu

    def _next_pdv(self) -> None:
        if self._unread_of_pdu == 0:
            self._await_header()
        elif self._unread_of_pdu < PDV_HEADER.size:
            raise ProtocolError("a P-DATA PDU ends within the header of a presentation data value")
        else:
            self._await(memoryview(bytearray(PDV_HEADER.size)), self._pdv_begins)

    def _pdv_begins(self) -> Event | None:
        length, context_id, control = PDV_HEADER.unpack(self._view)
        if not 2 <= length <= self._unread_of_pdu - 4:
            raise ProtocolError(f"a presentation data value of {length} bytes does not fit its PDU")
        self._unread_of_pdu -= length + 4
        self._enter(context_id, command=bool(control & COMMAND_FRAGMENT))
        fragments = self._command if control & COMMAND_FRAGMENT else self._data
        last = bool(control & LAST_FRAGMENT)
        if length == 2:
            return self._fragment_ends(last=last)
        self._await(fragments.room(length - 2), lambda: self._fragment_ends(last=last))
        return None

    def _enter(self, context_id: int, *, command: bool) -> None:
        """Check that a fragment belongs to the message that is under way (PS3.7 6.3.1, PS3.8 annex E)."""
        if command and self._parsed is not None:
            raise ProtocolError("a command set came in the middle of a data set")
        if not command and self._parsed is None:
            raise ProtocolError("a data set came without a command set")
        if self._context_id not in (0, context_id):
            raise ProtocolError("a message changed its presentation context halfway")
        self._context_id = context_id

    def _fragment_ends(self, *, last: bool) -> Event | None:
        message = self._part_ends() if last else None
        self._next_pdv()
        return message

    def _part_ends(self) -> Message | None:
        if self._parsed is None:
            self._parsed = Command.parse(self._command.take())
            if self._parsed.has_data_set:
                return None
        message = Message(self._context_id, self._parsed, self._data.take())
        self._parsed, self._context_id = None, 0
        return message


class _Fragments:
    """The fragments of one command or data set, one behind the other in one buffer."""

    def __init__(self, limit: int, what: str, cure: str) -> None:
        self._limit, self._what, self._cure = limit, what, cure
        self._used = 0
        self._buffer = bytearray()
        self._given: deque[bytearray] = deque(maxlen=MAX_GIVEN)
        self._expected = 0

    def room(self, size: int) -> memoryview:
        """Give the place of the next fragment."""
        end = self._used + size
        _check(end, self._limit, self._what, self._cure)
        if end > len(self._buffer):
            # The instances of a series are alike: the last one's size spares all growing.
            grown = self._new_buffer(min(self._limit, max(end, 2 * len(self._buffer), self._expected)))
            grown[: self._used] = memoryview(self._buffer)[: self._used]
            self._buffer = grown
        view = memoryview(self._buffer)[self._used : end]
        self._used = end
        return view

    def take(self) -> memoryview:
        """Give all of it away, and begin anew."""
        if not self._used:
            return memoryview(b"")
        whole = memoryview(self._buffer)[: self._used].toreadonly()
        if len(self._buffer) > (1 + MAX_WASTE) * self._used:
            whole = memoryview(bytes(whole))
        self._given.append(self._buffer)
        self._expected, self._used, self._buffer = self._used, 0, bytearray()
        return whole

    def _new_buffer(self, size: int) -> bytearray:
        """Give a buffer that was given away and that nobody holds any more: fresh memory costs more than a copy."""
        for buffer in self._given:
            if size <= len(buffer) <= 2 * size and _is_free(buffer):
                self._given.remove(buffer)
                return buffer
        return bytearray(size)


def _is_free(buffer: bytearray) -> bool:
    """Tell whether no memoryview of a buffer is left: until then it refuses to change its size."""
    try:
        buffer.append(0)
    except BufferError:
        return False
    buffer.pop()
    return True


def p_data(context_id: int, content: bytes, *, command: bool, max_pdu: int) -> Iterator[bytes]:
    """Cut a command or data set into P-DATA-TF PDUs (PS3.8 9.3.5).

    Parameters
    ----------
    context_id : int
        The presentation context.
    content : bytes
        The encoded set.
    command : bool
        Whether it is a command set.
    max_pdu : int
        The maximum length that the peer announced; 0 is no limit.
    """
    size = (max_pdu or MAX_ASSOCIATION_PDU) - PDV_HEADER.size
    for start in range(0, len(content), size):
        fragment = content[start : start + size]
        last = LAST_FRAGMENT if start + size >= len(content) else 0
        control = (COMMAND_FRAGMENT if command else 0) | last
        length = len(fragment) + 2
        header = PDU_HEADER.pack(PduType.P_DATA_TF, length + 4) + PDV_HEADER.pack(length, context_id, control)
        yield header + fragment


def _check(size: int, limit: int, what: str, cure: str) -> None:
    if size > limit:
        message = f"{what} of {size} bytes exceeds the limit of {limit}: {cure}"
        raise LimitExceededError(message)


def _no_dicom(header: bytes) -> str:
    words = (text for beginning, text in _OTHERS.items() if header.startswith(beginning))
    return next(words, f"this port does not speak DICOM: what came begins with {header!r}")

"""The bytes of an association, cut into PDUs and messages; no socket in sight (PS3.8 9.3).

The reader tells where the next bytes belong, whoever reads puts them there, and says how many
came. So a fragment of a data set goes from the socket straight to its place in the message,
and any split of the stream gives the same events.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import IntEnum

from itkdicomqr.association.dimse import Command
from itkdicomqr.buffers import Fragments, check_size
from itkdicomqr.errors import ProtocolError

MAX_ASSOCIATION_PDU = 1 << 20
MAX_COMMAND_BYTES = 1 << 16
LEAST_PDU = 4
"""What follows the header of a PDU other than P-DATA-TF (PS3.8 9.3.4 to 9.3.8)."""

PDU_TOLERANCE = 6
"""Some archives count the PDU's header in the maximum length that we announce."""

PDU_HEADER = struct.Struct(">BxI")
PDV_HEADER = struct.Struct(">IBB")
HEADERS = PDU_HEADER.size + PDV_HEADER.size
"""A P-DATA-TF PDU and its first presentation data value begin with so many bytes, read at once."""

COMMAND_FRAGMENT = 0x01
LAST_FRAGMENT = 0x02

_OTHERS = {
    b"HTTP/": "this port speaks HTTP, not DICOM: ask for the archive's DICOM (DIMSE) port, often 104, 4242 or 11112",
    b"\x15\x03": "this port speaks TLS: give dicoms://, or ask for the archive's port without TLS",
    b"\x16\x03": "it begins a TLS handshake: give receiver_tls=TLS(certificate=...), or have TLS turned off there",
}
"""What comes of other protocols in place of DICOM: how it begins, and what to try."""


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
    12
    """

    def __init__(self, max_pdu: int, max_message: int = 0) -> None:
        self._max_pdu = max_pdu
        self._command = Fragments(MAX_COMMAND_BYTES, "a command set", "which no request needs")
        self.limit(max_message)
        self._parsed: Command | None = None
        self._context_id = 0
        self._headers = memoryview(bytearray(HEADERS))
        self._unread_of_pdu = 0
        self._last = False
        self._await_headers()

    def limit(self, max_message: int, cure: str = "which no answer needs") -> None:
        """Set the largest data set to accept from the next message on, and what an error says of it."""
        self._data = Fragments(max_message, "a data set", cure)

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
        return self._then()

    def _await(self, view: memoryview, then: Callable[[], Event | None], filled: int = 0) -> None:
        self._view, self._filled, self._then = view, filled, then

    def _await_headers(self, begun: bytes = b"") -> None:
        self._headers[: len(begun)] = begun
        self._await(self._headers, self._headers_grow, len(begun))

    def _headers_grow(self) -> Event | None:
        """Take up the PDU whose header is there, with what came of its content."""
        if self._filled < PDU_HEADER.size:
            return None
        number, length = PDU_HEADER.unpack_from(self._headers)
        if number == PduType.P_DATA_TF:
            return self._p_data_begins(length)
        if number not in iter(PduType):
            raise ProtocolError(_no_dicom(bytes(self._headers[: PDU_HEADER.size])))
        return self._pdu_begins(length)

    def _p_data_begins(self, length: int) -> Event | None:
        check_size(length, self._max_pdu + PDU_TOLERANCE, "a P-DATA PDU", "the maximum length that was announced")
        if length == 0:
            self._await_headers(bytes(self._headers[PDU_HEADER.size : self._filled]))
            return self._headers_grow()
        self._check_pdv_header_fits(length)
        if self._filled < HEADERS:
            return None
        self._unread_of_pdu = length
        return self._pdv_begins(self._headers[PDU_HEADER.size :])

    def _pdu_begins(self, length: int) -> Event | None:
        if length < LEAST_PDU:
            raise ProtocolError(f"a PDU of type {self._headers[0]} has {length} bytes; every one has {LEAST_PDU}")
        check_size(length, MAX_ASSOCIATION_PDU, "an association PDU", "which no association needs")
        size = PDU_HEADER.size + length
        begun = bytes(self._headers[: self._filled])
        if len(begun) >= size:
            self._await_headers(begun[size:])
            return Pdu(PduType(begun[0]), begun[:size])
        whole = memoryview(bytearray(size))
        whole[: len(begun)] = begun
        self._await(whole, self._pdu_grows, len(begun))
        return None

    def _pdu_grows(self) -> Pdu | None:
        if self._filled < len(self._view):
            return None
        pdu = Pdu(PduType(self._view[0]), bytes(self._view))
        self._await_headers()
        return pdu

    def _next_pdv(self) -> None:
        if self._unread_of_pdu == 0:
            self._await_headers()
        else:
            self._check_pdv_header_fits(self._unread_of_pdu)
            self._await(self._headers[: PDV_HEADER.size], self._pdv_header_grows)

    def _check_pdv_header_fits(self, length: int) -> None:
        if length < PDV_HEADER.size:
            raise ProtocolError("a P-DATA PDU ends within the header of a presentation data value")

    def _pdv_header_grows(self) -> Event | None:
        return self._pdv_begins(self._view) if self._filled == PDV_HEADER.size else None

    def _pdv_begins(self, header: memoryview) -> Event | None:
        length, context_id, control = PDV_HEADER.unpack(header)
        if not 2 <= length <= self._unread_of_pdu - 4:
            raise ProtocolError(f"a presentation data value of {length} bytes does not fit its PDU")
        self._unread_of_pdu -= length + 4
        self._enter(context_id, command=bool(control & COMMAND_FRAGMENT))
        fragments = self._command if control & COMMAND_FRAGMENT else self._data
        self._last = bool(control & LAST_FRAGMENT)
        self._await(fragments.room(length - 2), self._fragment_ends)
        return self._fragment_ends() if length == 2 else None

    def _enter(self, context_id: int, *, command: bool) -> None:
        """Check that a fragment belongs to the message that is under way (PS3.7 6.3.1, PS3.8 annex E)."""
        if command and self._parsed is not None:
            raise ProtocolError("a command set came in the middle of a data set")
        if not command and self._parsed is None:
            raise ProtocolError("a data set came without a command set")
        if self._context_id not in (0, context_id):
            raise ProtocolError("a message changed its presentation context halfway")
        self._context_id = context_id

    def _fragment_ends(self) -> Event | None:
        if self._filled < len(self._view):
            return None
        message = self._part_ends() if self._last else None
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


def _no_dicom(header: bytes) -> str:
    words = (text for beginning, text in _OTHERS.items() if header.startswith(beginning))
    return next(words, f"this port does not speak DICOM: what came begins with {header!r}")

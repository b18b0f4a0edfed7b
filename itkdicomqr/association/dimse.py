"""DIMSE command sets: the small headers of every message (PS3.7 6.3, 9.3, annex E).

They are always Implicit VR Little Endian, and are read and written here: in a C-GET one pair
goes with each instance.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Self

from itkdicomqr.errors import ProtocolError

NO_DATA_SET = 0x0101
DATA_SET_FOLLOWS = 0x0001
PRIORITY_MEDIUM = 0x0000

_PREFIX = struct.Struct("<HHI")
"""Group, element and length."""


class Field(IntEnum):
    """Command Field values (PS3.7 E.1)."""

    C_STORE_RQ = 0x0001
    C_STORE_RSP = 0x8001
    C_GET_RQ = 0x0010
    C_GET_RSP = 0x8010
    C_FIND_RQ = 0x0020
    C_FIND_RSP = 0x8020
    C_MOVE_RQ = 0x0021
    C_MOVE_RSP = 0x8021
    C_ECHO_RQ = 0x0030
    C_ECHO_RSP = 0x8030
    C_CANCEL_RQ = 0x0FFF


class Element(IntEnum):
    """Element numbers of group 0000 (PS3.7 E.1)."""

    GROUP_LENGTH = 0x0000
    AFFECTED_SOP_CLASS_UID = 0x0002
    COMMAND_FIELD = 0x0100
    MESSAGE_ID = 0x0110
    MESSAGE_ID_BEING_RESPONDED_TO = 0x0120
    MOVE_DESTINATION = 0x0600
    PRIORITY = 0x0700
    COMMAND_DATA_SET_TYPE = 0x0800
    STATUS = 0x0900
    ERROR_COMMENT = 0x0902
    AFFECTED_SOP_INSTANCE_UID = 0x1000
    REMAINING = 0x1020
    COMPLETED = 0x1021
    FAILED = 0x1022
    WARNING = 0x1023


def _text(value: bytes) -> str:
    return value.decode("ascii", "backslashreplace").rstrip("\0 ")


def _short(value: bytes) -> int:
    if len(value) != 2:
        raise _damaged()
    return int.from_bytes(value, "little")


_READERS: Mapping[int, Callable[[bytes], int | str]] = {
    Element.AFFECTED_SOP_CLASS_UID: _text,
    Element.COMMAND_FIELD: _short,
    Element.MESSAGE_ID: _short,
    Element.MESSAGE_ID_BEING_RESPONDED_TO: _short,
    Element.MOVE_DESTINATION: _text,
    Element.COMMAND_DATA_SET_TYPE: _short,
    Element.STATUS: _short,
    Element.ERROR_COMMENT: _text,
    Element.AFFECTED_SOP_INSTANCE_UID: _text,
    Element.REMAINING: _short,
    Element.COMPLETED: _short,
    Element.FAILED: _short,
    Element.WARNING: _short,
}


@dataclass(frozen=True)
class Command:
    """A command set.

    Attributes
    ----------
    elements : mapping of int to int or str
        Value by element number.
    """

    elements: Mapping[int, int | str]

    @classmethod
    def parse(cls, encoded: bytes | bytearray | memoryview) -> Self:
        """Read an encoded command set.

        Raises
        ------
        ProtocolError
            An element reaches beyond the end, or a number is not of two bytes.
        """
        elements: dict[int, int | str] = {}
        content = bytes(encoded)
        end = 0
        while end < len(content):
            try:
                group, element, length = _PREFIX.unpack_from(content, end)
            except struct.error:
                raise _damaged() from None
            start = end + _PREFIX.size
            end = start + length
            if end > len(content):
                raise _damaged()
            # Orthanc appends the status detail of group 0008 to its command sets.
            read = _READERS.get(element) if group == 0 and length else None
            if read is not None:
                elements[element] = read(content[start:end])
        return cls(elements)

    def encode(self) -> bytes:
        """Write it, its group length first."""
        body = b"".join(_encoded(element, value) for element, value in sorted(self.elements.items()))
        return struct.pack("<HHII", 0, Element.GROUP_LENGTH, 4, len(body)) + body

    def number(self, element: Element) -> int:
        """An integer value; 0 where it is absent."""
        value = self.elements.get(element, 0)
        return value if isinstance(value, int) else 0

    def text(self, element: Element) -> str:
        """A text value; empty where it is absent."""
        return str(self.elements.get(element, ""))

    @property
    def field(self) -> int:
        """Which request or response it is."""
        return self.number(Element.COMMAND_FIELD)

    @property
    def status(self) -> int:
        """The status of a response; -1 where it is absent."""
        return self.number(Element.STATUS) if Element.STATUS in self.elements else -1

    @property
    def has_data_set(self) -> bool:
        """Whether a data set follows."""
        return self.elements.get(Element.COMMAND_DATA_SET_TYPE, NO_DATA_SET) != NO_DATA_SET


def request(field: Field, message_id: int, sop_class_uid: str, *, data_set: bool, destination: str = "") -> Command:
    """Make a C-ECHO, C-FIND, C-GET or C-MOVE request (PS3.7 9.3), the last with the AE title of its destination."""
    elements: dict[int, int | str] = {
        Element.AFFECTED_SOP_CLASS_UID: sop_class_uid,
        Element.COMMAND_FIELD: field,
        Element.MESSAGE_ID: message_id,
        Element.COMMAND_DATA_SET_TYPE: DATA_SET_FOLLOWS if data_set else NO_DATA_SET,
    }
    if data_set:
        elements[Element.PRIORITY] = PRIORITY_MEDIUM
    if destination:
        # An AE title is padded with a space (PS3.5 6.2), where a UID takes a zero.
        elements[Element.MOVE_DESTINATION] = destination + " " * (len(destination) % 2)
    return Command(elements)


def cancel(message_id: int) -> Command:
    """Ask to stop the operation that a request began (PS3.7 9.3.2.3)."""
    return Command(
        {
            Element.COMMAND_FIELD: Field.C_CANCEL_RQ,
            Element.MESSAGE_ID_BEING_RESPONDED_TO: message_id,
            Element.COMMAND_DATA_SET_TYPE: NO_DATA_SET,
        }
    )


def echo_response(request: Command) -> Command:
    """Answer a C-ECHO request (PS3.7 9.3.5.2)."""
    return Command(
        {
            Element.AFFECTED_SOP_CLASS_UID: request.text(Element.AFFECTED_SOP_CLASS_UID),
            Element.COMMAND_FIELD: Field.C_ECHO_RSP,
            Element.MESSAGE_ID_BEING_RESPONDED_TO: request.number(Element.MESSAGE_ID),
            Element.COMMAND_DATA_SET_TYPE: NO_DATA_SET,
            Element.STATUS: 0,
        }
    )


def store_response(stored: Command, status: int) -> Command:
    """Answer a C-STORE request (PS3.7 9.3.1.2)."""
    return Command(
        {
            Element.AFFECTED_SOP_CLASS_UID: stored.text(Element.AFFECTED_SOP_CLASS_UID),
            Element.COMMAND_FIELD: Field.C_STORE_RSP,
            Element.MESSAGE_ID_BEING_RESPONDED_TO: stored.number(Element.MESSAGE_ID),
            Element.COMMAND_DATA_SET_TYPE: NO_DATA_SET,
            Element.STATUS: status,
            Element.AFFECTED_SOP_INSTANCE_UID: stored.text(Element.AFFECTED_SOP_INSTANCE_UID),
        }
    )


def _encoded(element: int, value: int | str) -> bytes:
    content = struct.pack("<H", value) if isinstance(value, int) else value.encode("ascii")
    content += b"\0" * (len(content) % 2)
    return _PREFIX.pack(0, element, len(content)) + content


def _damaged() -> ProtocolError:
    return ProtocolError("a DIMSE command set is damaged")

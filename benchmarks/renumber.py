"""Presentation contexts numbered as each client numbers them.

The scenes of faults speak of the identifiers that itkdicomqr proposes; other clients propose the same
contexts under other ones. What passes between the two is renumbered; all else passes as it is, at once.
"""

from __future__ import annotations

from collections.abc import Mapping

from pydicom import uid
from pynetdicom.pdu import A_ASSOCIATE_RQ

from benchmarks.relay import Translate
from itkdicomqr.association.contexts import GET
from itkdicomqr.association.stream import PDU_HEADER, PDV_HEADER, PduType
from tests.faults import SERVICE, STORAGE

FIXED_FIELDS = 68
"""What an A-ASSOCIATE-AC holds between its header and its items (PS3.8 9.3.3)."""

BEFORE_PARTS: Mapping[int, int] = {PduType.P_DATA_TF: 0, PduType.ASSOCIATE_AC: FIXED_FIELDS}
"""How far into a PDU its first presentation data value or item begins; of others all passes as it is."""

CONTEXT_ITEM = 0x21
ITEM_HEAD = 5
"""Type, reserved byte, length, and the first byte of the value: of a presentation context its identifier."""

AT = 4
"""Where the identifier stands in the head of an item and of a presentation data value."""


def renumbering() -> tuple[Translate, Translate]:
    """Make what changes the bytes of one connection: those of the client, and those of the server."""
    connection = _Renumbering()
    return connection.asked, connection.answered


def numbers_of(request: bytes) -> dict[int, int]:
    """Tell which identifiers a client proposes for the contexts of the scenes."""
    asked = A_ASSOCIATE_RQ()
    asked.decode(request)
    wanted = {SERVICE: GET["study"], STORAGE: uid.CTImageStorage}
    return {
        number: context.context_id
        for number, sop_class in wanted.items()
        for context in reversed(asked.presentation_context)
        if context.abstract_syntax == sop_class and uid.ExplicitVRLittleEndian in context.transfer_syntax
    }


class _Renumbering:
    def __init__(self) -> None:
        self._request = bytearray()
        self._numbers: dict[int, int] = {}
        self._held = bytearray()
        self._kind = 0
        self._unchanged = self._of_pdu = 0

    def asked(self, content: bytes) -> bytes:
        """Look for the proposed contexts."""
        if not self._numbers:
            self._request += content
            length = PDU_HEADER.size + int.from_bytes(self._request[2 : PDU_HEADER.size], "big")
            if len(self._request) >= length:
                self._numbers = numbers_of(bytes(self._request[:length]))
        return content

    def answered(self, content: bytes) -> bytes:
        """Renumber; only the head of a part may have to wait for its rest."""
        self._held += content
        passed = bytearray()
        while self._held and (part := self._next()) is not None:
            passed += part
        return bytes(passed)

    def _next(self) -> bytes | None:
        if self._unchanged:
            part = self._take(min(self._unchanged, len(self._held)))
            self._unchanged -= len(part)
            return part
        return self._part() if self._of_pdu else self._pdu()

    def _pdu(self) -> bytes | None:
        if len(self._held) < PDU_HEADER.size:
            return None
        header = self._take(PDU_HEADER.size)
        self._kind, self._of_pdu = PDU_HEADER.unpack(header)
        self._pass_on(BEFORE_PARTS.get(self._kind, self._of_pdu))
        return header

    def _part(self) -> bytes | None:
        """Renumber the head of a presentation data value, or of an item."""
        size = PDV_HEADER.size if self._kind == PduType.P_DATA_TF else ITEM_HEAD
        if self._of_pdu < size:
            self._pass_on(self._of_pdu)
            return b""
        if len(self._held) < size:
            return None
        head = bytearray(self._take(size))
        self._of_pdu -= size
        if self._kind == PduType.P_DATA_TF:
            self._pass_on(int.from_bytes(head[:AT], "big") - 2)
        else:
            self._pass_on(int.from_bytes(head[2:AT], "big") - 1)
        if self._kind == PduType.P_DATA_TF or head[0] == CONTEXT_ITEM:
            head[AT] = self._numbers.get(head[AT], head[AT])
        return bytes(head)

    def _pass_on(self, size: int) -> None:
        """Let so many bytes of the PDU pass as they are."""
        self._unchanged = max(0, min(size, self._of_pdu))
        self._of_pdu -= self._unchanged

    def _take(self, size: int) -> bytes:
        taken = bytes(self._held[:size])
        del self._held[:size]
        return taken

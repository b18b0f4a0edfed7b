"""A plain socket server that plays what Orthanc sent: the same bytes without Orthanc's own time.

Each instance's command set and data set are those that Orthanc sent once; only the presentation
context and the length of the PDUs are those that the client now at hand negotiates.
"""

from __future__ import annotations

import struct
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from io import BytesIO
from socketserver import StreamRequestHandler, ThreadingTCPServer
from typing import Any

from pydicom import uid
from pydicom.dataset import Dataset
from pydicom.filereader import read_dataset
from pynetdicom.pdu import A_ASSOCIATE_RQ

from benchmarks import floor
from benchmarks.data import Series
from itkdicomqr import Node
from itkdicomqr.association.dimse import DATA_SET_FOLLOWS, NO_DATA_SET, Command, Element, Field
from itkdicomqr.association.stream import PduType, p_data
from itkdicomqr.instance import encoded
from tests.faults import RELEASED, acceptance, message

HOST = "127.0.0.1"
AE_TITLE = "REPLAY"
LONGEST_PDU = 131072
"""DCMTK, and Orthanc with it, sends no longer ones."""

PDV = struct.Struct(">IBB")
PENDING, SUCCESS = 0xFF00, 0x0000
ENCODING = uid.ExplicitVRLittleEndian


@dataclass(frozen=True)
class Recording:
    """What Orthanc sent of a series: encoded command and data set of each instance, by SOP Instance UID."""

    instances: Mapping[str, tuple[bytes, bytes]]
    made: dict[tuple[object, ...], Any] = field(default_factory=dict)
    """What was framed for one association serves the next that negotiates the same."""

    @classmethod
    def of(cls, node: Node, series: Series) -> Recording:
        """Take the series from an archive."""
        instances: dict[str, tuple[bytes, bytes]] = {}

        def keep(command: bytes, data: bytes) -> None:
            instances[Command.parse(command).text(Element.AFFECTED_SOP_INSTANCE_UID)] = (command, data)

        floor.retrieve(node, series.study_uid, series.series_uid, memoryview(bytearray(1 << 20)), keep)
        assert len(instances) == series.slices
        return cls(instances)

    def framed(self, context_id: int, max_pdu: int) -> Mapping[str, bytes]:
        """Cut each instance's C-STORE request into PDUs."""
        key = (context_id, max_pdu)
        if key not in self.made:
            self.made[key] = {
                name: b"".join(
                    pdu
                    for content, is_command in ((command, True), (data, False))
                    for pdu in p_data(context_id, content, command=is_command, max_pdu=max_pdu)
                )
                for name, (command, data) in self.instances.items()
            }
        framed: Mapping[str, bytes] = self.made[key]
        return framed

    def listed(self, keys: bytes, context_id: int, request: Command, max_pdu: int) -> bytes:
        """Answer a C-FIND of the IMAGE level."""
        key = (keys, context_id, request.number(Element.MESSAGE_ID), max_pdu)
        if key not in self.made:
            rows = [
                encoded(_row(keys, name, number + 1), uid.ExplicitVRLittleEndian)
                for number, name in enumerate(self.instances)
            ]
            pending = _response(Field.C_FIND_RSP, request, PENDING, data_set=True)
            ending = _response(Field.C_FIND_RSP, request, SUCCESS)
            messages = [message(context_id, pending, row, max_pdu) for row in rows]
            self.made[key] = b"".join([*messages, message(context_id, ending, None, max_pdu)])
        listed: bytes = self.made[key]
        return listed


@contextmanager
def replaying(recording: Recording) -> Iterator[Node]:
    """Play a recording to every client that comes."""
    with ThreadingTCPServer((HOST, 0), partial(_Player, recording)) as server:
        thread = threading.Thread(target=server.serve_forever, name="replay")
        thread.start()
        try:
            yield Node(HOST, server.server_address[1], AE_TITLE)
        finally:
            server.shutdown()
            thread.join()


class _Player(StreamRequestHandler):
    """One association."""

    disable_nagle_algorithm = True

    def __init__(self, recording: Recording, *arguments: Any) -> None:
        self._recording = recording
        super().__init__(*arguments)

    def handle(self) -> None:
        asked = A_ASSOCIATE_RQ()
        asked.decode(b"".join(self._pdu()))
        accepted = dict(_accepted(asked))
        self._storage = next((key for key, (name, _) in accepted.items() if name == uid.CTImageStorage), 0)
        self._max_pdu = min(asked.user_information.maximum_length or LONGEST_PDU, LONGEST_PDU)
        self.wfile.write(acceptance({key: syntax for key, (_, syntax) in accepted.items()}))
        answers = {Field.C_FIND_RQ: self._find, Field.C_GET_RQ: self._get}
        while (heard := self._message()) is not None:
            context_id, request, keys = heard
            answers[Field(request.field)](context_id, request, keys)

    def _find(self, context_id: int, request: Command, keys: bytes) -> None:
        self.wfile.write(self._recording.listed(keys, context_id, request, self._max_pdu))

    def _get(self, context_id: int, request: Command, keys: bytes) -> None:
        """Send what is asked for, and wait for the answer to each, as an SCP does."""
        instances = self._recording.framed(self._storage, self._max_pdu)
        asked = _decoded(keys).get("SOPInstanceUID") or list(instances)
        for name in [asked] if isinstance(asked, str) else asked:
            self.wfile.write(instances[name])
            self._message()
        self.wfile.write(message(context_id, _response(Field.C_GET_RSP, request, SUCCESS)))

    def _message(self) -> tuple[int, Command, bytes] | None:
        """Hear a message; nothing when the client leaves."""
        command, data = bytearray(), bytearray()
        request: Command | None = None
        while True:
            header, body = self._pdu()
            if header[:1] != bytes([PduType.P_DATA_TF]):
                self.wfile.write(RELEASED if header[:1] == bytes([PduType.RELEASE_RQ]) else b"")
                return None
            while body:
                length, context_id, control = PDV.unpack_from(body)
                (command if control & 1 else data).extend(body[PDV.size : 4 + length])
                body = body[4 + length :]
                request = Command.parse(command) if control == 3 else request
                if request is not None and control & 2 and request.has_data_set != bool(control & 1):
                    return context_id, request, bytes(data)

    def _pdu(self) -> tuple[bytes, bytes]:
        header = self.rfile.read(6)
        return header, self.rfile.read(int.from_bytes(header[2:], "big"))


def _accepted(asked: A_ASSOCIATE_RQ) -> Iterator[tuple[int, tuple[str, str]]]:
    """Accept each presentation context in the encoding that was recorded, where it is offered."""
    for context in asked.presentation_context:
        if ENCODING in context.transfer_syntax:
            yield context.context_id, (str(context.abstract_syntax), ENCODING)


def _response(kind: Field, request: Command, status: int, *, data_set: bool = False) -> Command:
    return Command(
        {
            Element.AFFECTED_SOP_CLASS_UID: request.text(Element.AFFECTED_SOP_CLASS_UID),
            Element.COMMAND_FIELD: kind,
            Element.MESSAGE_ID_BEING_RESPONDED_TO: request.number(Element.MESSAGE_ID),
            Element.COMMAND_DATA_SET_TYPE: DATA_SET_FOLLOWS if data_set else NO_DATA_SET,
            Element.STATUS: status,
        }
    )


def _row(keys: bytes, name: str, number: int) -> Dataset:
    """Fill the keys of a C-FIND identifier for one instance."""
    told = {"SOPInstanceUID": name, "SOPClassUID": uid.CTImageStorage, "InstanceNumber": number}
    row = _decoded(keys)
    for keyword, value in told.items():
        if keyword in row:
            setattr(row, keyword, value)
    return row


def _decoded(encoded: bytes) -> Dataset:
    return read_dataset(BytesIO(encoded), is_implicit_VR=False, is_little_endian=True)

"""A server that plays a scene on a loopback socket: what an archive says, right or wrong, byte by byte.

A scene is data: the steps that the server takes once a client has connected. When it is over, the server
only listens, answers a release, and notes how the client left.

=================  =============================================================
step               what the server does
=================  =============================================================
``bytes``          send them
a callable         send what it makes of the request that was heard last
a float            pause so many seconds
`HEAR`             wait for one message or association PDU of the client
`CLOSE`, `RESET`   end the connection in order, or by a TCP reset
an iterable        take its steps, which may never end
=================  =============================================================
"""

from __future__ import annotations

import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from enum import Enum, auto
from itertools import chain, repeat
from pathlib import Path
from time import monotonic, sleep
from typing import Any

from pydicom import uid
from pynetdicom.pdu import A_ASSOCIATE_AC, A_ASSOCIATE_RJ
from pynetdicom.pdu_primitives import A_ASSOCIATE, MaximumLengthNotification, SCP_SCU_RoleSelectionNegotiation
from pynetdicom.presentation import PresentationContext

from itkdicomqr.association.dimse import DATA_SET_FOLLOWS, NO_DATA_SET, Command, Element, Field
from itkdicomqr.association.stream import PDU_HEADER, PDV_HEADER, Message, Pdu, PduType, StreamReader, p_data
from itkdicomqr.errors import NetworkError
from itkdicomqr.instance import Instance
from itkdicomqr.node import Limits, Node, Timeouts
from tests.synthetic import ROOT, series

HOST = "127.0.0.1"
LISTEN_SECONDS = 5.0
"""How long the server waits for what a client should do at once."""

MAX_PDU = 16384
SERVICE, STORAGE = 1, 3
"""The identifiers of the first presentation contexts that a client proposes: of the service, and of the storage
class in Explicit VR Little Endian."""

BRISK = Timeouts(connect=0.5, first_response=0.5, idle=0.5, total=5.0)
"""For a scene in which something does not come."""

HASTY = Timeouts(connect=1.0, first_response=5.0, idle=5.0, total=1.0)
"""For a scene that never ends."""

PATIENT = Timeouts(connect=10.0, first_response=10.0, idle=10.0, total=30.0)
"""For a scene whose end must not depend on the machine's load."""


class Act(Enum):
    """A step that is no content."""

    HEAR = auto()
    CLOSE = auto()
    RESET = auto()


HEAR, CLOSE, RESET = Act

Heard = Pdu | Message
Step = Any
"""One of those in the table above."""

Scene = Iterable[Step]


class Farewell(Enum):
    """How a client left."""

    RELEASED = auto()
    ABORTED = auto()
    CLOSED = auto()
    STAYED = auto()


@dataclass
class Stage:
    """A scene that is being played.

    Attributes
    ----------
    port : int
        Where.
    heard : list of Pdu or Message
        All that the clients said.
    farewells : list of Farewell
        How each client left.
    mistakes : list of Exception
        What went wrong with the scene itself.
    """

    port: int
    heard: list[Heard] = field(default_factory=list)
    farewells: list[Farewell] = field(default_factory=list)
    mistakes: list[Exception] = field(default_factory=list)

    def node(self, timeouts: Timeouts = PATIENT, limits: Limits | None = None, **settings: Any) -> Node:
        return Node(HOST, self.port, "FAULTS", timeouts=timeouts, limits=limits or Limits(), **settings)

    @property
    def place(self) -> str:
        return f"{HOST}:{self.port}"


@contextmanager
def playing(*scenes: Scene, secured: ssl.SSLContext | None = None) -> Iterator[Stage]:
    """Play the scenes, each to one client, and the last to all that follow.

    When it ends, every client must have left, and no thread or descriptor may be left over.
    """
    before = possessions()
    with socket.create_server((HOST, 0)) as listener:
        stage = Stage(listener.getsockname()[1])
        thread = threading.Thread(target=_serve, args=(listener, scenes, stage, secured), name="faults")
        thread.start()
        try:
            yield stage
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join(2 * LISTEN_SECONDS)
            assert not thread.is_alive()
    if stage.mistakes:
        raise stage.mistakes[0]
    assert Farewell.STAYED not in stage.farewells
    threads, descriptors = possessions()
    # Archives of other tests may end theirs meanwhile.
    assert threads <= before[0]
    assert descriptors <= before[1]


def possessions() -> tuple[set[threading.Thread], int]:
    """The threads of this process, and how many files and sockets it holds open (where that can be told)."""
    descriptors = Path("/proc/self/fd")
    return set(threading.enumerate()), len(list(descriptors.iterdir())) if descriptors.exists() else 0


@contextmanager
def leaving_nothing() -> Iterator[None]:
    """Expect that the block leaves no thread of ours and no descriptor; a server of this process may need a moment."""
    threads, descriptors = possessions()
    yield
    assert not [each for each in possessions()[0] - threads if each.name.startswith("itkdicomqr")]
    end = monotonic() + LISTEN_SECONDS
    while possessions()[1] > descriptors:
        assert monotonic() < end
        sleep(0.02)


def _serve(listener: socket.socket, scenes: Sequence[Scene], stage: Stage, secured: ssl.SSLContext | None) -> None:
    for scene in chain(scenes, repeat(scenes[-1])):
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        connection.settimeout(LISTEN_SECONDS)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            with connection if secured is None else secured.wrap_socket(connection, server_side=True) as channel:
                _Actor(channel, stage).play(scene)
        except OSError:
            stage.farewells.append(Farewell.CLOSED)
        except Exception as mistake:
            stage.mistakes.append(mistake)


class _LeftError(Exception):
    """The client has left, or was left."""

    def __init__(self, farewell: Farewell) -> None:
        super().__init__(farewell)
        self.farewell = farewell


class _Actor:
    """The server's end of one connection."""

    def __init__(self, connection: socket.socket, stage: Stage) -> None:
        self._connection = connection
        self._stage = stage
        self._reader = StreamReader(1 << 17, 1 << 20)
        self._request = Command({})

    def play(self, scene: Scene) -> None:
        try:
            self._take(scene)
            while True:
                self._hear()
        except _LeftError as left:
            self._stage.farewells.append(left.farewell)
        except TimeoutError:
            self._stage.farewells.append(Farewell.STAYED)
        except (OSError, NetworkError):
            self._stage.farewells.append(Farewell.CLOSED)

    def _take(self, steps: Scene) -> None:
        for step in steps:
            if isinstance(step, bytes):
                self._connection.sendall(step)
            elif isinstance(step, float):
                sleep(step)
            elif step is HEAR:
                self._hear()
            elif isinstance(step, Act):
                self._leave(step)
            elif callable(step):
                self._connection.sendall(step(self._request))
            else:
                self._take(step)

    def _hear(self) -> None:
        event = self._read()
        self._stage.heard.append(event)
        if isinstance(event, Message):
            is_request = event.command.field < 0x8000
            self._request = event.command if is_request else self._request
        elif event.type is PduType.RELEASE_RQ:
            self._connection.sendall(RELEASED)
            raise _LeftError(Farewell.RELEASED)
        elif event.type is PduType.ABORT:
            raise _LeftError(Farewell.ABORTED)

    def _read(self) -> Heard:
        event = None
        while event is None:
            count = self._connection.recv_into(self._reader.room())
            if count == 0:
                raise _LeftError(Farewell.CLOSED)
            event = self._reader.arrived(count)
        return event

    def _leave(self, act: Act) -> None:
        if act is RESET:
            self._connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        raise _LeftError(Farewell.CLOSED)


# What an archive may say.

RELEASE = bytes([PduType.RELEASE_RQ, 0, 0, 0, 0, 4, 0, 0, 0, 0])
RELEASED = bytes([PduType.RELEASE_RP, 0, 0, 0, 0, 4, 0, 0, 0, 0])
ABORT = bytes([PduType.ABORT, 0, 0, 0, 0, 4, 0, 0, 2, 0])
HTTP_BANNER = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"
COMMENT = "\x1b[31mDoe^Jane\r\nforged line"
"""An Error Comment (0000,0902) that would forge a line of a log."""

SYNTAXES: Mapping[int, str] = {SERVICE: uid.ExplicitVRLittleEndian, STORAGE: uid.ExplicitVRLittleEndian}


def acceptance(contexts: Mapping[int, str] = SYNTAXES, max_pdu: int = MAX_PDU, *, roles: bool = True) -> bytes:
    """Make an A-ASSOCIATE-AC that accepts these presentation contexts, and no others."""
    primitive = A_ASSOCIATE()
    primitive.application_context_name = "1.2.840.10008.3.1.1.1"
    primitive.calling_ae_title, primitive.called_ae_title = "ITKDICOMQR", "FAULTS"
    primitive.result, primitive.result_source = 0, 1
    primitive.presentation_context_definition_results_list = [_accepted(*each) for each in contexts.items()]
    length = MaximumLengthNotification()
    length.maximum_length_received = max_pdu
    primitive.user_information = [length, *([_role()] if roles else [])]
    pdu = A_ASSOCIATE_AC()
    pdu.from_primitive(primitive)
    return bytes(pdu.encode())


def _accepted(number: int, syntax: str) -> PresentationContext:
    context = PresentationContext()
    context.context_id, context.result, context.transfer_syntax = number, 0, [uid.UID(syntax)]
    return context


def _role() -> SCP_SCU_RoleSelectionNegotiation:
    role = SCP_SCU_RoleSelectionNegotiation()
    role.sop_class_uid, role.scu_role, role.scp_role = uid.CTImageStorage, False, True
    return role


def rejection(result: int, source: int, reason: int) -> bytes:
    """Make an A-ASSOCIATE-RJ (PS3.8 9.3.4)."""
    pdu = A_ASSOCIATE_RJ()
    pdu.result, pdu.source, pdu.reason_diagnostic = result, source, reason
    return bytes(pdu.encode())


def message(context_id: int, command: Command, data: bytes | None = None, max_pdu: int = MAX_PDU) -> bytes:
    """Make the P-DATA-TF PDUs of a command set, and of a data set if there is one."""
    parts = [*p_data(context_id, command.encode(), command=True, max_pdu=max_pdu)]
    if data is not None:
        parts += p_data(context_id, data, command=False, max_pdu=max_pdu)
    return b"".join(parts)


def response(
    kind: Field, status: int | None, data: bytes | None = None, context_id: int = SERVICE, **elements: int | str
) -> Callable[[Command], bytes]:
    """Answer a request; ``elements`` are named as in `Element`, and a status of None is left out."""

    def answer(request: Command) -> bytes:
        values: dict[int, int | str] = {
            Element.COMMAND_FIELD: kind,
            Element.MESSAGE_ID_BEING_RESPONDED_TO: request.number(Element.MESSAGE_ID),
            Element.COMMAND_DATA_SET_TYPE: NO_DATA_SET if data is None else DATA_SET_FOLLOWS,
            **({} if status is None else {Element.STATUS: status}),
            **{Element[name]: value for name, value in elements.items()},
        }
        return message(context_id, Command(values), data)

    return answer


def store_command(instance: Instance, **elements: int | str) -> Command:
    """Make the command set of a C-STORE request (PS3.7 9.3.1.1)."""
    values: dict[int, int | str] = {
        Element.AFFECTED_SOP_CLASS_UID: instance.sop_class_uid,
        Element.COMMAND_FIELD: Field.C_STORE_RQ,
        Element.MESSAGE_ID: 7,
        Element.PRIORITY: 0,
        Element.COMMAND_DATA_SET_TYPE: DATA_SET_FOLLOWS,
        Element.AFFECTED_SOP_INSTANCE_UID: instance.sop_instance_uid,
        **{Element[name]: value for name, value in elements.items()},
    }
    return Command(values)


def stored(instance: Instance, context_id: int = STORAGE, **elements: int | str) -> bytes:
    """Send an instance by C-STORE; ``elements`` change the command set."""
    return message(context_id, store_command(instance, **elements), bytes(instance.encoded))


def pdv(context_id: int, control: int, content: bytes, length: int | None = None) -> bytes:
    """Make a presentation data value; ``length`` may lie."""
    return PDV_HEADER.pack(len(content) + 2 if length is None else length, context_id, control) + content


def pdu(kind: int, content: bytes, length: int | None = None) -> bytes:
    """Make a PDU; ``length`` may lie."""
    return PDU_HEADER.pack(kind, len(content) if length is None else length) + content


def drip(content: bytes, pause: float = 0.1) -> tuple[bytes | float, ...]:
    """Send one byte at a time."""
    return tuple(step for byte in content for step in (bytes([byte]), pause))


# A series of three slices, and what may go wrong with it.

SERIES_UID = f"{ROOT}.2.1".encode()
INSTANCES = tuple(map(Instance.from_dataset, series("CT", 3)))
ALL = tuple((stored(instance), HEAR) for instance in INSTANCES)
FIRST, SECOND, THIRD = ALL
OTHER_SERIES = Instance.from_dataset(series("CT", 1, number=2)[0])
UNLISTED = Instance.from_dataset(series("CT", 4)[3])
CHANGED = Instance.from_dataset(series("CT", 1, ContentTime="120000")[0])
MISNAMED = Instance(INSTANCES[0].sop_class_uid, INSTANCES[1].sop_instance_uid, SYNTAXES[STORAGE], INSTANCES[0].encoded)
FORGED_UID = b"1.2\n\x1b[31mforged".ljust(len(SERIES_UID))
FORGED = replace(INSTANCES[0], encoded=bytes(INSTANCES[0].encoded).replace(SERIES_UID, FORGED_UID))
MISCLASSED = Instance.from_dataset(series("MR", 1, SOPClassUID=uid.MRImageStorage)[0])
PART_OF_ONE = stored(INSTANCES[0])[:400]

ASKED = (HEAR, acceptance(), HEAR)
"""The association is there, and the request has come."""

PENDING = response(Field.C_GET_RSP, 0xFF00, REMAINING=1, COMPLETED=0, FAILED=0, WARNING=0)
SUCCESS = response(Field.C_GET_RSP, 0x0000, COMPLETED=3, FAILED=0, WARNING=0)
MATCH = response(Field.C_FIND_RSP, 0xFF00, b"\x08\x00\x52\x00CS\x06\x00SERIES")
NO_MORE = response(Field.C_FIND_RSP, 0x0000)


def ending(status: int | None, **elements: int | str) -> Scene:
    """Answer every C-GET with this status, and send nothing."""
    return (HEAR, acceptance(), repeat((HEAR, response(Field.C_GET_RSP, status, None, SERVICE, **elements))))


def sending(*steps: Step) -> Scene:
    """Take these steps at every C-GET, whatever is asked for, and call it a success."""
    return (HEAR, acceptance(), repeat((HEAR, steps, SUCCESS)))


COMMAND_BEGUN = pdu(PduType.P_DATA_TF, pdv(SERVICE, 1, b"begun"))
STORE_BEGUN = b"".join(p_data(STORAGE, store_command(INSTANCES[0]).encode(), command=True, max_pdu=MAX_PDU))
MORE_DATA = pdu(PduType.P_DATA_TF, pdv(STORAGE, 0, bytes(10_000)))

SCENES: Mapping[str, Scene] = {
    # The association is asked for.
    "silent": (HEAR,),
    "closed": (HEAR, CLOSE),
    "reset": (HEAR, RESET),
    "garbage": (HEAR, b"\xde\xad\xbe\xef" * 100),
    "HTTP": (HEAR, HTTP_BANNER, CLOSE),
    "TLS alert": (HEAR, b"\x15\x03\x01\x00\x02\x02\x46", CLOSE),
    "abort in place of an acceptance": (HEAR, ABORT),
    "release in place of an acceptance": (HEAR, RELEASE),
    "data in place of an acceptance": (HEAR, message(SERVICE, Command({Element.STATUS: 0}))),
    "acceptance cut short": (HEAR, acceptance()[:60], CLOSE),
    "acceptance in drops": (HEAR, drip(acceptance())),
    "acceptance damaged": (HEAR, pdu(PduType.ASSOCIATE_AC, b"\xff" * 200)),
    "acceptance of 2 MiB": (HEAR, pdu(PduType.ASSOCIATE_AC, b"", length=2 << 20)),
    "PDUs of one byte": (HEAR, acceptance(max_pdu=1)),
    "nothing accepted": (HEAR, acceptance({})),
    # A C-GET is asked for.
    "no answer": ASKED,
    "abort halfway": (*ASKED, FIRST, ABORT),
    "close between messages": (*ASKED, FIRST, CLOSE),
    "close within a PDU": (*ASKED, PART_OF_ONE, CLOSE),
    "reset within a PDU": (*ASKED, PART_OF_ONE, RESET),
    "release halfway": (*ASKED, FIRST, RELEASE),
    "stall between messages": (*ASKED, FIRST),
    "stall within a PDU": (*ASKED, PART_OF_ONE),
    "drops": (*ASKED, drip(stored(INSTANCES[0]))),
    "pending for ever": (*ASKED, repeat((PENDING, 0.02))),
    "empty fragments for ever": (*ASKED, STORE_BEGUN, repeat(pdu(PduType.P_DATA_TF, pdv(STORAGE, 0, b"") * 100))),
    "empty PDUs for ever": (*ASKED, repeat(pdu(PduType.P_DATA_TF, b"") * 100)),
    "unknown context": (*ASKED, stored(INSTANCES[0], context_id=9)),
    "context of another class": (*ASKED, stored(MISCLASSED)),
    "no data set": (*ASKED, message(STORAGE, store_command(INSTANCES[0], COMMAND_DATA_SET_TYPE=NO_DATA_SET))),
    "path in place of a UID": (*ASKED, stored(INSTANCES[0], AFFECTED_SOP_INSTANCE_UID="../../tmp/x")),
    "no UID": (*ASKED, stored(INSTANCES[0], AFFECTED_SOP_INSTANCE_UID="")),
    "C-FIND response": (*ASKED, response(Field.C_FIND_RSP, 0x0000)),
    "pending C-FIND response": (*ASKED, response(Field.C_FIND_RSP, 0xFF00)),
    "C-ECHO request": (*ASKED, message(SERVICE, Command({Element.COMMAND_FIELD: Field.C_ECHO_RQ}))),
    "response to another request": (*ASKED, response(Field.C_GET_RSP, 0, MESSAGE_ID_BEING_RESPONDED_TO=99)),
    "pending to another request": (*ASKED, response(Field.C_GET_RSP, 0xFF00, MESSAGE_ID_BEING_RESPONDED_TO=99)),
    "response on another context": (*ASKED, response(Field.C_GET_RSP, 0, context_id=STORAGE)),
    "unknown PDU": (*ASKED, pdu(0x42, b"")),
    "second acceptance": (*ASKED, acceptance()),
    "damaged command": (*ASKED, pdu(PduType.P_DATA_TF, pdv(SERVICE, 3, b"\0\0\0\1\xff\xff\xff\xff"))),
    "PDU of 4 GiB": (*ASKED, pdu(PduType.P_DATA_TF, b"", length=0xFFFFFFFF)),
    "endless data set": (*ASKED, STORE_BEGUN, repeat(MORE_DATA)),
    "endless command": (*ASKED, repeat(pdu(PduType.P_DATA_TF, pdv(SERVICE, 1, bytes(10_000))))),
    "data set without command": (*ASKED, MORE_DATA),
    "interleaved contexts": (*ASKED, COMMAND_BEGUN, pdu(PduType.P_DATA_TF, pdv(STORAGE, 1, b"another"))),
    # A C-FIND is asked for.
    "query refused": (*ASKED, response(Field.C_FIND_RSP, 0xA700, ERROR_COMMENT=COMMENT)),
    "query ends without a status": (*ASKED, response(Field.C_FIND_RSP, None)),
    "query ends with an unknown status": (*ASKED, response(Field.C_FIND_RSP, 0x1234)),
    "matches cut": (*ASKED, MATCH, response(Field.C_FIND_RSP, 0xFE00)),
    "matches cut with a warning": (*ASKED, MATCH, response(Field.C_FIND_RSP, 0xB001)),
    "matches for ever": (*ASKED, repeat(MATCH)),
    "match without a data set": (*ASKED, response(Field.C_FIND_RSP, 0xFF00)),
    "match of 100 kB": (*ASKED, response(Field.C_FIND_RSP, 0xFF00, bytes(100_000))),
    "match that is damaged": (*ASKED, response(Field.C_FIND_RSP, 0xFF00, b"\x08\0\x05\0??")),
}
"""What may go wrong, by name."""

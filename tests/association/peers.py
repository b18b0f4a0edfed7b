"""Peers of our Storage SCP that say what they are told to, and what it should make of it."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from time import monotonic, sleep
from typing import Any

from pydicom import uid

from itkdicomqr.association import Deadline
from itkdicomqr.association.contexts import FIND, VERIFICATION, Proposal, service
from itkdicomqr.association.dimse import Field, request
from itkdicomqr.association.negotiation import request_pdu
from itkdicomqr.association.pending import Pending
from itkdicomqr.association.receiver import Receiver
from itkdicomqr.association.stream import Event, Message, Pdu, PduType, StreamReader
from itkdicomqr.errors import (
    LimitExceededError,
    NetworkError,
)
from itkdicomqr.instance import SERIES_INSTANCE_UID, Instance
from itkdicomqr.node import Node, Timeouts
from tests.faults import (
    HOST,
    INSTANCES,
    OTHER_SERIES,
    SERVICE,
    leaving_nothing,
    message,
)

PATIENT = Timeouts(connect=10.0, first_response=10.0, idle=10.0, late=10.0, total=20.0)
BRISK = Timeouts(connect=0.4, first_response=0.4, idle=0.4, late=0.4, total=5.0)
GRACE = 2.0
AE_TITLE = "ITKDICOMQR"
SERIES = INSTANCES[0].elements.uid(SERIES_INSTANCE_UID)
OTHER = OTHER_SERIES.elements.uid(SERIES_INSTANCE_UID)
PROPOSALS = (service(VERIFICATION), Proposal(uid.CTImageStorage, (uid.ExplicitVRLittleEndian,)))
ANOTHER_SERVICE = (service(FIND["study"]), *PROPOSALS[1:])
REFUSED, NOT_UNDERSTOOD = 0xA900, 0xC000


def asking(called: str = AE_TITLE, calling: str = "ARCHIVE", proposals: Sequence[Proposal] = PROPOSALS) -> bytes:
    """Make an A-ASSOCIATE-RQ."""
    return request_pdu(Node(HOST, 1, called, calling_ae_title=calling), proposals, 16384)


REQUEST = asking()
ECHO = message(SERVICE, request(Field.C_ECHO_RQ, 5, VERIFICATION, data_set=False))


@contextmanager
def receiving(timeouts: Timeouts = PATIENT, **settings: Any) -> Iterator[Receiver]:
    node = Node(HOST, 104, "ARCHIVE", receiver=f"{HOST}:0", timeouts=timeouts, **settings)
    with leaving_nothing(), Receiver(node) as receiver:
        yield receiver


@contextmanager
def expecting(receiver: Receiver, series_uid: str = SERIES, seconds: float = 20.0, **how: Any) -> Iterator[Pending]:
    with receiver.expect(series_uid, Deadline(seconds), **how) as expected:
        yield expected


class Peer:
    """A peer that says whatever it is told to, and hears what comes back."""

    def __init__(self, receiver: Receiver, *said: Any, secured: ssl.SSLContext | None = None) -> None:
        self._connection = socket.create_connection((HOST, receiver.port), 10)
        self._connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if secured:
            self._connection = secured.wrap_socket(self._connection, server_hostname=HOST)
        self._reader = StreamReader(1 << 17, 1 << 20)
        self.say(*said)

    def __enter__(self) -> Peer:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def say(self, *steps: Any) -> None:
        """Send bytes, and pause for floats; a receiver that has left is no mistake."""
        try:
            for step in steps:
                if isinstance(step, float):
                    sleep(step)
                elif isinstance(step, bytes):
                    self._connection.sendall(step)
                else:
                    self.say(*step)
        except OSError:
            return

    def hear(self, seconds: float = 10.0) -> Event | None:
        """Wait for one event; None when the receiver has closed."""
        self._connection.settimeout(seconds)
        event = None
        try:
            while event is None:
                count = self._connection.recv_into(self._reader.room())
                if not count:
                    return None
                event = self._reader.arrived(count)
        except ConnectionError:
            return None
        return event

    def kind(self) -> PduType | None:
        """Hear what kind of PDU comes, or None at the end."""
        event = self.hear()
        return event.type if isinstance(event, Pdu) else None

    def status(self, seconds: float = 10.0) -> int:
        """Hear the status of a response."""
        event = self.hear(seconds)
        assert isinstance(event, Message)
        return event.command.status


@contextmanager
def associated(receiver: Receiver, *said: Any, secured: ssl.SSLContext | None = None) -> Iterator[Peer]:
    with Peer(receiver, REQUEST, secured=secured) as peer:
        assert peer.kind() is PduType.ASSOCIATE_AC
        peer.say(*said)
        yield peer


def taken(expected: Pending, count: int) -> list[bytes]:
    """Take so many instances, and give their data sets."""
    instances = [expected.take(10.0) for _ in range(count)]
    return [bytes(instance.encoded) for instance in instances if instance is not None]


def contents(instances: Sequence[Instance]) -> list[bytes]:
    return [bytes(instance.encoded) for instance in instances]


def noted(expected: Pending) -> NetworkError | LimitExceededError:
    """Wait for the first problem."""
    end = monotonic() + 10
    while not expected.problems:
        assert monotonic() < end
        sleep(0.01)
    return expected.problems[0]

"""What comes over a connection is given event by event, and no wait is longer than allowed."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from itkdicomqr.association import Deadline
from itkdicomqr.association.events import Events
from itkdicomqr.association.negotiation import ABORT, RELEASE_RQ
from itkdicomqr.association.stream import Pdu, PduType
from itkdicomqr.association.transport import Transport
from itkdicomqr.errors import DeadlineError


@pytest.fixture
def ends() -> Iterator[tuple[Transport, socket.socket]]:
    """Ours and the peer's end of a connection."""
    ours, theirs = socket.socketpair()
    with theirs:
        transport = Transport(ours, Deadline(5))
        yield transport, theirs
        transport.close()


def test_events_are_given_one_by_one(ends: tuple[Transport, socket.socket]) -> None:
    transport, peer = ends
    events = Events(transport, idle=1)
    peer.sendall(RELEASE_RQ + ABORT)
    given = [events.next(1, "first_response") for _ in range(2)]
    assert [event.type for event in given if isinstance(event, Pdu)] == [PduType.RELEASE_RQ, PduType.ABORT]


def test_from_the_first_byte_on_the_idle_timeout_counts(ends: tuple[Transport, socket.socket]) -> None:
    transport, peer = ends
    events = Events(transport, idle=0.2)
    with pytest.raises(DeadlineError, match="raise connect_timeout"):
        events.next(0.1, "connect")
    peer.sendall(RELEASE_RQ[:3])
    with pytest.raises(DeadlineError, match=r"for 0\.2 s: raise idle_timeout"):
        events.next(1, "connect")


def test_each_read_is_told(ends: tuple[Transport, socket.socket]) -> None:
    transport, peer = ends
    told: list[str] = []
    events = Events(transport, 1, lambda: told.append("came"))
    peer.sendall(RELEASE_RQ[:3])
    assert events.read(1, "idle") is None
    peer.sendall(RELEASE_RQ[3:])
    assert events.read(1, "idle") is not None
    assert told == ["came", "came"]

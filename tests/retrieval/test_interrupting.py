"""Ctrl-C ends a retrieval within two seconds, wherever it is."""

from __future__ import annotations

import socket
import sys
import threading
from contextlib import closing, contextmanager
from signal import SIGINT, pthread_kill
from time import monotonic
from typing import TYPE_CHECKING, Any

import pytest

from itkdicomqr.association import Deadline
from itkdicomqr.association.connection import connect
from itkdicomqr.association.dimse import Field
from itkdicomqr.client import Client
from itkdicomqr.errors import DICOMQRError
from itkdicomqr.node import Node
from itkdicomqr.tasks import Task
from tests.faults import ASKED, FIRST, HEAR, HOST, SERVICE, SYNTAXES, acceptance, playing, response
from tests.retrieval.coming import on_its_way, series_of
from tests.timing import bound

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SECONDS = 2.0


@contextmanager
def interrupted(after: float = 0.5) -> Iterator[None]:
    """Press Ctrl-C after a while, and see that the block ends in time and leaves no thread."""
    before = set(threading.enumerate())
    timer = threading.Timer(after, pthread_kill, [threading.main_thread().ident, SIGINT])
    timer.start()
    begin = monotonic()
    with pytest.raises(KeyboardInterrupt):
        yield
    assert monotonic() - begin < after + bound(SECONDS)
    timer.join()
    assert [each.name for each in set(threading.enumerate()) - before if each.name.startswith("itkdicomqr")] == []


@pytest.mark.parametrize("associations", [1, 4])
def test_while_the_list_is_waited_for(associations: int) -> None:
    with playing(ASKED) as stage:
        node = stage.node(model="study")
        with interrupted(), Client(node, associations=associations) as client:
            client.retrieve(series_of(node))


@pytest.mark.parametrize("associations", [1, 4])
def test_while_instances_come(associations: int) -> None:
    slow = (HEAR, acceptance(), HEAR, FIRST)
    with playing(*[slow] * 4) as stage, interrupted(), on_its_way(stage.node(), associations=associations) as coming:
        list(coming)


BEGUN: dict[str, Any] = {
    "get": ((*ASKED, FIRST), Field.C_GET_RSP),
    "move": (
        (HEAR, acceptance({SERVICE: SYNTAXES[SERVICE]}), HEAR, response(Field.C_MOVE_RSP, 0xFF00)),
        Field.C_MOVE_RSP,
    ),
}
"""A retrieval halfway, and how it is answered, by the transport."""

SILENT = 3.0


@pytest.mark.parametrize(
    "farewell",
    [lambda _: SILENT, lambda _: (HEAR, SILENT), lambda ended: (HEAR, 0.8, ended, SILENT)],
    ids=["nothing is heard", "no end", "a late end, and no release"],
)
@pytest.mark.parametrize("transport", BEGUN)
def test_while_the_archive_ends_neither_what_is_cancelled_nor_the_association(
    farewell: Callable[[Any], Any], transport: str
) -> None:
    begun, answer = BEGUN[transport]
    with playing((*begun, farewell(response(answer, 0xFE00)))) as stage:
        node = stage.node(receiver=f"{HOST}:0")
        with interrupted(), on_its_way(node, transport=transport) as coming:
            list(coming)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a connection attempt ends with its timeout")
def test_a_connection_that_is_not_answered_is_left_when_the_call_is_cancelled() -> None:
    with closing(socket.create_server((HOST, 0), backlog=0)) as full:
        place = full.getsockname()
        # The queue of a listener that accepts nobody is soon full, and then nobody is answered.
        crowd = [_knocking(place) for _ in range(4)]
        deadline = Deadline(30)
        trying = Task(lambda: connect(Node(HOST, place[1], "FULL"), deadline), "test")
        trying.join(0.5)
        assert not trying.done()
        _assert_soon(deadline.cancel, trying)
        for each in crowd:
            each.close()


def _knocking(place: tuple[str, int]) -> socket.socket:
    connection = socket.socket()
    connection.setblocking(False)
    connection.connect_ex(place)
    return connection


def _assert_soon(cancel: Callable[[], None], task: Task[socket.socket]) -> None:
    cancel()
    task.join(SECONDS)
    assert isinstance(task.exception(0), DICOMQRError)

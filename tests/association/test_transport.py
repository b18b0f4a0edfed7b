"""A connection on which every wait ends, and a failure says at what."""

from __future__ import annotations

import signal
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from time import monotonic
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from itkdicomqr.association import Association
from itkdicomqr.association.contexts import VERIFICATION, service
from itkdicomqr.association.deadline import Deadline
from itkdicomqr.association.dimse import Field
from itkdicomqr.association.transport import AHEAD, Transport
from itkdicomqr.errors import ConnectError, ConnectionLostError, DeadlineError, NetworkError, ProtocolError, TLSError
from itkdicomqr.node import Node, Timeouts
from tests.faults import ASKED, BRISK, CLOSE, HOST, PATIENT, RESET, Farewell, playing, rejection, response
from tests.servers import free_port
from tests.timing import bound


@contextmanager
def connected(node: Node) -> Iterator[Transport]:
    transport = Transport.connect(node, Deadline(node.timeouts.total))
    try:
        yield transport
    finally:
        transport.close()


def echoed(node: Node) -> None:
    with Association.open(node, [service(VERIFICATION)], Deadline(node.timeouts.total)) as association:
        association.echo()


def test_a_port_at_which_nobody_listens() -> None:
    node = Node(HOST, free_port(), "NOBODY")
    with pytest.raises(ConnectError, match="Connection refused") as caught:
        echoed(node)
    assert (caught.value.place, caught.value.step) == (node.place, "connecting")
    assert "check host and port, and that the archive runs" in str(caught.value)


@pytest.mark.parametrize("host", ["no-such-host.invalid", "a..b", "x" * 64, "a\0b"])
def test_a_host_that_is_not_known(host: str) -> None:
    with pytest.raises(ConnectError) as caught:
        echoed(Node(host, 104, "NOBODY"))
    assert (caught.value.place, caught.value.step) == (f"{host}:104", "connecting")


def test_an_address_that_never_answers() -> None:
    with (
        socket.create_server((HOST, 0), backlog=0) as full,
        socket.create_connection(full.getsockname()),
        pytest.raises(DeadlineError, match="raise connect_timeout"),
    ):
        echoed(Node(HOST, full.getsockname()[1], "BUSY", timeouts=BRISK))


@pytest.fixture
def silent_name_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Names are looked up until the test ends; addresses need no name server."""
    look_up, over = socket.getaddrinfo, threading.Event()

    def wait(host: str, port: int, *_: Any, flags: int = 0, **options: Any) -> Any:
        if not flags & socket.AI_NUMERICHOST:
            over.wait(30)
        return look_up(host, port, flags=flags | socket.AI_NUMERICHOST, **options)

    monkeypatch.setattr(socket, "getaddrinfo", wait)
    yield
    over.set()


@pytest.mark.usefixtures("silent_name_server")
@pytest.mark.parametrize(
    ("timeouts", "setting"), [(Timeouts(connect=0.3), "connect"), (Timeouts(total=0.3), "total")], ids=str
)
def test_a_name_server_that_does_not_answer(timeouts: Timeouts, setting: str) -> None:
    start = monotonic()
    with pytest.raises(DeadlineError, match="the name server did not answer for 'pacs") as caught:
        echoed(Node("pacs.example", 104, "FAR", timeouts=timeouts))
    assert 0.3 <= monotonic() - start < bound(2)
    assert f"raise {setting}_timeout" in str(caught.value)
    assert (caught.value.place, caught.value.step) == ("pacs.example:104", "connecting")


@pytest.mark.usefixtures("silent_name_server")
def test_an_address_needs_no_name_server() -> None:
    with playing((*ASKED, response(Field.C_ECHO_RSP, 0))) as stage:
        echoed(stage.node())


@pytest.mark.skipif(sys.platform == "win32", reason="signals are sent")
def test_ctrl_c_while_a_name_is_looked_up_ends_the_process() -> None:
    script = """
import signal, socket, time
look_up = socket.getaddrinfo

def wait(host, port, *_, flags=0, **options):
    if not flags & socket.AI_NUMERICHOST:
        print("asked", flush=True)
        time.sleep(30)
    return look_up(host, port, flags=flags | socket.AI_NUMERICHOST, **options)

socket.getaddrinfo = wait
signal.signal(signal.SIGINT, signal.default_int_handler)
from itkdicomqr import Client, Node
Client(Node("pacs.example", 104, "FAR")).echo()
"""
    with subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "asked\n"
        start = monotonic()
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=20)
    assert monotonic() - start < bound(2)
    assert "KeyboardInterrupt" in errors


def test_every_address_of_a_host_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    with playing((*ASKED, response(Field.C_ECHO_RSP, 0))) as stage:
        kind = (socket.AF_INET, socket.SOCK_STREAM, 0, "")
        addresses: list[Any] = [(*kind, (HOST, free_port())), (*kind, (HOST, stage.port))]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: addresses)
        echoed(Node("archive.example", stage.port, "FAULTS"))
    assert stage.farewells == [Farewell.RELEASED]


@pytest.mark.parametrize(("end", "words"), [(CLOSE, "closed the connection"), (RESET, "the connection broke")])
def test_an_end_is_told_from_a_silence(end: Any, words: str) -> None:
    with (
        playing((0.1, end)) as stage,
        connected(stage.node()) as transport,
        pytest.raises(ConnectionLostError, match=words),
    ):
        transport.read_into(memoryview(bytearray(1)), 5, "idle")


def test_a_silence_ends_at_the_named_timeout() -> None:
    with playing(()) as stage, connected(stage.node()) as transport:
        start = monotonic()
        with pytest.raises(DeadlineError, match=r"nothing came for 0.2 s: raise first_response_timeout"):
            transport.read_into(memoryview(bytearray(1)), 0.2, "first_response")
        assert 0.2 <= monotonic() - start < bound(1)


@settings(max_examples=20, deadline=None)
@given(sizes=st.lists(st.integers(1, 3 * AHEAD), min_size=1, max_size=20))
def test_rooms_of_any_size_are_filled_with_what_was_sent(sizes: list[int]) -> None:
    ours, theirs = socket.socketpair()
    content = (bytes(range(251)) * (sum(sizes) // 251 + 1))[: sum(sizes)]
    with theirs, closing(Transport(ours, Deadline(10))) as transport:
        sender = threading.Thread(target=theirs.sendall, args=(content,))
        sender.start()
        came = b""
        for size in sizes:
            room = memoryview(bytearray(size))
            while len(room):
                count = transport.read_into(room, 5, "idle")
                came, room = came + bytes(room[:count]), room[count:]
        sender.join()
    assert came == content


def test_a_peer_that_takes_nothing_does_not_hold_us() -> None:
    with (
        socket.create_server((HOST, 0)) as deaf,
        connected(Node(HOST, deaf.getsockname()[1], "DEAF")) as transport,
        pytest.raises(DeadlineError, match="raise idle_timeout"),
    ):
        transport.send(bytes(64 << 20), 0.3, "idle")


@pytest.mark.parametrize(
    ("scene", "kind", "words", "timeouts"),
    [
        ((rejection(1, 1, 7), CLOSE), TLSError, "this port does not speak TLS", PATIENT),
        ((0.1, CLOSE), TLSError, "is this the archive's TLS port?", PATIENT),
        ((0.1, RESET), TLSError, "is this the archive's TLS port?", PATIENT),
        ((2 * BRISK.connect,), DeadlineError, "the TLS handshake did not end", BRISK),
    ],
    ids=["DICOM", "closed", "reset", "silent"],
)
def test_tls_to_a_port_without_it(scene: Any, kind: type[NetworkError], words: str, timeouts: Timeouts) -> None:
    with playing(scene) as stage, pytest.raises(kind) as caught:
        echoed(stage.node(timeouts, tls=True))
    assert words in str(caught.value)
    assert (caught.value.place, caught.value.step) == (stage.place, "connecting")


def test_plain_dicom_to_a_tls_port() -> None:
    with playing((), secured=ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)) as stage, pytest.raises(NetworkError) as caught:
        echoed(stage.node())
    # Some TLS libraries send an alert before they close, others do not.
    assert type(caught.value) in (ConnectionLostError, ProtocolError)
    assert "TLS" in str(caught.value)
    assert (caught.value.place, caught.value.step) == (stage.place, "opening the association")

"""Receivers that calls share: one for each address, and for each way to secure it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import replace
from typing import Any

import pytest

from itkdicomqr import TLS, DeadlineError, Limits, Node, PortInUseError
from itkdicomqr.association import Deadline
from itkdicomqr.association.turns import HAS_TURNS
from itkdicomqr.retrieval.receivers import RECEIVERS, Receivers
from tests.authorities import HOST, Authority
from tests.servers import free_port


def soon() -> Deadline:
    return Deadline(30)


NODE = Node("h", 104, "ARCHIVE", receiver=f"{HOST}:0")


def test_a_receiver_listens_from_the_first_call_to_the_last() -> None:
    receivers = Receivers()
    with receivers.of(NODE, soon()) as first:
        with receivers.of(NODE, soon()) as second:
            assert second is first
        with receivers.of(NODE, soon()) as third:
            assert third is first
    with receivers.of(NODE, soon()) as another:
        assert another is not first


def test_who_asks_for_tls_is_not_given_a_receiver_without_it(authority: Authority) -> None:
    secured = Node("h", 104, "ARCHIVE", receiver=NODE.receiver, receiver_tls=TLS(certificate=authority.issue(HOST)))
    receivers = Receivers()
    with receivers.of(NODE, soon()) as plain, receivers.of(secured, soon()) as other:
        assert (plain.is_secured, other.is_secured) == (False, True)


@pytest.mark.parametrize(
    ("settings", "keyword"),
    [
        ({"store_ae_titles": ("OTHER",)}, "store_ae_titles"),
        ({"calling_ae_title": "SOMEONE"}, "calling_ae_title"),
        ({"limits": Limits(max_instances=1)}, "limits"),
    ],
)
def test_who_is_let_in_under_other_rules_needs_another_address(settings: dict[str, Any], keyword: str) -> None:
    node = replace(NODE, receiver=f"{HOST}:{free_port()}")
    receivers = Receivers()
    with (
        receivers.of(node, soon()),
        pytest.raises(PortInUseError, match=f"{keyword} differs: give both nodes the same"),
    ):
        receivers.of(replace(node, **settings), soon()).__enter__()
    with (
        receivers.of(replace(node, **settings), soon()) as other,
        receivers.of(replace(NODE, **settings), soon()) as anywhere,
    ):
        assert other is not anywhere


def test_a_port_is_free_for_the_next_as_soon_as_the_last_has_given_it_back() -> None:
    node = replace(NODE, receiver=f"{HOST}:{free_port()}")
    receivers = Receivers()

    def lend(_: int) -> int:
        with receivers.of(node, soon()) as receiver:
            return receiver.port

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(lend, range(100))) == {int(node.receiver.rpartition(":")[2])}


HOLDING = """
import sys
from itkdicomqr import Node
from itkdicomqr.association import Deadline
from itkdicomqr.retrieval import RECEIVERS

with RECEIVERS.of(Node("h", 104, "ARCHIVE", receiver=sys.argv[1]), Deadline(30)):
    print("listening", flush=True)
    sys.stdin.readline()
"""


@contextmanager
def another_process(node: Node) -> Iterator[subprocess.Popen[str]]:
    """A process that listens where a node's receiver is to, until it is told a line, or killed."""
    command = [sys.executable, "-c", HOLDING, node.receiver]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "listening\n"
        try:
            yield process
        finally:
            process.kill()


def tell_to_end(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


in_turn = pytest.mark.skipif(not HAS_TURNS, reason="processes do not wait for each other here")


@in_turn
@pytest.mark.parametrize("end", [tell_to_end, subprocess.Popen.kill], ids=["ends", "is killed"])
def test_another_process_is_waited_for_until_it(end: Callable[[subprocess.Popen[str]], None]) -> None:
    node = replace(NODE, receiver=f"{HOST}:{free_port()}")
    with another_process(node) as other, ThreadPoolExecutor(1) as pool:

        def lend() -> str:
            with Receivers().of(node, soon()) as receiver:
                return receiver.place

        waiting = pool.submit(lend)
        with pytest.raises(TimeoutError):
            waiting.result(0.3)
        end(other)
        assert waiting.result(10) == node.receiver


@in_turn
def test_another_process_that_keeps_its_turn_is_told_at_the_deadline() -> None:
    node = replace(NODE, receiver=f"{HOST}:{free_port()}")
    with another_process(node), pytest.raises(PortInUseError, match="another process of this machine receives at"):
        Receivers().of(node, Deadline(0.3)).__enter__()


@in_turn
def test_a_call_that_is_cancelled_waits_no_longer() -> None:
    node = replace(NODE, receiver=f"{HOST}:{free_port()}")
    deadline = soon()
    with another_process(node), ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(Receivers().of(node, deadline).__enter__)
        with pytest.raises(TimeoutError):
            waiting.result(0.3)
        deadline.cancel()
        with pytest.raises(DeadlineError, match="cancelled"):
            waiting.result(2)


@in_turn
@pytest.mark.parametrize("host", ["0.0.0.0", "localhost"])  # noqa: S104
def test_turns_are_of_a_port_however_the_address_is_spelt(host: str) -> None:
    node = replace(NODE, receiver=f"{HOST}:{free_port()}")
    other = replace(node, receiver=f"{host}:{node.receiver.rpartition(':')[2]}")
    with another_process(node), pytest.raises(PortInUseError, match="another process of this machine receives at"):
        Receivers().of(other, Deadline(0.3)).__enter__()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no process is forked here")
@pytest.mark.filterwarnings("ignore:This process.*is multi-threaded:DeprecationWarning")
def test_a_process_that_is_forked_off_keeps_nothing_of_the_receiver() -> None:
    node = replace(NODE, receiver=f"{HOST}:{free_port()}")
    reading, writing = os.pipe()
    with RECEIVERS.of(node, soon()):
        child = os.fork()
        if child == 0:  # It lives on until it is told to end.
            os.read(reading, 1)
            os._exit(0)
    try:
        with RECEIVERS.of(node, Deadline(2)) as receiver:
            assert receiver.place == node.receiver
    finally:
        os.write(writing, b"x")
        os.waitpid(child, 0)
        os.close(reading)
        os.close(writing)


def test_a_receiver_that_cannot_listen_leaves_the_turn_to_others() -> None:
    node = replace(NODE, receiver=f"no-such-host.invalid:{free_port()}")
    with pytest.raises(PortInUseError, match="cannot listen"):
        Receivers().of(node, soon()).__enter__()
    with Receivers().of(replace(node, receiver=node.receiver.replace("no-such-host.invalid", HOST)), Deadline(1)):
        pass


@in_turn
def test_other_addresses_of_one_port_share_the_turn_of_the_process() -> None:
    node = replace(NODE, receiver=f"{HOST}:{free_port()}")
    other = replace(node, receiver=node.receiver.replace(HOST, "127.0.0.2"))
    receivers = Receivers()
    with receivers.of(node, soon()), receivers.of(other, Deadline(1)) as second:
        assert second.place == other.receiver


def test_another_program_at_the_port_is_not_waited_for() -> None:
    with closing(socket.create_server((HOST, 0))) as other:
        node = replace(NODE, receiver=f"{HOST}:{other.getsockname()[1]}")
        with pytest.raises(PortInUseError, match="another program listens there"):
            Receivers().of(node, soon()).__enter__()
        other.close()
        with Receivers().of(node, soon()) as receiver:
            assert receiver.place == node.receiver

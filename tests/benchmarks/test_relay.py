"""What passes a relay comes out unchanged, later, and as it ended."""

from __future__ import annotations

import socket
import struct
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from benchmarks.relay import relaying

if TYPE_CHECKING:
    from collections.abc import Iterator

HOST = "127.0.0.1"
CONTENT = bytes(range(256)) * 8192


@contextmanager
def joined(delay: float = 0.0) -> Iterator[tuple[socket.socket, socket.socket]]:
    """A client and a server with a relay between them."""
    with (
        socket.create_server((HOST, 0)) as listener,
        relaying(listener.getsockname()[1], delay) as port,
        socket.create_connection((HOST, port), 5) as client,
    ):
        listener.settimeout(5)
        server, _ = listener.accept()
        server.settimeout(5)
        with server:
            yield client, server


def received(connection: socket.socket, size: int) -> bytes:
    content = bytearray()
    while len(content) < size and (part := connection.recv(size)):
        content += part
    return bytes(content)


def test_bytes_pass_unchanged_in_both_directions():
    with joined() as (client, server):
        client.sendall(b"asked")
        assert received(server, 5) == b"asked"
        server.sendall(CONTENT)
        assert received(client, len(CONTENT)) == CONTENT


def test_each_way_takes_the_delay():
    with joined(delay=0.05) as (client, server):
        begin = time.perf_counter()
        client.sendall(b"asked")
        server.sendall(received(server, 5))
        assert received(client, 5) == b"asked"
        assert time.perf_counter() - begin >= 0.1


def test_much_that_is_under_way_takes_the_delay_once():
    with joined(delay=0.3) as (client, server):
        begin = time.perf_counter()
        server.sendall(CONTENT)
        assert received(client, len(CONTENT)) == CONTENT
        assert time.perf_counter() - begin < 3


def test_the_end_passes():
    with joined() as (client, server):
        server.sendall(b"last")
        server.close()
        assert received(client, 100) == b"last"


def test_a_reset_passes():
    with joined() as (client, server):
        client.sendall(b"there")
        assert received(server, 5) == b"there"
        server.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        server.close()
        with pytest.raises(ConnectionResetError):
            client.recv(1)

"""Tunnels on loopback, as stunnel makes them: what enters in clear text may leave by TLS, and the other way round."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from select import select

HOST = "127.0.0.1"
SECONDS = 10.0
"""How long an end may be silent."""


@dataclass(frozen=True)
class Tunnel:
    """How a tunnel leads on.

    Attributes
    ----------
    to : int
        The port that it leads to.
    entry, exit : ssl.SSLContext, optional
        By which the ends speak TLS.
    mute : bool
        Whether it swallows whatever is said.
    """

    to: int
    entry: ssl.SSLContext | None = None
    exit: ssl.SSLContext | None = None
    mute: bool = False

    @contextmanager
    def open(self, port: int = 0) -> Iterator[int]:
        """Listen at a port, or any free one, and give it; a handshake that fails closes both ends."""
        with socket.create_server((HOST, port)) as listener:
            thread = threading.Thread(target=self._accept, args=(listener,), name="tunnel")
            thread.start()
            try:
                yield listener.getsockname()[1]
            finally:
                listener.shutdown(socket.SHUT_RDWR)
                thread.join(2 * SECONDS)
                assert not thread.is_alive()

    def _accept(self, listener: socket.socket) -> None:
        threads = []
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                break
            threads.append(threading.Thread(target=self._lead, args=(connection,), name="tunnelled"))
            threads[-1].start()
        for thread in threads:
            thread.join(2 * SECONDS)

    def _lead(self, connection: socket.socket) -> None:
        with suppress(OSError), ExitStack() as ends:
            outer = ends.enter_context(connection)
            outer.settimeout(SECONDS)
            if self.entry:
                outer = ends.enter_context(self.entry.wrap_socket(outer, server_side=True))
            inner = ends.enter_context(socket.create_connection((HOST, self.to), SECONDS))
            if self.exit:
                inner = ends.enter_context(self.exit.wrap_socket(inner, server_hostname=HOST))
            self._carry(outer, inner)

    def _carry(self, *ends: socket.socket) -> None:
        while ready := _ready(ends):
            for end in ready:
                content = _read(end)
                if content == b"":
                    return
                if content and not self.mute:
                    ends[end is ends[0]].sendall(content)


def _ready(ends: Sequence[socket.socket]) -> Sequence[socket.socket]:
    deciphered = [end for end in ends if isinstance(end, ssl.SSLSocket) and end.pending()]
    return deciphered or select(ends, [], [], SECONDS)[0]


def _read(end: socket.socket) -> bytes | None:
    """Give what is there; None for what TLS needs for itself."""
    end.settimeout(0)
    try:
        return end.recv(1 << 16)
    except ssl.SSLWantReadError:
        return None
    finally:
        end.settimeout(SECONDS)

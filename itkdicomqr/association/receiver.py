"""Our own Storage SCP, to which an archive sends what a C-MOVE asks for (PS3.4 annexes B and C.4.2)."""

from __future__ import annotations

import errno
import socket
import ssl
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from ipaddress import ip_address
from threading import Event, Lock, Semaphore, Thread
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from itkdicomqr.association.deadline import Deadline
from itkdicomqr.association.inbound import Inbound
from itkdicomqr.association.pending import Pending, Register
from itkdicomqr.errors import NetworkError, NodeError, PortInUseError
from itkdicomqr.node import Node
from itkdicomqr.place import place_of
from itkdicomqr.security import receiver_context_of

MAX_ASSOCIATIONS = 8
"""How many associations peers may have with us at once; more are rejected for now."""

MAX_CONNECTIONS = 2 * MAX_ASSOCIATIONS
"""How many connections are held, those included that wait for their rejection; more are closed."""

POLL_SECONDS = 0.25
"""How soon the end is noticed where a listening socket cannot be woken."""


class Receiver:
    """A Storage SCP in memory, as a context manager; several moves at once may share it.

    It accepts associations only while a series is expected, from the AE titles that the node
    allows, and takes only instances of an expected series. No thread and no socket outlives the
    ``with`` block.

    Where `Node.receiver_security` says so it speaks TLS, and nothing else.

    Parameters
    ----------
    node : Node
        The archive for which it listens: ``receiver`` says where, ``calling_ae_title`` how it is
        called, ``store_ae_titles`` who may send.

    Raises
    ------
    NodeError
        ``Node.receiver`` is no ``"host:port"``, or a file of its certificate cannot be used.
    PortInUseError
        It cannot listen there.
    """

    def __init__(self, node: Node) -> None:
        self._node = node
        self._host, self._wanted_port = address_of(node.receiver)
        settings = node.receiver_security
        self._security = receiver_context_of(settings) if settings else None
        self._register = Register()
        self._seats = Semaphore(MAX_ASSOCIATIONS)
        self._lock = Lock()
        self._inbound: dict[Inbound, Thread] = {}
        self._ending = Event()

    def __enter__(self) -> Self:
        self._listener = _listening(self._host, self._wanted_port)
        self._listener.settimeout(POLL_SECONDS)
        self._thread = Thread(target=self._listen, name=f"itkdicomqr receiver {self.place}", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._ending.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listener.close()
        with self._lock:
            self._register.close()
            self._leave_all_unless_needed()
            threads = list(self._inbound.values())
        for thread in threads:
            thread.join()

    def let_go(self) -> None:
        """Close the listening socket of this process alone, which was forked off another that goes on to listen."""
        self._listener.close()

    @property
    def port(self) -> int:
        """The port at which it listens."""
        return int(self._listener.getsockname()[1])

    @property
    def place(self) -> str:
        """Host and port at which it listens."""
        return place_of(self._host, self.port)

    @property
    def is_secured(self) -> bool:
        """Whether it speaks TLS."""
        return self._security is not None

    def place_seen_from(self, local_host: str) -> str:
        """Host and port by which an archive reaches it that reaches us at ``local_host``."""
        is_any = ip_address(self._listener.getsockname()[0]).is_unspecified
        return place_of(local_host if is_any else self._host, self.port)

    @contextmanager
    def expect(
        self,
        series_uid: str,
        deadline: Deadline,
        instance_uids: Collection[str] | None = None,
        *,
        lossy: bool = False,
    ) -> Iterator[Pending]:
        """Expect a series for as long as the ``with`` block lasts.

        Parameters
        ----------
        series_uid : str
            Its Series Instance UID.
        deadline : Deadline
            Until when.
        instance_uids : collection of str, optional
            Only these of its SOP Instance UIDs.
        lossy : bool
            Whether transfer syntaxes that lose something are accepted.

        Yields
        ------
        Pending
            The queue of what arrives.
        """
        pending = Pending(series_uid, deadline, instance_uids, lossy=lossy)
        with self._lock:
            self._register.add(pending)
        try:
            yield pending
        finally:
            with self._lock:
                self._register.remove(pending)
                # Under the lock, so that no association is left that came for the next series.
                self._leave_all_unless_needed()

    def _leave_all_unless_needed(self) -> None:
        if not self._register:
            for inbound in self._inbound:
                inbound.leave()

    def _listen(self) -> None:
        while not self._ending.is_set():
            try:
                connection, address = self._listener.accept()
            except TimeoutError:
                continue
            except OSError as error:
                # Too many descriptors, for instance: that may pass.
                self._register.note(NetworkError(f"our receiver cannot accept a connection ({error.strerror})"))
                self._ending.wait(POLL_SECONDS)
                continue
            self._take(connection, place_of(*address[:2]))

    def _take(self, connection: socket.socket, peer: str) -> None:
        """Serve a connection in a thread of its own."""
        with self._lock:
            if len(self._inbound) >= MAX_CONNECTIONS:
                connection.close()
                return
            try:
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                connection = _channel(connection, self._security)
                inbound = Inbound(connection, peer, self._node, self._register, self._seats)
                thread = Thread(target=self._serve, args=(inbound,), name="itkdicomqr inbound", daemon=True)
                thread.start()
            except (OSError, RuntimeError):
                # The peer has gone already, or this process has no room for one more thread.
                connection.close()
            else:
                self._inbound[inbound] = thread

    def _serve(self, inbound: Inbound) -> None:
        try:
            inbound.serve()
        finally:
            with self._lock:
                del self._inbound[inbound]


def address_of(text: str) -> tuple[str, int]:
    """Read ``Node.receiver``, host and port; without a host, all addresses of this machine are meant.

    Raises
    ------
    NodeError
        It is no ``host:port``.
    """
    try:
        url = urlsplit(f"//{text}")
        port = url.port
    except ValueError:
        port = None
    if port is None or url.path or url.username is not None:
        message = (
            f"receiver={text!r} names no address: C-MOVE needs a 'host:port' of this machine that the archive knows, "
            "such as '0.0.0.0:11112'"
        )
        raise NodeError(message)
    return url.hostname or "0.0.0.0", port  # noqa: S104


def _channel(connection: socket.socket, security: ssl.SSLContext | None) -> socket.socket:
    """Give what is read and written; its handshake is left to the thread that serves it."""
    if security is None:
        return connection
    return security.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)


def _listening(host: str, port: int) -> socket.socket:
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        return socket.create_server(address[:2], family=family)
    except OSError as error:
        taken = error.errno == errno.EADDRINUSE
        reason = "another program listens there, or another process of this one" if taken else error.strerror
        cure = "end it, or give another port" if taken else "give an address of this machine and a port that is allowed"
        message = (
            f"our receiver cannot listen ({reason}): {cure} by Node(receiver='host:port'), as the archive knows it"
        )
        raise PortInUseError(message, place=place_of(host, port)) from None

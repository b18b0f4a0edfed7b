"""A TCP connection on which every wait ends: at a deadline, with an error that tells the step."""

from __future__ import annotations

import os
import socket
import ssl
import struct
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from time import monotonic
from typing import Self

from itkdicomqr.errors import ConnectError, ConnectionLostError, DeadlineError, TLSError
from itkdicomqr.node import Node

_QUICKACK = getattr(socket, "TCP_QUICKACK", None)


class Deadline:
    """The moment at which a public call, or a part of it, must have ended.

    Parameters
    ----------
    seconds : float
        From now.
    setting : str
        The name of that timeout.
    """

    def __init__(self, seconds: float, setting: str = "total") -> None:
        self._end = monotonic() + seconds
        self._over = f"not finished within {seconds:g} s: raise {setting}_timeout if the archive needs longer"

    def part(self, seconds: float, setting: str) -> Deadline:
        """Give the deadline of a part of the call: its own, or that of the whole if it is earlier."""
        own = Deadline(seconds, setting)
        return own if own._end < self._end else self

    def left(self) -> float:
        """Seconds until then; negative once it has passed."""
        return self._end - monotonic()

    def wait(self, seconds: float, setting: str) -> tuple[float, str]:
        """Shorten a wait to what is left of the whole.

        Returns
        -------
        tuple of float and str
            Seconds, and a message for when they have passed.

        Raises
        ------
        DeadlineError
            Nothing is left.
        """
        left = self.left()
        if left <= 0:
            raise DeadlineError(self._over)
        if left < seconds:
            return left, self._over
        return seconds, f"nothing came for {seconds:g} s: raise {setting}_timeout if the archive needs longer"


class Transport:
    """One connection to a node.

    Parameters
    ----------
    connection : socket.socket
        Connected.
    deadline : Deadline
        When all waits end, until another one is set.
    """

    def __init__(self, connection: socket.socket, deadline: Deadline) -> None:
        self._socket = connection
        self.deadline = deadline
        self._waits = _KernelTimeouts(connection) if _kernel_keeps_time(connection) else _SocketTimeouts(connection)
        self._acknowledge_at_once = _QUICKACK is not None and connection.family in (socket.AF_INET, socket.AF_INET6)

    @classmethod
    def connect(cls, node: Node, deadline: Deadline) -> Self:
        """Open a connection, secured if the node says so.

        Raises
        ------
        ConnectError
            The host is not known, or nobody listens there.
        DeadlineError
            It took too long.
        TLSError
            The secured channel was refused.
        """
        _, over = deadline.wait(node.timeouts.connect, "connect")
        try:
            connection = _connected(node, deadline)
        except TimeoutError:
            raise DeadlineError(over) from None
        except socket.gaierror as error:
            message = f"the host name {node.host!r} cannot be resolved ({error.strerror}): check its spelling"
            raise ConnectError(message) from None
        except (OSError, UnicodeError) as error:
            reason = getattr(error, "strerror", None) or error
            message = (
                f"no connection ({reason}): check host and port, and that the archive runs and no firewall is between"
            )
            raise ConnectError(message) from None
        try:
            if isinstance(connection, ssl.SSLSocket):
                _secure(connection, *deadline.wait(node.timeouts.connect, "connect"))
            return cls(connection, deadline)
        except BaseException:
            connection.close()
            raise

    def read_into(self, room: memoryview, seconds: float, setting: str) -> int:
        """Read at least one byte.

        Parameters
        ----------
        room : memoryview
            Where it goes.
        seconds : float
            How long to wait at most.
        setting : str
            The name of that timeout.

        Raises
        ------
        DeadlineError
            Nothing came in time.
        ConnectionLostError
            The peer closed or reset the connection.
        """
        with self._waiting(seconds, setting):
            count = self._socket.recv_into(room)
        if count == 0:
            raise ConnectionLostError("the archive closed the connection")
        if self._acknowledge_at_once and _QUICKACK is not None:
            # Without it the peer's Nagle algorithm waits 40 ms for our delayed acknowledgement.
            self._socket.setsockopt(socket.IPPROTO_TCP, _QUICKACK, 1)
        return count

    def send(self, content: bytes, seconds: float, setting: str) -> None:
        """Send all of it.

        Raises
        ------
        DeadlineError
            The peer does not take it in time.
        ConnectionLostError
            The peer closed or reset the connection.
        """
        with self._waiting(seconds, setting):
            self._socket.sendall(content)

    @property
    def local_host(self) -> str:
        """Our address on this connection."""
        return str(self._socket.getsockname()[0])

    def interrupt(self) -> None:
        """Wake whoever waits for the peer, in another thread, as if the peer had closed; sending is still possible."""
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RD)

    def close(self) -> None:
        """Close the connection, whatever its state."""
        self._socket.close()

    @contextmanager
    def _waiting(self, seconds: float, setting: str) -> Iterator[None]:
        wait, over = self.deadline.wait(seconds, setting)
        self._waits.set(wait)
        try:
            yield
        except (TimeoutError, BlockingIOError):
            raise DeadlineError(over) from None
        except OSError as error:
            message = f"the connection broke ({error.strerror or type(error).__name__})"
            raise ConnectionLostError(message) from None


class _SocketTimeouts:
    """Timeouts as Python keeps them, at the price of two more system calls for each read."""

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection

    def set(self, seconds: float) -> None:
        self._socket.settimeout(seconds)


class _KernelTimeouts:
    """Timeouts that the kernel keeps for a blocking socket, set anew only when they change."""

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection
        self._seconds = 0.0
        connection.settimeout(None)

    def set(self, seconds: float) -> None:
        if seconds == self._seconds:
            return
        whole, fraction = divmod(max(seconds, 1e-6), 1)
        interval = struct.pack("@ll", int(whole), int(fraction * 1e6) or int(not whole))
        for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
            self._socket.setsockopt(socket.SOL_SOCKET, option, interval)
        self._seconds = seconds


def place_of(host: str, port: int) -> str:
    """Host and port, as messages name them."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _kernel_keeps_time(connection: socket.socket) -> bool:
    return os.name == "posix" and not isinstance(connection, ssl.SSLSocket)


def _connected(node: Node, deadline: Deadline) -> socket.socket:
    """Try one address of the host after the other, each for its share of the time that is left."""
    addresses = socket.getaddrinfo(node.host, node.port, type=socket.SOCK_STREAM)
    while True:
        seconds, _ = deadline.wait(node.timeouts.connect, "connect")
        share = seconds / len(addresses)
        family, kind, protocol, _, address = addresses.pop(0)
        connection = _new_socket(node, family, kind, protocol)
        try:
            connection.settimeout(share)
            connection.connect(address)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except BaseException as error:
            connection.close()
            if not addresses or not isinstance(error, OSError):
                raise
        else:
            return connection


def _new_socket(node: Node, family: int, kind: int, protocol: int) -> socket.socket:
    """Make a socket; it is wrapped for TLS before it connects, since a reset in between would leave it open."""
    plain = socket.socket(family, kind, protocol)
    if not node.tls:
        return plain
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context.wrap_socket(plain, server_hostname=node.host, do_handshake_on_connect=False)


def _secure(connection: ssl.SSLSocket, seconds: float, over: str) -> None:
    connection.settimeout(seconds)
    try:
        connection.do_handshake()
    except TimeoutError:
        raise DeadlineError(over) from None
    except ssl.SSLCertVerificationError as error:
        message = f"its certificate was refused: {error.verify_message}"
        raise TLSError(message) from None
    except OSError as error:
        message = f"no secured channel ({getattr(error, 'reason', None) or error}): is this the archive's TLS port?"
        raise TLSError(message) from None

"""A TCP connection on which every wait ends: at a deadline, with an error that tells the step."""

from __future__ import annotations

import os
import socket
import ssl
import struct
from typing import Self

from itkdicomqr.association.deadline import Deadline
from itkdicomqr.errors import ConnectError, ConnectionLostError, DeadlineError, NetworkError, TLSError
from itkdicomqr.node import Node

_QUICKACK = getattr(socket, "TCP_QUICKACK", None)


class Transport:
    """One connection to a node.

    Parameters
    ----------
    connection : socket.socket
        Connected.
    deadline : Deadline
        When all waits end, until another one is set.

    Attributes
    ----------
    sending : bool
        Whether a message was begun and not sent to its end.
    """

    def __init__(self, connection: socket.socket, deadline: Deadline) -> None:
        self._socket = connection
        self._call = deadline
        self.deadline = deadline
        self.sending = False
        deadline.watch(connection)
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
        try:
            connection = _connected(node, deadline)
        except TimeoutError:
            raise DeadlineError(deadline.over(node.timeouts.connect, "connect")) from None
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
                _secure(connection, node, deadline)
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
        try:
            self._waits.set(self.deadline.left(seconds))
            count = self._socket.recv_into(room)
        except OSError as error:
            raise self._broken(error, seconds, setting) from None
        if count == 0:
            self.deadline.left(seconds)
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
        self.sending = True
        try:
            self._waits.set(self.deadline.left(seconds))
            self._socket.sendall(content)
        except OSError as error:
            raise self._broken(error, seconds, setting) from None
        self.sending = False

    def close(self) -> None:
        """Close the connection, whatever its state."""
        self._call.let_go(self._socket)
        self._socket.close()

    def _broken(self, error: OSError, seconds: float, setting: str) -> NetworkError:
        if isinstance(error, NetworkError):
            return error
        if isinstance(error, TimeoutError | BlockingIOError):
            return DeadlineError(self.deadline.over(seconds, setting))
        return ConnectionLostError(f"the connection broke ({error.strerror or type(error).__name__})")


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


def _kernel_keeps_time(connection: socket.socket) -> bool:
    return os.name == "posix" and not isinstance(connection, ssl.SSLSocket)


def _connected(node: Node, deadline: Deadline) -> socket.socket:
    """Try one address of the host after the other, each for its share of the time that is left."""
    addresses = socket.getaddrinfo(node.host, node.port, type=socket.SOCK_STREAM)
    while True:
        share = deadline.left(node.timeouts.connect) / len(addresses)
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


def _secure(connection: ssl.SSLSocket, node: Node, deadline: Deadline) -> None:
    connection.settimeout(deadline.left(node.timeouts.connect))
    try:
        connection.do_handshake()
    except TimeoutError:
        raise DeadlineError(deadline.over(node.timeouts.connect, "connect")) from None
    except ssl.SSLCertVerificationError as error:
        message = f"its certificate was refused: {error.verify_message}"
        raise TLSError(message) from None
    except OSError as error:
        message = f"no secured channel ({getattr(error, 'reason', None) or error}): is this the archive's TLS port?"
        raise TLSError(message) from None

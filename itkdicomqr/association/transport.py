"""A TCP connection on which every wait ends: at a deadline, with an error that tells the step."""

from __future__ import annotations

import os
import socket
import ssl
import struct
from typing import Self

from itkdicomqr.association.connection import connect
from itkdicomqr.association.deadline import Deadline, stop_reading
from itkdicomqr.errors import ConnectionLostError, DeadlineError, NetworkError, TLSError
from itkdicomqr.node import Node
from itkdicomqr.security import refusal

_QUICKACK = getattr(socket, "TCP_QUICKACK", None)

_ENDS = (ssl.SSLEOFError, ssl.SSLZeroReturnError, ssl.SSLSyscallError)
"""The TLS library's words for a connection that is gone."""


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
        """Open a connection, as `connect` does."""
        connection = connect(node, deadline)
        try:
            return cls(connection, deadline)
        except BaseException:
            deadline.let_go(connection)
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
        self._waits.set(self.deadline.left(seconds))
        try:
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
        self._waits.set(self.deadline.left(seconds))
        self.sending = True
        try:
            self._socket.sendall(content)
        except OSError as error:
            raise self._broken(error, seconds, setting) from None
        self.sending = False

    @property
    def local_host(self) -> str:
        """Our address on this connection."""
        return str(self._socket.getsockname()[0])

    def interrupt(self) -> None:
        """Wake whoever waits for the peer, in another thread, as if the peer had closed; sending is still possible."""
        stop_reading(self._socket)

    def close(self) -> None:
        """Close the connection, whatever its state."""
        self._call.let_go(self._socket)
        self._socket.close()

    def _broken(self, error: OSError, seconds: float, setting: str) -> NetworkError:
        """Tell a channel that was refused from one that broke: TLS 1.3 hears of it only after the handshake."""
        if isinstance(error, TimeoutError | BlockingIOError):
            return DeadlineError(self.deadline.over(seconds, setting))
        if isinstance(error, ssl.SSLError) and not isinstance(error, _ENDS):
            return TLSError(refusal(error))
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

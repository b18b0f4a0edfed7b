"""A TCP connection on which every wait ends: at a deadline, with an error that tells the step."""

from __future__ import annotations

import os
import socket
import ssl
import struct
from typing import Self

from itkdicomqr.association.connection import connect
from itkdicomqr.association.deadline import Deadline, stop_reading
from itkdicomqr.association.handshake import refusal, shake_hands
from itkdicomqr.errors import ConnectionLostError, DeadlineError, NetworkError, TLSError
from itkdicomqr.node import Node

_QUICKACK = getattr(socket, "TCP_QUICKACK", None)

AHEAD = 1 << 14
"""How many bytes beyond those that are due are taken at once: many messages are not worth a system call each."""

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
        self._receive = _received_in_one if _fills_one(connection) else _received_in_two
        self._ahead = memoryview(bytearray(AHEAD))
        self._held = self._ahead[:0]

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

    def secure(self, seconds: float) -> None:
        """Have the TLS handshake of an accepted connection, where TLS is spoken, as `shake_hands` does."""
        if isinstance(self._socket, ssl.SSLSocket):
            shake_hands(self._socket, self.deadline, seconds)

    @property
    def is_ready(self) -> bool:
        """Whether anything can be said yet: where TLS is spoken, not before the handshake is over."""
        return not isinstance(self._socket, ssl.SSLSocket) or self._socket.version() is not None

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
        if self._held:
            return self._from_held(room)
        self._waits.set(self.deadline.left(seconds))
        try:
            count = self._receive(self._socket, room, self._ahead)
        except OSError as error:
            raise self._broken(error, seconds, setting) from None
        if count == 0:
            self.deadline.left(seconds)
            raise ConnectionLostError("the archive closed the connection")
        if self._acknowledge_at_once and _QUICKACK is not None:
            # Without it the peer's Nagle algorithm waits 40 ms for our delayed acknowledgement.
            self._socket.setsockopt(socket.IPPROTO_TCP, _QUICKACK, 1)
        due = min(count, len(room))
        self._held = self._ahead[: count - due]
        return due

    def _from_held(self, room: memoryview) -> int:
        """Give what came ahead."""
        count = min(len(room), len(self._held))
        room[:count] = self._held[:count]
        self._held = self._held[count:]
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
            return TLSError(refusal(error, self._socket))
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


def _received_in_two(connection: socket.socket, room: memoryview, ahead: memoryview) -> int:
    """Receive what is due, and what follows it; tell how many bytes came together."""
    return connection.recvmsg_into((room, ahead))[0]


def _received_in_one(connection: socket.socket, room: memoryview, ahead: memoryview) -> int:
    """Do the same where only one buffer is filled at a time, as by TLS."""
    if len(room) >= len(ahead):
        return connection.recv_into(room)
    count = connection.recv_into(ahead)
    due = min(count, len(room))
    room[:due] = ahead[:due]
    ahead[: count - due] = ahead[due:count]
    return count


def _fills_one(connection: socket.socket) -> bool:
    return isinstance(connection, ssl.SSLSocket) or not hasattr(connection, "recvmsg_into")


def _kernel_keeps_time(connection: socket.socket) -> bool:
    return os.name == "posix" and not isinstance(connection, ssl.SSLSocket)

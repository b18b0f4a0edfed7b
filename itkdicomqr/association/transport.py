"""A TCP connection on which every wait ends: at a deadline, with an error that tells the step."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Self

from itkdicomqr.errors import ConnectError, ConnectionLostError, DeadlineError, TLSError
from itkdicomqr.node import Node

_QUICKACK = getattr(socket, "TCP_QUICKACK", None)


class Deadline:
    """The moment at which a public call must have ended.

    Parameters
    ----------
    seconds : float
        From now.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._end = monotonic() + seconds

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
        left = self._end - monotonic()
        over = f"not finished within {self._seconds:g} s: raise total_timeout if the archive needs longer"
        if left <= 0:
            raise DeadlineError(over)
        if left < seconds:
            return left, over
        return seconds, f"nothing came for {seconds:g} s: raise {setting}_timeout if the archive needs longer"


class Transport:
    """One connection to a node.

    Parameters
    ----------
    connection : socket.socket
        Connected.
    deadline : Deadline
        Of the whole call.
    """

    def __init__(self, connection: socket.socket, deadline: Deadline) -> None:
        self._socket = connection
        self._deadline = deadline
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
        seconds, over = deadline.wait(node.timeouts.connect, "connect")
        try:
            connection = socket.create_connection((node.host, node.port), timeout=seconds)
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
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return cls(_secured(connection, node, over) if node.tls else connection, deadline)
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

    def close(self) -> None:
        """Close the connection, whatever its state."""
        self._socket.close()

    @contextmanager
    def _waiting(self, seconds: float, setting: str) -> Iterator[None]:
        wait, over = self._deadline.wait(seconds, setting)
        self._socket.settimeout(wait)
        try:
            yield
        except TimeoutError:
            raise DeadlineError(over) from None
        except OSError as error:
            message = f"the connection broke ({error.strerror or type(error).__name__})"
            raise ConnectionLostError(message) from None


def _secured(connection: socket.socket, node: Node, over: str) -> ssl.SSLSocket:
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        return context.wrap_socket(connection, server_hostname=node.host)
    except TimeoutError:
        raise DeadlineError(over) from None
    except ssl.SSLCertVerificationError as error:
        message = f"its certificate was refused: {error.verify_message}"
        raise TLSError(message) from None
    except (ssl.SSLError, OSError) as error:
        message = f"no secured channel ({getattr(error, 'reason', None) or error}): is this the archive's TLS port?"
        raise TLSError(message) from None

"""A connection opened: the host's name looked up, its addresses tried, the channel secured, all in time."""

from __future__ import annotations

import socket
import ssl
from functools import cache, partial
from time import monotonic
from typing import Any

from itkdicomqr.association.deadline import Deadline
from itkdicomqr.association.handshake import shake_hands
from itkdicomqr.errors import ConnectError, DeadlineError
from itkdicomqr.node import Node
from itkdicomqr.security import TLS, context_of
from itkdicomqr.tasks import Task

POLL_SECONDS = 0.1
"""How soon a look-up that nobody waits for any more is left."""

Address = tuple[int, int, int, str, Any]
"""One that `socket.getaddrinfo` gives."""


def connect(node: Node, deadline: Deadline) -> socket.socket:
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
        connection = _connected(node, _addresses(node, deadline), deadline)
    except DeadlineError:
        raise
    except TimeoutError:
        raise DeadlineError(deadline.over(node.timeouts.connect, "connect")) from None
    except socket.gaierror as error:
        message = f"the host name {node.host!r} cannot be resolved ({error.strerror}): check its spelling"
        raise ConnectError(message) from None
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or error
        message = f"no connection ({reason}): check host and port, and that the archive runs and no firewall is between"
        raise ConnectError(message) from None
    try:
        if isinstance(connection, ssl.SSLSocket):
            shake_hands(connection, deadline, node.timeouts.connect)
        if deadline.cancelled:
            deadline.left(0)
    except BaseException:
        _closed(connection, deadline)
        raise
    return connection


def _closed(connection: socket.socket, deadline: Deadline) -> None:
    deadline.let_go(connection)
    connection.close()


def _addresses(node: Node, deadline: Deadline) -> list[Address]:
    """Resolve the host; a name in a thread of its own, since its look-up can be neither timed nor interrupted."""
    try:
        return _looked_up(node, socket.AI_NUMERICHOST)
    except socket.gaierror:
        seconds = deadline.left(node.timeouts.connect)
    look_up = Task(partial(_looked_up, node), "name look-up")
    until = monotonic() + seconds
    while not look_up.done() and monotonic() < until:
        look_up.join(POLL_SECONDS)
        if deadline.cancelled:
            deadline.left(0)
    if not look_up.done():
        over = deadline.over(seconds, "connect")
        message = f"the name server did not answer for {node.host!r}: {over}, or give the host's address"
        raise DeadlineError(message)
    return look_up.result()


def _looked_up(node: Node, flags: int = 0) -> list[Address]:
    return [*socket.getaddrinfo(node.host, node.port, type=socket.SOCK_STREAM, flags=flags)]


def _connected(node: Node, addresses: list[Address], deadline: Deadline) -> socket.socket:
    """Try one address of the host after the other, each for its share of the time that is left."""
    while True:
        share = deadline.left(node.timeouts.connect) / len(addresses)
        family, kind, protocol, _, address = addresses.pop(0)
        connection = _new_socket(node, family, kind, protocol)
        deadline.watch(connection)
        try:
            connection.settimeout(share)
            connection.connect(address)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except BaseException as error:
            _closed(connection, deadline)
            if not addresses or not isinstance(error, OSError):
                raise
        else:
            return connection


def _new_socket(node: Node, family: int, kind: int, protocol: int) -> socket.socket:
    """Make a socket; it is wrapped for TLS before it connects, since a reset in between would leave it open."""
    if not node.tls:
        return socket.socket(family, kind, protocol)
    own = node.tls if isinstance(node.tls, TLS) else None
    context = context_of(own) if own else _usual_context()
    name = (own and own.server_name) or node.host
    plain = socket.socket(family, kind, protocol)
    return context.wrap_socket(plain, server_hostname=name, do_handshake_on_connect=False)


@cache
def _usual_context() -> ssl.SSLContext:
    """Read the system's authorities once: some hundred certificates take longer than a query."""
    return context_of(tls=True)

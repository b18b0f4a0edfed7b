"""Whose turn it is to listen where several processes of one machine want to: each waits for the one before."""

from __future__ import annotations

import socket
import sys
from contextlib import AbstractContextManager, closing, nullcontext

from itkdicomqr.association.deadline import Deadline
from itkdicomqr.errors import DeadlineError, PortInUseError

HAS_TURNS = sys.platform == "linux"
"""Whether there are sockets with a name of their own, that no file stands for and that end with their process."""

KNOCKING_SECONDS = 0.05
"""Between two looks at a turn that nobody can be seen to hold."""


def turn_at(place: str) -> AbstractContextManager[object] | None:
    """Take the turn to listen at ``host:port`` until the context ends; None if another process has it."""
    if not HAS_TURNS:
        return nullcontext()
    mark = socket.socket(socket.AF_UNIX)
    try:
        mark.bind(_name(place))
        mark.listen()
    except OSError:
        mark.close()
        return None
    return closing(mark)


def await_turn(place: str, deadline: Deadline) -> None:
    """Wait until the process that has the turn has left it, which is no promise that nobody takes it next.

    Raises
    ------
    PortInUseError
        It still has it at the deadline.
    """
    try:
        with closing(socket.socket(socket.AF_UNIX)) as knocking:
            _hear_the_end(knocking, place, deadline)
    except DeadlineError:
        if deadline.cancelled:
            raise
        message = (
            "another process of this machine receives there by C-MOVE, and did not end in time: wait for it, raise "
            "total_timeout, or give each process a port of its own by Node(receiver='host:port')"
        )
        raise PortInUseError(message, place=place) from None


def _hear_the_end(knocking: socket.socket, place: str, deadline: Deadline) -> None:
    """Hold a connection that the other process never answers, and that ends with its turn."""
    deadline.watch(knocking)
    try:
        knocking.settimeout(deadline.left(deadline.remaining))
        knocking.connect(_name(place))
        knocking.recv(1)
    except OSError:
        # It left just now, or too many wait for it already, or the time is over.
        deadline.pause(KNOCKING_SECONDS)
    finally:
        deadline.let_go(knocking)
    deadline.left(0)


def _name(place: str) -> str:
    return f"\0itkdicomqr {place}"

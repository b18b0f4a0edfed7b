"""Whose turn it is to listen where several processes of one machine want to: each waits for the one before."""

from __future__ import annotations

import errno
import socket
import sys
from contextlib import AbstractContextManager, ExitStack, closing, nullcontext, suppress

from itkdicomqr.association.deadline import Deadline
from itkdicomqr.errors import DeadlineError, PortInUseError

HAS_TURNS = sys.platform == "linux"
"""Whether there are sockets with a name of their own, that no file stands for and that end with their process."""

KNOCKING_SECONDS = 0.02
"""Between two tries to take a turn."""


def turn_at(port: int) -> AbstractContextManager[object] | None:
    """Take the turn to listen at a port until the context ends; None if another process has it.

    Where no mark can be made, nobody is waited for: listening itself tells what is wrong.
    """
    if not HAS_TURNS:
        return nullcontext()
    with ExitStack() as making:
        try:
            mark = making.enter_context(closing(socket.socket(socket.AF_UNIX)))
            mark.bind(_name(port))
            mark.listen()
        except OSError as error:
            return None if error.errno == errno.EADDRINUSE else nullcontext()
        return making.pop_all()


def await_turn(port: int, deadline: Deadline) -> None:
    """Wait until the process that has the turn has left it, which is no promise that nobody takes it next.

    Raises
    ------
    PortInUseError
        It still has it at the deadline.
    """
    try:
        with suppress(OSError), closing(socket.socket(socket.AF_UNIX)) as knocking:
            _hear_the_end(knocking, port, deadline)
        # It may have left just now, or too many may wait for it already.
        deadline.pause(KNOCKING_SECONDS)
    except DeadlineError:
        if deadline.cancelled:
            raise
        message = (
            f"another process of this machine receives at port {port} by C-MOVE, and did not end in time: wait for it, "
            "raise total_timeout, or give each process a port of its own by Node(receiver='host:port')"
        )
        raise PortInUseError(message) from None


def _hear_the_end(knocking: socket.socket, port: int, deadline: Deadline) -> None:
    """Hold a connection that the other process never answers, and that ends with its turn."""
    deadline.watch(knocking)
    try:
        knocking.settimeout(deadline.left(deadline.remaining))
        knocking.connect(_name(port))
        knocking.recv(1)
    finally:
        deadline.let_go(knocking)


def _name(port: int) -> str:
    return f"\0itkdicomqr receiver {port}"

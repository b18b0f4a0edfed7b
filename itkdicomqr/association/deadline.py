"""When a public call must have ended, and how it is ended before."""

from __future__ import annotations

import socket
from contextlib import suppress
from threading import Event, Lock
from time import monotonic

from itkdicomqr.errors import DeadlineError

CANCELLED = "the call was cancelled"

INACCURACY = 0.05
"""Seconds by which a wait may end before its time."""


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
        self._seconds, self._setting = seconds, setting
        self._call = _Call()

    def part(self, seconds: float, setting: str) -> Deadline:
        """Give the deadline of a part of the call: its own, or that of the whole if it is earlier."""
        own = Deadline(seconds, setting)
        own._call = self._call
        return own if own._end < self._end else self

    def scope(self) -> Deadline:
        """Give the same deadline for a part of the call that may be cancelled by itself."""
        own = Deadline(self._seconds, self._setting)
        own._end = self._end
        return own

    @property
    def remaining(self) -> float:
        """Seconds until then; negative once it has passed."""
        return self._end - monotonic()

    def left(self, seconds: float) -> float:
        """Shorten a wait to what is left of the whole.

        Raises
        ------
        DeadlineError
            Nothing is left.
        """
        left = self.remaining
        if left <= 0 or self._call.cancelled:
            raise DeadlineError(CANCELLED if self._call.cancelled else self._over())
        return min(left, seconds)

    def pause(self, seconds: float) -> None:
        """Wait on purpose.

        Raises
        ------
        DeadlineError
            The call ends meanwhile.
        """
        self._call.ended.wait(self.left(seconds))
        self.left(0)

    def over(self, seconds: float, setting: str) -> str:
        """Say what it means that so many seconds, as `left` gave them, have passed."""
        if self.remaining <= INACCURACY:
            return self._over()
        return f"nothing came for {seconds:g} s: raise {setting}_timeout if the archive needs longer"

    def _over(self) -> str:
        return f"not finished within {self._seconds:g} s: raise {self._setting}_timeout if the archive needs longer"

    def cancel(self) -> None:
        """End the call now, in whatever threads it waits."""
        self._call.cancel()

    @property
    def cancelled(self) -> bool:
        """Whether the call was cancelled."""
        return self._call.cancelled

    def watch(self, connection: socket.socket) -> None:
        """Have the waits on a connection end when the call is cancelled, until it is let go."""
        self._call.add(connection)

    def let_go(self, connection: socket.socket) -> None:
        """Stop watching a connection, before it is closed."""
        self._call.remove(connection)


class _Call:
    """The connections of one public call, whose waits end when it is cancelled."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._connections: set[socket.socket] = set()
        self.ended = Event()

    @property
    def cancelled(self) -> bool:
        return self.ended.is_set()

    def add(self, connection: socket.socket) -> None:
        with self._lock:
            self._connections.add(connection)
            if self.cancelled:
                stop_reading(connection)

    def remove(self, connection: socket.socket) -> None:
        with self._lock:
            self._connections.discard(connection)

    def cancel(self) -> None:
        with self._lock:
            self.ended.set()
            for connection in self._connections:
                stop_reading(connection)


def stop_reading(connection: socket.socket) -> None:
    """Make a thread that waits for bytes go on as if the peer had closed; what it says still goes out."""
    with suppress(OSError):
        socket.socket.shutdown(connection, socket.SHUT_RD)

"""What comes over one connection, event by event, each in time."""

from __future__ import annotations

from collections.abc import Callable

from itkdicomqr.association.stream import Event, StreamReader
from itkdicomqr.association.transport import Transport

MAX_PDU = 1 << 17
"""The longest PDU that we announce: peers seldom send longer ones."""


class Events:
    """The PDUs and messages that a peer sends.

    Parameters
    ----------
    transport : Transport
        The connection.
    idle : float
        Seconds that may pass between two bytes of an event.
    came : callable, optional
        Is told of each read that brought something.
    """

    def __init__(self, transport: Transport, idle: float, came: Callable[[], None] | None = None) -> None:
        self._transport = transport
        self._idle = idle
        self._came = came
        self._reader = StreamReader(MAX_PDU)

    def limit(self, max_message: int, cure: str) -> None:
        """Set the largest data set to accept from the next message on, and what an error says of it."""
        self._reader.limit(max_message, cure)

    def next(self, seconds: float, setting: str) -> Event:
        """Wait for an event; from its first byte on the idle timeout counts.

        Parameters
        ----------
        seconds : float
            How long to wait for that byte.
        setting : str
            The name of that timeout.

        Raises
        ------
        ConnectionLostError, DeadlineError, ProtocolError, LimitExceededError
            None came, or what came is none.
        """
        while (event := self.read(seconds, setting)) is None:
            seconds, setting = self._idle, "idle"
        return event

    def read(self, seconds: float, setting: str) -> Event | None:
        """Read once, and give the event that is complete by it; the same errors."""
        count = self._transport.read_into(self._reader.room(), seconds, setting)
        if self._came is not None:
            self._came()
        return self._reader.arrived(count)

"""The sockets of the archive, kept until they are closed: pynetdicom forgets one whose peer has gone."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import socket

    from pynetdicom.association import Association
    from pynetdicom.events import Event


class Connections:
    """The open sockets by their associations: the handlers of two of pynetdicom's events."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._sockets: dict[Association, socket.socket] = {}

    def opened(self, event: Event) -> None:
        """Keep the socket of an association, and close those of which pynetdicom never said that they ended."""
        with self._lock:
            ended = [association for association in self._sockets if _has_ended(association)]
            self._sockets[event.assoc] = event.assoc.dul.socket.socket
        for association in ended:
            self._close(association)

    def closed(self, event: Event) -> None:
        """Close the socket of an association that has ended."""
        self._close(event.assoc)

    def close(self) -> None:
        """Close all."""
        for association in list(self._sockets):
            self._close(association)

    def _close(self, association: Association) -> None:
        with self._lock:
            connection = self._sockets.pop(association, None)
        if connection is not None:
            connection.close()


def _has_ended(association: Association) -> bool:
    was_started = association.ident is not None
    return was_started and not association.is_alive() and not association.dul.is_alive()

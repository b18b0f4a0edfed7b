"""The archive on a port: it listens, hands each request to its provider, and ends all that it started."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from socketserver import BaseServer
from typing import TYPE_CHECKING, Any, Self
from weakref import WeakSet

from pynetdicom import AE, evt
from pynetdicom.association import Association
from pynetdicom.sop_class import Verification

from itkdicomqr.archive.acceptance import Acceptance
from itkdicomqr.archive.connections import Connections
from itkdicomqr.archive.provider import Provider
from itkdicomqr.archive.seams import Quirk
from itkdicomqr.archive.silence import Silence
from itkdicomqr.status import SUCCESS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

    from pynetdicom.transport import ThreadedAssociationServer

    from itkdicomqr.archive.index import Index

MAXIMUM_PDU = 1 << 17
JOIN_SECONDS = 5.0
POLL_SECONDS = 0.1


class Server:
    """The archive on a port; a context manager.

    Parameters
    ----------
    index : Index
        What it serves; what is stored to it is added.
    ae_title : str
        What it is called; a peer that calls it otherwise is rejected.
    host : str
        The address to listen at.
    port : int
        The port; 0 for any free one.
    destinations : mapping of str to (str, int)
        Where a C-MOVE may send to: host and port by AE title.
    quirk : Quirk, optional
        What it does otherwise than the standard says.

    Attributes
    ----------
    port : int
        The port that it listens at, once started.
    """

    def __init__(
        self,
        index: Index,
        *,
        ae_title: str,
        host: str = "127.0.0.1",
        port: int = 0,
        destinations: Mapping[str, tuple[str, int]] | None = None,
        quirk: Quirk | None = None,
    ) -> None:
        self.index = index
        self.ae_title = ae_title
        self.host = host
        self.port = port
        self._threads: WeakSet[threading.Thread] = WeakSet()
        self._silence = Silence(self._threads)
        self._acceptance = Acceptance(index, ae_title, quirk or Quirk())
        self._connections = Connections()
        self._provider = Provider(index, ae_title, destinations or {}, quirk or Quirk(), self._watch, self._connections)
        self._listener: ThreadedAssociationServer | None = None

    def start(self) -> Self:
        """Listen.

        Raises
        ------
        OSError
            The port is taken, or the address is not this machine's.
        """
        self._silence.install()
        self._provider.stopping.clear()
        handlers: list[Any] = [
            (evt.EVT_CONN_OPEN, lambda event: self._watch(event.assoc, event.assoc.dul)),
            (evt.EVT_CONN_OPEN, self._connections.opened),
            (evt.EVT_CONN_CLOSE, self._connections.closed),
            (evt.EVT_C_ECHO, lambda _: SUCCESS),
            (evt.EVT_REQUESTED, self._acceptance.decide),
            (evt.EVT_ACSE_SENT, self._acceptance.announce),
            (evt.EVT_C_FIND, self._provider.find),
            (evt.EVT_C_GET, self._provider.get),
            (evt.EVT_C_MOVE, self._provider.move),
            (evt.EVT_C_STORE, self._provider.store),
            (evt.EVT_DIMSE_SENT, self._provider.complete),
        ]
        try:
            self._listener = self._new_entity().make_server((self.host, self.port), evt_handlers=handlers)
        except OSError:
            self._silence.remove()
            raise
        self.port = self._listener.socket.getsockname()[1]
        thread = threading.Thread(
            target=self._listener.serve_forever,
            args=(POLL_SECONDS,),
            name=f"{self.ae_title}@{self.port}",
            daemon=True,
        )
        self._threads.add(thread)
        thread.start()
        return self

    def stop(self) -> None:
        """End every association, thread and socket."""
        self._provider.stopping.set()
        listener, self._listener = self._listener, None
        if listener is not None:
            BaseServer.shutdown(listener)
            listener.server_close()
        threads = list(self._threads)
        for thread in threads:
            _wake(thread)
        for thread in threads:
            if thread.ident is not None:  # that of an association which was rejected never begins
                thread.join(JOIN_SECONDS)
        self._connections.close()
        self._silence.remove()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _new_entity(self) -> AE:
        entity = AE(self.ae_title)
        entity.maximum_associations = 64
        entity.maximum_pdu_size = MAXIMUM_PDU
        entity.connection_timeout = 10
        entity.add_supported_context(Verification)  # none would not do; `Acceptance` tells the others
        return entity

    def _watch(self, *threads: threading.Thread) -> None:
        """Remember threads, such as those of an association, to silence and to end them."""
        self._threads.update(threads)


def _wake(thread: threading.Thread) -> None:
    """End an association as if its peer had gone, wherever it waits.

    pynetdicom's own abort waits for ever for the rest of a PDU, and for long for the first.
    """
    if isinstance(thread, Association):
        with suppress(OSError, AttributeError):
            thread.dul.socket.socket.shutdown(socket.SHUT_RD)
        if not thread.is_established:
            thread.dul.to_user_queue.put(None)

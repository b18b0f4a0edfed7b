"""The SCP: verification, query, retrieve and storage over an index in memory."""

from __future__ import annotations

import logging
import socket
import threading
from contextlib import suppress
from dataclasses import replace
from socketserver import BaseServer
from typing import TYPE_CHECKING, Any, Self
from weakref import WeakSet

from pydicom.dataset import Dataset
from pydicom.uid import UID
from pynetdicom import AE, AllStoragePresentationContexts, build_context, evt
from pynetdicom._globals import ALL_TRANSFER_SYNTAXES
from pynetdicom.association import Association
from pynetdicom.sop_class import (
    PatientRootQueryRetrieveInformationModelFind,
    PatientRootQueryRetrieveInformationModelGet,
    PatientRootQueryRetrieveInformationModelMove,
    StudyRootQueryRetrieveInformationModelFind,
    StudyRootQueryRetrieveInformationModelGet,
    StudyRootQueryRetrieveInformationModelMove,
    Verification,
)

from itkdicomqr.archive.matching import Model, find, select
from itkdicomqr.archive.transcoding import acceptable
from itkdicomqr.errors import DICOMQRError, ForeignInstanceError, InstanceError, StatusError
from itkdicomqr.instance import Instance

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from types import TracebackType

    from pynetdicom.events import Event
    from pynetdicom.presentation import PresentationContext
    from pynetdicom.transport import ThreadedAssociationServer

    from itkdicomqr.archive.index import Entry, Index

MODELS = {
    PatientRootQueryRetrieveInformationModelFind: Model.PATIENT_ROOT,
    PatientRootQueryRetrieveInformationModelGet: Model.PATIENT_ROOT,
    PatientRootQueryRetrieveInformationModelMove: Model.PATIENT_ROOT,
    StudyRootQueryRetrieveInformationModelFind: Model.STUDY_ROOT,
    StudyRootQueryRetrieveInformationModelGet: Model.STUDY_ROOT,
    StudyRootQueryRetrieveInformationModelMove: Model.STUDY_ROOT,
}

SUCCESS = 0x0000
PENDING = 0xFF00
PENDING_WITHOUT_SOME_KEYS = 0xFF01
CANCELLED = 0xFE00
NOT_THAT_INSTANCE = 0xA900
CANNOT_UNDERSTAND = 0xC000
"""Statuses of PS3.4 annexes B and C."""

MAXIMUM_CONTEXTS = 128
MAXIMUM_PDU = 1 << 17
JOIN_SECONDS = 5.0
POLL_SECONDS = 0.1

Outcome = tuple[int | Dataset, Dataset | None]


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
    ) -> None:
        self.index = index
        self.ae_title = ae_title
        self.host = host
        self.port = port
        self._destinations = dict(destinations or {})
        self._threads: WeakSet[threading.Thread] = WeakSet()
        self._silence = _Silence(self._threads)
        self._listener: ThreadedAssociationServer | None = None

    def start(self) -> Self:
        """Listen.

        Raises
        ------
        OSError
            The port is taken, or the address is not this machine's.
        """
        self._silence.install()
        handlers: list[Any] = [
            (evt.EVT_CONN_OPEN, self._watch),
            (evt.EVT_C_ECHO, lambda _: SUCCESS),
            (evt.EVT_C_FIND, self._find),
            (evt.EVT_C_GET, self._get),
            (evt.EVT_C_MOVE, self._move),
            (evt.EVT_C_STORE, self._store),
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
        listener, self._listener = self._listener, None
        if listener is not None:
            BaseServer.shutdown(listener)
            listener.server_close()
        threads = list(self._threads)
        for thread in threads:
            _wake(thread)
        for thread in threads:
            thread.join(JOIN_SECONDS)
        self._silence.remove()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _new_entity(self) -> AE:
        entity = AE(self.ae_title)
        entity.require_called_aet = True
        entity.maximum_associations = 64
        entity.maximum_pdu_size = MAXIMUM_PDU
        entity.connection_timeout = 10
        entity.add_supported_context(Verification)
        for query in MODELS:
            entity.add_supported_context(query)
        for storage in self._storage_classes():
            entity.add_supported_context(storage, ALL_TRANSFER_SYNTAXES, scu_role=True, scp_role=True)
        return entity

    def _storage_classes(self) -> list[UID]:
        known = {context.abstract_syntax for context in AllStoragePresentationContexts}
        return sorted(known | {UID(entry.instance.sop_class_uid) for entry in self.index.entries()})

    def _watch(self, event: Event) -> None:
        """Remember the threads of an association, to silence and to end them."""
        self._threads.update((event.assoc, event.assoc.dul))

    def _find(self, event: Event) -> Iterator[Outcome]:
        try:
            for answer in find(self.index, event.identifier, _model(event), ae_title=self.ae_title):
                if event.is_cancelled:
                    yield CANCELLED, None
                    return
                yield PENDING if answer.complete else PENDING_WITHOUT_SOME_KEYS, answer.identifier
        except StatusError as error:
            yield _failure(error), None

    def _get(self, event: Event) -> Iterator[int | Outcome]:
        try:
            entries = select(self.index, event.identifier, _model(event))
        except StatusError as error:
            yield 1
            yield _failure(error), None
            return
        yield len(entries)
        yield from self._sub_operations(event, entries, event.assoc.accepted_contexts)

    def _move(self, event: Event) -> Iterator[Any]:
        """Send elsewhere; an identifier that does not fit ends as 0xC514, before the destination is called."""
        entries = select(self.index, event.identifier, _model(event))
        place = self._destinations.get(event.move_destination.strip())
        if place is None:
            yield None, None
            return
        accepted: list[PresentationContext] = []
        handlers = [
            (evt.EVT_CONN_OPEN, self._watch),
            (evt.EVT_ACCEPTED, lambda accepting: accepted.extend(accepting.assoc.accepted_contexts)),
        ]
        yield *place, {"contexts": _proposal(entries), "evt_handlers": handlers}
        yield len(entries)
        yield from self._sub_operations(event, entries, accepted)

    def _sub_operations(
        self, event: Event, entries: list[Entry], contexts: list[PresentationContext]
    ) -> Iterator[Outcome]:
        for entry in entries:
            if event.is_cancelled:
                yield CANCELLED, None
                return
            yield PENDING, _sendable(entry.instance, contexts)

    def _store(self, event: Event) -> int:
        request = event.request
        instance = Instance(
            str(request.AffectedSOPClassUID),
            str(request.AffectedSOPInstanceUID),
            str(event.context.transfer_syntax),
            request.DataSet.getvalue(),
            "C-STORE",
        )
        try:
            self.index.add(instance)
        except ForeignInstanceError:
            return NOT_THAT_INSTANCE
        except InstanceError:
            return CANNOT_UNDERSTAND
        return SUCCESS


class _Silence(logging.Filter):
    """Drops what pynetdicom and pydicom log in the threads of a server: it holds patient data."""

    def __init__(self, threads: WeakSet[threading.Thread]) -> None:
        super().__init__()
        self._threads = threads

    def filter(self, _record: logging.LogRecord) -> bool:
        """Tell whether a record comes from elsewhere."""
        return threading.current_thread() not in self._threads

    def install(self) -> None:
        """Watch the loggers of both packages; a filter of a parent would not see its children's records."""
        for logger in _loggers():
            logger.addFilter(self)

    def remove(self) -> None:
        """Leave them as they were."""
        for logger in _loggers():
            logger.removeFilter(self)


def _loggers() -> list[logging.Logger]:
    names = [name for name in logging.root.manager.loggerDict if name.split(".")[0] in {"pydicom", "pynetdicom"}]
    return [logging.getLogger(name) for name in names]


def _model(event: Event) -> Model:
    return MODELS[event.context.abstract_syntax]


def _failure(error: StatusError) -> Dataset:
    status = Dataset()
    status.Status = error.status
    status.ErrorComment = str(error.args[0])[:64]
    return status


def _sendable(instance: Instance, contexts: Iterable[PresentationContext]) -> Dataset:
    """Make the data set to send; where no context takes it, one that cannot be sent, and is counted as failed."""
    accepted = [str(c.transfer_syntax[0]) for c in contexts if c.as_scu and c.abstract_syntax == instance.sop_class_uid]
    try:
        return replace(acceptable(instance, accepted)).dataset
    except DICOMQRError:
        return _named(instance)


def _named(instance: Instance) -> Dataset:
    """Make a data set of nothing but UIDs; as it names no transfer syntax, pynetdicom will not send it."""
    dataset = Dataset()
    dataset.SOPClassUID = UID(instance.sop_class_uid)
    dataset.SOPInstanceUID = UID(instance.sop_instance_uid)
    return dataset


def _proposal(entries: list[Entry]) -> list[PresentationContext]:
    """Propose each class as it is stored, and uncompressed; at most as many as one association may."""
    stored = {(entry.instance.sop_class_uid, entry.instance.transfer_syntax_uid) for entry in entries}
    plain = sorted({sop_class for sop_class, _ in stored})
    contexts = [build_context(*pair) for pair in sorted(stored)] + [build_context(sop_class) for sop_class in plain]
    return contexts[:MAXIMUM_CONTEXTS]


def _wake(thread: threading.Thread) -> None:
    """End an association as if its peer had gone, wherever it waits.

    pynetdicom's own abort waits for ever for the rest of a PDU, and for long for the first.
    """
    if isinstance(thread, Association):
        with suppress(OSError, AttributeError):
            thread.dul.socket.socket.shutdown(socket.SHUT_RD)
        if not thread.is_established:
            thread.dul.to_user_queue.put(None)

"""The service classes of the archive: query, retrieve and storage, over an index in memory."""

from __future__ import annotations

import threading
from contextlib import suppress
from dataclasses import replace
from functools import partial
from io import BytesIO
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from pydicom.dataset import Dataset
from pydicom.uid import UID
from pynetdicom import build_context, evt
from pynetdicom.pdu_primitives import A_ASSOCIATE

from itkdicomqr.archive.acceptance import MODELS
from itkdicomqr.archive.comparison import matches
from itkdicomqr.archive.matching import find, select
from itkdicomqr.archive.seams import Conclusion, Request, Sender, Step
from itkdicomqr.archive.transcoding import acceptable
from itkdicomqr.archive.values import first_of
from itkdicomqr.errors import DICOMQRError, ForeignInstanceError, InstanceError, StatusError
from itkdicomqr.instance import Instance
from itkdicomqr.levels import Level
from itkdicomqr.status import (
    CANCELLED,
    MISMATCH,
    NO_DESTINATION,
    PENDING,
    PENDING_WITHOUT_SOME_KEYS,
    SUCCESS,
    UNABLE,
    is_pending,
)

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterator, Mapping

    from pynetdicom.association import Association
    from pynetdicom.dimse import DIMSEServiceProvider
    from pynetdicom.events import Event
    from pynetdicom.presentation import PresentationContext

    from itkdicomqr.archive.connections import Connections
    from itkdicomqr.archive.index import Entry, Index
    from itkdicomqr.archive.seams import Outcome, Place, Quirk

MAXIMUM_CONTEXTS = 128

_RESPONSES = frozenset({0x8010, 0x8020, 0x8021})
"""Command fields of C-GET-RSP, C-FIND-RSP and C-MOVE-RSP (PS3.7 E.1)."""

_STORE_REQUEST = 0x0001
_NO_DATA_SET = 0x0101


class Provider:
    """Answers requests: the handlers of pynetdicom's events.

    Parameters
    ----------
    index : Index
        What there is; what is stored is added.
    ae_title : str
        Of the archive.
    destinations : mapping of str to (str, int)
        Where a C-MOVE may send to.
    quirk : Quirk
        What the archive does otherwise.
    watch : callable
        To be called with each thread that is started.
    connections : Connections
        Keeps the sockets of the associations with destinations.
    """

    def __init__(
        self,
        index: Index,
        ae_title: str,
        destinations: Mapping[str, Place],
        quirk: Quirk,
        watch: Callable[..., None],
        connections: Connections,
    ) -> None:
        self.stopping = threading.Event()
        self._index = index
        self._ae_title = ae_title
        self._destinations = dict(destinations)
        self._quirk = quirk
        self._watch = watch
        self._connections = connections
        self._requests: WeakKeyDictionary[Association, Request] = WeakKeyDictionary()

    def find(self, event: Event) -> Iterator[Outcome]:
        """Answer a C-FIND request."""
        request = self._begun(event, "C-FIND")
        try:
            yield from self._quirk.answers(self._found(event, request), request)
        except StatusError as error:
            yield _failure(error), None

    def get(self, event: Event) -> Iterator[int | Outcome]:
        """Answer a C-GET request."""
        request = self._begun(event, "C-GET")
        try:
            entries = self._planned(request)
        except StatusError as error:
            yield 1
            yield _failure(error), None
            return
        yield len(entries)
        yield from self._sub_operations(event, request, entries, event.assoc.accepted_contexts)

    def move(self, event: Event) -> Iterator[Any]:
        """Answer a C-MOVE request."""
        request = self._begun(event, "C-MOVE")
        place = self._quirk.destination(self._destinations.get(event.move_destination.strip()))
        request.destination_known = place is not None
        entries: list[Entry] = []
        try:
            entries = self._planned(request)
        except StatusError as error:
            request.final, place = error.status, None
        if place is None:
            yield None, None
            return
        accepted: list[PresentationContext] = []
        calling = self._calling(event, request, entries, accepted)
        yield *place, calling
        if late := self._quirk.late(0.0):
            self._later(late, partial(self._deliver, request, entries, place, calling))
            yield 0
            return
        yield len(entries)
        yield from self._sub_operations(event, request, entries, accepted)

    def store(self, event: Event) -> int:
        """Take in what is stored."""
        request = event.request
        instance = Instance(
            str(request.AffectedSOPClassUID),
            str(request.AffectedSOPInstanceUID),
            str(event.context.transfer_syntax),
            request.DataSet.getvalue(),
            "C-STORE",
        )
        try:
            self._index.add(instance)
        except ForeignInstanceError:
            return MISMATCH
        except InstanceError:
            return UNABLE
        return SUCCESS

    def complete(self, event: Event) -> None:
        """Complete a response, just before it is encoded."""
        message = event.message
        request = self._requests.get(event.assoc)
        if request is None or message.command_set.CommandField not in _RESPONSES:
            return
        if not is_pending(message.command_set.Status):
            self._conclude(message, request)
        elif message.data_set:
            message.data_set = BytesIO(self._quirk.row(message.data_set.getvalue(), request))

    def _conclude(self, message: Any, request: Request) -> None:
        command = message.command_set
        if command.Status == NO_DESTINATION:
            _close(request.outgoing)
        status = command.Status if request.final is None else request.final
        told = Conclusion(status, _counter(command, "Completed"), _counter(command, "Failed"))
        conclusion = self._quirk.conclusion(self._promised(told, request), request)
        command.Status = conclusion.status
        if "NumberOfCompletedSuboperations" in command:
            command.NumberOfCompletedSuboperations = conclusion.completed
            command.NumberOfFailedSuboperations = conclusion.failed
        if not conclusion.lists_failed:
            message.data_set = BytesIO()
            command.CommandDataSetType = _NO_DATA_SET

    def _begun(self, event: Event, operation: str) -> Request:
        identifier = event.identifier
        level = Level.__members__.get(first_of(identifier, "QueryRetrieveLevel"))
        model = MODELS[event.context.abstract_syntax]
        request = Request(
            operation, identifier, model, level, self._index, event.assoc, event.request.MessageID, self.stopping
        )
        self._requests[event.assoc] = request
        return request

    def _found(self, event: Event, request: Request) -> Iterator[Outcome]:
        identifier = self._quirk.question(request.identifier, request)
        compare = self._quirk.compare(matches)
        for answer in find(self._index, identifier, request.model, ae_title=self._ae_title, compare=compare):
            if event.is_cancelled:
                yield CANCELLED, None
                return
            yield PENDING if answer.complete else PENDING_WITHOUT_SOME_KEYS, answer.identifier

    def _planned(self, request: Request) -> list[Entry]:
        identifier = self._quirk.question(request.identifier, request)
        request.asked = select(self._index, identifier, request.model)
        return self._quirk.plan(request.asked, request)

    def _promised(self, told: Conclusion, request: Request) -> Conclusion:
        """Report as done what will be sent later."""
        late = request.operation == "C-MOVE" and told.status == SUCCESS and self._quirk.late(0.0)
        return replace(told, completed=len(request.asked)) if late else told

    def _sub_operations(
        self, event: Event, request: Request, entries: list[Entry], contexts: list[PresentationContext]
    ) -> Iterator[Outcome]:
        for step in self._steps(request, entries, contexts):
            if event.is_cancelled:
                yield CANCELLED, None
                return
            yield PENDING, step.dataset or _named(step.entry.instance)

    def _steps(self, request: Request, entries: list[Entry], contexts: list[PresentationContext]) -> Iterator[Step]:
        encode = self._quirk.encode(acceptable)

        def step_of(entry: Entry) -> Step:
            usable = self._quirk.usable(_syntaxes_for(entry.instance, contexts))
            with suppress(DICOMQRError):
                return Step(entry, replace(encode(self._quirk.kept(entry.instance), usable)).dataset)
            return Step(entry, None)

        return self._quirk.steps(map(step_of, entries), request)

    def _calling(
        self, event: Event, request: Request, entries: list[Entry], accepted: list[PresentationContext]
    ) -> dict[str, Any]:
        """Tell how pynetdicom associates with a destination."""
        asker = request.association.requestor.ae_title
        sender = self._quirk.sender(Sender(self._ae_title, asker))
        handlers = [
            (evt.EVT_CONN_OPEN, lambda opened: self._watch(opened.assoc, opened.assoc.dul)),
            (evt.EVT_CONN_OPEN, self._connections.opened),
            (evt.EVT_CONN_OPEN, lambda opened: _leave_answers_alone(opened.assoc.dimse)),
            (evt.EVT_CONN_CLOSE, self._connections.closed),
            (evt.EVT_ACCEPTED, lambda accepting: accepted.extend(accepting.assoc.accepted_contexts)),
            (evt.EVT_ACSE_SENT, lambda sent: _introduce(sent, sender, request)),
            (evt.EVT_DIMSE_SENT, lambda sent: _name_originator(sent.message.command_set, sender)),
        ]
        return {"contexts": _proposal(entries), "evt_handlers": handlers, "ae_title": event.move_destination}

    def _later(self, seconds: float, act: Callable[[], None]) -> None:
        def wait_and_act() -> None:
            if not self.stopping.wait(seconds):
                act()

        thread = threading.Thread(target=wait_and_act, daemon=True)
        self._watch(thread)
        thread.start()

    def _deliver(self, request: Request, entries: list[Entry], place: Place, calling: dict[str, Any]) -> None:
        association = request.association.ae.associate(*place, **calling)
        if not association.is_established:
            _close(request.outgoing)
            return
        for step in self._steps(request, entries, association.accepted_contexts):
            if step.dataset is not None and association.is_established:
                association.send_c_store(step.dataset, originator_aet=self._ae_title, originator_id=request.message_id)
        association.release()


def _counter(command: Dataset, name: str) -> int:
    return int(command.get(f"NumberOf{name}Suboperations") or 0)


def _failure(error: StatusError) -> Dataset:
    status = Dataset()
    status.Status = error.status
    status.ErrorComment = str(error.args[0])[:64]
    return status


def _syntaxes_for(instance: Instance, contexts: list[PresentationContext]) -> list[str]:
    """List what the peer accepted for a class, in the order of its proposal."""
    return [str(c.transfer_syntax[0]) for c in contexts if c.as_scu and c.abstract_syntax == instance.sop_class_uid]


def _named(instance: Instance) -> Dataset:
    """Make a data set of nothing but UIDs; as it names no transfer syntax, pynetdicom will not send it."""
    dataset = Dataset()
    dataset.SOPClassUID = UID(instance.sop_class_uid)
    dataset.SOPInstanceUID = UID(instance.sop_instance_uid)
    return dataset


def _leave_answers_alone(messages: DIMSEServiceProvider) -> None:
    """Keep the thread that pynetdicom gives an association from taking the answer that a sender waits for."""
    take = messages.get_msg

    def taken(block: bool = False) -> Any:  # noqa: FBT001, FBT002 pynetdicom's signature
        return take(block) if block else (None, None)

    vars(messages)["get_msg"] = taken


def _introduce(event: Event, sender: Sender, request: Request) -> None:
    """Name the sender of an A-ASSOCIATE-RQ, and keep its socket: pynetdicom forgets one that does not connect."""
    if isinstance(event.primitive, A_ASSOCIATE):
        event.primitive.calling_ae_title = sender.ae_title
        request.outgoing.append(event.assoc.dul.socket.socket)


def _close(sockets: list[socket.socket]) -> None:
    for each in sockets:
        each.close()


def _name_originator(command: Dataset, sender: Sender) -> None:
    """Name the one who asked (PS3.7 9.1.1.1.7), where pynetdicom names the one who sends."""
    if command.CommandField == _STORE_REQUEST:
        command.MoveOriginatorApplicationEntityTitle = sender.originator


def _proposal(entries: list[Entry]) -> list[PresentationContext]:
    """Propose each class as it is stored, and uncompressed; at most as many as one association may."""
    stored = {(entry.instance.sop_class_uid, entry.instance.transfer_syntax_uid) for entry in entries}
    plain = sorted({sop_class for sop_class, _ in stored})
    contexts = [build_context(*pair) for pair in sorted(stored)] + [build_context(sop_class) for sop_class in plain]
    return contexts[:MAXIMUM_CONTEXTS]

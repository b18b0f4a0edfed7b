"""The SCP, as a requestor sees it: verification, query, retrieve and storage."""

from __future__ import annotations

import logging
import socket
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from pydicom import uid
from pydicom.dataset import Dataset
from pynetdicom import AE, build_role, evt
from pynetdicom.association import Association
from pynetdicom.sop_class import (
    CTImageStorage,
    MRImageStorage,
    PatientRootQueryRetrieveInformationModelFind,
    PatientRootQueryRetrieveInformationModelGet,
    PatientRootQueryRetrieveInformationModelMove,
    StudyRootQueryRetrieveInformationModelFind,
    StudyRootQueryRetrieveInformationModelGet,
    StudyRootQueryRetrieveInformationModelMove,
    Verification,
)

from itkdicomqr.archive.index import Index
from itkdicomqr.archive.seams import Quirk, Request
from itkdicomqr.archive.server import Server
from itkdicomqr.instance import Instance
from tests.archive.quirks.asking import keep
from tests.archive.test_transcoding import rle, stored
from tests.synthetic import series

FIND = (PatientRootQueryRetrieveInformationModelFind, StudyRootQueryRetrieveInformationModelFind)
GET = (PatientRootQueryRetrieveInformationModelGet, StudyRootQueryRetrieveInformationModelGet)
MOVE = (PatientRootQueryRetrieveInformationModelMove, StudyRootQueryRetrieveInformationModelMove)
NAME = "Secret^Person"


@pytest.fixture
def received() -> list[Instance]:
    """Give a list for what arrives."""
    return []


def instances(count: int = 3, **attributes: Any) -> list[Instance]:
    return [Instance.from_dataset(each) for each in series("CT", count, PatientName=NAME, **attributes)]


@contextmanager
def serving(held: list[Instance], **options: Any) -> Iterator[Server]:
    with Server(Index(held), ae_title="DEMO", **options) as server:
        yield server


@contextmanager
def associated(
    server: Server,
    *models: str,
    storage: Mapping[str, Sequence[str]] | None = None,
    received: list[Instance] | None = None,
) -> Iterator[Association]:
    """Associate; what arrives by C-GET is put into ``received``."""
    requestor = AE("TESTER")
    roles = []
    for model in models:
        requestor.add_requested_context(model)
    for storage_class, syntaxes in (storage or {}).items():
        for syntax in syntaxes:
            requestor.add_requested_context(storage_class, syntax)
        roles.append(build_role(storage_class, scu_role=True, scp_role=True))
    handlers = [(evt.EVT_C_STORE, lambda event: keep(event, [] if received is None else received))]
    association = requestor.associate(server.host, server.port, ae_title="DEMO", ext_neg=roles, evt_handlers=handlers)
    assert association.is_established
    try:
        yield association
    finally:
        association.release()


def series_identifier(instance: Instance, **more: Any) -> Dataset:
    identifier = Dataset()
    identifier.QueryRetrieveLevel = "SERIES"
    for keyword in ("PatientID", "StudyInstanceUID", "SeriesInstanceUID"):
        setattr(identifier, keyword, instance.dataset[keyword].value)
    for keyword, value in more.items():
        setattr(identifier, keyword, value)
    return identifier


def misfit() -> Dataset:
    """Make an identifier of a level that neither model has."""
    identifier = Dataset()
    identifier.QueryRetrieveLevel = "VISIT"
    return identifier


def test_verification_succeeds():
    with serving([]) as server, associated(server, Verification) as association:
        assert association.send_c_echo().Status == 0


def test_another_called_ae_title_is_rejected():
    with serving([]) as server:
        requestor = AE("TESTER")
        requestor.add_requested_context(Verification)
        association = requestor.associate(server.host, server.port, ae_title="OTHER")
        assert association.is_rejected


@pytest.mark.parametrize("model", FIND)
def test_a_query_is_answered_in_both_models(model):
    held = instances(3)
    identifier = series_identifier(held[0], SeriesDescription="", NumberOfSeriesRelatedInstances="")
    with serving(held) as server, associated(server, model) as association:
        (pending, answer), (last, nothing) = association.send_c_find(identifier, model)
    assert (pending.Status, last.Status, nothing) == (0xFF00, 0x0000, None)
    assert answer.NumberOfSeriesRelatedInstances == 3
    assert answer.RetrieveAETitle == "DEMO"


def test_a_query_with_a_key_that_is_not_supported_says_so():
    held = instances(1)
    identifier = series_identifier(held[0], EchoTime=None)
    with serving(held) as server, associated(server, FIND[1]) as association:
        statuses = [status.Status for status, _ in association.send_c_find(identifier, FIND[1])]
    assert statuses == [0xFF01, 0x0000]


@pytest.mark.parametrize("model", FIND)
def test_a_query_that_does_not_fit_its_model_fails_with_a_reason(model):
    with serving(instances(1)) as server, associated(server, model) as association:
        ((status, answer),) = association.send_c_find(misfit(), model)
    assert (status.Status, answer) == (0xA900, None)
    assert "QueryRetrieveLevel" in status.ErrorComment


def test_a_query_can_be_cancelled():
    held = [each for number in range(3) for each in instances(1, StudyInstanceUID=f"1.2.{number}")]
    identifier = Dataset()
    identifier.QueryRetrieveLevel = "STUDY"
    identifier.StudyInstanceUID = ""
    patient = Quirk(answers=until_cancelled)
    with serving(held, quirk=patient) as server, associated(server, FIND[1]) as association:
        statuses: list[Any] = []
        for status, _ in association.send_c_find(identifier, FIND[1], msg_id=7):
            if not statuses:
                association.send_c_cancel(7, query_model=FIND[1])
            statuses.append(status.Status)
    assert statuses == [0xFF00, 0xFE00]


def until_cancelled(answers: Iterator[Any], request: Request) -> Iterator[Any]:
    """Give one answer, and go on when the cancellation has arrived."""
    yield next(answers)
    heard = request.association.dimse.cancel_req
    deadline = time.monotonic() + 10
    while request.message_id not in heard and time.monotonic() < deadline:
        request.stopping.wait(0.01)
    yield from answers


@pytest.mark.parametrize("model", GET)
def test_instances_arrive_as_they_are_stored(model, received):
    held = instances(4)
    contexts = {CTImageStorage: [uid.ExplicitVRLittleEndian]}
    with serving(held) as server, associated(server, model, storage=contexts, received=received) as association:
        *_, (status, _) = association.send_c_get(series_identifier(held[0]), model)
    assert (status.Status, status.NumberOfCompletedSuboperations) == (0x0000, 4)
    assert [(each.sop_instance_uid, bytes(each.encoded)) for each in received] == [
        (each.sop_instance_uid, bytes(each.encoded)) for each in held
    ]


@pytest.mark.parametrize(
    ("held", "syntax", "expected"),
    [
        (stored(uid.ExplicitVRBigEndian), uid.ExplicitVRBigEndian, uid.ExplicitVRBigEndian),
        (stored(uid.ExplicitVRBigEndian), uid.ImplicitVRLittleEndian, uid.ImplicitVRLittleEndian),
        (stored(uid.ImplicitVRLittleEndian), uid.ExplicitVRLittleEndian, uid.ExplicitVRLittleEndian),
        (stored(uid.DeflatedExplicitVRLittleEndian), uid.ExplicitVRLittleEndian, uid.ExplicitVRLittleEndian),
        (rle(), uid.RLELossless, uid.RLELossless),
        (rle(), uid.ExplicitVRLittleEndian, uid.ExplicitVRLittleEndian),
    ],
)
def test_an_instance_is_converted_to_what_was_accepted(held, syntax, expected, received):
    contexts = {CTImageStorage: [syntax]}
    with serving([held]) as server, associated(server, GET[1], storage=contexts, received=received) as association:
        *_, (status, _) = association.send_c_get(series_identifier(held), GET[1])
    assert status.Status == 0
    assert received[0].transfer_syntax_uid == expected
    assert (received[0].dataset.pixel_array == held.dataset.pixel_array).all()


def test_what_cannot_be_sent_is_counted_and_named(received):
    plain, odd = instances(2)
    odd = replace(odd, transfer_syntax_uid=str(uid.JPEG2000Lossless))
    contexts = {CTImageStorage: [uid.ImplicitVRLittleEndian]}
    with (
        serving([odd, plain]) as server,
        associated(server, GET[1], storage=contexts, received=received) as association,
    ):
        *_, (status, failed) = association.send_c_get(series_identifier(plain), GET[1])
    assert status.Status == 0xB000
    assert (status.NumberOfCompletedSuboperations, status.NumberOfFailedSuboperations) == (1, 1)
    assert failed.FailedSOPInstanceUIDList == odd.sop_instance_uid
    assert len(received) == 1


def test_without_a_storage_context_all_fail():
    held = instances(2)
    with (
        serving(held) as server,
        associated(server, GET[1], storage={MRImageStorage: [uid.ExplicitVRLittleEndian]}) as a,
    ):
        *_, (status, failed) = a.send_c_get(series_identifier(held[0]), GET[1])
    assert status.Status == 0xA702
    assert sorted(failed.FailedSOPInstanceUIDList) == sorted(each.sop_instance_uid for each in held)


def test_an_unknown_series_is_no_instance_and_a_success():
    held = instances(1)
    identifier = series_identifier(held[0], SeriesInstanceUID="1.2.3")
    contexts = {CTImageStorage: [uid.ExplicitVRLittleEndian]}
    with serving(held) as server, associated(server, GET[1], storage=contexts) as association:
        *_, (status, _) = association.send_c_get(identifier, GET[1])
    assert (status.Status, status.NumberOfCompletedSuboperations) == (0x0000, 0)


@pytest.mark.parametrize("model", GET)
def test_a_retrieve_that_does_not_fit_its_model_fails(model):
    contexts = {CTImageStorage: [uid.ExplicitVRLittleEndian]}
    with serving(instances(1)) as server, associated(server, model, storage=contexts) as association:
        *_, (status, _) = association.send_c_get(misfit(), model)
    assert status.Status == 0xA900


def test_a_retrieve_can_be_cancelled(received):
    held = instances(60)
    contexts = {CTImageStorage: [uid.ExplicitVRLittleEndian]}
    with serving(held) as server, associated(server, GET[1], storage=contexts, received=received) as association:
        statuses: list[Any] = []
        for status, _ in association.send_c_get(series_identifier(held[0]), GET[1], msg_id=9):
            if not statuses:
                association.send_c_cancel(9, query_model=GET[1])
            statuses.append(status)
    assert statuses[-1].Status == 0xFE00
    assert statuses[-1].NumberOfRemainingSuboperations > 0
    assert len(received) < 60


@contextmanager
def destination(received: list[Instance], syntaxes: list[str]) -> Iterator[int]:
    entity = AE("DEST")
    entity.add_supported_context(CTImageStorage, syntaxes)
    handlers = [(evt.EVT_C_STORE, lambda event: keep(event, received))]
    server = entity.start_server(("127.0.0.1", 0), block=False, evt_handlers=handlers)
    try:
        yield server.socket.getsockname()[1]
    finally:
        entity.shutdown()


@pytest.mark.parametrize("model", MOVE)
@pytest.mark.parametrize("syntax", [uid.ExplicitVRLittleEndian, uid.ImplicitVRLittleEndian])
def test_instances_are_moved_to_a_known_destination(model, syntax, received):
    held = instances(3)
    with (
        destination(received, [syntax]) as port,
        serving(held, destinations={"DEST": ("127.0.0.1", port)}) as server,
        associated(server, model) as association,
    ):
        *_, (status, _) = association.send_c_move(series_identifier(held[0]), "DEST", model)
    assert (status.Status, status.NumberOfCompletedSuboperations) == (0x0000, 3)
    assert [each.sop_instance_uid for each in received] == [each.sop_instance_uid for each in held]
    assert {each.transfer_syntax_uid for each in received} == {str(syntax)}


def test_compressed_instances_are_decoded_for_a_destination_that_takes_none(received):
    held = rle()
    with (
        destination(received, [uid.ExplicitVRLittleEndian]) as port,
        serving([held], destinations={"DEST": ("127.0.0.1", port)}) as server,
        associated(server, MOVE[1]) as association,
    ):
        *_, (status, _) = association.send_c_move(series_identifier(held), "DEST", MOVE[1])
    assert status.Status == 0
    assert (received[0].dataset.pixel_array == held.dataset.pixel_array).all()


@pytest.mark.parametrize("destinations", [{}, {"DEST": ("127.0.0.1", 1)}])
def test_an_unknown_destination_or_one_that_does_not_listen_fails(destinations):
    held = instances(1)
    with serving(held, destinations=destinations) as server, associated(server, MOVE[1]) as association:
        *_, (status, _) = association.send_c_move(series_identifier(held[0]), "DEST", MOVE[1])
    assert status.Status == 0xA801


def test_a_move_that_does_not_fit_its_model_fails():
    with serving(instances(1)) as server, associated(server, MOVE[1]) as association:
        *_, (status, _) = association.send_c_move(misfit(), "DEST", MOVE[1])
    assert status.Status == 0xA900


@pytest.mark.parametrize("instance", [stored(uid.ExplicitVRBigEndian), rle()])
def test_a_stored_instance_is_found_and_kept_as_it_came(instance):
    syntax = uid.UID(instance.transfer_syntax_uid)
    with serving([]) as server:
        with associated(server, storage={CTImageStorage: [syntax]}) as association:
            assert association.send_c_store(replace(instance).dataset).Status == 0
        (entry,) = server.index.entries()
    assert entry.instance.transfer_syntax_uid == syntax
    assert bytes(entry.instance.encoded) == bytes(instance.encoded)


def test_an_instance_without_its_place_is_not_stored():
    (dataset,) = series("CT", 1, SeriesInstanceUID=None)
    with serving([]) as server:
        with associated(server, storage={CTImageStorage: [uid.ExplicitVRLittleEndian]}) as association:
            assert association.send_c_store(dataset).Status == 0xA900
        assert not server.index.entries()


def test_every_thread_and_socket_ends_with_the_server():
    before = set(threading.enumerate())
    with serving(instances(2)) as server:
        port = server.port
        idle = socket.create_connection((server.host, port))
        stuck = socket.create_connection((server.host, port))
        stuck.sendall(b"\x01\x00\x00\x00\x10\x00half a PDU")
        with associated(server, Verification) as association:
            assert association.send_c_echo().Status == 0
        time.sleep(0.1)
    idle.close()
    stuck.close()
    assert ended(before)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))


def test_a_server_that_stops_in_the_middle_of_a_retrieval_ends_it(received):
    before = set(threading.enumerate())
    held = instances(300)
    contexts = {CTImageStorage: [uid.ExplicitVRLittleEndian]}
    with serving(held) as server:
        stopper = threading.Timer(0.2, server.stop)
        with associated(server, GET[1], storage=contexts, received=received) as association:
            stopper.start()
            *_, (status, _) = association.send_c_get(series_identifier(held[0]), GET[1])
        stopper.join()
    assert "Status" not in status
    assert 0 < len(received) < 300
    assert ended(before)


def ended(before: set[threading.Thread]) -> bool:
    """Wait for the requestor's own threads, which pynetdicom leaves to end by themselves."""
    deadline = time.monotonic() + 5
    while set(threading.enumerate()) - before and time.monotonic() < deadline:
        time.sleep(0.02)
    return not set(threading.enumerate()) - before


def test_a_server_can_start_again_on_its_port():
    with serving([]) as server:
        port = server.port
    with serving([], port=port) as again, associated(again, Verification) as association:
        assert again.port == port
        assert association.send_c_echo().Status == 0


def test_a_port_that_is_taken_is_told():
    with serving([]) as server, pytest.raises(OSError, match="in use"), serving([], port=server.port):
        pass


def test_nothing_is_printed_and_no_patient_is_logged(caplog, capfd, received):
    for name in ("", "pynetdicom", "pydicom"):
        caplog.set_level(logging.DEBUG, logger=name)
    held = instances(2)
    contexts = {CTImageStorage: [uid.ExplicitVRLittleEndian]}
    with serving(held) as server:
        record = Recorder(server)
        logging.getLogger().addHandler(record)
        with associated(server, *FIND, *GET, *MOVE, storage=contexts, received=received) as association:
            for model in FIND:
                list(association.send_c_find(series_identifier(held[0], PatientName="", EchoTime="1"), model))
            list(association.send_c_get(series_identifier(held[0]), GET[1]))
            list(association.send_c_move(series_identifier(held[0]), "NOWHERE", MOVE[1]))
            list(association.send_c_move(misfit(), "NOWHERE", MOVE[1]))
    logging.getLogger().removeHandler(record)
    assert len(received) == 2
    assert not record.of_server
    captured = capfd.readouterr()
    assert NAME not in captured.out + captured.err


class Recorder(logging.Handler):
    """Collects what is logged in the threads of a server's associations."""

    def __init__(self, server: Server) -> None:
        super().__init__()
        self.of_server: list[str] = []
        self._threads = server._threads

    def emit(self, record: logging.LogRecord) -> None:
        if threading.current_thread() in self._threads:
            self.of_server.append(record.getMessage())

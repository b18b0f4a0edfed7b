"""A series by C-MOVE: it comes whole from real archives, late or not, and nothing that comes is told with its cure."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import replace
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import pytest
from pydicom.dataset import Dataset

from itkdicomqr import MoveNothingArrivedError, Node
from itkdicomqr.association import Deadline
from itkdicomqr.association.dimse import Element, Field
from itkdicomqr.association.receiver import Receiver
from itkdicomqr.association.stream import Message
from itkdicomqr.errors import AssociationRejectedError, ConnectionLostError, DeadlineError, NetworkError
from itkdicomqr.instance import Instance
from itkdicomqr.levels import Level
from itkdicomqr.node import Timeouts
from itkdicomqr.query.identifiers import identifier
from itkdicomqr.retrieval.moving import Moved, move
from tests.faults import (
    ABORT,
    CLOSE,
    COMMENT,
    HEAR,
    HOST,
    PATIENT,
    SERVICE,
    SYNTAXES,
    Farewell,
    acceptance,
    leaving_nothing,
    playing,
    rejection,
    response,
)
from tests.servers import RunningArchive, dcmqrscp, embedded, free_port, orthanc
from tests.synthetic import series
from tests.timing import bound

AE_TITLE = "ITKDICOMQR"
DATASETS = [*series("CT", 5), *series("CT", 4, number=2)]
FIRST_SERIES, SECOND_SERIES = (str(DATASETS[index].SeriesInstanceUID) for index in (0, -1))
WANTED = {
    uid: {str(each.SOPInstanceUID) for each in DATASETS if each.SeriesInstanceUID == uid}
    for uid in (FIRST_SERIES, SECOND_SERIES)
}
GRACE = 2.0

Start = Callable[[Path, Sequence[Dataset], int], AbstractContextManager[RunningArchive]]


def orthanc_moving(folder: Path, datasets: Sequence[Dataset], port: int, **settings: object) -> Any:
    return orthanc(folder, datasets, DicomModalities={"us": [AE_TITLE, HOST, port]}, **settings)


STARTS: dict[str, Start] = {
    "Orthanc": orthanc_moving,
    "Orthanc, answering before it sends": lambda *given: orthanc_moving(*given, SynchronousCMove=False),
    "dcmqrscp": lambda folder, datasets, port: dcmqrscp(folder, datasets, {AE_TITLE: (HOST, port)}),
    "embedded": lambda _, datasets, port: embedded(datasets, {AE_TITLE: (HOST, port)}),
}


@pytest.fixture(scope="module", params=STARTS)
def archive(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    """An archive that may send to one port of this machine."""
    port = free_port()
    with STARTS[request.param](tmp_path_factory.mktemp("archive"), DATASETS, port) as running:
        yield replace(running.node, receiver=f"{HOST}:{port}", timeouts=PATIENT)


def asked(series_uid: str, instance_uids: Sequence[str] = ()) -> Dataset:
    values = {"StudyInstanceUID": str(DATASETS[0].StudyInstanceUID), "SeriesInstanceUID": series_uid}
    if not instance_uids:
        return identifier(Level.SERIES, values)
    return identifier(Level.IMAGE, {**values, "SOPInstanceUID": "\\".join(instance_uids)})


def moved(
    node: Node, receiver: Receiver, request: Dataset | None = None, wanted: set[str] | None = None
) -> tuple[list[Instance], Moved]:
    """Move a series, and gather what comes."""
    request = request or asked(FIRST_SERIES)
    wanted = WANTED[request.SeriesInstanceUID] if wanted is None else wanted
    arrived: list[Instance] = []

    def complete() -> bool:
        return wanted <= uids(arrived)

    moving = move(node, request, receiver, Deadline(node.timeouts.total), complete=complete)
    while True:
        try:
            arrived.append(next(moving))
        except StopIteration as end:
            return arrived, end.value


def uids(instances: Sequence[Instance]) -> set[str]:
    return {instance.sop_instance_uid for instance in instances}


@pytest.mark.parametrize("series_uid", [FIRST_SERIES, SECOND_SERIES])
def test_a_series_comes_whole_bit_by_bit(archive: Node, series_uid: str) -> None:
    with Receiver(archive) as receiver:
        arrived, end = moved(archive, receiver, asked(series_uid))
    sent = {str(each.SOPInstanceUID): each.PixelData for each in DATASETS}
    assert uids(arrived) == WANTED[series_uid]
    assert all(
        instance.pixels and bytes(instance.pixels.value) == sent[instance.sop_instance_uid] for instance in arrived
    )
    assert {instance.origin for instance in arrived} == {"C-MOVE"}
    assert (end.status, end.failed, end.problems) == (0, 0, ())


def test_one_receiver_serves_one_move_after_the_other(archive: Node) -> None:
    with leaving_nothing(), Receiver(archive) as receiver:
        for series_uid in (FIRST_SERIES, SECOND_SERIES, FIRST_SERIES):
            assert uids(moved(archive, receiver, asked(series_uid))[0]) == WANTED[series_uid]


def test_two_moves_at_once_are_told_apart_by_their_series(archive: Node) -> None:
    with Receiver(archive) as receiver, ThreadPoolExecutor(2) as threads:
        both = [threads.submit(moved, archive, receiver, asked(each)) for each in WANTED]
        assert [uids(each.result()[0]) for each in both] == list(WANTED.values())


def test_two_moves_of_one_series_at_once_both_come_whole(archive: Node) -> None:
    with leaving_nothing(), Receiver(archive) as receiver, ThreadPoolExecutor(2) as threads:
        both = [threads.submit(moved, archive, receiver, asked(FIRST_SERIES)) for _ in range(2)]
        assert [uids(each.result()[0]) for each in both] == [WANTED[FIRST_SERIES]] * 2


def test_a_move_that_begins_within_another_of_the_same_series_takes_nothing_from_it(archive: Node) -> None:
    wanted, arrived = WANTED[FIRST_SERIES], list[Instance]()
    with Receiver(archive) as receiver:
        request, deadline = asked(FIRST_SERIES), Deadline(archive.timeouts.total)
        with closing(move(archive, request, receiver, deadline, complete=lambda: wanted <= uids(arrived))) as outer:
            arrived.append(next(outer))
            assert uids(moved(archive, receiver, request)[0]) == wanted
            arrived += outer
    assert uids(arrived) == wanted


def test_single_instances_come_by_their_uids(archive: Node) -> None:
    wanted = set(sorted(WANTED[FIRST_SERIES])[:2])
    with Receiver(archive) as receiver:
        arrived, _ = moved(archive, receiver, asked(FIRST_SERIES, sorted(wanted)), wanted)
    assert uids(arrived) == wanted


def test_a_consumer_that_leaves_halfway_ends_everything(archive: Node) -> None:
    begin = monotonic()
    with leaving_nothing(), Receiver(archive) as receiver:
        deadline = Deadline(30)
        with closing(move(archive, asked(FIRST_SERIES), receiver, deadline, complete=lambda: False)) as moving:
            next(moving)
    assert monotonic() - begin < bound(GRACE)


def test_the_next_move_comes_after_one_that_was_left(archive: Node) -> None:
    with Receiver(archive) as receiver:
        with closing(move(archive, asked(FIRST_SERIES), receiver, Deadline(30), complete=lambda: False)) as moving:
            next(moving)
        assert uids(moved(archive, receiver, asked(SECOND_SERIES))[0]) == WANTED[SECOND_SERIES]


def test_a_destination_that_nobody_listens_at_is_told_with_the_cure(archive: Node) -> None:
    elsewhere = replace(archive, receiver=f"{HOST}:0", timeouts=replace(PATIENT, late=0.5))
    with Receiver(elsewhere) as receiver, pytest.raises(MoveNothingArrivedError) as caught:
        moved(elsewhere, receiver)
    assert f"AE title 'ITKDICOMQR' configured at {HOST}:{receiver_port(caught.value)}" in str(caught.value)
    assert "nobody connected to our receiver" in str(caught.value)


def receiver_port(error: MoveNothingArrivedError) -> str:
    return str(error).partition(f"configured at {HOST}:")[2].partition(",")[0]


def test_a_destination_that_the_archive_does_not_know_is_told_with_the_cure(archive: Node) -> None:
    stranger = replace(archive, calling_ae_title="STRANGER", receiver="0.0.0.0:0", timeouts=replace(PATIENT, late=0.5))
    with Receiver(stranger) as receiver, pytest.raises((MoveNothingArrivedError, NetworkError)) as caught:
        moved(stranger, receiver)
    if isinstance(caught.value, MoveNothingArrivedError):
        assert f"AE title 'STRANGER' configured at {HOST}:{receiver_port(caught.value)}" in str(caught.value)


def test_a_series_that_the_archive_does_not_have_brings_nothing(archive: Node) -> None:
    node = replace(archive, timeouts=replace(PATIENT, late=0.5))
    with Receiver(node) as receiver, pytest.raises(MoveNothingArrivedError, match="nobody connected"):
        moved(node, receiver, asked("1.2.3.4"), {"1.2.3.4.1"})


FORGETFUL = """
import sys
from pydicom.dataset import Dataset
from itkdicomqr import Node
from itkdicomqr.association import Deadline
from itkdicomqr.association.receiver import Receiver
from itkdicomqr.retrieval.moving import move

def moving(host, port, ae_title, receiver, request):
    node = Node(host, int(port), ae_title, receiver=receiver)
    with Receiver(node) as listening:
        yield from move(node, Dataset.from_json(request), listening, Deadline(60), complete=lambda: False)

forgotten = moving(*sys.argv[1:])
next(forgotten)
"""


@pytest.mark.parametrize("archive", ["dcmqrscp"], indirect=True)
def test_a_move_that_is_forgotten_halfway_does_not_keep_the_interpreter(archive: Node) -> None:
    arguments = [archive.host, str(archive.port), archive.ae_title, archive.receiver, asked(FIRST_SERIES).to_json()]
    subprocess.run([sys.executable, "-c", FORGETFUL, *arguments], check=True, timeout=30)


# An archive that errs: the association on which the move was asked for.

ASKED = (HEAR, acceptance({SERVICE: SYNTAXES[SERVICE]}), HEAR)
BRISK = Timeouts(connect=2.0, first_response=0.6, idle=0.4, late=0.3, total=5.0)
PENDING = response(Field.C_MOVE_RSP, 0xFF00)
SUCCESS = response(Field.C_MOVE_RSP, 0x0000, COMPLETED=3, FAILED=0)


@contextmanager
def erring(*steps: Any, timeouts: Timeouts = BRISK) -> Iterator[tuple[Node, Receiver, Any]]:
    with playing((*ASKED, *steps)) as stage:
        node = stage.node(timeouts, receiver=f"{HOST}:0")
        with Receiver(node) as receiver:
            yield node, receiver, stage


def test_the_request_names_the_destination() -> None:
    with erring(SUCCESS) as (node, receiver, stage), pytest.raises(MoveNothingArrivedError):
        moved(node, receiver)
    request = next(each for each in stage.heard if isinstance(each, Message))
    assert request.command.field == Field.C_MOVE_RQ
    assert request.command.text(Element.MOVE_DESTINATION) == AE_TITLE
    assert request.command.text(Element.AFFECTED_SOP_CLASS_UID) == "1.2.840.10008.5.1.4.1.2.2.2"


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (0x0000, "success"),
        (0xA702, "cannot perform the sub-operations"),
        (0xA801, "the destination of the move is not known there"),
        (0xB000, "some sub-operations failed"),
        (0xC000, "unable to process (status 0xC000)"),
        (0x1234, "an unknown status"),
    ],
)
def test_a_move_that_brings_nothing_tells_the_status_in_words(status: int, words: str) -> None:
    answer = response(Field.C_MOVE_RSP, status, None, SERVICE, FAILED=3, ERROR_COMMENT=COMMENT)
    with erring(PENDING, answer) as (node, receiver, _), pytest.raises(MoveNothingArrivedError) as caught:
        moved(node, receiver)
    assert words in str(caught.value)
    assert "Doe" not in str(caught.value)
    assert "\n" not in caught.value.server_comment


BUSY = (HEAR, rejection(2, 3, 2), CLOSE)


def test_a_rejection_for_now_is_waited_out() -> None:
    with playing(BUSY, BUSY, (*ASKED, SUCCESS)) as stage:
        node = stage.node(BRISK, receiver=f"{HOST}:0")
        with Receiver(node) as receiver, pytest.raises(MoveNothingArrivedError, match="success"):
            moved(node, receiver)


def test_a_rejection_for_good_is_not() -> None:
    with playing((HEAR, rejection(1, 1, 7), CLOSE), BUSY) as stage:
        node = stage.node(BRISK, receiver=f"{HOST}:0")
        with Receiver(node) as receiver, pytest.raises(AssociationRejectedError, match="AE title"):
            moved(node, receiver)
    assert len(stage.farewells) == 1


LATE = 1.0


@pytest.mark.parametrize(
    ("counters", "waits"),
    [
        ({"COMPLETED": 0, "FAILED": 3}, False),
        ({"COMPLETED": 3, "FAILED": 3}, True),
        ({"COMPLETED": 1, "FAILED": 2}, True),
        ({"COMPLETED": 0, "WARNING": 1, "FAILED": 2}, True),
        ({"COMPLETED": 3, "FAILED": 0}, True),
        ({"FAILED": 3}, True),
        ({}, True),
    ],
    ids=str,
)
def test_only_what_the_archive_claims_to_have_sent_is_waited_for(counters: dict[str, int], waits: bool) -> None:
    answer = response(Field.C_MOVE_RSP, 0xB000, None, SERVICE, **counters)
    late = LATE if waits else 10 * LATE
    with erring(PENDING, answer, timeouts=replace(BRISK, late=late)) as (node, receiver, _):
        begin = monotonic()
        with pytest.raises(MoveNothingArrivedError):
            moved(node, receiver)
        took = monotonic() - begin
    assert (took >= late) is waits
    assert took < LATE + bound(GRACE)


def test_a_single_instance_that_the_archive_calls_failed_is_not_waited_for() -> None:
    wanted = {min(WANTED[FIRST_SERIES])}
    answer = response(Field.C_MOVE_RSP, 0xB000, None, SERVICE, FAILED=1)
    with erring(answer, timeouts=replace(BRISK, late=10 * LATE)) as (node, receiver, _):
        begin = monotonic()
        with pytest.raises(MoveNothingArrivedError):
            moved(node, receiver, asked(FIRST_SERIES, sorted(wanted)), wanted)
        assert monotonic() - begin < bound(LATE)


@pytest.mark.parametrize(
    ("steps", "kind", "words"),
    [
        ((), DeadlineError, "raise first_response_timeout"),
        ((PENDING,), DeadlineError, "raise idle_timeout"),
        ((PENDING, b"\x04\x00\x00"), DeadlineError, "raise idle_timeout"),
        ((PENDING, ABORT), ConnectionLostError, "aborted the association"),
        ((PENDING, CLOSE), ConnectionLostError, "closed the connection"),
        ((PENDING, [PENDING, 0.02] * 500), DeadlineError, "raise total_timeout"),
    ],
    ids=["silence", "silence after an answer", "silence within a PDU", "abort", "close", "pending for ever"],
)
def test_an_archive_that_errs_is_told_in_time(steps: Any, kind: type[NetworkError], words: str) -> None:
    begin = monotonic()
    timeouts = replace(BRISK, idle=1.0, total=1.5)
    with leaving_nothing(), erring(*steps, timeouts=timeouts) as (node, receiver, stage):
        with pytest.raises(kind, match=words) as caught:
            moved(node, receiver)
        assert (caught.value.place, caught.value.step) == (stage.place, "C-MOVE")
    assert monotonic() - begin < timeouts.total + bound(GRACE)


def test_no_answer_is_missed_while_nothing_comes_for_a_while() -> None:
    with (
        erring([PENDING, 0.3] * 5, SUCCESS) as (node, receiver, _),
        pytest.raises(MoveNothingArrivedError, match="success"),
    ):
        moved(node, receiver)


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs a signal timer")
def test_ctrl_c_ends_a_move_at_once() -> None:
    before = signal.signal(signal.SIGALRM, signal.default_int_handler)
    begin = monotonic()
    try:
        with leaving_nothing(), erring(PENDING, timeouts=PATIENT) as (node, receiver, stage):
            signal.setitimer(signal.ITIMER_REAL, 0.4)
            with pytest.raises(KeyboardInterrupt):
                moved(node, receiver)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert monotonic() - begin < bound(GRACE) + 0.4
    assert stage.farewells == [Farewell.ABORTED]
    assert Field.C_CANCEL_RQ in [each.command.field for each in stage.heard if isinstance(each, Message)]


def test_what_went_wrong_at_the_receiver_is_told_with_the_end() -> None:
    with (
        erring(PENDING, 0.5, SUCCESS, timeouts=replace(BRISK, idle=5.0)) as (node, receiver, stage),
        ThreadPoolExecutor(1) as threads,
    ):
        moving = threads.submit(moved, node, receiver)
        while not any(isinstance(each, Message) for each in stage.heard):
            sleep(0.01)
        with socket.create_connection((HOST, receiver.port)) as peer:
            peer.sendall(b"GET / HTTP/1.1\r\n\r\n")
            with pytest.raises(MoveNothingArrivedError, match=r"something connected.*does not speak DICOM") as caught:
                moving.result()
    assert isinstance(caught.value.__cause__, NetworkError)

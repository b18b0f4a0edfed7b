"""Our Storage SCP: it takes what is expected, refuses the rest, and no peer hangs, floods or outlives it."""

from __future__ import annotations

import signal
import socket
import ssl
import subprocess
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom import uid

from itkdicomqr.association import Deadline, pending
from itkdicomqr.association.contexts import FIND, VERIFICATION, Proposal, service
from itkdicomqr.association.dimse import NO_DATA_SET, Command, Element, Field, request
from itkdicomqr.association.negotiation import ABORT, RELEASE_RQ, request_pdu
from itkdicomqr.association.pending import Pending
from itkdicomqr.association.receiver import MAX_ASSOCIATIONS, MAX_CONNECTIONS, Receiver
from itkdicomqr.association.stream import Event, Message, Pdu, PduType, StreamReader
from itkdicomqr.errors import (
    AssociationRejectedError,
    ConnectionLostError,
    DeadlineError,
    LimitExceededError,
    NetworkError,
    NodeError,
    PortInUseError,
    ProtocolError,
)
from itkdicomqr.instance import SERIES_INSTANCE_UID, Instance
from itkdicomqr.node import Limits, Node, Timeouts
from tests.faults import (
    HOST,
    HTTP_BANNER,
    INSTANCES,
    MISCLASSED,
    MORE_DATA,
    OTHER_SERIES,
    SERVICE,
    STORAGE,
    STORE_BEGUN,
    drip,
    leaving_nothing,
    message,
    pdu,
    pdv,
    store_command,
    stored,
)
from tests.servers import require_dcmtk, store
from tests.synthetic import part10, series

PATIENT = Timeouts(connect=10.0, first_response=10.0, idle=10.0, late=10.0, total=20.0)
BRISK = Timeouts(connect=0.4, first_response=0.4, idle=0.4, late=0.4, total=5.0)
GRACE = 2.0
AE_TITLE = "ITKDICOMQR"
SERIES = INSTANCES[0].elements.uid(SERIES_INSTANCE_UID)
OTHER = OTHER_SERIES.elements.uid(SERIES_INSTANCE_UID)
PROPOSALS = (service(VERIFICATION), Proposal(uid.CTImageStorage, (uid.ExplicitVRLittleEndian,)))
ANOTHER_SERVICE = (service(FIND["study"]), *PROPOSALS[1:])
REFUSED, NOT_UNDERSTOOD = 0xA900, 0xC000


def asking(called: str = AE_TITLE, calling: str = "ARCHIVE", proposals: Sequence[Proposal] = PROPOSALS) -> bytes:
    """Make an A-ASSOCIATE-RQ."""
    return request_pdu(Node(HOST, 1, called, calling_ae_title=calling), proposals, 16384)


REQUEST = asking()
ECHO = message(SERVICE, request(Field.C_ECHO_RQ, 5, VERIFICATION, data_set=False))


@contextmanager
def receiving(timeouts: Timeouts = PATIENT, **settings: Any) -> Iterator[Receiver]:
    node = Node(HOST, 104, "ARCHIVE", receiver=f"{HOST}:0", timeouts=timeouts, **settings)
    with leaving_nothing(), Receiver(node) as receiver:
        yield receiver


@contextmanager
def expecting(receiver: Receiver, series_uid: str = SERIES, seconds: float = 20.0, **how: Any) -> Iterator[Pending]:
    with receiver.expect(series_uid, Deadline(seconds), **how) as expected:
        yield expected


class Peer:
    """A peer that says whatever it is told to, and hears what comes back."""

    def __init__(self, receiver: Receiver, *said: Any, secured: ssl.SSLContext | None = None) -> None:
        self._connection = socket.create_connection((HOST, receiver.port), 10)
        self._connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if secured:
            self._connection = secured.wrap_socket(self._connection, server_hostname=HOST)
        self._reader = StreamReader(1 << 17, 1 << 20)
        self.say(*said)

    def __enter__(self) -> Peer:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def say(self, *steps: Any) -> None:
        """Send bytes, and pause for floats; a receiver that has left is no mistake."""
        try:
            for step in steps:
                if isinstance(step, float):
                    sleep(step)
                elif isinstance(step, bytes):
                    self._connection.sendall(step)
                else:
                    self.say(*step)
        except OSError:
            return

    def hear(self, seconds: float = 10.0) -> Event | None:
        """Wait for one event; None when the receiver has closed."""
        self._connection.settimeout(seconds)
        event = None
        try:
            while event is None:
                count = self._connection.recv_into(self._reader.room())
                if not count:
                    return None
                event = self._reader.arrived(count)
        except ConnectionError:
            return None
        return event

    def kind(self) -> PduType | None:
        """Hear what kind of PDU comes, or None at the end."""
        event = self.hear()
        return event.type if isinstance(event, Pdu) else None

    def status(self, seconds: float = 10.0) -> int:
        """Hear the status of a response."""
        event = self.hear(seconds)
        assert isinstance(event, Message)
        return event.command.status


@contextmanager
def associated(receiver: Receiver, *said: Any, secured: ssl.SSLContext | None = None) -> Iterator[Peer]:
    with Peer(receiver, REQUEST, secured=secured) as peer:
        assert peer.kind() is PduType.ASSOCIATE_AC
        peer.say(*said)
        yield peer


def taken(expected: Pending, count: int) -> list[bytes]:
    """Take so many instances, and give their data sets."""
    instances = [expected.take(10.0) for _ in range(count)]
    return [bytes(instance.encoded) for instance in instances if instance is not None]


def contents(instances: Sequence[Instance]) -> list[bytes]:
    return [bytes(instance.encoded) for instance in instances]


def noted(expected: Pending) -> NetworkError | LimitExceededError:
    """Wait for the first problem."""
    end = monotonic() + 10
    while not expected.problems:
        assert monotonic() < end
        sleep(0.01)
    return expected.problems[0]


def test_an_expected_series_arrives_in_order_and_answered() -> None:
    with receiving() as receiver, expecting(receiver) as expected:
        with associated(receiver, *map(stored, INSTANCES), RELEASE_RQ) as peer:
            assert taken(expected, 3) == contents(INSTANCES)
            assert [peer.status() for _ in INSTANCES] == [0, 0, 0]
            assert peer.kind() is PduType.RELEASE_RP
            assert peer.hear() is None
        assert expected.problems == ()


def test_an_instance_is_what_the_command_calls_it() -> None:
    with receiving() as receiver, expecting(receiver) as expected, associated(receiver, stored(INSTANCES[0])):
        instance = expected.take(10)
    assert instance is not None
    assert (instance.sop_class_uid, instance.sop_instance_uid) == (
        INSTANCES[0].sop_class_uid,
        INSTANCES[0].sop_instance_uid,
    )
    assert (instance.transfer_syntax_uid, instance.origin) == (uid.ExplicitVRLittleEndian, "C-MOVE")


def test_verification_is_answered() -> None:
    with receiving() as receiver, expecting(receiver), associated(receiver, ECHO) as peer:
        event = peer.hear()
    assert isinstance(event, Message)
    assert (event.command.field, event.command.status) == (Field.C_ECHO_RSP, 0)
    assert event.command.number(Element.MESSAGE_ID_BEING_RESPONDED_TO) == 5


def test_storescu_stores_to_it(tmp_path: Path) -> None:
    storescu, datasets = require_dcmtk("storescu"), series("CT", 4)
    files = [tmp_path / f"{index}.dcm" for index in range(len(datasets))]
    for file, dataset in zip(files, datasets, strict=True):
        file.write_bytes(part10(dataset))
    with receiving() as receiver, expecting(receiver) as expected:
        command = [storescu, "-aec", AE_TITLE, HOST, str(receiver.port), *map(str, files)]
        subprocess.run(command, check=True, timeout=60, capture_output=True)
        assert taken(expected, 4) == contents([Instance.from_part10(part10(dataset)) for dataset in datasets])


@pytest.mark.parametrize("syntax", [uid.ImplicitVRLittleEndian, uid.ExplicitVRBigEndian, uid.ExplicitVRLittleEndian])
def test_pynetdicom_stores_to_it(syntax: str) -> None:
    with receiving() as receiver, expecting(receiver) as expected:
        store(Node(HOST, receiver.port, AE_TITLE), series("CT", 3, syntax=syntax))
        assert len(taken(expected, 3)) == 3


@settings(max_examples=25)
@given(st.lists(st.integers(1, 3000), max_size=40))
def test_any_split_of_the_stream_gives_the_same_instances(sizes: list[int]) -> None:
    stream, parts = b"".join(map(stored, INSTANCES)), []
    for size in sizes:
        parts.append(stream[:size])
        stream = stream[size:]
    with receiving() as receiver, expecting(receiver) as expected, associated(receiver, *parts, stream):
        assert taken(expected, 3) == contents(INSTANCES)


@pytest.mark.parametrize(
    ("asked", "codes", "words"),
    [
        (asking(called="SOMEBODY"), (1, 1, 7), "it calls us 'SOMEBODY'"),
        (asking(calling="STRANGER"), (1, 1, 3), "'STRANGER' is not among store_ae_titles"),
        (REQUEST.replace(b"1.2.840.10008.3.1.1.1", b"1.2.840.10008.3.1.1.2"), (1, 1, 2), "application context"),
    ],
    ids=["another called AE title", "a calling AE title that is not allowed", "another application context"],
)
def test_a_rejection_tells_the_peer_its_codes_and_us_the_reason(
    asked: bytes, codes: tuple[int, int, int], words: str
) -> None:
    with (
        receiving(store_ae_titles=("ARCHIVE", "ITS_STORE")) as receiver,
        expecting(receiver) as expected,
        Peer(receiver, asked) as peer,
    ):
        event = peer.hear()
        assert isinstance(event, Pdu)
        assert tuple(event.encoded[7:]) == codes
        assert peer.hear() is None
        error = noted(expected)
    assert isinstance(error, AssociationRejectedError)
    assert (error.result, error.source, error.reason) == codes
    assert words in str(error)


def test_an_association_is_rejected_for_now_while_nothing_is_expected() -> None:
    with receiving() as receiver:
        for _ in range(2):
            with Peer(receiver, REQUEST) as peer:
                event = peer.hear()
                assert isinstance(event, Pdu)
                assert event.type is PduType.ASSOCIATE_RJ
                assert tuple(event.encoded[7:]) == (2, 1, 1)
            with expecting(receiver), associated(receiver):
                pass


def test_more_associations_than_allowed_are_rejected_for_now() -> None:
    with receiving() as receiver, expecting(receiver) as expected, ExitStack() as peers:
        first, *_ = [peers.enter_context(associated(receiver)) for _ in range(MAX_ASSOCIATIONS)]
        event = peers.enter_context(Peer(receiver, REQUEST)).hear()
        assert isinstance(event, Pdu)
        assert tuple(event.encoded[7:]) == (2, 3, 2)
        first.say(RELEASE_RQ)
        assert first.kind() is PduType.RELEASE_RP
        assert first.hear() is None
        with associated(receiver, stored(INSTANCES[0])):
            assert taken(expected, 1) == contents(INSTANCES[:1])


def test_more_connections_than_allowed_are_closed() -> None:
    with receiving() as receiver, expecting(receiver), ExitStack() as peers:
        for _ in range(MAX_CONNECTIONS):
            peers.enter_context(Peer(receiver))
        assert peers.enter_context(Peer(receiver, REQUEST)).hear() is None


def test_a_series_that_is_not_expected_is_refused_and_the_association_goes_on() -> None:
    with receiving() as receiver, expecting(receiver) as expected:
        with associated(receiver, stored(OTHER_SERIES), stored(OTHER_SERIES), stored(INSTANCES[0])) as peer:
            assert [peer.status() for _ in range(3)] == [REFUSED, REFUSED, 0]
        assert taken(expected, 1) == contents(INSTANCES[:1])
        problems = [str(each) for each in expected.problems if isinstance(each, ProtocolError)]
    assert problems == ["instances were refused that belong to no series that is expected"]


def test_single_instances_can_be_expected() -> None:
    only = {INSTANCES[1].sop_instance_uid}
    with receiving() as receiver, expecting(receiver, instance_uids=only) as expected:
        with associated(receiver, *map(stored, INSTANCES)) as peer:
            assert [peer.status() for _ in INSTANCES] == [REFUSED, 0, REFUSED]
        assert taken(expected, 1) == contents(INSTANCES[1:2])


def test_a_damaged_data_set_is_refused_and_told() -> None:
    damaged = replace(INSTANCES[0], encoded=b"\x08\0\x05\0CS\xff\xffshort")
    with receiving() as receiver, expecting(receiver) as expected, associated(receiver, stored(damaged)) as peer:
        assert peer.status() == NOT_UNDERSTOOD
        assert "its data set is damaged" in str(noted(expected))


def test_several_series_on_one_association_reach_those_who_wait_for_them() -> None:
    with (
        receiving() as receiver,
        expecting(receiver) as one,
        expecting(receiver, OTHER) as another,
        associated(receiver, *map(stored, (INSTANCES[0], OTHER_SERIES, INSTANCES[1]))),
    ):
        assert taken(one, 2) == contents(INSTANCES[:2])
        assert taken(another, 1) == contents([OTHER_SERIES])


def test_a_slow_consumer_makes_the_peer_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pending, "MAX_QUEUED_BYTES", 1)
    with (
        receiving() as receiver,
        expecting(receiver) as expected,
        associated(receiver, *map(stored, INSTANCES)) as peer,
    ):
        assert peer.status() == 0
        for instance in INSTANCES[:2]:
            with pytest.raises(TimeoutError):
                peer.hear(0.2)
            assert taken(expected, 1) == contents([instance])
            assert peer.status() == 0


def test_a_peer_that_waits_for_a_consumer_that_leaves_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pending, "MAX_QUEUED_BYTES", 1)
    with receiving() as receiver, expecting(receiver, OTHER), ExitStack() as consumer:
        consumer.enter_context(expecting(receiver))
        with associated(receiver, *map(stored, INSTANCES)) as peer:
            assert peer.status() == 0
            consumer.close()
            assert [peer.status(), peer.status()] == [REFUSED, REFUSED]


def test_associations_end_when_nothing_is_expected_any_more() -> None:
    with receiving() as receiver:
        with expecting(receiver):
            silent = Peer(receiver, REQUEST)
            assert silent.kind() is PduType.ASSOCIATE_AC
        with silent:
            assert silent.kind() is PduType.ABORT
            assert silent.hear() is None


def test_a_peer_may_be_silent_between_messages() -> None:
    with (
        receiving(BRISK) as receiver,
        expecting(receiver) as expected,
        associated(receiver, stored(INSTANCES[0]), 2 * BRISK.idle, stored(INSTANCES[1])),
    ):
        assert taken(expected, 2) == contents(INSTANCES[:2])


PART = stored(INSTANCES[0])[:400]
MEBIBYTE = 1 << 20
FAULTS: dict[str, tuple[tuple[Any, ...], type[NetworkError | LimitExceededError], str]] = {
    # In place of an association request.
    "nothing": ((), DeadlineError, "connect_timeout"),
    "a request in drops": ((drip(REQUEST, 0.05),), DeadlineError, "connect_timeout"),
    "half a request": ((REQUEST[:50],), DeadlineError, "connect_timeout"),
    "HTTP": ((HTTP_BANNER,), ProtocolError, "HTTP"),
    "garbage": ((b"\xde\xad\xbe\xef" * 100,), ProtocolError, "does not speak DICOM"),
    "data before the association": ((ECHO,), ProtocolError, "no association request"),
    "a release before the association": ((RELEASE_RQ,), ProtocolError, "no association request"),
    "a damaged request": ((pdu(PduType.ASSOCIATE_RQ, b"\xff" * 200),), ProtocolError, "A-ASSOCIATE-RQ is damaged"),
    "a request of 2 MiB": (
        (pdu(PduType.ASSOCIATE_RQ, b"", length=2 * MEBIBYTE),),
        LimitExceededError,
        "of 2097152 bytes exceeds",
    ),
    # On an association.
    "a second request": ((REQUEST, REQUEST), ProtocolError, "ASSOCIATE_RQ, which does not belong here"),
    "an unknown PDU": ((REQUEST, pdu(0x42, b"")), ProtocolError, "does not speak DICOM"),
    "an abort": ((REQUEST, ABORT), ConnectionLostError, "aborted"),
    "a stall within a PDU": ((REQUEST, PART), DeadlineError, "idle_timeout"),
    "a stall between the PDUs of a message": ((REQUEST, STORE_BEGUN), DeadlineError, "idle_timeout"),
    "a PDU of 4 GiB": ((REQUEST, pdu(PduType.P_DATA_TF, b"", length=0xFFFFFFFF)), LimitExceededError, "4294967295"),
    "an endless data set": ((REQUEST, STORE_BEGUN, [MORE_DATA] * 20), LimitExceededError, "max_instance_bytes"),
    "an endless command": (
        (REQUEST, [pdu(PduType.P_DATA_TF, pdv(SERVICE, 1, bytes(10_000)))] * 10),
        LimitExceededError,
        "a command set",
    ),
    "a query": (
        (REQUEST, message(SERVICE, request(Field.C_FIND_RQ, 1, FIND["study"], data_set=True), b"1234")),
        ProtocolError,
        "command 0x0020 came, where only storage is offered",
    ),
    "a response": ((REQUEST, message(SERVICE, Command({Element.COMMAND_FIELD: 0x8001}))), ProtocolError, "0x8001"),
    "verification on another context": (
        (REQUEST, message(STORAGE, request(Field.C_ECHO_RQ, 1, VERIFICATION, data_set=False))),
        ProtocolError,
        "C-ECHO",
    ),
    "a service that was refused": ((asking(proposals=ANOTHER_SERVICE), ECHO), ProtocolError, "C-ECHO"),
    "a context that is not open": ((REQUEST, stored(INSTANCES[0], context_id=9)), ProtocolError, "context 9"),
    "a context of another class": ((REQUEST, stored(MISCLASSED)), ProtocolError, "another SOP class"),
    "a store without a data set": (
        (REQUEST, message(STORAGE, store_command(INSTANCES[0], COMMAND_DATA_SET_TYPE=NO_DATA_SET))),
        ProtocolError,
        "without a data set",
    ),
    "a path in place of a UID": (
        (REQUEST, stored(INSTANCES[0], AFFECTED_SOP_INSTANCE_UID="../../tmp/x")),
        ProtocolError,
        "is no UID",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_peer_that_errs_is_aborted_in_time_and_told_of_and_harms_no_other(fault: str) -> None:
    steps, kind, words = FAULTS[fault]
    begin = monotonic()
    with (
        receiving(BRISK, limits=Limits(max_instance_bytes=100_000)) as receiver,
        expecting(receiver) as expected,
        associated(receiver) as good,
        Peer(receiver) as bad,
        ThreadPoolExecutor(1) as threads,
    ):
        saying = threads.submit(bad.say, *steps)
        error = noted(expected)
        while bad.hear() is not None:
            pass
        good.say(stored(INSTANCES[0]))
        assert taken(expected, 1) == contents(INSTANCES[:1])
        saying.result()
    assert type(error) is kind
    assert words in str(error)
    assert error.step == "storing to our receiver"
    assert error.place.startswith(HOST)
    assert monotonic() - begin < BRISK.connect + BRISK.idle + GRACE


@pytest.mark.parametrize("said", [(), (REQUEST,), (REQUEST, PART)], ids=["nothing", "between messages", "within a PDU"])
def test_a_connection_that_only_sits_there_ends_when_nothing_is_expected(said: tuple[bytes, ...]) -> None:
    with receiving() as receiver:
        with expecting(receiver):
            peer = Peer(receiver, *said)
            sleep(0.1)
        with peer:
            begin = monotonic()
            while peer.hear() is not None:
                pass
            assert monotonic() - begin < GRACE


def test_a_peer_that_drips_for_ever_ends_with_the_total_deadline() -> None:
    with receiving(BRISK) as receiver, expecting(receiver, seconds=0.6) as expected, associated(receiver) as peer:
        peer.say(drip(stored(INSTANCES[0])[:40], 0.05))
        assert isinstance(noted(expected), DeadlineError)
        assert "not finished within 0.6 s" in str(expected.problems[0])


def test_a_peer_that_reads_no_answer_does_not_hold_the_receiver() -> None:
    with receiving() as receiver, ThreadPoolExecutor(1) as threads:
        with expecting(receiver):
            peer = Peer(receiver, REQUEST)
            flooding = threads.submit(peer.say, [ECHO * 1000] * 100)
            sleep(0.5)
        with peer:
            begin = monotonic()
            flooding.result()
            assert monotonic() - begin < GRACE


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs a signal timer")
def test_ctrl_c_ends_a_wait_at_once() -> None:
    before = signal.signal(signal.SIGALRM, signal.default_int_handler)
    signal.setitimer(signal.ITIMER_REAL, 0.3)
    begin = monotonic()
    try:
        with receiving() as receiver, expecting(receiver) as expected, pytest.raises(KeyboardInterrupt):
            expected.take(20)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert monotonic() - begin < GRACE


def test_a_port_that_is_taken_is_told_with_the_cure() -> None:
    with receiving() as receiver:
        another = Receiver(Node(HOST, 104, "ARCHIVE", receiver=receiver.place))
        with (
            pytest.raises(PortInUseError, match=r"another program listens there.*give another port") as caught,
            another,
        ):
            pass
        assert caught.value.place == receiver.place


def test_an_address_of_another_machine_is_told_with_the_cure() -> None:
    with (
        pytest.raises(PortInUseError, match="an address of this machine"),
        Receiver(Node(HOST, 104, "ARCHIVE", receiver="192.0.2.1:0")),
    ):
        pass


@pytest.mark.parametrize("text", ["", "host", "host:", "host:port", "host:70000", "host:1/x", "AE@host:1", "[::1:1"])
def test_an_address_that_cannot_be_meant_is_refused(text: str) -> None:
    with pytest.raises(NodeError, match="names no address"):
        Receiver(Node(HOST, 104, "ARCHIVE", receiver=text))


@pytest.mark.parametrize(
    ("text", "place", "seen"),
    [
        ("127.0.0.1:0", "127.0.0.1:{}", "127.0.0.1:{}"),
        (":0", "0.0.0.0:{}", "10.1.2.3:{}"),
        ("0.0.0.0:0", "0.0.0.0:{}", "10.1.2.3:{}"),
        ("[::1]:0", "[::1]:{}", "[::1]:{}"),
    ],
)
def test_a_receiver_tells_where_it_is_and_as_what_the_archive_sees_it(text: str, place: str, seen: str) -> None:
    if "::1" in text and not socket.has_ipv6:
        pytest.skip("this machine has no IPv6")
    with Receiver(Node(HOST, 104, "ARCHIVE", receiver=text)) as receiver:
        assert receiver.place == place.format(receiver.port)
        assert receiver.place_seen_from("10.1.2.3") == seen.format(receiver.port)


def test_nothing_of_a_patient_is_told_of_what_is_refused() -> None:
    named = series("CT", 1, number=2, PatientName="Doe^Jane", PatientID="SECRET")[0]
    with receiving() as receiver, expecting(receiver) as expected:
        with associated(receiver, stored(Instance.from_part10(BytesIO(part10(named)).getvalue()))) as peer:
            assert peer.status() == REFUSED
        assert not any("Doe" in str(each) or "SECRET" in str(each) for each in expected.problems)

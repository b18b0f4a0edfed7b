"""Our Storage SCP: it takes what is expected, refuses the rest, and waits for nobody for ever."""

from __future__ import annotations

import signal
import socket
import subprocess
from contextlib import ExitStack
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from time import monotonic

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom import uid

from itkdicomqr.association import pending
from itkdicomqr.association.dimse import Element, Field
from itkdicomqr.association.negotiation import RELEASE_RQ
from itkdicomqr.association.receiver import MAX_ASSOCIATIONS, MAX_CONNECTIONS, Receiver
from itkdicomqr.association.stream import Message, Pdu, PduType
from itkdicomqr.errors import (
    AssociationRejectedError,
    NodeError,
    PortInUseError,
    ProtocolError,
)
from itkdicomqr.instance import Instance
from itkdicomqr.node import Node
from tests.association.peers import (
    AE_TITLE,
    ECHO,
    GRACE,
    NOT_UNDERSTOOD,
    OTHER,
    REFUSED,
    REQUEST,
    Peer,
    asking,
    associated,
    contents,
    expecting,
    noted,
    receiving,
    taken,
)
from tests.faults import (
    HOST,
    INSTANCES,
    OTHER_SERIES,
    stored,
)
from tests.servers import require_dcmtk, store
from tests.synthetic import part10, series
from tests.timing import bound


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
    assert monotonic() - begin < bound(GRACE)


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

"""Peers of our Storage SCP that err: none hangs, floods or outlives it, and each is told of."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from time import monotonic, sleep
from typing import Any

import pytest

from itkdicomqr.association.contexts import FIND, VERIFICATION
from itkdicomqr.association.dimse import NO_DATA_SET, Command, Element, Field, request
from itkdicomqr.association.negotiation import ABORT, RELEASE_RQ
from itkdicomqr.association.stream import PduType
from itkdicomqr.errors import (
    ConnectionLostError,
    DeadlineError,
    LimitExceededError,
    NetworkError,
    ProtocolError,
)
from itkdicomqr.node import Limits
from tests.association.peers import (
    ANOTHER_SERVICE,
    BRISK,
    ECHO,
    GRACE,
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
    HTTP_BANNER,
    INSTANCES,
    MISCLASSED,
    MORE_DATA,
    SERVICE,
    STORAGE,
    STORE_BEGUN,
    drip,
    message,
    pdu,
    pdv,
    store_command,
    stored,
)
from tests.timing import bound


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
    assert monotonic() - begin < BRISK.connect + BRISK.idle + bound(GRACE)


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
            assert monotonic() - begin < bound(GRACE)


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
            assert monotonic() - begin < bound(GRACE)

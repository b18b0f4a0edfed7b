"""An association against a server that errs: every fault ends in time, in its own error, and leaves nothing open."""

from __future__ import annotations

import signal
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from itertools import repeat
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any

import pytest
from pydicom import uid
from pydicom.dataset import Dataset

from itkdicomqr import status
from itkdicomqr.association import Association, Deadline
from itkdicomqr.association.association import CANCEL_SECONDS
from itkdicomqr.association.contexts import FIND, GET, VERIFICATION, service, storage
from itkdicomqr.association.dimse import Element, Field
from itkdicomqr.association.stream import Message
from itkdicomqr.errors import (
    AssociationRejectedError,
    ConnectionLostError,
    CorruptInstanceError,
    DeadlineError,
    LimitExceededError,
    NetworkError,
    NoPresentationContextError,
    ProtocolError,
    StatusError,
    TruncatedMatchesError,
)
from itkdicomqr.node import Limits, Node
from itkdicomqr.scan import Header
from itkdicomqr.text import text_of
from tests.faults import (
    ABORT,
    ALL,
    ASKED,
    BRISK,
    CLOSE,
    COMMENT,
    FIRST,
    HASTY,
    HEAR,
    INSTANCES,
    MATCH,
    NO_MORE,
    PATIENT,
    PENDING,
    RESET,
    SCENES,
    SECOND,
    SUCCESS,
    Farewell,
    Stage,
    acceptance,
    ending,
    playing,
    rejection,
    response,
)
from tests.timing import bound

if TYPE_CHECKING:
    from collections.abc import Iterator

    from itkdicomqr.instance import Instance
    from itkdicomqr.node import Timeouts

GRACE = 2.0
"""Seconds after a deadline within which the error must be there."""

FEW = Limits(max_instance_bytes=100_000, max_matches=50)

REJECTIONS = {
    (1, 1, 1): "often the calling AE title 'ITKDICOMQR' is not configured there",
    (1, 1, 2): "application context",
    (1, 1, 3): "does not know our AE title 'ITKDICOMQR'",
    (1, 1, 7): "it is not called 'FAULTS'",
    (1, 2, 1): "no reason",
    (1, 2, 2): "protocol version",
    (2, 3, 1): "congested: try again later",
    (2, 3, 2): "limit of associations",
    (1, 3, 6): "the reason is reserved",
    (9, 9, 9): "unknown result",
}


def opened(node: Node) -> Association:
    proposals = [service(GET["study"]), *storage([uid.CTImageStorage])]
    return Association.open(node, proposals, Deadline(node.timeouts.total))


def request() -> Dataset:
    dataset = Dataset()
    dataset.QueryRetrieveLevel = "SERIES"
    return dataset


def got(node: Node) -> list[Instance]:
    with opened(node) as association:
        return list(association.get(request()))


def found(node: Node) -> list[Header]:
    with Association.open(node, [service(FIND["study"])], Deadline(node.timeouts.total)) as association:
        return list(association.find(request(), "study"))


def echoed(node: Node) -> None:
    with Association.open(node, [service(VERIFICATION)], Deadline(node.timeouts.total)) as association:
        association.echo()


@contextmanager
def failing(kind: type[NetworkError | LimitExceededError], words: str, place: str, step: str) -> Iterator[None]:
    """Expect exactly this class, with these words, at this place and step."""
    with pytest.raises(kind) as caught:
        yield
    assert type(caught.value) is kind
    assert words in str(caught.value)
    assert (caught.value.place, caught.value.step) == (place, step)
    assert str(caught.value).startswith(f"{place}: {step}: ")


@contextmanager
def within(seconds: float) -> Iterator[None]:
    start = monotonic()
    yield
    assert monotonic() - start < seconds + bound(GRACE)


@contextmanager
def interrupted(seconds: float) -> Iterator[None]:
    """Have KeyboardInterrupt raised in this thread after so many seconds, as Ctrl-C does."""
    before = signal.signal(signal.SIGALRM, signal.default_int_handler)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize("codes", REJECTIONS)
def test_a_rejection_keeps_its_three_codes_and_says_what_to_try(codes: tuple[int, int, int]) -> None:
    with playing((HEAR, rejection(*codes))) as stage, pytest.raises(AssociationRejectedError) as caught:
        opened(stage.node())
    assert (caught.value.result, caught.value.source, caught.value.reason) == codes
    assert caught.value.transient == (codes[0] == 2)
    assert REJECTIONS[codes] in str(caught.value)
    assert (caught.value.place, caught.value.step) == (stage.place, "opening the association")


@pytest.mark.parametrize(
    "scene",
    [(HEAR, rejection(1, 1, 7), CLOSE), (rejection(1, 1, 7), CLOSE)],
    ids=["after the request", "before the request is read"],
)
def test_a_rejection_survives_that_the_archive_closes_at_once(scene: Any) -> None:
    with playing(scene) as stage:
        for _ in range(1000):
            with pytest.raises(AssociationRejectedError) as caught:
                opened(stage.node())
            assert (caught.value.result, caught.value.source, caught.value.reason) == (1, 1, 7)


@pytest.mark.parametrize(
    ("scene", "kind", "words", "timeouts"),
    [
        ("silent", DeadlineError, "raise connect_timeout", BRISK),
        (
            "closed",
            ConnectionLostError,
            "may not know our address, not speak DICOM on this port, or expect TLS",
            PATIENT,
        ),
        ("reset", ConnectionLostError, "closed the connection", PATIENT),
        ("garbage", ProtocolError, "does not speak DICOM", PATIENT),
        ("HTTP", ProtocolError, "speaks HTTP, not DICOM", PATIENT),
        ("TLS alert", ProtocolError, "speaks TLS: give dicoms://", PATIENT),
        ("abort in place of an acceptance", ConnectionLostError, "may not allow this to our AE title", PATIENT),
        ("release in place of an acceptance", ConnectionLostError, "released", PATIENT),
        ("data in place of an acceptance", ProtocolError, "before the association was there", PATIENT),
        ("acceptance cut short", ConnectionLostError, "closed the connection", PATIENT),
        ("acceptance in drops", DeadlineError, "raise connect_timeout", BRISK),
        ("acceptance damaged", ProtocolError, "the A-ASSOCIATE-AC is damaged", PATIENT),
        ("acceptance of 2 MiB", LimitExceededError, "of 2097152 bytes exceeds the limit of 1048576", PATIENT),
        ("PDUs of one byte", ProtocolError, "at most 1 bytes, into which nothing fits", PATIENT),
    ],
)
def test_an_opening_that_fails(
    scene: str, kind: type[NetworkError | LimitExceededError], words: str, timeouts: Timeouts
) -> None:
    with (
        playing(SCENES[scene]) as stage,
        within(BRISK.connect),
        failing(kind, words, stage.place, "opening the association"),
    ):
        opened(stage.node(timeouts))


@pytest.mark.parametrize(
    ("scene", "kind", "words", "timeouts"),
    [
        ("nothing accepted", NoPresentationContextError, "Study Root Query/Retrieve", PATIENT),
        ("no answer", DeadlineError, "raise first_response_timeout", BRISK),
        ("abort halfway", ConnectionLostError, "the archive's DICOM layer aborted", PATIENT),
        ("close between messages", ConnectionLostError, "the archive closed the connection", PATIENT),
        ("close within a PDU", ConnectionLostError, "the archive closed the connection", PATIENT),
        ("reset within a PDU", ConnectionLostError, "Connection reset", PATIENT),
        ("release halfway", ConnectionLostError, "in the middle of an operation", PATIENT),
        ("stall between messages", DeadlineError, "raise idle_timeout", BRISK),
        ("stall within a PDU", DeadlineError, "raise idle_timeout", BRISK),
        ("drops", DeadlineError, "raise total_timeout", HASTY),
        ("pending for ever", DeadlineError, "raise total_timeout", HASTY),
        ("empty fragments for ever", DeadlineError, "raise total_timeout", HASTY),
        ("empty PDUs for ever", DeadlineError, "raise total_timeout", HASTY),
        ("unknown context", ProtocolError, "presentation context 9, which is not open", PATIENT),
        ("context of another class", ProtocolError, "another SOP class", PATIENT),
        ("no data set", CorruptInstanceError, "without a data set", PATIENT),
        ("path in place of a UID", ProtocolError, "SOP Instance UID is no UID", PATIENT),
        ("no UID", ProtocolError, "SOP Instance UID is no UID", PATIENT),
        ("C-FIND response", ProtocolError, "0x8020 where C_GET_RSP was due", PATIENT),
        ("pending C-FIND response", ProtocolError, "0x8020 where C_GET_RSP was due", PATIENT),
        ("C-ECHO request", ProtocolError, "0x0030 where C_GET_RSP was due", PATIENT),
        ("response to another request", ProtocolError, "a request that was not made", PATIENT),
        ("pending to another request", ProtocolError, "a request that was not made", PATIENT),
        ("response on another context", ProtocolError, "presentation context 3, not on 1", PATIENT),
        ("unknown PDU", ProtocolError, r"b'B\x00\x00\x00\x00\x00'", PATIENT),
        ("second acceptance", ProtocolError, "ASSOCIATE_AC, which does not belong here", PATIENT),
        ("damaged command", ProtocolError, "command set is damaged", PATIENT),
        ("PDU of 4 GiB", LimitExceededError, "4294967295 bytes exceeds the limit of 131078", PATIENT),
        ("endless data set", LimitExceededError, "Limits(max_instance_bytes=...)", PATIENT),
        ("endless command", LimitExceededError, "a command set of 70000 bytes", PATIENT),
        ("data set without command", ProtocolError, "without a command set", PATIENT),
        ("interleaved contexts", ProtocolError, "changed its presentation context", PATIENT),
    ],
)
def test_a_retrieval_that_fails(
    scene: str, kind: type[NetworkError | LimitExceededError], words: str, timeouts: Timeouts
) -> None:
    with playing(SCENES[scene]) as stage, within(HASTY.total), failing(kind, words, stage.place, "C-GET"):
        got(stage.node(timeouts, FEW))


@pytest.mark.parametrize(
    ("scene", "kind", "words"),
    [
        ("query refused", StatusError, "out of resources (status 0xA700)"),
        ("query ends without a status", StatusError, "a response without a status"),
        ("query ends with an unknown status", StatusError, "an unknown status (status 0x1234)"),
        ("matches for ever", LimitExceededError, "more than 50 matches: narrow the search"),
        ("match without a data set", ProtocolError, "a match without a data set"),
        ("match of 100 kB", LimitExceededError, "exceeds the limit of 65536: which no match needs"),
        ("match that is damaged", ProtocolError, "a match is damaged"),
    ],
)
def test_a_query_that_fails(scene: str, kind: type[NetworkError | LimitExceededError], words: str) -> None:
    with playing(SCENES[scene]) as stage, failing(kind, words, stage.place, "C-FIND"):
        found(stage.node(limits=FEW))


def test_an_abort_in_place_of_the_first_answer_tells_what_to_configure() -> None:
    words = "may not allow this to our AE title 'ITKDICOMQR': have the title, the address"
    with playing((*ASKED, ABORT)) as stage, failing(ConnectionLostError, words, stage.place, "C-FIND"):
        found(stage.node())


def test_an_abort_after_an_answer_is_no_matter_of_configuration() -> None:
    with (
        playing((*ASKED, MATCH, ABORT)) as stage,
        pytest.raises(ConnectionLostError, match=r"aborted the association$"),
    ):
        found(stage.node())


@pytest.mark.parametrize("scene", ["matches cut", "matches cut with a warning"])
def test_an_answer_that_the_archive_cut_is_no_answer(scene: str) -> None:
    with playing(SCENES[scene]) as stage, pytest.raises(TruncatedMatchesError, match="after 1 matches: narrow the"):
        found(stage.node())


def test_the_words_of_the_archive_are_kept_apart_and_escaped() -> None:
    with playing(SCENES["query refused"]) as stage, pytest.raises(StatusError) as caught:
        found(stage.node())
    assert caught.value.status == 0xA700
    assert caught.value.server_comment == r"\x1b[31mDoe^Jane\r\nforged line"
    assert "Doe" not in str(caught.value)


def test_how_a_retrieval_ended_is_told_in_words() -> None:
    scene = ending(0xB000, FAILED=2, ERROR_COMMENT=COMMENT)
    with playing(scene) as stage, opened(stage.node()) as association, pytest.raises(StopIteration) as end:
        next(association.get(request()))
    retrieved = end.value.value
    assert (retrieved.status, retrieved.failed) == (0xB000, 2)
    assert str(retrieved) == "some sub-operations failed (status 0xB000), 2 sub-operations failed"
    assert retrieved.server_comment.isprintable()


@pytest.mark.parametrize(
    "accepted",
    [acceptance(), acceptance(max_pdu=0), acceptance(max_pdu=7), acceptance(roles=False)],
    ids=["as usual", "no maximum length", "one byte a PDU", "no reply to the role selection"],
)
def test_what_an_archive_may_accept_works(accepted: bytes) -> None:
    with playing((HEAR, accepted, HEAR, PENDING, ALL, PENDING, SUCCESS)) as stage:
        instances = got(stage.node())
    assert [bytes(each.encoded) for each in instances] == [bytes(each.encoded) for each in INSTANCES]
    assert [each.sop_instance_uid for each in instances] == [each.sop_instance_uid for each in INSTANCES]
    assert stage.farewells == [Farewell.RELEASED]


def test_every_instance_is_answered_with_success() -> None:
    with playing((*ASKED, ALL, SUCCESS)) as stage:
        got(stage.node())
    answers = [event.command for event in stage.heard if isinstance(event, Message)][1:]
    assert [answer.field for answer in answers] == [Field.C_STORE_RSP] * 3
    assert [answer.status for answer in answers] == [0] * 3
    assert [answer.number(Element.MESSAGE_ID_BEING_RESPONDED_TO) for answer in answers] == [7] * 3
    named = [answer.text(Element.AFFECTED_SOP_INSTANCE_UID) for answer in answers]
    assert named == [each.sop_instance_uid for each in INSTANCES]


def test_matches_come_as_they_were_sent() -> None:
    with playing((*ASKED, MATCH, MATCH, NO_MORE)) as stage:
        assert [text_of(match, "QueryRetrieveLevel") for match in found(stage.node())] == ["SERIES", "SERIES"]
    assert stage.farewells == [Farewell.RELEASED]


@pytest.mark.parametrize("status", [0x0122, 0x0211, None])
def test_an_echo_that_is_refused(status: int | None) -> None:
    scene = (*ASKED, response(Field.C_ECHO_RSP, status))
    with playing(scene) as stage, failing(StatusError, "", stage.place, "C-ECHO"):
        echoed(stage.node())


def test_an_echo_may_be_answered_with_no_data_set() -> None:
    scene = (*ASKED, response(Field.C_ECHO_RSP, 0, bytes(100)))
    with playing(scene) as stage, failing(LimitExceededError, "which no answer needs", stage.place, "C-ECHO"):
        echoed(stage.node())


def test_an_association_does_one_thing_at_a_time() -> None:
    with playing((*ASKED, FIRST, SUCCESS)) as stage, opened(stage.node()) as association:
        retrieval = association.get(request())
        next(retrieval)
        with pytest.raises(ProtocolError, match="another operation is under way"):
            next(association.get(request()))
    assert stage.farewells == [Farewell.ABORTED]


def test_an_association_outlives_a_refused_query() -> None:
    with (
        playing((*ASKED, response(Field.C_FIND_RSP, 0xA900), HEAR, MATCH, NO_MORE)) as stage,
        Association.open(stage.node(), [service(FIND["study"])], Deadline(5)) as association,
    ):
        with pytest.raises(StatusError):
            list(association.find(request(), "study"))
        assert len(list(association.find(request(), "study"))) == 1
    assert stage.farewells == [Farewell.RELEASED]


def test_a_block_that_is_left_by_an_error_aborts() -> None:
    with playing((HEAR, acceptance())) as stage, pytest.raises(KeyError), opened(stage.node()):
        raise KeyError
    assert stage.farewells == [Farewell.ABORTED]


def commands(stage: Stage) -> list[int]:
    """The Command Fields of what the clients said."""
    return [event.command.field for event in stage.heard if isinstance(event, Message)]


def test_a_retrieval_that_is_not_taken_to_its_end_is_cancelled() -> None:
    with playing((*ASKED, FIRST, HEAR, SECOND, response(Field.C_GET_RSP, 0xFE00))) as stage:
        retrieval = opened(stage.node()).get(request())
        next(retrieval)
        retrieval.close()
    assert commands(stage) == [Field.C_GET_RQ, Field.C_STORE_RSP, Field.C_CANCEL_RQ, Field.C_STORE_RSP]
    answers = [event.command.status for event in stage.heard if isinstance(event, Message)]
    assert answers[1] == 0
    assert answers[3] == status.OUT_OF_RESOURCES
    assert stage.farewells == [Farewell.RELEASED]


@pytest.mark.parametrize("after", [(), repeat((PENDING, 0.02)), CLOSE], ids=["nothing", "pending for ever", "close"])
def test_an_archive_that_does_not_heed_a_cancellation_is_aborted(after: Any) -> None:
    with playing((*ASKED, FIRST, HEAR, after)) as stage, within(CANCEL_SECONDS):
        retrieval = opened(stage.node()).get(request())
        next(retrieval)
        retrieval.close()
    assert commands(stage)[2] == Field.C_CANCEL_RQ
    assert stage.farewells in ([Farewell.ABORTED], [Farewell.CLOSED])


@pytest.mark.parametrize(
    "after",
    [(), repeat(PENDING), CLOSE, RESET, ABORT],
    ids=["nothing", "pending for ever", "close", "reset", "abort"],
)
def test_a_release_ends_in_time_whatever_the_archive_does(after: Any) -> None:
    with playing((*ASKED, response(Field.C_ECHO_RSP, 0), after)) as stage, within(2):
        echoed(stage.node())


def test_an_abort_is_said_even_when_the_time_is_over() -> None:
    with playing(SCENES["no answer"]) as stage, pytest.raises(DeadlineError):
        got(stage.node(replace(PATIENT, total=0.5)))
    assert stage.farewells == [Farewell.ABORTED]


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs a signal timer")
@pytest.mark.parametrize("scene", ["silent", "no answer", "stall within a PDU", "drops", "pending for ever"])
def test_ctrl_c_ends_a_wait_within_two_seconds(scene: str) -> None:
    with playing(SCENES[scene]) as stage, within(0.4), interrupted(0.4), pytest.raises(KeyboardInterrupt):
        got(stage.node())


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs a signal timer")
def test_ctrl_c_cancels_what_was_asked_for() -> None:
    scene = (*ASKED, FIRST, HEAR, response(Field.C_GET_RSP, 0xFE00))
    with playing(scene) as stage, interrupted(0.4), pytest.raises(KeyboardInterrupt):
        got(stage.node())
    assert commands(stage)[-1] == Field.C_CANCEL_RQ
    assert stage.farewells == [Farewell.RELEASED]


def test_a_call_that_is_cancelled_from_elsewhere_cancels_what_was_asked_for() -> None:
    with playing(ASKED) as stage, ThreadPoolExecutor(1) as other:
        deadline = Deadline(60)
        proposals = [service(GET["study"]), *storage([uid.CTImageStorage])]
        association = Association.open(stage.node(), proposals, deadline)
        waiting = other.submit(lambda: list(association.get(request())))
        while len(stage.heard) < 2:
            sleep(0.01)
        deadline.cancel()
        with pytest.raises(DeadlineError, match="cancelled"):
            waiting.result(5)
    assert commands(stage) == [Field.C_GET_RQ, Field.C_CANCEL_RQ]
    assert stage.farewells == [Farewell.ABORTED]


def test_more_contexts_than_fit_are_refused_before_anything_is_sent() -> None:
    with playing(()) as stage, failing(ProtocolError, "129 presentation", stage.place, "opening the association"):
        Association.open(stage.node(), [service(VERIFICATION)] * 129, Deadline(5))

"""A series is whole and right, or there is an error: proven against a server that errs."""

from __future__ import annotations

import zlib
from itertools import repeat
from typing import TYPE_CHECKING, Any

import pytest
from pydicom import uid
from pynetdicom.pdu import A_ASSOCIATE_RQ

from itkdicomqr.association.contexts import GET, LOSSLESS, LOSSY
from itkdicomqr.association.dimse import Field
from itkdicomqr.association.stream import Pdu, PduType
from itkdicomqr.errors import (
    AssociationRejectedError,
    ConflictingInstancesError,
    ConnectionLostError,
    CorruptInstanceError,
    DeadlineError,
    DICOMQRError,
    ForeignInstanceError,
    IncompleteSeriesError,
    InstanceError,
    LimitExceededError,
    NoPresentationContextError,
    SeriesChangingError,
    TruncatedMatchesError,
)
from itkdicomqr.instance import Instance
from itkdicomqr.node import Limits, Node
from itkdicomqr.retrieval.getting import HEALING
from tests.faults import (
    ALL,
    ASKED,
    CHANGED,
    CLOSE,
    COMMENT,
    FIRST,
    FORGED,
    HASTY,
    HEAR,
    HOST,
    INSTANCES,
    MISCLASSED,
    MISNAMED,
    OTHER_SERIES,
    SCENES,
    SECOND,
    SERVICE,
    STORAGE,
    SUCCESS,
    SYNTAXES,
    THIRD,
    UNLISTED,
    Farewell,
    Stage,
    acceptance,
    ending,
    playing,
    rejection,
    response,
    sending,
    stored,
)
from tests.retrieval.coming import LISTED, UIDS, UNTOLD, Told, brought, on_its_way, requested, said_of, telling
from tests.servers import free_port

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

CT = str(uid.CTImageStorage)
GARBAGE = Instance(CT, UIDS[0], SYNTAXES[STORAGE], b"\x08\0\x05\0??" + bytes(10))
BOMB = Instance(CT, UIDS[0], uid.DeflatedExplicitVRLittleEndian, zlib.compress(bytes(1 << 18), wbits=-15))
DEFLATED = 7
"""The identifier under which a client proposes the storage class in Deflated Explicit VR Little Endian."""


def content(instances: Iterable[Instance]) -> dict[str, bytes]:
    return {instance.sop_instance_uid: bytes(instance.encoded) for instance in instances}


def syntaxes_asked_for(stage: Stage) -> list[set[str]]:
    """The transfer syntaxes of the storage classes that each association proposed."""
    asked = []
    for event in stage.heard:
        if isinstance(event, Pdu) and event.type is PduType.ASSOCIATE_RQ:
            request = A_ASSOCIATE_RQ()
            request.decode(event.encoded)
            contexts = [each for each in request.presentation_context if each.abstract_syntax not in GET.values()]
            asked.append({str(syntax) for each in contexts for syntax in each.transfer_syntax})
    return asked


@pytest.mark.parametrize("listed", [LISTED, UNTOLD], ids=["classes told", "classes untold"])
@pytest.mark.parametrize("uids", [None, UIDS], ids=["the series", "some instances"])
def test_a_series_comes_whole(listed: Mapping[str, str], uids: Any) -> None:
    with playing(sending(ALL)) as stage:
        instances = brought(stage.node(), telling(listed), uids)
    assert content(instances) == content(INSTANCES)
    assert len(instances) == 3
    assert set(stage.farewells) == {Farewell.RELEASED}


def test_the_order_in_which_instances_come_is_kept() -> None:
    with playing(sending(THIRD, FIRST, SECOND)) as stage:
        assert [each.sop_instance_uid for each in brought(stage.node())] == [UIDS[2], UIDS[0], UIDS[1]]


def test_the_same_instance_twice_counts_once() -> None:
    with playing(sending(FIRST, ALL, FIRST)) as stage:
        assert [each.sop_instance_uid for each in brought(stage.node())] == UIDS


def test_what_did_not_come_with_the_series_is_asked_for_by_a_list() -> None:
    listed = (HEAR, acceptance(), HEAR, SECOND, THIRD, SUCCESS)
    with playing(sending(FIRST), listed) as stage:
        assert content(brought(stage.node())) == content(INSTANCES)
    assert stage.farewells == [Farewell.RELEASED] * 2
    assert requested(stage)[1:] == ["\\".join(UIDS[1:])]


def test_what_no_list_brings_is_asked_for_by_itself() -> None:
    singly = (HEAR, acceptance(), HEAR, SECOND, SUCCESS, HEAR, THIRD, SUCCESS)
    with playing(sending(FIRST), ending(0xC320), singly) as stage:
        assert content(brought(stage.node())) == content(INSTANCES)
    assert requested(stage)[2:] == UIDS[1:]


def test_a_lossy_syntax_is_asked_for_only_when_nothing_else_brought_the_instance() -> None:
    refused = ending(0xA702)
    with playing(sending(FIRST), *[refused] * (len(HEALING) - 1), sending(ALL)) as stage:
        brought(stage.node())
    asked = syntaxes_asked_for(stage)
    assert asked[0] == set(LOSSLESS)
    assert asked[-1] == {*LOSSLESS, *LOSSY}
    assert all(syntaxes <= set(LOSSLESS) for syntaxes in asked[:-1])
    assert all({syntax} in asked for syntax in LOSSLESS)


def test_the_archive_is_asked_for_classes_only_when_the_likely_ones_did_not_do() -> None:
    for first, questions in ((ALL, ["instances"]), (FIRST, ["instances", "classes"])):
        told = telling()
        with playing(sending(first), (HEAR, acceptance(), HEAR, SECOND, THIRD, SUCCESS)) as stage:
            assert len(brought(stage.node(), told)) == 3
        assert told.questions == questions


def test_without_healing_nothing_is_asked_for_twice() -> None:
    with playing(sending(FIRST)) as stage, pytest.raises(IncompleteSeriesError) as caught:
        brought(stage.node(), heal=False)
    assert caught.value.missing == tuple(UIDS[1:])
    assert stage.farewells == [Farewell.RELEASED]


def test_a_connection_that_breaks_is_made_again_for_what_is_missing() -> None:
    broken = (*ASKED, FIRST, CLOSE)
    rest = (HEAR, acceptance(), HEAR, SECOND, THIRD, SUCCESS)
    with playing(broken, rest) as stage:
        assert content(brought(stage.node())) == content(INSTANCES)
    assert requested(stage) == ["", "\\".join(UIDS[1:])]


def test_a_connection_that_breaks_tells_what_had_come() -> None:
    with playing((*ASKED, FIRST, CLOSE)) as stage, pytest.raises(ConnectionLostError) as caught:
        brought(stage.node(), heal=False)
    assert (caught.value.received, caught.value.missing) == (tuple(UIDS[:1]), tuple(UIDS[1:]))
    assert "1 of 3 instances had come" in str(caught.value)


def test_a_rejection_for_now_is_waited_out() -> None:
    busy = (HEAR, rejection(2, 3, 2), CLOSE)
    with playing(busy, busy, sending(ALL)) as stage:
        assert len(brought(stage.node())) == 3
    with playing(busy) as stage, pytest.raises(AssociationRejectedError):
        brought(stage.node(), heal=False)


def test_what_the_list_lacks_is_looked_for_in_a_newer_one() -> None:
    told = Told(iter([UIDS[:2], UIDS]), LISTED)
    with playing(sending(ALL)) as stage:
        assert len(brought(stage.node(), told)) == 3
    assert told.questions == ["instances", "instances"]


def test_a_list_that_stays_too_short_is_a_series_that_changes() -> None:
    with playing(sending(ALL)) as stage, pytest.raises(SeriesChangingError, match="sent 1 instance that it does not"):
        brought(stage.node(), Told(repeat(UIDS[:2]), LISTED))


def cut_off(lists: Iterator[list[str]]) -> Iterator[list[str]]:
    yield from lists
    raise TruncatedMatchesError("cut")


@pytest.mark.parametrize(("lists", "listed"), [(repeat(UIDS[:2]), "2"), (iter(()), "none")], ids=["cut", "none"])
def test_where_the_list_is_cut_the_number_proves_less(lists: Iterator[list[str]], listed: str) -> None:
    with playing(sending(ALL)) as stage:
        (said,) = said_of(stage.node(), Told(cut_off(lists), LISTED, count="3"))
    assert said.startswith(f"the archive lists {listed} of the 3 instances that it counts")


def test_where_neither_list_nor_number_is_told_nothing_proves_the_series() -> None:
    told = Told(cut_off(iter(())), LISTED)
    with playing(sending(ALL)) as stage, pytest.raises(IncompleteSeriesError, match="nothing proves that it is whole"):
        brought(stage.node(), told)


def test_what_came_may_be_enough() -> None:
    with playing(sending(FIRST)) as stage:
        (said,) = said_of(stage.node(), telling(), heal=False, partial=True)
    assert said.startswith("2 of 3 listed instances did not come")


def test_instances_come_from_the_endpoint_that_the_node_names_for_it() -> None:
    with playing(sending(ALL)) as stage:
        node = Node(HOST, free_port(), "QUERIES", get=stage.node(model="patient"))
        assert content(brought(node)) == content(INSTANCES)


@pytest.mark.parametrize(
    ("scene", "kind", "words"),
    [
        (sending(ALL, stored(OTHER_SERIES)), ForeignInstanceError, "its SeriesInstanceUID is"),
        (sending(stored(MISNAMED)), ForeignInstanceError, "its SOPInstanceUID is"),
        (sending(stored(MISCLASSED, AFFECTED_SOP_CLASS_UID=CT)), ForeignInstanceError, "its SOPClassUID is"),
        (sending(stored(UNLISTED)), SeriesChangingError, "the series may still be changing"),
        (sending(FIRST, stored(CHANGED)), ConflictingInstancesError, "it came twice, with different content"),
        (sending(stored(GARBAGE)), CorruptInstanceError, "its data set"),
    ],
    ids=["other series", "other UID", "other class", "not listed", "changed", "garbage"],
)
def test_what_does_not_belong_is_refused(scene: Any, kind: type[DICOMQRError], words: str) -> None:
    with playing(scene) as stage, pytest.raises(kind, match=words) as caught:
        brought(stage.node())
    assert type(caught.value) is kind
    assert Farewell.STAYED not in stage.farewells


def test_a_uid_that_is_none_cannot_forge_a_line() -> None:
    with playing(sending(stored(FORGED))) as stage, pytest.raises(ForeignInstanceError) as caught:
        brought(stage.node())
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    ("limits", "error"), [(Limits(), LimitExceededError), (Limits(max_inflate_ratio=2000), InstanceError)]
)
def test_a_deflated_data_set_may_grow_as_far_as_the_node_allows(limits: Limits, error: type[Exception]) -> None:
    scene = (HEAR, acceptance({SERVICE: SYNTAXES[SERVICE], DEFLATED: BOMB.transfer_syntax_uid}))
    with (
        playing((*scene, HEAR, stored(BOMB, DEFLATED))) as stage,
        pytest.raises(error),
    ):
        brought(stage.node(limits=limits))


@pytest.mark.parametrize("come", [(), (FIRST,), (FIRST, SECOND)], ids=["none", "one", "two"])
@pytest.mark.parametrize("uids", [None, UIDS], ids=["the series", "some instances"])
def test_a_success_with_fewer_instances_is_incomplete(come: Any, uids: Any) -> None:
    with playing(sending(*come)) as stage, pytest.raises(IncompleteSeriesError) as caught:
        brought(stage.node(), uids=uids)
    assert type(caught.value) is IncompleteSeriesError
    assert caught.value.missing == tuple(UIDS[len(come) :])
    assert caught.value.received == tuple(UIDS[: len(come)])
    assert f"{3 - len(come)} of 3 listed instances did not come (the archive said: success" in str(caught.value)
    assert all(missing in str(caught.value) for missing in caught.value.missing)


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (0xB000, "some sub-operations failed (status 0xB000), 2 sub-operations failed"),
        (0xA702, "cannot perform the sub-operations (status 0xA702)"),
        (0xC001, "unable to process (status 0xC001)"),
        (0x1234, "an unknown status (status 0x1234)"),
        (0xFE00, "cancelled (status 0xFE00)"),
        (None, "a response without a status"),
    ],
)
def test_a_failure_is_incomplete_and_says_what_the_archive_said(status: int | None, words: str) -> None:
    scene = ending(status, FAILED=2, ERROR_COMMENT=COMMENT)
    with playing(scene) as stage, pytest.raises(IncompleteSeriesError) as caught:
        brought(stage.node())
    assert words in str(caught.value)
    assert "Doe" not in str(caught.value)
    assert caught.value.server_comment == r"\x1b[31mDoe^Jane\r\nforged line"
    assert caught.value.missing == tuple(UIDS)


def test_a_failure_status_does_not_matter_when_all_came() -> None:
    with playing((*ASKED, ALL, response(Field.C_GET_RSP, 0xB000))) as stage:
        assert content(brought(stage.node())) == content(INSTANCES)


def test_an_archive_without_c_get() -> None:
    scene = (HEAR, acceptance({STORAGE: SYNTAXES[STORAGE]}))
    with (
        playing(scene) as stage,
        pytest.raises(NoPresentationContextError, match="may not offer this service") as caught,
    ):
        brought(stage.node())
    assert (caught.value.place, caught.value.step) == (stage.place, "C-GET")


def test_an_archive_that_will_not_send_this_class() -> None:
    scene = (HEAR, acceptance({SERVICE: SYNTAXES[SERVICE]}))
    with playing(scene) as stage, pytest.raises(IncompleteSeriesError) as caught:
        brought(stage.node())
    assert "no presentation context accepted for CT Image Storage" in str(caught.value)
    assert "each offered in Explicit VR Little Endian, Implicit VR Little Endian, " in str(caught.value)
    assert set(stage.farewells) == {Farewell.RELEASED}


def test_a_series_of_which_nothing_is_listed_is_incomplete() -> None:
    with (
        playing(sending()) as stage,
        pytest.raises(IncompleteSeriesError, match="lists no instances of the series"),
    ):
        brought(stage.node(), telling({}))


def test_a_series_that_is_too_large() -> None:
    limits = Limits(max_series_bytes=len(INSTANCES[0].encoded) + 1)
    with playing(sending(ALL)) as stage, pytest.raises(LimitExceededError, match="max_series_bytes") as caught:
        brought(stage.node(limits=limits))
    assert (caught.value.place, caught.value.step) == (stage.place, "C-GET")


@pytest.mark.parametrize(
    ("scene", "kind"),
    [("abort halfway", ConnectionLostError), ("close between messages", ConnectionLostError), ("drops", DeadlineError)],
)
def test_a_connection_that_fails_is_no_incomplete_series(scene: str, kind: type[DICOMQRError]) -> None:
    with playing(SCENES[scene]) as stage, pytest.raises(kind) as caught:
        brought(stage.node(HASTY))
    assert type(caught.value) is kind


def test_a_caller_who_stops_taking_leaves_nothing_open() -> None:
    with playing(sending(ALL)) as stage, on_its_way(stage.node()) as coming:
        next(coming)
    assert Farewell.STAYED not in stage.farewells

"""A series by DICOMweb alone: whole, whatever is left out at first, or an error that names what is missing."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from itkdicomqr import Client, ConnectionLostError, IncompleteSeriesError, Instance, Node
from tests.dicomweb.serving import (
    BOUNDARY,
    CLOSE,
    FILES,
    MULTIPART,
    STALL,
    UIDS,
    answer,
    chunked,
    multipart,
    row,
    serving,
)
from tests.retrieval.test_interrupting import interrupted

BODY = multipart(FILES)
LAST = BODY.index(FILES[-1])
"""Where the last instance begins."""

CUT = BODY[: LAST + 400]
UNCLOSED = BODY.removesuffix(f"\r\n--{BOUNDARY}--".encode())
LISTED = answer(json.dumps([{"00080018": {"vr": "UI", "Value": [uid]}} for uid in UIDS]).encode())
NO_MORE = answer(b"[]")
NOT_THERE = answer(b"", 404)


def sent(body: bytes, status: int = 200, **fields: str) -> tuple[Any, ...]:
    return answer(body, status, MULTIPART, **fields)


def alone(uid: str) -> tuple[Any, ...]:
    return sent(multipart([FILES[UIDS.index(uid)]]))


def service(whole: Any, single: Callable[[str], Any] = alone, listed: Any = LISTED) -> Callable[[str], Any]:
    """A service that answers for the series so, and for a single instance otherwise."""

    def answered(target: str) -> Any:
        path, _, query = target.partition("?")
        if path.endswith("/studies"):
            return NO_MORE
        if path.endswith("/instances"):
            return NO_MORE if "offset=" in query else listed
        before, _, uid = path.partition("/instances/")
        return single(uid) if uid else whole if before.endswith("2.1") else NOT_THERE

    return answered


class Bar:
    """A progress bar; one that is shown waits for the list of instances before any of them comes."""

    total: float | None = None
    count = 0.0

    def update(self, n: float) -> None:
        self.count += n


def retrieved(node: Node, *, heal: bool = True) -> list[Instance]:
    return Client(node).retrieve(row(node), heal=heal, progress=Bar())


def names(came: Sequence[Instance]) -> list[str]:
    return [each.sop_instance_uid for each in came]


LEAVING_OUT: dict[str, tuple[Any, type[IncompleteSeriesError | ConnectionLostError], str]] = {
    "206": (sent(multipart(FILES[:2]), 206), IncompleteSeriesError, "it left instances out"),
    "200": (sent(multipart(FILES[:2])), IncompleteSeriesError, "HTTP 200"),
    "shorter than told": (
        (*sent(CUT, Content_Length=str(len(BODY))), CLOSE),
        ConnectionLostError,
        "2 of 3 instances had come",
    ),
    "cut, of no told length": ((*sent(CUT, Content_Length=""), CLOSE), ConnectionLostError, "closing boundary"),
    "cut, in chunks": (
        (*sent(b"", Transfer_Encoding="chunked", Content_Length=""), chunked(CUT, 999)),
        ConnectionLostError,
        "closing boundary",
    ),
    "no closing boundary": (sent(UNCLOSED), ConnectionLostError, "closing boundary"),
}
"""What a service sends of three instances, how that is told without healing, and in which words."""

each_fault = pytest.mark.parametrize("fault", LEAVING_OUT)


CAME, MISSING = UIDS[:2], UIDS[2:]


@each_fault
def test_what_a_service_leaves_out_is_named(fault: str) -> None:
    scene, kind, words = LEAVING_OUT[fault]
    with serving(service(scene)) as running, pytest.raises(kind, match=words) as caught:
        retrieved(running.node(), heal=False)
    assert type(caught.value) is kind
    assert (set(caught.value.received), caught.value.missing) == (set(CAME), tuple(MISSING))
    assert not [target for target in running.targets if "/instances/" in target]


@each_fault
def test_what_a_service_leaves_out_is_asked_for_by_itself(fault: str) -> None:
    scene, _, _ = LEAVING_OUT[fault]
    with serving(service(scene)) as running:
        came = retrieved(running.node())
    assert names(came) == UIDS
    assert [bytes(each.encoded) for each in came] == [bytes(Instance.from_part10(each).encoded) for each in FILES]
    singly = [target.partition("/instances/")[2] for target in running.targets if "/instances/" in target]
    assert singly == MISSING


@each_fault
def test_what_a_service_does_not_send_alone_either_is_named(fault: str) -> None:
    scene, _, _ = LEAVING_OUT[fault]
    with (
        serving(service(scene, lambda _: NOT_THERE)) as running,
        pytest.raises(IncompleteSeriesError, match="HTTP 404") as caught,
    ):
        retrieved(running.node())
    assert (set(caught.value.received), caught.value.missing) == (set(CAME), tuple(MISSING))


@each_fault
def test_a_service_that_goes_away_is_told_with_what_is_missing(fault: str) -> None:
    scene, _, _ = LEAVING_OUT[fault]
    with (
        serving(service(scene, lambda _: (CLOSE,))) as running,
        pytest.raises(ConnectionLostError) as caught,
    ):
        retrieved(running.node())
    assert (set(caught.value.received), caught.value.missing) == (set(CAME), tuple(MISSING))


STALLED: dict[str, Callable[[str], Any]] = {
    "before its header": service((STALL,)),
    "in its header": service((b"HTTP/1.1 200 OK\r\nContent-", STALL)),
    "within an instance": service((*sent(CUT, Content_Length=str(len(BODY))), STALL)),
    "between two instances": service((*sent(BODY[: LAST - 60], Content_Length=str(len(BODY))), STALL)),
    "in the list": service(sent(BODY), listed=(STALL,)),
}


@pytest.mark.skipif(sys.platform == "win32", reason="signals are sent")
@pytest.mark.parametrize("where", STALLED)
def test_ctrl_c_ends_a_transfer_that_stalls(where: str) -> None:
    with serving(STALLED[where]) as running, interrupted():
        Client(running.node()).retrieve(row(running.node()))

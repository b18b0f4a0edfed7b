"""Instances over WADO-RS: what was sent, whatever the framing, or an error that tells."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

import pytest

from itkdicomqr import (
    ConnectionLostError,
    CorruptInstanceError,
    DeadlineError,
    LimitExceededError,
    Limits,
    Node,
    ProtocolError,
    StatusError,
)
from itkdicomqr.association import Deadline
from itkdicomqr.dicomweb import wado
from itkdicomqr.dicomweb.retrieve import ACCEPTS
from itkdicomqr.instance import Instance
from tests.dicomweb.serving import BOUNDARY, CLOSE, FILES, MULTIPART, UIDS, answer, chunked, multipart, serving
from tests.faults import BRISK, HASTY, drip
from tests.synthetic import ROOT
from tests.timing import bound

BODY = multipart(FILES, header="Content-Type: application/dicom\r\nContent-Length: {}")
UNTOLD = multipart(FILES)
SERIES_UIDS = f"{ROOT}.1", f"{ROOT}.2.1"
SERIES_PATH = "/dicom-web/studies/{}/series/{}".format(*SERIES_UIDS)


def sent(body: bytes = BODY, status: int = 200, **fields: str) -> tuple[Any, ...]:
    return answer(body, status, MULTIPART, **fields)


def one(index: int) -> tuple[Any, ...]:
    return sent(multipart([FILES[index]]))


def brought(node: Node, came: list[Instance], uids: Iterable[str] | None = None) -> str:
    """Bring them into a list, and give how it ended."""
    bringing = wado(node, *SERIES_UIDS, Deadline(node.timeouts.total), uids)
    while True:
        try:
            came.append(next(bringing))
        except StopIteration as end:
            return str(end.value)


def names(came: list[Instance]) -> list[str]:
    return [each.sop_instance_uid for each in came]


@pytest.mark.parametrize(
    "scene",
    [
        sent(),
        sent(UNTOLD),
        (*sent(b"", Transfer_Encoding="chunked", Content_Length=""), chunked(UNTOLD, 100)),
        (*sent(Content_Length=""), CLOSE),
        answer(BODY, media_type=f"multipart/related; boundary={BOUNDARY}"),
        answer(BODY, media_type=MULTIPART.upper().replace(BOUNDARY.upper(), BOUNDARY)),
    ],
)
def test_a_series_comes_whole(scene: Any) -> None:
    came: list[Instance] = []
    with serving(scene) as service:
        assert brought(service.node(), came) == "success (HTTP 200)"
    assert names(came) == UIDS
    assert [bytes(each.encoded) for each in came] == [bytes(Instance.from_part10(each).encoded) for each in FILES]
    assert {each.origin for each in came} == {"WADO-RS"}
    assert service.targets == [SERIES_PATH]
    assert service.fields("accept") == [ACCEPTS[0]]


def test_an_instance_comes_before_the_next_was_sent() -> None:
    half = BODY.index(FILES[1]) + 10
    with serving((*sent(BODY[:half], Content_Length=str(len(BODY))), 1.5)) as service:
        begin = time.monotonic()
        bringing = wado(service.node(), *SERIES_UIDS, Deadline(10))
        assert next(bringing).sop_instance_uid == UIDS[0]
        bringing.close()
        assert time.monotonic() - begin < bound(1.4)


def test_one_instance_may_come_without_multipart() -> None:
    came: list[Instance] = []
    with serving(answer(FILES[0], media_type="application/dicom")) as service:
        brought(service.node(), came)
    assert names(came) == UIDS[:1]


def test_one_instance_without_a_length_could_be_cut() -> None:
    scene = (*answer(FILES[0], media_type="application/dicom", Content_Length=""), CLOSE)
    with serving(scene) as service, pytest.raises(ProtocolError, match="without its length"):
        brought(service.node(), [])


@pytest.mark.parametrize("status", [400, 406, 500, 501])
def test_a_service_that_does_not_know_the_wildcard_is_asked_without_it(status: int) -> None:
    came: list[Instance] = []
    with serving(answer(b"", status), one(0), one(1)) as service:
        brought(service.node(), came, UIDS[:2])
    assert names(came) == UIDS[:2]
    assert service.fields("accept") == [ACCEPTS[0], ACCEPTS[1], ACCEPTS[1]]
    assert service.targets == [f"{SERIES_PATH}/instances/{uid}" for uid in (UIDS[0], UIDS[0], UIDS[1])]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 406, 410, 500])
def test_a_refused_series_is_a_status_error(status: int) -> None:
    with serving(answer(b"", status)) as service, pytest.raises(StatusError, match="WADO-RS") as caught:
        brought(service.node(), [])
    assert caught.value.status == status


@pytest.mark.parametrize("status", [404, 406, 410, 500])
def test_a_refused_instance_does_not_keep_the_others_from_coming(status: int) -> None:
    came: list[Instance] = []
    refused = [answer(b"", status)] * (1 if status in (404, 410) else 2)
    with serving(one(0), *refused, one(2)) as service:
        end = brought(service.node(), came, UIDS)
    assert names(came) == [UIDS[0], UIDS[2]]
    assert end.endswith(f"(HTTP {status}) for 1 instances")


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_account_ends_the_asking(status: int) -> None:
    with serving(one(0), answer(b"", status)) as service, pytest.raises(StatusError):
        brought(service.node(), [], UIDS)
    assert len(service.requests) == 2


@pytest.mark.parametrize("status", [429, 503])
def test_a_busy_service_is_asked_again(status: int) -> None:
    came: list[Instance] = []
    with serving(answer(b"", status, Retry_After="0"), sent()) as service:
        brought(service.node(), came)
    assert names(came) == UIDS


def test_partial_content_is_told() -> None:
    came: list[Instance] = []
    with serving(sent(multipart(FILES[:2]), 206)) as service:
        assert brought(service.node(), came) == "it left instances out (HTTP 206)"
    assert names(came) == UIDS[:2]


def test_no_content_is_told() -> None:
    with serving(answer(b"", 204, "")) as service:
        assert brought(service.node(), []) == "it has nothing to send (HTTP 204)"


@pytest.mark.parametrize("body", [BODY, UNTOLD])
@pytest.mark.parametrize("framing", ["length", "closed", "chunked"])
@pytest.mark.parametrize("missing", [2, 60, 400])
def test_an_answer_without_its_closing_boundary_loses_its_last_part(body: bytes, framing: str, missing: int) -> None:
    cut = body[:-missing]
    scenes: dict[str, Any] = {
        "length": (*sent(cut, Content_Length=str(len(body))), CLOSE),
        "closed": (*sent(cut, Content_Length=""), CLOSE),
        "chunked": (*sent(b"", Transfer_Encoding="chunked", Content_Length=""), chunked(cut, 999)),
    }
    came: list[Instance] = []
    with serving(scenes[framing]) as service, pytest.raises(ConnectionLostError) as caught:
        brought(service.node(), came)
    assert UIDS[:2] == names(came)[:2]
    assert missing == 2 or names(came) == UIDS[:2]
    assert caught.value.step == "WADO-RS"


def test_the_boundary_within_pixel_data_ends_nothing() -> None:
    # Even as the whole delimiter, since the length of the part is told.
    delimiter = f"\r\n--{BOUNDARY}\r\n".encode()
    content = FILES[0][:-40] + delimiter + FILES[0][-40 + len(delimiter) :]
    came: list[Instance] = []
    with serving(sent(multipart([content], header="Content-Length: {}"))) as service:
        brought(service.node(), came)
    assert bytes(came[0].encoded).endswith(content[-100:])


@pytest.mark.parametrize(
    ("scene", "error", "told"),
    [
        (answer(b"<html>log in", media_type="text/html"), ProtocolError, "perhaps one to log in"),
        (answer(b"[]"), ProtocolError, "where application/dicom was due"),
        (answer(BODY, media_type="multipart/related"), ProtocolError, "names no boundary"),
        (answer(BODY, media_type="multipart/related; boundary=other"), ConnectionLostError, "closing boundary"),
        (sent(Content_Encoding="gzip"), ProtocolError, "Content-Encoding 'gzip'"),
        (sent(multipart([b"<html>"])), CorruptInstanceError, "no DICOM file"),
        (sent(multipart([FILES[0][:200]])), CorruptInstanceError, "damaged|lacks"),
        (sent(multipart([b""])), CorruptInstanceError, "no DICOM file"),
    ],
)
def test_what_is_no_instance_is_told(scene: Any, error: type[Exception], told: str) -> None:
    with serving(scene) as service, pytest.raises(error, match=told):
        brought(service.node(), [])


@pytest.mark.parametrize(
    ("limits", "told"),
    [
        (Limits(max_instance_bytes=len(FILES[0]) - 1), "max_instance_bytes"),
        (Limits(max_series_bytes=len(UNTOLD) - 1), "max_series_bytes"),
    ],
)
@pytest.mark.parametrize("body", [BODY, UNTOLD])
def test_more_than_is_allowed_is_left(limits: Limits, told: str, body: bytes) -> None:
    with serving(sent(body)) as service, pytest.raises(LimitExceededError, match=told):
        brought(service.node(limits=limits), [])


def test_single_instances_count_together() -> None:
    limits = Limits(max_series_bytes=2 * len(FILES[0]))
    came: list[Instance] = []
    with serving(one(0), one(1), one(2)) as service, pytest.raises(LimitExceededError, match="max_series_bytes"):
        brought(service.node(limits=limits), came, UIDS)
    assert len(came) == 1


@pytest.mark.parametrize(("timeouts", "pause"), [(BRISK, 1.5), (HASTY, 0.2)], ids=["stall", "drip"])
def test_a_transfer_that_does_not_end_is_left_in_time(timeouts: Any, pause: float) -> None:
    begin = time.monotonic()
    came: list[Instance] = []
    half = BODY.index(FILES[1]) + 100
    scene = (*sent(BODY[:half], Content_Length=str(len(BODY))), drip(BODY[half : half + 40], pause)[1:])
    with serving(scene) as service, pytest.raises(DeadlineError):
        brought(service.node(timeouts), came)
    assert names(came) == UIDS[:1]
    assert time.monotonic() - begin < bound(10)

"""One service, asked: who asks, where it leads, and that every wait ends."""

from __future__ import annotations

import logging
import re
import ssl
import time
from collections.abc import Callable, Iterator
from itertools import repeat
from pathlib import Path
from threading import Timer
from typing import Any

import pytest
import trustme

from itkdicomqr import (
    ConnectError,
    ConnectionLostError,
    DeadlineError,
    LimitExceededError,
    NetworkError,
    Node,
    NodeError,
    ProtocolError,
    StatusError,
    TLSError,
)
from itkdicomqr.association import Deadline, connection
from itkdicomqr.dicomweb import Session
from itkdicomqr.web import Basic, Bearer
from tests.dicomweb.serving import CLOSE, answer, chunked, serving
from tests.faults import BRISK, HASTY, drip
from tests.servers import free_port
from tests.timing import bound

ACCEPT = "application/dicom+json"
SECRET = Bearer("geheim", allow_cleartext=True)


def got(node: Node, resource: str = "/studies", *, limit: int = 1 << 20, times: int = 1, **parameters: str) -> bytes:
    with Session(node, Deadline(node.timeouts.total)) as session, session.step("QIDO-RS"):
        for _ in range(times):
            body = session.get(resource, ACCEPT, parameters.items()).read(limit, "narrow it")
    return body


def test_a_resource_is_asked_for_below_the_root_and_without_compression() -> None:
    with serving(answer(b"[]")) as service:
        assert got(service.node(), PatientID="A B/ü", limit=5) == b"[]"
    assert service.targets == ["/dicom-web/studies?PatientID=A+B%2F%C3%BC"]
    assert service.fields("accept-encoding") == ["identity"]
    assert service.fields("accept") == [ACCEPT]
    assert service.fields("host") == [service.url.split("/")[2]]


@pytest.mark.parametrize(
    "scene",
    [
        answer(b"[ ]"),
        (*answer(Transfer_Encoding="chunked", Content_Length=""), chunked(b"[ ]", 2)),
        (*answer(b"[ ]", Content_Length=""), CLOSE),
        (b"HTTP/1.0 200 OK\r\n\r\n[ ]", CLOSE),
        (b"HTTP/1.1 100 Continue\r\n\r\n", *answer(b"[ ]")),
        drip(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n[ ]", 0.001),
    ],
    ids=["length", "chunked", "closed", "HTTP/1.0", "informational", "drip"],
)
def test_every_framing_of_a_body_is_read(scene: Any) -> None:
    with serving(scene) as service:
        assert got(service.node()) == b"[ ]"


def test_one_connection_serves_request_after_request() -> None:
    with serving(answer(b"[]"), answer(b"[]"), (CLOSE,), answer(b"[ ]")) as service:
        assert got(service.node(), times=3) == b"[ ]"
    assert len(service.requests) == 4


def test_a_body_that_was_not_read_costs_the_connection_and_nothing_else() -> None:
    with serving(answer(bytes(1 << 22)), answer(b"[]")) as service:
        node = service.node()
        with Session(node, Deadline(10)) as session:
            session.get("/studies", ACCEPT)
            assert session.get("/studies", ACCEPT).read(10, "") == b"[]"


@pytest.mark.parametrize(
    ("status", "told"),
    [
        (400, "does not understand"),
        (401, r"give authorization=Basic\(user, password\) or Bearer\(token\)"),
        (403, "ask the archive's administrator"),
        (404, "check the path of the dicomweb= URL"),
        (406, "nothing in the encoding"),
        (418, "the request failed"),
        (500, "its own log tells why"),
        (502, "gateway"),
    ],
)
def test_a_failure_is_a_status_error_with_the_cure(status: int, told: str) -> None:
    words = b"\x1b[31mDoe^Jane\r\nforged line" + b"x" * 5000
    with serving(answer(words, status, "text/plain")) as service, pytest.raises(StatusError, match=told) as caught:
        got(service.node())
    assert caught.value.status == status
    assert str(caught.value).startswith(f"{service.url.split('/')[2]}: QIDO-RS: ")
    assert "Doe" not in str(caught.value)
    assert caught.value.server_comment.startswith("\\x1b[31mDoe^Jane\\r\\nforged line")
    assert len(caught.value.server_comment) < 1100


def test_the_text_of_a_failure_that_does_not_come_is_not_waited_for() -> None:
    scene = (*answer(b"", 500, Content_Length="99"), 1.5)
    with serving(scene) as service, pytest.raises(StatusError) as caught:
        got(service.node(BRISK))
    assert caught.value.server_comment == ""


@pytest.mark.parametrize("status", [429, 503])
def test_a_busy_service_is_asked_again_when_it_says(status: int) -> None:
    with serving(answer(b"", status, Retry_After="0"), answer(b"[]")) as service:
        assert got(service.node()) == b"[]"
    assert len(service.requests) == 2


@pytest.mark.parametrize("status", [429, 503])
def test_a_service_that_stays_busy_is_told(status: int) -> None:
    with serving(answer(b"", status, Retry_After="0")) as service, pytest.raises(StatusError, match="later") as caught:
        got(service.node())
    assert caught.value.status == status
    assert len(service.requests) == 3


@pytest.mark.parametrize("after", ["3600", "9" * 5000, "Fri, 31 Dec 2999 23:59:59 GMT"])
def test_a_service_that_wants_to_be_left_alone_for_long_is_not_waited_for(after: str) -> None:
    with serving(answer(b"", 503, Retry_After=after)) as service, pytest.raises(StatusError):
        got(service.node())
    assert len(service.requests) == 1


@pytest.mark.parametrize("after", ["Fri, 31 Dec 1999 23:59:59 GMT", "Fri, 31 Dec 1999 23:59:59 -0000", "soon"])
def test_a_time_that_has_passed_or_is_none_is_no_obstacle(after: str) -> None:
    with serving(answer(b"", 429, Retry_After=after), answer(b"[]")) as service:
        assert got(service.node()) == b"[]"


def test_waiting_for_a_busy_service_ends_with_the_call() -> None:
    begin = time.monotonic()
    with serving(answer(b"", 503, Retry_After="20")) as service, pytest.raises(DeadlineError, match="total_timeout"):
        got(service.node(HASTY))
    assert time.monotonic() - begin < bound(3)


def test_waiting_for_a_busy_service_ends_when_the_call_is_cancelled() -> None:
    deadline = Deadline(60)
    cancelling = Timer(0.2, deadline.cancel)
    begin = time.monotonic()
    with serving(answer(b"", 503, Retry_After="20")) as service, Session(service.node(), deadline) as session:
        cancelling.start()
        with pytest.raises(DeadlineError, match="cancelled"):
            session.get("/studies", ACCEPT)
    cancelling.join()
    assert time.monotonic() - begin < bound(3)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirection_within_the_service_is_followed_with_credentials(status: int) -> None:
    with serving(answer(b"", status, Location="/rs/studies?x=1"), answer(b"[]")) as service:
        assert got(service.node(authorization=SECRET)) == b"[]"
    assert service.targets == ["/dicom-web/studies", "/rs/studies?x=1"]
    assert service.fields("authorization") == ["Bearer geheim"] * 2


def test_a_redirection_to_another_host_is_refused_and_the_credentials_do_not_arrive_there() -> None:
    with serving(answer(b"[]")) as other:
        elsewhere = f"{other.url}/studies?PatientID=1"
        with (
            serving(answer(b"", 302, Location=elsewhere)) as service,
            pytest.raises(ProtocolError, match="where no request and no credentials follow") as caught,
        ):
            got(service.node(authorization=SECRET))
    assert other.requests == []
    assert other.url.removesuffix("/dicom-web") in str(caught.value)
    assert "PatientID" not in str(caught.value)


@pytest.mark.parametrize(
    ("location", "told"),
    [
        ("//other.example/", "'http://other.example'"),
        ("http://other.example/", "'http://other.example'"),
        ("https://127.0.0.1/", "'https://127.0.0.1'"),
        ("http://127.0.0.1:1/", "'http://127.0.0.1:1'"),
        ("http://me@127.0.0.1/", "no http:// or https:// URL"),
        ("ftp://127.0.0.1/", "no http:// or https:// URL"),
        ("http://[::1", "no http:// or https:// URL"),
        ("http://127.0.0.1:99999/", "no http:// or https:// URL"),
    ],
)
def test_a_redirection_that_leaves_the_origin_is_refused(location: str, told: str) -> None:
    with (
        serving(answer(b"", 302, Location=location)) as service,
        pytest.raises(ProtocolError, match=re.escape(told)),
    ):
        got(service.node(authorization=SECRET))
    assert len(service.requests) == 1


@pytest.mark.parametrize(
    ("location", "target"),
    [("/a b\xe9?c=d e", "/a%20b%C3%A9?c=d%20e"), ("?x", "/dicom-web/studies?x"), ("/%20", "/%20")],
)
def test_a_redirection_may_be_spelt_carelessly(location: str, target: str) -> None:
    with serving(answer(b"", 302, Location=location), answer(b"[]")) as service:
        got(service.node())
    assert service.targets[1] == target


def test_redirections_end() -> None:
    with (
        serving(answer(b"", 302, Location="/dicom-web/studies")) as service,
        pytest.raises(ProtocolError, match="more than 5 times"),
    ):
        got(service.node())
    assert len(service.requests) == 6


def test_credentials_are_told_in_every_request() -> None:
    with serving(answer(b"[]")) as service:
        got(service.node(authorization=Basic("me", "geheim", allow_cleartext=True)), times=2)
        assert service.fields("authorization") == ["Basic bWU6Z2VoZWlt"] * 2


def test_without_credentials_none_are_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password geheim")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    with serving(answer(b"[]")) as service:
        got(service.node())
        assert service.fields("authorization") == []


def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{free_port()}")
    with serving(answer(b"[]")) as service:
        assert got(service.node()) == b"[]"


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "identity, gzip"])
def test_a_compressed_answer_is_refused_before_it_grows(encoding: str) -> None:
    with (
        serving(answer(b"bomb", Content_Encoding=encoding)) as service,
        pytest.raises(ProtocolError, match=r"Content-Encoding .*not offered"),
    ):
        got(service.node())


@pytest.mark.parametrize(
    "scene",
    [
        answer,
        lambda body: (*answer(Transfer_Encoding="chunked", Content_Length=""), chunked(body, 1000)),
        lambda body: (*answer(body, Content_Length=""), CLOSE),
    ],
    ids=["length", "chunked", "closed"],
)
def test_a_body_larger_than_allowed_is_left(scene: Callable[[bytes], Any]) -> None:
    with (
        serving(scene(bytes(100_000))) as service,
        pytest.raises(LimitExceededError, match="exceeds 99999 bytes: narrow it"),
    ):
        got(service.node(), limit=99_999)


@pytest.mark.parametrize(
    "scene",
    [
        (CLOSE,),
        (b"HTTP/1.1 200 OK\r\nConte", CLOSE),
        (*answer(b"[]", Content_Length="99"), CLOSE),
        (*answer(Transfer_Encoding="chunked", Content_Length=""), b"5\r\n[", CLOSE),
    ],
    ids=["no answer", "half a header", "Content-Length short", "half a chunk"],
)
def test_an_answer_that_ends_early_is_lost(scene: Any) -> None:
    with serving(scene) as service, pytest.raises(ConnectionLostError):
        got(service.node())


@pytest.mark.parametrize(
    "scene",
    [
        (b"\x15\x03\x01\x00\x02\x02\x28", CLOSE),
        (b"\x02\x00\x00\x00\x00\xb8" + bytes(200), CLOSE),
        (b"SSH-2.0-OpenSSH_9\r\n\r\n", CLOSE),
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 200_000,),
        (*answer(Transfer_Encoding="chunked", Content_Length=""), b"zz\r\n"),
        answer(Content_Length="-1"),
        answer(Content_Length="1, 2"),
    ],
    ids=["TLS", "DICOM", "SSH", "endless header", "bad chunk", "negative length", "two lengths"],
)
def test_what_is_no_http_is_told(scene: Any) -> None:
    with serving(scene) as service, pytest.raises(ProtocolError, match="no HTTP/1"):
        got(service.node())


STALLS: dict[str, Any] = {
    "no answer": (1.5,),
    "half a header": (b"HTTP/1.1 200 OK\r\nConte", 1.5),
    "half a body": (*answer(b"[", Content_Length="2"), 1.5),
}
DRIPS: dict[str, Any] = {
    "header": (b"HTTP/1.1 200 OK\r\n", ((b"X", 0.1) for _ in repeat(None))),
    "body": (*answer(Content_Length="99999"), ((b" ", 0.1) for _ in repeat(None))),
    "informational": ((b"HTTP/1.1 102 x\r\n\r\n", 0.1) for _ in repeat(None)),
}


@pytest.mark.parametrize("scene", STALLS)
def test_a_stalled_answer_is_left_in_time(scene: str) -> None:
    begin = time.monotonic()
    with serving(STALLS[scene]) as service, pytest.raises(DeadlineError, match=r"nothing came for 0\.5 s"):
        got(service.node(BRISK))
    assert time.monotonic() - begin < bound(4)


@pytest.mark.parametrize("scene", DRIPS)
def test_an_answer_that_drips_is_left_at_the_deadline_of_the_whole_call(scene: str) -> None:
    begin = time.monotonic()
    with serving(DRIPS[scene]) as service, pytest.raises(DeadlineError, match="not finished within 1 s"):
        got(service.node(HASTY))
    assert time.monotonic() - begin < bound(4)


def test_nobody_there_is_told() -> None:
    with pytest.raises(ConnectError, match="check host and port") as caught:
        got(Node.parse(f"http://127.0.0.1:{free_port()}/dicom-web"))
    assert caught.value.step == "QIDO-RS"


def test_a_node_without_the_service_is_refused() -> None:
    with pytest.raises(NodeError, match="has no dicomweb= URL"):
        Session(Node("h", 104, "A"), Deadline(1))


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[trustme.CA]:
    """The only one that this machine trusts."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path / "none"))
    connection._usual_context.cache_clear()
    yield authority
    connection._usual_context.cache_clear()


def securing(authority: trustme.CA, name: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    return context


def test_a_secured_service_is_asked(authority: trustme.CA) -> None:
    with serving(answer(b"[]"), secured=securing(authority, "localhost"), host="localhost") as service:
        assert got(service.node(authorization=Basic("me", "geheim")), times=2) == b"[]"


@pytest.mark.parametrize("fault", ["wrong name", "unknown authority"])
def test_a_wrong_certificate_is_refused(authority: trustme.CA, fault: str) -> None:
    context = securing(authority, "other.example") if fault == "wrong name" else securing(trustme.CA(), "localhost")
    with (
        serving(answer(b"[]"), secured=context, host="localhost") as service,
        pytest.raises(TLSError, match="certificate was refused"),
    ):
        got(service.node(authorization=Basic("me", "geheim")))
    assert service.requests == []


@pytest.mark.parametrize(
    "scene",
    [
        answer(b"[]"),
        answer(b"ID-815", 500),
        answer(b"", 302, Location="/x?PatientID=ID-815"),
        (b"ID-815\r\n\r\n", CLOSE),
    ],
)
def test_neither_what_is_asked_nor_what_comes_is_logged_or_told(scene: Any, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with serving(scene, answer(b"", 404)) as service, pytest.raises(NetworkError) as caught:
        got(service.node(), times=2, PatientID="ID-815")
    assert "ID-815" not in f"{caught.value} {caplog.text}"

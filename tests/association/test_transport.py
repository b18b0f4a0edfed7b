"""A connection on which every wait ends, and a failure says at what."""

from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic
from typing import Any

import pytest

from itkdicomqr.association import Association
from itkdicomqr.association.contexts import VERIFICATION, service
from itkdicomqr.association.deadline import Deadline
from itkdicomqr.association.dimse import Field
from itkdicomqr.association.transport import Transport
from itkdicomqr.errors import ConnectError, ConnectionLostError, DeadlineError, NetworkError, ProtocolError, TLSError
from itkdicomqr.node import Node, Timeouts
from tests.faults import ASKED, BRISK, CLOSE, HEAR, HOST, PATIENT, RESET, Farewell, playing, rejection, response
from tests.servers import free_port


@contextmanager
def connected(node: Node) -> Iterator[Transport]:
    transport = Transport.connect(node, Deadline(node.timeouts.total))
    try:
        yield transport
    finally:
        transport.close()


def echoed(node: Node) -> None:
    with Association.open(node, [service(VERIFICATION)], Deadline(node.timeouts.total)) as association:
        association.echo()


def test_a_port_at_which_nobody_listens() -> None:
    node = Node(HOST, free_port(), "NOBODY")
    with pytest.raises(ConnectError, match="Connection refused") as caught:
        echoed(node)
    assert (caught.value.place, caught.value.step) == (node.place, "connecting")
    assert "check host and port, and that the archive runs" in str(caught.value)


@pytest.mark.parametrize("host", ["no-such-host.invalid", "a..b", "x" * 64, "a\0b"])
def test_a_host_that_is_not_known(host: str) -> None:
    with pytest.raises(ConnectError) as caught:
        echoed(Node(host, 104, "NOBODY"))
    assert (caught.value.place, caught.value.step) == (f"{host}:104", "connecting")


def test_an_address_that_never_answers() -> None:
    with (
        socket.create_server((HOST, 0), backlog=0) as full,
        socket.create_connection(full.getsockname()),
        pytest.raises(DeadlineError, match="raise connect_timeout"),
    ):
        echoed(Node(HOST, full.getsockname()[1], "BUSY", timeouts=BRISK))


def test_every_address_of_a_host_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    with playing((*ASKED, response(Field.C_ECHO_RSP, 0))) as stage:
        kind = (socket.AF_INET, socket.SOCK_STREAM, 0, "")
        addresses: list[Any] = [(*kind, (HOST, free_port())), (*kind, (HOST, stage.port))]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: addresses)
        echoed(Node("archive.example", stage.port, "FAULTS"))
    assert stage.farewells == [Farewell.RELEASED]


@pytest.mark.parametrize(("end", "words"), [(CLOSE, "closed the connection"), (RESET, "the connection broke")])
def test_an_end_is_told_from_a_silence(end: Any, words: str) -> None:
    with (
        playing((0.1, end)) as stage,
        connected(stage.node()) as transport,
        pytest.raises(ConnectionLostError, match=words),
    ):
        transport.read_into(memoryview(bytearray(1)), 5, "idle")


def test_a_silence_ends_at_the_named_timeout() -> None:
    with playing(()) as stage, connected(stage.node()) as transport:
        start = monotonic()
        with pytest.raises(DeadlineError, match=r"nothing came for 0.2 s: raise first_response_timeout"):
            transport.read_into(memoryview(bytearray(1)), 0.2, "first_response")
        assert 0.2 <= monotonic() - start < 1


def test_a_peer_that_takes_nothing_does_not_hold_us() -> None:
    with (
        socket.create_server((HOST, 0)) as deaf,
        connected(Node(HOST, deaf.getsockname()[1], "DEAF")) as transport,
        pytest.raises(DeadlineError, match="raise idle_timeout"),
    ):
        transport.send(bytes(64 << 20), 0.3, "idle")


@pytest.mark.parametrize(
    ("scene", "kind", "words", "timeouts"),
    [
        ((rejection(1, 1, 7), CLOSE), TLSError, "no secured channel", PATIENT),
        ((0.1, CLOSE), TLSError, "is this the archive's TLS port?", PATIENT),
        ((0.1, RESET), TLSError, "is this the archive's TLS port?", PATIENT),
        ((2 * BRISK.connect,), DeadlineError, "raise connect_timeout", BRISK),
    ],
    ids=["DICOM", "closed", "reset", "silent"],
)
def test_tls_to_a_port_without_it(scene: Any, kind: type[NetworkError], words: str, timeouts: Timeouts) -> None:
    with playing(scene) as stage, pytest.raises(kind) as caught:
        echoed(stage.node(timeouts, tls=True))
    assert words in str(caught.value)
    assert (caught.value.place, caught.value.step) == (stage.place, "connecting")


def test_plain_dicom_to_a_tls_port() -> None:
    with playing((), secured=ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)) as stage, pytest.raises(NetworkError) as caught:
        echoed(stage.node())
    # Some TLS libraries send an alert before they close, others do not.
    assert type(caught.value) in (ConnectionLostError, ProtocolError)
    assert "TLS" in str(caught.value)
    assert (caught.value.place, caught.value.step) == (stage.place, "opening the association")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate for "localhost", and its key."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    file = tmp_path_factory.mktemp("tls") / "certificate.pem"
    names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    command = ["openssl", "req", "-x509", *kind, *names, "-keyout", str(file), "-out", str(file.with_suffix(".crt"))]
    subprocess.run(command, check=True, capture_output=True, timeout=30)
    file.write_text(file.read_text() + file.with_suffix(".crt").read_text())
    return file


def secured(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


def test_an_association_over_tls(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate.with_suffix(".crt")))
    with playing((*ASKED, response(Field.C_ECHO_RSP, 0)), secured=secured(certificate)) as stage:
        echoed(Node("localhost", stage.port, "FAULTS", tls=True))
    assert stage.farewells == [Farewell.RELEASED]


def test_a_stall_over_tls_ends_in_time(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate.with_suffix(".crt")))
    with playing((HEAR,), secured=secured(certificate)) as stage, pytest.raises(DeadlineError, match="connect_timeout"):
        echoed(Node("localhost", stage.port, "FAULTS", tls=True, timeouts=Timeouts(connect=0.5)))


@pytest.mark.parametrize(
    ("host", "trusted", "words"),
    [("localhost", False, "self-signed certificate"), (HOST, True, "IP address mismatch")],
    ids=["of an unknown issuer", "of another name"],
)
def test_a_certificate_is_refused(
    certificate: Path, monkeypatch: pytest.MonkeyPatch, host: str, trusted: bool, words: str
) -> None:
    if trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate.with_suffix(".crt")))
    with playing((), secured=secured(certificate)) as stage, pytest.raises(TLSError) as caught:
        echoed(Node(host, stage.port, "FAULTS", tls=True))
    assert words in str(caught.value)
    assert caught.value.step == "connecting"

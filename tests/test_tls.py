"""The secured channel on real sockets: who is refused and why, and that what comes through it is the same."""

from __future__ import annotations

import shutil
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from time import monotonic
from typing import Any

import numpy as np
import pytest
from pydicom.dataset import Dataset

from itkdicomqr import TLS, Client, DeadlineError, NetworkError, Node, NodeError, TLSError, find_series, load_series
from itkdicomqr.association import Association, Deadline
from itkdicomqr.association.contexts import GET, service, storage
from itkdicomqr.association.dimse import Field
from itkdicomqr.association.transport import Transport
from itkdicomqr.instance import Instance
from itkdicomqr.node import Timeouts
from itkdicomqr.security import Secured
from tests.authorities import HOST, LONG_AGO, Authority
from tests.faults import ASKED, BRISK, HEAR, PATIENT, SUCCESS, Farewell, playing, response, stored
from tests.servers import RunningArchive, orthanc, secured_orthanc
from tests.synthetic import series
from tests.timing import bound

ANSWER = (*ASKED, response(Field.C_ECHO_RSP, 0))


def refused(node: Node) -> NetworkError:
    with pytest.raises(NetworkError) as caught:
        Client(node).echo()
    return caught.value


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3], ids=str)
def test_an_archive_whose_name_and_authority_are_right(authority: Authority, version: ssl.TLSVersion) -> None:
    server = authority.server()
    server.minimum_version = server.maximum_version = version
    with playing(ANSWER, secured=server) as stage:
        Client(stage.node(tls=authority.trusted())).echo()
    assert stage.farewells == [Farewell.RELEASED]


def test_an_archive_of_a_name(authority: Authority) -> None:
    with playing(ANSWER, secured=authority.server("localhost")) as stage:
        Client(Node("localhost", stage.port, "FAULTS", tls=authority.trusted(), timeouts=PATIENT)).echo()
    assert stage.farewells == [Farewell.RELEASED]


def test_the_system_s_authorities_are_the_usual_ones(authority: Authority) -> None:
    with playing(ANSWER, secured=authority.server()) as stage:
        error = refused(stage.node(tls=True))
    assert isinstance(error, TLSError)
    assert "TLS(ca_file=...)" in str(error)


def test_through_a_tunnel_the_archive_s_own_name_is_checked(authority: Authority) -> None:
    with playing(ANSWER, secured=authority.server("pacs.example")) as stage:
        Client(stage.node(tls=authority.trusted(server_name="pacs.example"))).echo()
        error = refused(stage.node(tls=authority.trusted(server_name="other.example")))
    assert "certificate is not valid for 'other.example'" in str(error)


@pytest.mark.parametrize(
    ("names", "not_after", "words", "cure"),
    [
        (["localhost"], None, "IP address mismatch", "TLS(server_name=...)"),
        ([HOST], LONG_AGO, "certificate has expired", "have it renewed"),
    ],
    ids=["of another name", "expired"],
)
def test_a_certificate_that_is_refused(
    authority: Authority, names: list[str], not_after: Any, words: str, cure: str
) -> None:
    with playing((), secured=authority.server(*names, not_after=not_after)) as stage:
        error = refused(stage.node(tls=authority.trusted()))
    assert isinstance(error, TLSError)
    assert f"its certificate was refused: {words}" in str(error)
    assert cure in str(error)
    assert (error.place, error.step) == (stage.place, "connecting")


def test_an_authority_s_file_that_went_away(authority: Authority, tmp_path: Path) -> None:
    tls = TLS(shutil.copy(authority.file, tmp_path / "ca.pem"))
    (tmp_path / "ca.pem").unlink()
    with playing(()) as stage, pytest.raises(NodeError, match=r"ca_file=.*cannot be read"):
        Client(stage.node(tls=tls)).echo()


def test_an_authority_that_is_not_known(authority: Authority, rogue: Authority) -> None:
    with playing((), secured=rogue.server()) as stage:
        error = refused(stage.node(tls=authority.trusted()))
    assert isinstance(error, TLSError)
    assert "unable to get local issuer certificate: if you trust who issued it, give TLS(ca_file=...)" in str(error)


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
def test_an_archive_of_old_versions(authority: Authority) -> None:
    server = authority.server()
    server.set_ciphers("DEFAULT:@SECLEVEL=0")
    server.minimum_version = server.maximum_version = ssl.TLSVersion.TLSv1_1
    with playing((), secured=server) as stage:
        error = refused(stage.node(tls=authority.trusted()))
    assert isinstance(error, TLSError)
    assert "it must offer TLS 1.2 or newer" in str(error)


def test_an_archive_of_weak_ciphers(authority: Authority) -> None:
    server = authority.server()
    server.maximum_version = ssl.TLSVersion.TLSv1_2
    server.set_ciphers("AES128-SHA:ECDHE+AES128:!AESGCM")
    with playing((), secured=server) as stage:
        error = refused(stage.node(tls=authority.trusted()))
    assert isinstance(error, TLSError)
    assert "older ciphers" in str(error)


@contextmanager
def answering(answer: Callable[[socket.socket], None]) -> Iterator[int]:
    """Listen on a port, and answer the first client so."""
    with socket.create_server((HOST, 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.settimeout(5)
                connection.recv(1 << 16)
                answer(connection)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            thread.join(10)


SERVER_HELLO_BEGUN = b"\x16\x03\x03\x00\x7a\x02\x00\x00\x76\x03\x03"


def test_an_archive_that_leaves_in_the_middle_of_the_handshake(authority: Authority) -> None:
    with answering(lambda connection: connection.sendall(SERVER_HELLO_BEGUN)) as port:
        error = refused(Node(HOST, port, "LEAVING", tls=authority.trusted()))
    assert isinstance(error, TLSError)
    assert "no secured channel" in str(error)


@pytest.mark.parametrize("sent", [b"", SERVER_HELLO_BEGUN], ids=["silent", "begun"])
def test_a_handshake_that_stalls_ends_in_time(authority: Authority, sent: bytes) -> None:
    def stall(connection: socket.socket) -> None:
        connection.sendall(sent)
        connection.recv(1)  # until the client leaves

    start = monotonic()
    with answering(stall) as port:
        error = refused(Node(HOST, port, "STALLING", tls=authority.trusted(), timeouts=BRISK))
    assert monotonic() - start < bound(4 * BRISK.connect)
    assert isinstance(error, DeadlineError)
    assert "the TLS handshake did not end: not finished within 0.5 s: raise connect_timeout" in str(error)


def test_a_stall_after_the_handshake_ends_in_time(authority: Authority) -> None:
    with playing((HEAR,), secured=authority.server()) as stage:
        error = refused(stage.node(Timeouts(connect=0.5), tls=authority.trusted()))
    assert isinstance(error, DeadlineError)
    assert "raise connect_timeout" in str(error)


@pytest.mark.parametrize("room", [7, 1000, 1 << 20])
def test_what_came_in_one_record_is_read_in_any_portions_without_waiting(authority: Authority, room: int) -> None:
    content = bytes(range(256)) * 400
    with playing((content,), secured=authority.server()) as stage:
        transport = Transport.connect(stage.node(tls=authority.trusted()), Deadline(PATIENT.total))
        received, buffer = bytearray(), memoryview(bytearray(room))
        with closing(transport):
            while len(received) < len(content):
                received += buffer[: transport.read_into(buffer, PATIENT.idle, "idle")]
    assert received == content


def test_a_long_instance_is_the_same_over_tls(authority: Authority) -> None:
    instance = Instance.from_dataset(series("CT", 1, rows=1024, columns=1024)[0])
    identifier = Dataset()
    identifier.QueryRetrieveLevel = "SERIES"
    proposals = [service(GET["study"]), *storage([instance.sop_class_uid], [instance.transfer_syntax_uid])]
    with playing((*ASKED, stored(instance), HEAR, SUCCESS), secured=authority.server()) as stage:
        node = stage.node(tls=authority.trusted())
        with Association.open(node, proposals, Deadline(PATIENT.total)) as association:
            assert [each.encoded for each in association.get(identifier)] == [instance.encoded]


# The archive demands a certificate of ours.


def demanding(authority: Authority, version: ssl.TLSVersion) -> ssl.SSLContext:
    server = authority.demanded_by(authority.server())
    server.minimum_version = server.maximum_version = version
    return server


VERSIONS = pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3], ids=str)


@VERSIONS
def test_a_client_certificate_is_shown(authority: Authority, version: ssl.TLSVersion) -> None:
    own = authority.issue("research.example")
    with playing(ANSWER, secured=demanding(authority, version)) as stage:
        Client(stage.node(tls=authority.trusted(own))).echo()
    assert stage.farewells == [Farewell.RELEASED]


@VERSIONS
@pytest.mark.parametrize(
    "issue",
    [
        lambda _authority, _rogue: None,
        lambda _, rogue: rogue.issue("research.example"),
        lambda authority, _: authority.issue("research.example", not_after=LONG_AGO),
    ],
    ids=["missing", "of an unknown issuer", "expired"],
)
def test_a_client_certificate_that_the_archive_refuses(
    authority: Authority,
    rogue: Authority,
    version: ssl.TLSVersion,
    issue: Callable[[Authority, Authority], Path | None],
) -> None:
    certificate = issue(authority, rogue)
    with playing((), secured=demanding(authority, version)) as stage:
        # What the archive says must not depend on who is faster.
        for _ in range(10):
            error = refused(stage.node(tls=authority.trusted(certificate)))
            assert isinstance(error, TLSError), error
            assert "client certificate" in str(error)
            assert error.place == stage.place


# A whole archive.

DATASETS = series("CT", 10, rows=256, columns=256)


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningArchive]:
    with orthanc(tmp_path_factory.mktemp("plain"), DATASETS) as archive:
        yield archive


@pytest.mark.parametrize("demands", [False, True], ids=["to anybody", "to who shows a certificate"])
def test_orthanc_serves_the_same_over_tls(
    tmp_path: Path, plain: RunningArchive, authority: Authority, rogue: Authority, demands: bool
) -> None:
    tls = authority.trusted(authority.issue("research.example") if demands else None)
    intruder = authority.trusted(rogue.issue("intruder.example"))
    with secured_orthanc(tmp_path, DATASETS, tls, authority.orthanc(demands=demands)) as secured:
        expected, found = (find_series(DATASETS[0].PatientID, pacs=each.node) for each in (plain, secured))
        assert [row.attributes for row in found] == [row.attributes for row in expected]
        volumes = [load_series(series=rows.one(), toolkit="volume") for rows in (expected, found)]
        assert np.array_equal(volumes[0].array, volumes[1].array)
        assert volumes[0].origin == volumes[1].origin
        strangers: list[Secured] = [True, rogue.trusted(), *([authority.trusted(), intruder] if demands else [])]
        for stranger in strangers:
            assert isinstance(refused(replace(secured.node, tls=stranger)), TLSError)
        assert "or expect TLS (dicoms://)" in str(refused(replace(secured.node, tls=False)))
        assert isinstance(refused(replace(plain.node, tls=tls)), TLSError)

"""Our Storage SCP over TLS: what comes is the same, and whoever fails to shake hands disturbs nobody else."""

from __future__ import annotations

import socket
import ssl
import struct
import subprocess
from collections.abc import Callable
from contextlib import ExitStack, closing, suppress
from dataclasses import replace
from pathlib import Path
from time import monotonic

import pytest

from itkdicomqr import TLS, DeadlineError, Node, NodeError, TLSError
from itkdicomqr.association.negotiation import RELEASE_RQ
from itkdicomqr.association.receiver import MAX_ASSOCIATIONS, Receiver
from itkdicomqr.association.stream import PduType
from itkdicomqr.errors import NetworkError
from itkdicomqr.instance import Instance
from tests.association.peers import (
    AE_TITLE,
    GRACE,
    PATIENT,
    REQUEST,
    Peer,
    associated,
    contents,
    expecting,
    noted,
    receiving,
    taken,
)
from tests.authorities import Authority
from tests.faults import HOST, INSTANCES, leaving_nothing, stored
from tests.servers import require_dcmtk
from tests.synthetic import part10, series
from tests.timing import bound


@pytest.fixture(scope="module")
def secured(authority: Authority) -> TLS:
    """Our certificate; who calls must show one of the same authority."""
    return authority.trusted(authority.issue(HOST))


@pytest.fixture(scope="module")
def known(authority: Authority) -> ssl.SSLContext:
    """What an archive calls with that we trust."""
    return authority.client(authority.issue("archive.example"))


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3], ids=str)
def test_a_series_arrives_and_is_answered(authority: Authority, secured: TLS, version: ssl.TLSVersion) -> None:
    client = authority.client(authority.issue("archive.example"))
    client.minimum_version = client.maximum_version = version
    with receiving(receiver_tls=secured) as receiver, expecting(receiver) as expected:
        with associated(receiver, *map(stored, INSTANCES), RELEASE_RQ, secured=client) as peer:
            assert taken(expected, 3) == contents(INSTANCES)
            assert [peer.status() for _ in INSTANCES] == [0, 0, 0]
            assert peer.kind() is PduType.RELEASE_RP
            assert peer.hear() is None
        assert expected.problems == ()


def test_a_long_instance_is_the_same(secured: TLS, known: ssl.SSLContext) -> None:
    instance = Instance.from_dataset(series("CT", 1, rows=1024, columns=1024)[0])
    with (
        receiving(receiver_tls=secured) as receiver,
        expecting(receiver) as expected,
        associated(receiver, stored(instance), secured=known),
    ):
        assert taken(expected, 1) == contents([instance])


def test_storescu_stores_to_it(authority: Authority, secured: TLS, tmp_path: Path) -> None:
    storescu, datasets = require_dcmtk("storescu"), series("CT", 4)
    certificate = str(authority.issue("archive.example"))
    files = [tmp_path / f"{index}.dcm" for index in range(len(datasets))]
    for file, dataset in zip(files, datasets, strict=True):
        file.write_bytes(part10(dataset))
    with receiving(receiver_tls=secured) as receiver, expecting(receiver) as expected:
        tls = ["+tls", certificate, certificate, "+cf", str(authority.file)]
        command = [storescu, *tls, "-aec", AE_TITLE, HOST, str(receiver.port), *map(str, files)]
        subprocess.run(command, check=True, timeout=60, capture_output=True)
        assert taken(expected, 4) == contents([Instance.from_part10(part10(dataset)) for dataset in datasets])


def test_without_an_authority_whoever_calls_may_store(authority: Authority) -> None:
    open_to_all = TLS(certificate=authority.issue(HOST))
    with (
        receiving(receiver_tls=open_to_all) as receiver,
        expecting(receiver) as expected,
        associated(receiver, stored(INSTANCES[0]), secured=authority.client()),
    ):
        assert taken(expected, 1) == contents(INSTANCES[:1])


Call = Callable[[Receiver, Authority, Authority], Peer]
"""Call a receiver, given the authority that it trusts and one that it does not."""


def weak(authority: Authority) -> ssl.SSLContext:
    client = authority.client()
    client.maximum_version = ssl.TLSVersion.TLSv1_2
    client.set_ciphers("AES128-SHA")
    return client


FAILURES: dict[str, tuple[Call, type[NetworkError], str]] = {
    "no certificate": (
        lambda receiver, known, _: Peer(receiver, secured=known.client()),
        TLSError,
        "have the archive show its certificate",
    ),
    "a certificate of an unknown issuer": (
        lambda receiver, known, rogue: Peer(receiver, secured=known.client(rogue.issue("archive.example"))),
        TLSError,
        "if you trust who issued it, give TLS(ca_file=...)",
    ),
    "distrust of ours": (
        lambda receiver, _, rogue: Peer(receiver, secured=rogue.client()),
        TLSError,
        "the archive refuses our certificate",
    ),
    "weak ciphers": (
        lambda receiver, known, _: Peer(receiver, secured=weak(known)),
        TLSError,
        "it must offer TLS 1.2 or newer",
    ),
    "plaintext": (lambda receiver, *_: Peer(receiver, REQUEST), TLSError, "does not speak TLS to us"),
    "HTTP": (lambda receiver, *_: Peer(receiver, b"GET / HTTP/1.1\r\n\r\n"), TLSError, "does not speak TLS to us"),
    "silence": (lambda receiver, *_: Peer(receiver), DeadlineError, "the TLS handshake did not end"),
    "half a handshake": (
        lambda receiver, *_: Peer(receiver, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc"),
        DeadlineError,
        "the TLS handshake did not end",
    ),
}


@pytest.mark.parametrize("failure", FAILURES)
def test_who_fails_to_shake_hands_is_told_and_disturbs_nobody(
    authority: Authority, rogue: Authority, secured: TLS, known: ssl.SSLContext, failure: str
) -> None:
    call, kind, words = FAILURES[failure]
    with (
        receiving(replace(PATIENT, connect=1.0), receiver_tls=secured) as receiver,
        expecting(receiver) as expected,
        associated(receiver, secured=known) as peer,
        ExitStack() as others,
    ):
        with suppress(ssl.SSLError):
            others.enter_context(call(receiver, authority, rogue))
        peer.say(stored(INSTANCES[0]))
        assert peer.status() == 0
        error = noted(expected)
        assert isinstance(error, kind)
        assert words in str(error)
        peer.say(stored(INSTANCES[1]))
        assert taken(expected, 2) == contents(INSTANCES[:2])


def test_handshakes_that_stall_take_no_place_of_an_association(secured: TLS, known: ssl.SSLContext) -> None:
    with receiving(receiver_tls=secured) as receiver, expecting(receiver) as expected, ExitStack() as stalling:
        for _ in range(MAX_ASSOCIATIONS):
            stalling.enter_context(Peer(receiver))
        with associated(receiver, stored(INSTANCES[0]), secured=known):
            assert taken(expected, 1) == contents(INSTANCES[:1])


@pytest.mark.parametrize("said", [b"", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc"], ids=["silent", "begun"])
def test_a_handshake_that_stalls_ends_with_the_receiver(secured: TLS, said: bytes) -> None:
    node = Node(HOST, 104, "ARCHIVE", receiver=f"{HOST}:0", receiver_tls=secured)
    with leaving_nothing(), ExitStack() as stalling:
        with Receiver(node) as receiver:
            stalling.enter_context(Peer(receiver, said, 0.2))
            begin = monotonic()
        assert monotonic() - begin < bound(GRACE)


def test_tls_where_none_is_expected_is_told(authority: Authority) -> None:
    with receiving() as receiver, expecting(receiver) as expected:
        with pytest.raises(ssl.SSLError):
            Peer(receiver, secured=authority.client())
        assert "it begins a TLS handshake: give receiver_tls=TLS(certificate=...)" in str(noted(expected))


def test_a_certificate_that_went_away_is_told(authority: Authority, tmp_path: Path) -> None:
    file = tmp_path / "certificate.pem"
    file.write_bytes(authority.issue(HOST).read_bytes())
    node = Node(HOST, 104, "ARCHIVE", receiver=f"{HOST}:0", receiver_tls=TLS(certificate=file))
    file.unlink()
    with pytest.raises(NodeError, match=r"certificate=.*cannot be read"):
        Receiver(node)


def test_peers_that_reset_at_once_disturb_nobody(secured: TLS, known: ssl.SSLContext) -> None:
    with receiving(receiver_tls=secured) as receiver, expecting(receiver) as expected:
        for _ in range(50):
            with closing(socket.create_connection((HOST, receiver.port))) as leaving:
                leaving.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        with associated(receiver, stored(INSTANCES[0]), secured=known):
            assert taken(expected, 1) == contents(INSTANCES[:1])

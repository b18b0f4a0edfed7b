"""Every transport by every fault of a secured channel: refused with the reason, and nothing hangs.

A real archive, which speaks clear text; tunnels speak TLS for it, when we call it and when it calls our receiver, as
right or wrong as the fault says.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from time import monotonic

import numpy as np
import pytest

from itkdicomqr import (
    TLS,
    ConnectionLostError,
    DeadlineError,
    DICOMQRError,
    NetworkError,
    Node,
    ProtocolError,
    TLSError,
    Volume,
    find_series,
    load_series,
)
from itkdicomqr.node import Timeouts
from itkdicomqr.security import Secured
from itkdicomqr.web import Address
from tests.authorities import HOST, LONG_AGO, Authority, serving
from tests.faults import leaving_nothing
from tests.servers import free_port, orthanc, require_dicomweb
from tests.synthetic import series
from tests.timing import bound
from tests.tunnels import Tunnel

AE_TITLE = "ITKDICOMQR"
DATASETS = series("CT", 5)
PATIENT = str(DATASETS[0].PatientID)
BRISK = Timeouts(connect=1.0, first_response=5.0, idle=5.0, late=0.3, total=20.0)
LIMIT = 8.0

SOUND = "no fault"
WRONG_NAME = "wrong name"
UNKNOWN_AUTHORITY = "unknown authority"
EXPIRED = "expired"
NO_CERTIFICATE = "no client certificate"
PLAIN_THERE = "plaintext there"
PLAIN_HERE = "plaintext here"
STALLED = "stalled handshake"


@dataclass(frozen=True)
class Channel:
    """A channel between an archive and us that has a fault.

    Attributes
    ----------
    fault : str
        Which.
    authority, rogue : Authority
        The one that both sides trust, and one that we do not.
    """

    fault: str
    authority: Authority
    rogue: Authority

    def to(self, port: int) -> AbstractContextManager[int]:
        """Lead us to a port of the archive."""
        is_secured = self.fault not in (PLAIN_THERE, STALLED)
        entry = self.authority.demanded_by(serving(self._theirs())) if is_secured else None
        return Tunnel(port, entry=entry, mute=self.fault == STALLED).open()

    def back_to(self, port: int, destination: int) -> AbstractContextManager[int]:
        """Lead the archive to a port of ours, from where it takes that to be."""
        shown = None if self.fault == NO_CERTIFICATE else self._theirs()
        exit_ = None if self.fault in (PLAIN_THERE, STALLED) else self.authority.client(shown)
        return Tunnel(port, exit=exit_, mute=self.fault == STALLED).open(destination)

    def calling(self) -> Secured:
        """How we call the archive."""
        shown = "" if self.fault == NO_CERTIFICATE else self.authority.issue("research.example")
        return self.fault != PLAIN_HERE and TLS(self.authority.file, shown)

    def called(self) -> Secured:
        """How the archive may call us."""
        return self.fault != PLAIN_HERE and TLS(self.authority.file, self.authority.issue(self._name))

    @property
    def scheme(self) -> str:
        return "http" if self.fault == PLAIN_HERE else "https"

    @property
    def _name(self) -> str:
        return "other.example" if self.fault == WRONG_NAME else HOST

    def _theirs(self) -> Path:
        """The archive's certificate."""
        issuer = self.rogue if self.fault == UNKNOWN_AUTHORITY else self.authority
        return issuer.issue(self._name, not_after=LONG_AGO if self.fault == EXPIRED else None)


@dataclass(frozen=True)
class Archive:
    """The archive, and the port to which it sends by C-MOVE."""

    node: Node
    destination: int


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Archive]:
    http, destination = free_port(), free_port()
    known = {"us": [AE_TITLE, HOST, destination]}
    folder = tmp_path_factory.mktemp("orthanc")
    with orthanc(folder, DATASETS, HttpPort=http, Plugins=[require_dicomweb()], DicomModalities=known) as running:
        node = replace(running.node, dicomweb=f"http://{HOST}:{http}/dicom-web", timeouts=BRISK)
        yield Archive(node, destination)


def by_find(archive: Archive, channel: Channel) -> Volume:
    with channel.to(archive.node.port) as port:
        return found(replace(archive.node, port=port, tls=channel.calling()), archive)


def by_get(archive: Archive, channel: Channel) -> Volume:
    with channel.to(archive.node.port) as port:
        sender = replace(archive.node, port=port, tls=channel.calling())
        return brought(replace(archive.node, get=sender), "get")


def by_move(archive: Archive, channel: Channel) -> Volume:
    port = free_port()
    with channel.back_to(port, archive.destination):
        return brought(replace(archive.node, receiver=f"{HOST}:{port}", receiver_tls=channel.called()), "move")


def by_qido(archive: Archive, channel: Channel) -> Volume:
    with serviced(archive, channel) as url:
        return found(replace(Node.parse(url), tls=channel.calling(), timeouts=BRISK), archive)


def by_wado(archive: Archive, channel: Channel) -> Volume:
    with serviced(archive, channel) as url:
        return brought(replace(archive.node, dicomweb=url, dicomweb_tls=channel.calling()), "dicomweb")


@contextmanager
def serviced(archive: Archive, channel: Channel) -> Iterator[str]:
    """Lead us to the archive's DICOMweb service."""
    address = Address.parse(archive.node.dicomweb)
    with channel.to(address.port) as port:
        yield f"{channel.scheme}://{HOST}:{port}{address.path}"


def found(node: Node, archive: Archive) -> Volume:
    row = find_series(PATIENT, pacs=node).one()
    volume: Volume = load_series(series=row, pacs=archive.node, toolkit="volume")
    return volume


def brought(node: Node, transport: str) -> Volume:
    row = find_series(PATIENT, pacs=node).one()
    volume: Volume = load_series(series=row, transport=transport, toolkit="volume")
    return volume


CALLING: Mapping[str, Callable[[Archive, Channel], Volume]] = {
    "C-FIND": by_find,
    "C-GET": by_get,
    "QIDO-RS": by_qido,
    "WADO-RS": by_wado,
}
CALLED: Mapping[str, Callable[[Archive, Channel], Volume]] = {"C-MOVE's receiver": by_move}
TRANSPORTS = {**CALLING, **CALLED}

Refusal = tuple[type[NetworkError] | tuple[type[NetworkError], ...], str]

FAULTS: Mapping[str, tuple[Refusal, Refusal]] = {
    WRONG_NAME: (
        (TLSError, "certificate is not valid for '127.0.0.1'"),
        (TLSError, "the archive refuses our certificate: have it trust who issued that, and know us by the name"),
    ),
    UNKNOWN_AUTHORITY: (
        (TLSError, "its certificate was refused: unable to get local issuer certificate"),
        (TLSError, "its certificate was refused: unable to get local issuer certificate"),
    ),
    EXPIRED: (
        (TLSError, "its certificate was refused: certificate has expired"),
        (TLSError, "its certificate was refused: certificate has expired"),
    ),
    NO_CERTIFICATE: (
        (TLSError, "give a client certificate that it trusts"),
        (TLSError, "have the archive show its certificate to us"),
    ),
    PLAIN_THERE: ((TLSError, "no secured channel"), (TLSError, "the archive does not speak TLS to us")),
    PLAIN_HERE: (
        (ConnectionLostError, "or expect TLS ("),
        (ProtocolError, "it begins a TLS handshake: give receiver_tls=TLS(certificate=...)"),
    ),
    STALLED: ((DeadlineError, "the TLS handshake did not end"), (DeadlineError, "the TLS handshake did not end")),
}
"""How each fault is told when we call the archive, and when it calls our receiver."""


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_through_a_sound_channel_comes_the_same(
    archive: Archive, authority: Authority, rogue: Authority, transport: str
) -> None:
    expected = brought(archive.node, "get")
    with leaving_nothing():
        volume = TRANSPORTS[transport](archive, Channel(SOUND, authority, rogue))
    for attribute in ("array", "origin", "spacing", "direction"):
        assert np.array_equal(getattr(volume, attribute), getattr(expected, attribute))


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_fault_of_the_channel_is_refused_with_the_reason(
    archive: Archive, authority: Authority, rogue: Authority, transport: str, fault: str
) -> None:
    begin = monotonic()
    with leaving_nothing(), pytest.raises(DICOMQRError) as caught:
        TRANSPORTS[transport](archive, Channel(fault, authority, rogue))
    kind, words = FAULTS[fault][transport in CALLED]
    assert isinstance(caught.value.__cause__ if transport in CALLED else caught.value, kind)
    assert words in str(caught.value)
    assert (transport in CALLED) == ("something connected to our receiver" in str(caught.value))
    assert monotonic() - begin < bound(LIMIT)

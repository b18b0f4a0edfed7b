"""Orthanc with a series in it, and the other ways to the same series."""

from __future__ import annotations

import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.data import PLAIN, Series, files
from benchmarks.job import ARCHIVE, RELAY, REPLAY, SECURED, Job
from benchmarks.relay import relaying
from benchmarks.replay import Recording, replaying
from itkdicomqr import Node
from itkdicomqr.node import DEFAULT_CALLING_AE_TITLE
from itkdicomqr.security import Secured
from tests.authorities import Authority
from tests.servers import free_port, secured_orthanc

HOST = "127.0.0.1"
DICOMWEB = Path("/usr/share/orthanc/plugins/libOrthancDicomWeb.so")


@dataclass(frozen=True)
class Orthanc:
    """One that runs.

    Attributes
    ----------
    node : Node
        Its DICOM port.
    http : str
        The root of its web services.
    receiver : str
        Where it sends what our AE title asks for by C-MOVE, ``"host:port"``.
    """

    node: Node
    http: str
    receiver: str

    def take(self, folder: Path) -> None:
        """Put files into it."""
        for file in files(folder):
            request = urllib.request.Request(f"{self.http}/instances", file.read_bytes(), method="POST")
            urllib.request.urlopen(request).close()


@contextmanager
def running_orthanc(folder: Path, tls: Secured, security: Mapping[str, object]) -> Iterator[Orthanc]:
    """Run an Orthanc that keeps its storage in a folder of its own."""
    http, port = free_port(), free_port()
    modalities = {"us": [DEFAULT_CALLING_AE_TITLE, HOST, port]}
    settings = {"HttpPort": http, "Plugins": [str(DICOMWEB)], "DicomModalities": modalities, **security}
    folder.mkdir()
    with secured_orthanc(folder, [], tls, settings) as archive:
        yield Orthanc(archive.node, f"http://{HOST}:{http}", f"{HOST}:{port}")


@dataclass(frozen=True)
class Archives:
    """An Orthanc in clear text, and one that speaks TLS, with the certificate of its authority."""

    plain: Orthanc
    secured: Orthanc
    authority: Path

    @contextmanager
    def job(self, series: Series, folder: Path, delay: float) -> Iterator[Job]:
        """Make a series, and open all ways to it; over the relay each byte takes ``delay`` seconds each way."""
        checksum = series.write(folder)
        self.plain.take(folder)
        with ExitStack() as stack:
            nodes = {ARCHIVE: self.plain.node}
            if series.coding == PLAIN:
                self.secured.take(folder)
                nodes[SECURED] = self.secured.node
                nodes[RELAY] = replace(self.plain.node, port=stack.enter_context(relaying(self.plain.node.port, delay)))
                nodes[REPLAY] = stack.enter_context(replaying(Recording.of(self.plain.node, series)))
            urls = {way: node.url for way, node in nodes.items()}
            dicomweb = f"{self.plain.http}/dicom-web"
            yield Job(series, urls, str(self.authority), dicomweb, self.plain.receiver, str(folder), checksum)


@contextmanager
def running_archives(folder: Path) -> Iterator[Archives]:
    """Run both in a folder."""
    authority = Authority.founded(folder / "authority")
    with ExitStack() as stack:
        plain = stack.enter_context(running_orthanc(folder / "plain", tls=False, security={}))
        secured = stack.enter_context(running_orthanc(folder / "secured", authority.trusted(), authority.orthanc()))
        yield Archives(plain, secured, authority.file)

"""Orthanc with a series in it, and the other ways to the same series."""

from __future__ import annotations

import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.data import PLAIN, Series, files
from benchmarks.job import ARCHIVE, RELAY, REPLAY, Job
from benchmarks.relay import relaying
from benchmarks.replay import Recording, replaying
from itkdicomqr import Node
from itkdicomqr.node import DEFAULT_CALLING_AE_TITLE
from tests.servers import free_port, orthanc

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
def running_orthanc(folder: Path) -> Iterator[Orthanc]:
    """Run an Orthanc that keeps its storage in a folder of its own."""
    http, port = free_port(), free_port()
    modalities = {"us": [DEFAULT_CALLING_AE_TITLE, HOST, port]}
    folder.mkdir()
    with orthanc(folder, [], HttpPort=http, Plugins=[str(DICOMWEB)], DicomModalities=modalities) as archive:
        yield Orthanc(archive.node, f"http://{HOST}:{http}", f"{HOST}:{port}")


@contextmanager
def job_of(series: Series, archive: Orthanc, folder: Path, delay: float) -> Iterator[Job]:
    """Make a series, and open all ways to it; over the relay each byte takes ``delay`` seconds each way."""
    checksum = series.write(folder)
    archive.take(folder)
    with ExitStack() as stack:
        nodes = {ARCHIVE: archive.node}
        if series.coding == PLAIN:
            nodes[RELAY] = replace(archive.node, port=stack.enter_context(relaying(archive.node.port, delay)))
            nodes[REPLAY] = stack.enter_context(replaying(Recording.of(archive.node, series)))
        urls = {way: node.url for way, node in nodes.items()}
        yield Job(series, urls, f"{archive.http}/dicom-web", archive.receiver, str(folder), checksum)

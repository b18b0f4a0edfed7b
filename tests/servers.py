"""Real archives, started for the tests on free loopback ports in temporary folders of their own."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path
from typing import Any, NoReturn

import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset
from pynetdicom import AE

from itkdicomqr import Client, Node
from itkdicomqr.errors import NetworkError
from itkdicomqr.security import Secured, context_of
from itkdicomqr.testing import Archive
from tests.synthetic import part10

START_SECONDS = 30
HOST = "127.0.0.1"
ORTHANC_PLUGINS = Path("/usr/share/orthanc/plugins")
DICOMWEB = ORTHANC_PLUGINS / "libOrthancDicomWeb.so"


@dataclass(frozen=True)
class RunningArchive:
    """An archive that listens.

    Attributes
    ----------
    name : str
        What it is.
    node : Node
        How to reach it.
    """

    name: str
    node: Node


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def orthanc(folder: Path, datasets: Sequence[Dataset], **settings: object) -> AbstractContextManager[RunningArchive]:
    """Orthanc with its own storage, filled with the data sets."""
    return secured_orthanc(folder, datasets, tls=False, settings=settings)


@contextmanager
def secured_orthanc(
    folder: Path, datasets: Sequence[Dataset], tls: Secured, settings: Mapping[str, object]
) -> Iterator[RunningArchive]:
    """Orthanc over TLS, if its settings say so; ``tls`` is how to reach it."""
    port, http = free_port(), free_port()
    configuration = {
        "Name": "tests",
        "StorageDirectory": str(folder / "storage"),
        "IndexDirectory": str(folder / "storage"),
        "DicomAet": "ORTHANC",
        "DicomPort": port,
        "HttpPort": http,
        "RemoteAccessAllowed": False,
        "AuthenticationEnabled": False,
        "DicomAlwaysAllowEcho": True,
        "DicomAlwaysAllowStore": True,
        "DicomAlwaysAllowFind": True,
        "DicomAlwaysAllowGet": True,
        "DicomAlwaysAllowMove": True,
        "DefaultEncoding": "Utf8",
        "Plugins": [],
        **settings,
    }
    file = folder / "orthanc.json"
    file.write_text(json.dumps(configuration))
    with running(["Orthanc", str(file)], folder, Node(HOST, port, "ORTHANC", tls=tls)) as node:
        store(node, datasets)
        yield RunningArchive("Orthanc", node)


@contextmanager
def dcmqrscp(
    folder: Path,
    datasets: Sequence[Dataset],
    destinations: Mapping[str, tuple[str, int]] | None = None,
    *options: str,
) -> Iterator[RunningArchive]:
    """DCMTK's image archive, filled with the data sets; it neither matches nor returns descriptions.

    ``destinations`` are where it may send by C-MOVE: host and port by AE title. Of compressed transfer
    syntaxes, it takes the one that an option names.
    """
    port = free_port()
    hosts = "".join(
        f"h{n} = ({title}, {host}, {at})\n" for n, (title, (host, at)) in enumerate((destinations or {}).items())
    )
    (folder / "storage").mkdir()
    file = folder / "dcmqrscp.cfg"
    file.write_text(
        f"NetworkTCPPort = {port}\nMaxPDUSize = 16384\nMaxAssociations = 16\n"
        f"HostTable BEGIN\n{hosts}HostTable END\nVendorTable BEGIN\nVendorTable END\n"
        f"AETable BEGIN\nQRSCP {folder / 'storage'} RW (1000, 1024mb) ANY\nAETable END\n"
    )
    command = ["dcmqrscp", *options, "-c", str(file), str(port)]
    with running(command, folder, Node(HOST, port, "QRSCP")) as node:
        store(node, datasets)
        yield RunningArchive("dcmqrscp", node)


@contextmanager
def qrscp(
    folder: Path, datasets: Sequence[Dataset], destinations: Mapping[str, tuple[str, int]] | None = None
) -> Iterator[RunningArchive]:
    """pynetdicom's archive, filled with the data sets; it answers a row for each instance, and no descriptions."""
    if find_spec("sqlalchemy") is None:
        lacking("sqlalchemy is not installed: pip install sqlalchemy")
    port = free_port()
    (folder / "storage").mkdir()
    file = folder / "qrscp.ini"
    moves = "".join(f"[{title}]\naddress: {host}\nport: {at}\n" for title, (host, at) in (destinations or {}).items())
    # Whole paths: it takes others from its own folder, where they would outlive the test.
    file.write_text(
        f"[DEFAULT]\nae_title: QRSCP\nport: {port}\nmax_pdu: 16382\nacse_timeout: 30\ndimse_timeout: 30\n"
        f"network_timeout: 30\nbind_address: 127.0.0.1\ninstance_location: {folder / 'storage'}\n"
        f"database_location: {folder / 'instances.sqlite'}\nlog_identifier: False\n{moves}"
    )
    command = [sys.executable, "-m", "pynetdicom", "qrscp", "-c", str(file)]
    with running(command, folder, Node(HOST, port, "QRSCP")) as node:
        store(node, datasets)
        yield RunningArchive("qrscp", node)


@contextmanager
def embedded(
    datasets: Sequence[Dataset], destinations: Mapping[str, tuple[str, int]] | None = None, quirks: str = ""
) -> Iterator[RunningArchive]:
    """The archive that this package brings along, which may behave like others."""
    with Archive(datasets, ae_title="EMBEDDED", destinations=destinations, quirks=quirks) as archive:
        yield RunningArchive(quirks or "embedded", Node(HOST, archive.port, "EMBEDDED"))


def store(node: Node, datasets: Sequence[Dataset]) -> None:
    """Send data sets to an archive (C-STORE), each in its own transfer syntax."""
    if not datasets:
        return
    ae = AE()
    for sop_class, syntax in dict.fromkeys((each.SOPClassUID, each.file_meta.TransferSyntaxUID) for each in datasets):
        ae.add_requested_context(sop_class, syntax)
    tls_args = (context_of(node.tls), node.host) if node.tls else None
    association = ae.associate(node.host, node.port, ae_title=node.ae_title, tls_args=tls_args)
    assert association.is_established, f"{node} does not take instances"
    try:
        for dataset in datasets:
            # Read back from its file, so that pynetdicom sends the encoding that the file has.
            status = association.send_c_store(dcmread(BytesIO(part10(dataset))))
            assert status.get("Status") == 0, f"{node} refuses {dataset.SOPInstanceUID}"
    finally:
        association.release()


def require(program: str, cure: str = "apt-get install orthanc dcmtk strace") -> str:
    """Find an archive's program; without it skip, or fail where the archives are required."""
    found = shutil.which(program) or shutil.which(program, path="/usr/sbin")
    if found is None:
        lacking(f"{program} is not installed: {cure}")
    return found


def require_file(path: Path, cure: str) -> str:
    """Find a part of an archive; without it skip, or fail where the archives are required."""
    if not path.exists():
        lacking(f"{path} is missing: {cure}")
    return str(path)


def require_dicomweb() -> str:
    """Find Orthanc's DICOMweb plugin."""
    return require_file(DICOMWEB, "apt-get install orthanc-dicomweb")


def lacking(reason: str) -> NoReturn:
    """Skip, or fail where the archives are required."""
    if os.environ.get("ITKDICOMQR_REQUIRE_ARCHIVES"):
        pytest.fail(reason)
    pytest.skip(reason)


def require_dcmtk(program: str) -> str:
    """Find a program of DCMTK: pynetdicom installs others of the same names beside Python."""
    beside = Path(sys.executable).parent
    folders = [folder for folder in os.get_exec_path() if Path(folder) != beside]
    return require(shutil.which(program, path=os.pathsep.join(folders)) or f"DCMTK's {program}")


@contextmanager
def running(
    command: Sequence[str], folder: Path, node: Node, environment: Mapping[str, str] | None = None
) -> Iterator[Node]:
    """Run an archive from when it answers a C-ECHO to the end of the block."""
    with process(command, folder, env={**os.environ, **(environment or {})}) as archive:
        _wait_for(node, archive, folder / "log")
        yield node


@contextmanager
def process(command: Sequence[str], folder: Path, **options: Any) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program in a folder, and its words into the file ``log`` there, to the end of the block."""
    with (folder / "log").open("wb") as log:
        started = subprocess.Popen([require(command[0]), *command[1:]], cwd=folder, stdout=log, stderr=log, **options)
        try:
            yield started
        finally:
            started.terminate()
            try:
                started.wait(10)
            except subprocess.TimeoutExpired:
                started.kill()
                started.wait()


def _wait_for(node: Node, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + START_SECONDS
    while True:
        try:
            return Client(node).echo()
        except NetworkError:
            if process.poll() is not None or time.monotonic() > end:
                raise AssertionError(f"{node} did not start: {log.read_text(errors='replace')[-2000:]}") from None
            time.sleep(0.05)

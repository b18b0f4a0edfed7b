"""Archives that are too slow to start, or too rarely installed, for every run of the tests: for the nightly one."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from pydicom import uid
from pydicom.dataset import Dataset

from itkdicomqr import Node
from tests.databases import mariadb, postgresql
from tests.servers import (
    HOST,
    ORTHANC_PLUGINS,
    RunningArchive,
    free_port,
    orthanc,
    require,
    require_file,
    running,
    store,
)

Destinations = Mapping[str, tuple[str, int]]

POSTGRESQL_INDEX = ORTHANC_PLUGINS / "libOrthancPostgreSQLIndex.so"

JAVA = Path("/usr/share/java")
JARS = (
    "pixelmed",
    "hsqldb",
    "jmdns",
    "commons-codec",
    "commons-net",
    "vecmath",
    "javax.json",
    "slf4j-api",
    "slf4j-nop",
)

CTN_TABLES = Path("/usr/share/ctn/mysql")
CTN_DATABASES = {"DICOMImage": "DIM", "DICOMFIS": "FIS", "CTNControl": "Control"}
"""The scripts that make their tables, by database."""

DEMANDED = {
    "PatientBirthDate": "19500101",
    "PatientSex": "O",
    "AccessionNumber": "1",
    "StudyID": "1",
    "ReferringPhysicianName": "Referring",
}
"""Without which CTN stores no instance."""


def nightly(*names: str) -> list[Any]:
    """Parameters of a test that only the nightly run has."""
    return [pytest.param(name, marks=pytest.mark.nightly) for name in names]


@contextmanager
def orthanc_on_postgresql(folder: Path, datasets: Sequence[Dataset], **settings: Any) -> Iterator[RunningArchive]:
    """Orthanc whose index is in a PostgreSQL database."""
    plugins = [*settings.pop("Plugins", []), require_file(POSTGRESQL_INDEX, "apt-get install orthanc-postgresql")]
    with postgresql() as port:
        database = {"Host": HOST, "Port": port, "Database": "postgres", "Username": "postgres", "Password": ""}
        index = {"EnableIndex": True, "EnableStorage": False, **database}
        with orthanc(folder, datasets, Plugins=plugins, PostgreSQL=index, **settings) as archive:
            yield archive


@contextmanager
def tiny_pacs(
    folder: Path, datasets: Sequence[Dataset], destinations: Destinations | None = None
) -> Iterator[RunningArchive]:
    """tiny-pacs in memory, filled with the data sets."""
    program = require("tiny-pacs", "pip install tiny-pacs[http] tiny-pacs-dicomweb")
    port, http = free_port(), free_port()
    components = _tiny_components(http, destinations or {})
    file = folder / "tiny-pacs.yaml"
    file.write_text(json.dumps({"ae": {"ae_title": "TINY", "port": port, "dump_ds": False}, "components": components}))
    node = Node(HOST, port, "TINY", dicomweb=f"http://{HOST}:{http}/dicomweb")
    with running([program, "run", "-c", str(file)], folder, node):
        store(node, datasets)
        yield RunningArchive("tiny-pacs", node)


def _tiny_components(http: int, destinations: Destinations) -> dict[str, dict[str, object]]:
    components: dict[str, dict[str, object]] = {
        "Database": {},
        "PACS": {},
        "InMemoryStorage": {},
        "Devices": {
            "devices": {
                title: {"aet": title, "address": host, "port": at} for title, (host, at) in destinations.items()
            }
        },
        "HttpServer": {"host": HOST, "port": http},
        "DICOMWeb": {},
    }
    return {name: {"on": True, **settings} for name, settings in components.items()}


@contextmanager
def pixelmed(
    folder: Path, datasets: Sequence[Dataset], destinations: Destinations | None = None
) -> Iterator[RunningArchive]:
    """PixelMed's archive, filled with the data sets."""
    cure = "apt-get install libpixelmed-java default-jre-headless"
    path = ":".join(require_file(JAVA / f"{jar}.jar", cure) for jar in JARS)
    port, file = free_port(), folder / "pixelmed.properties"
    settings = _pixelmed_settings(port, folder, destinations or {})
    file.write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
    # It looks for others by multicast: on this machine only.
    options = ["-Djava.awt.headless=true", f"-Dnet.mdns.interface={HOST}", "-XX:TieredStopAtLevel=1", "-cp", path]
    command = [require("java", cure), *options, "com.pixelmed.server.DicomAndWebStorageServer", str(file)]
    with running(command, folder, Node(HOST, port, "PIXELMED")) as node:
        store(node, datasets)
        yield RunningArchive("pixelmed", node)


def _pixelmed_settings(port: int, folder: Path, destinations: Destinations) -> dict[str, object]:
    settings: dict[str, object] = {
        "Dicom.ListeningPort": port,
        "Dicom.CalledAETitle": "PIXELMED",
        "Dicom.CallingAETitle": "PIXELMED",
        "Dicom.PrimaryDeviceType": "ARCHIVE",
        "Dicom.RemoteAEs": " ".join(destinations),
        "Application.DatabaseFileName": folder / "index",
        "Application.SavedImagesFolderName": folder / "storage",
        "WebServer.ListeningPort": free_port(),
    }
    for title, (host, at) in destinations.items():
        remote = {"CalledAETitle": title, "HostNameOrIPAddress": host, "Port": at}
        settings |= {f"Dicom.RemoteAEs.{title}.{name}": value for name, value in remote.items()}
    return settings


@contextmanager
def ctn(
    folder: Path, datasets: Sequence[Dataset], destinations: Destinations | None = None
) -> Iterator[RunningArchive]:
    """The Central Test Node, filled with the uncompressed data sets in Implicit VR, the only syntax that it takes."""
    program = require("archive_server", "apt-get install ctn")
    port, storage = free_port(), folder / "storage"
    storage.mkdir()
    with mariadb(_control(port, storage, destinations or {})) as database:
        environment = {"CTN_MYSQL_SERVER": HOST, "CTN_MYSQL_SERVER_PORT": str(database)}
        with running([program, str(port)], folder, Node(HOST, port, "CTN"), environment) as node:
            store(node, [_as_ctn_takes_it(each) for each in datasets])
            yield RunningArchive("CTN", node)


def _control(port: int, storage: Path, destinations: Destinations) -> str:
    """Write the script of CTN's databases: who may ask, and where it stores and sends."""
    here = socket.gethostbyaddr(HOST)[0]  # as it will call a peer
    titles = {"ITKDICOMQR": port, "PYNETDICOM": port, **{title: at for title, (_, at) in destinations.items()}}
    rows: list[tuple[str, tuple[object, ...]]] = [
        ("ApplicationEntity", ("CTN", socket.gethostname(), port, "", "tests")),
        ("StorageAccess", ("CTN", "DICOMImage", "tests", "tests", 2, "")),
        ("FISAccess", ("CTN", "DICOMFIS", "tests", "tests", 2, "")),
    ]
    for title, at in titles.items():
        rows += [
            ("ApplicationEntity", (title, here, at, "", "tests")),
            ("GroupNames", ("tests", title)),
            ("SecurityMatrix", (title, "CTN")),
            ("StorageControl", (title, "CTN", "disk", str(storage), "", "RW")),
        ]
    return "\n".join([*_ctn_tables(), *map(_inserting, rows)])


def _inserting(row: tuple[str, tuple[object, ...]]) -> str:
    table, values = row
    return " ".join(("INSERT INTO", table, "VALUES", f"{values};"))


def _ctn_tables() -> Iterator[str]:
    for database, tables in CTN_DATABASES.items():
        script = (CTN_TABLES / f"Create{tables}Tables.script").read_text().replace("\\g", ";")
        yield f"CREATE DATABASE {database};\nUSE {database};\n{script}"


def _as_ctn_takes_it(dataset: Dataset) -> Dataset:
    taken: Dataset = deepcopy(dataset)
    taken.file_meta.TransferSyntaxUID = uid.ImplicitVRLittleEndian
    for keyword, value in DEMANDED.items():
        if keyword not in taken:
            setattr(taken, keyword, value)
    return taken

"""The table of archives: by each way that an archive offers, a volume equal to what ITK reads from the files.

What the cells hold is printed at the end of the run (see ``conftest.py``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import imagecodecs
import pytest
from pydicom import uid
from pydicom.dataset import Dataset

from itkdicomqr import Node, Volume, find_series, load_series
from tests.authorities import Authority
from tests.rare_servers import ctn, nightly, orthanc_on_postgresql, pixelmed, tiny_pacs
from tests.reference import assert_equal
from tests.servers import (
    HOST,
    RunningArchive,
    dcmqrscp,
    embedded,
    free_port,
    orthanc,
    qrscp,
    require_dicomweb,
    secured_orthanc,
)
from tests.synthetic import OBLIQUE, series, simpleitk
from tests.tunnels import Tunnel

PATIENT, DAY, DESCRIPTION = "SYN-1", "2005-01-06", "AX Schädel"
US = "ITKDICOMQR"
TEXT: dict[str, Any] = {"SeriesDescription": DESCRIPTION, "SpecificCharacterSet": "ISO_IR 192"}
SHAPE: dict[str, Any] = {"orientation": OBLIQUE, "RescaleIntercept": "-1024", "RescaleSlope": "1", **TEXT}
WANTED = series("CT", 12, **SHAPE)
OTHERS = [
    *series("CT", 3, number=2, **{**TEXT, "SeriesDescription": "COR Schädel"}),
    *series("MR", 2, number=3, SeriesDescription="AX"),
    *series("CT", 2, number=4, **{**TEXT, "PatientID": "SYN-2", "StudyInstanceUID": "1.2.826.0.1.3680043.10.1234.9"}),
]


def jpeg_2000(values: Any) -> bytes:
    return bytes(imagecodecs.jpeg2k_encode(values, codecformat="j2k", reversible=True))


COMPRESSED = series("CT", 12, syntax=uid.JPEG2000Lossless, compress=jpeg_2000, **SHAPE)

Start = Callable[[Path, Sequence[Dataset], int], AbstractContextManager[RunningArchive]]


@contextmanager
def web_orthanc(
    folder: Path, datasets: Sequence[Dataset], port: int, start: Any = orthanc, **settings: object
) -> Iterator[RunningArchive]:
    """Orthanc that offers every way."""
    http = free_port()
    web = {"HttpPort": http, "Plugins": [require_dicomweb()], **sending_to(port)}
    with start(folder, datasets, **{**web, **settings}) as running:
        yield replace(running, node=replace(running.node, dicomweb=f"http://{HOST}:{http}/dicom-web"))


def sending_to(port: int, *, tls: bool = False) -> dict[str, object]:
    return {"DicomModalities": {"us": {"AET": US, "Host": HOST, "Port": port, "UseDicomTls": tls}}}


@contextmanager
def orthanc_over_tls(folder: Path, datasets: Sequence[Dataset], port: int) -> Iterator[RunningArchive]:
    """Orthanc over TLS on every way, both sides of which show certificates.

    A tunnel speaks TLS for its DICOMweb service: Debian's Orthanc crashes at a request by HTTPS.
    """
    authority, http = Authority.founded(folder / "authority"), free_port()
    web = {"HttpPort": http, "Plugins": [require_dicomweb()], **sending_to(port, tls=True)}
    tls = authority.trusted(authority.issue(HOST))
    entry = authority.demanded_by(authority.server())
    with (
        secured_orthanc(folder, datasets, tls, {**authority.orthanc(demands=True), **web}) as running,
        Tunnel(http, entry=entry).open() as https,
    ):
        yield replace(running, node=replace(running.node, dicomweb=f"https://{HOST}:{https}/dicom-web"))


def orthanc_with(**settings: Any) -> Start:
    return lambda folder, datasets, port: web_orthanc(folder, datasets, port, **settings)


def sending(start: Any) -> Start:
    return lambda folder, datasets, port: start(folder, datasets, {US: (HOST, port)})


WITH_WEB: dict[str, Start] = {
    "Orthanc": orthanc_with(),
    "Orthanc, asynchronous C-MOVE": orthanc_with(SynchronousCMove=False),
    "Orthanc, match limits": orthanc_with(LimitFindResults=2, LimitFindInstances=5),
    "Orthanc, Latin-1": orthanc_with(DefaultEncoding="Latin1"),
    "Orthanc, TLS": orthanc_over_tls,
    "Orthanc, JPEG 2000 never transcoded": lambda folder, datasets, port: web_orthanc(
        folder, [*COMPRESSED, *datasets[len(COMPRESSED) :]], port, TranscodeDicomProtocol=False
    ),
}
WITHOUT: dict[str, Start] = {
    "dcmqrscp": sending(dcmqrscp),
    "qrscp": sending(qrscp),
    "embedded": lambda _, datasets, port: embedded(datasets, {US: (HOST, port)}),
}
RARE_WITH_WEB: dict[str, Start] = {
    "Orthanc, PostgreSQL": orthanc_with(start=orthanc_on_postgresql),
    "tiny-pacs": sending(tiny_pacs),
}
RARE_WITHOUT: dict[str, Start] = {"pixelmed": sending(pixelmed), "CTN": sending(ctn)}
STARTS = {**WITH_WEB, **WITHOUT, **RARE_WITH_WEB, **RARE_WITHOUT}


def found(node: Node) -> Volume:
    """Find by C-FIND; the row goes back in."""
    return loaded(series=find_series(PATIENT, DAY, "ax sch?del", pacs=node).one())


def found_by_web(node: Node) -> Volume:
    """Find by QIDO-RS, from an archive of which nothing else is known."""
    return found(replace(Node.parse(node.dicomweb), tls=node.tls))


def loaded(*criteria: str, **options: Any) -> Volume:
    volume: Volume = load_series(*criteria, toolkit="volume", **options)
    return volume


def brought(transport: str, origin: str) -> Callable[[Node], Volume]:
    def bring(node: Node) -> Volume:
        volume = loaded(PATIENT, DAY, DESCRIPTION, pacs=node, transport=transport)
        assert volume.report.origins == {origin: len(WANTED)}
        return volume

    return bring


WAYS: dict[str, Callable[[Node], Volume]] = {
    "find": found,
    "C-GET": brought("get", "C-GET"),
    "C-MOVE": brought("move", "C-MOVE"),
    "QIDO": found_by_web,
    "WADO": brought("dicomweb", "WADO-RS"),
}
WEB = ("QIDO", "WADO")
DIMSE = [way for way in WAYS if way not in WEB]


@pytest.fixture(scope="module")
def archive(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    """An archive that may send to one port of this machine."""
    port = free_port()
    with STARTS[request.param](tmp_path_factory.mktemp("archive"), [*WANTED, *OTHERS], port) as running:
        yield replace(running.node, receiver=f"{HOST}:{port}")


@pytest.fixture(autouse=True)
def _cell(request: pytest.FixtureRequest, record_property: Callable[[str, object], None]) -> None:
    """Name the cell of the table that a test fills."""
    parameters = request.node.callspec.params
    record_property("cell", [parameters["archive"], parameters["way"]])


where_lists_are_cut_the_number_proves = pytest.mark.filterwarnings("ignore:.*their number alone")


@where_lists_are_cut_the_number_proves
@pytest.mark.parametrize("way", DIMSE)
@pytest.mark.parametrize("archive", [*WITH_WEB, *WITHOUT, *nightly(*RARE_WITH_WEB, *RARE_WITHOUT)], indirect=True)
def test_a_volume_is_identical_to_the_bit(archive: Node, way: str, tmp_path: Path) -> None:
    assert_equal(WAYS[way](archive).to_simpleitk(), simpleitk(WANTED, tmp_path))


@where_lists_are_cut_the_number_proves
@pytest.mark.parametrize("way", WEB)
@pytest.mark.parametrize("archive", [*WITH_WEB, *nightly(*RARE_WITH_WEB)], indirect=True)
def test_a_volume_by_dicomweb_is_identical_to_the_bit(archive: Node, way: str, tmp_path: Path) -> None:
    assert_equal(WAYS[way](archive).to_simpleitk(), simpleitk(WANTED, tmp_path))

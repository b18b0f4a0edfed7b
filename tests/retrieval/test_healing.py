"""Nothing is lost: what one way cannot bring comes by another, and what none brings is named, exactly."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom import uid
from pydicom.dataset import Dataset

from itkdicomqr import Client, Node, load_series, read_volumes
from itkdicomqr.errors import ConnectionLostError, IncompleteSeriesError
from itkdicomqr.node import Timeouts
from tests.rare_servers import ctn, nightly, orthanc_on_postgresql, pixelmed, tiny_pacs
from tests.reference import assert_equal
from tests.servers import HOST, RunningArchive, dcmqrscp, embedded, free_port, orthanc, qrscp, require_dicomweb
from tests.synthetic import series, simpleitk
from tests.volume.decoding.test_codecs import jpeg_2000, jpeg_ls, rle

US = "ITKDICOMQR"
SLICES = 3
DATASETS = series("CT", SLICES)
PATIENT = str(DATASETS[0].PatientID)
UIDS = [str(each.SOPInstanceUID) for each in DATASETS]

VARIANTS = (
    "",
    "stops-at-unsendable",
    "skips-unsendable",
    "counts-unsendable-completed",
    "no-failed-list",
    "drops-at-unsendable",
)
"""How an archive behaves when it meets an instance that it cannot send by C-GET."""

each_number = pytest.mark.parametrize("unsendable", range(1, SLICES + 1))
each_variant = pytest.mark.parametrize("variant", VARIANTS)


@dataclass(frozen=True)
class Rescue:
    """What a node offers beside C-GET.

    Attributes
    ----------
    quirks : str
        How the archive differs; ``{}`` stands for the number of slices that it cannot send.
    moves : bool
        Whether it may send by C-MOVE.
    slices : int
        How many of the last slices its DICOMweb service holds.
    """

    quirks: str = ""
    moves: bool = False
    slices: int = 0


NO_MOVE = "unsendable-by-cmove-{}"
COMPLETE = {
    "C-MOVE": Rescue(moves=True),
    "WADO-RS": Rescue(slices=SLICES),
    "C-MOVE, which fails as well, and WADO-RS": Rescue(NO_MOVE, moves=True, slices=SLICES),
}
LACKING = {
    "nothing": Rescue(),
    "C-MOVE, which fails as well": Rescue(NO_MOVE, moves=True),
    "C-MOVE to nowhere": Rescue("move-unknown-destination", moves=True),
    "WADO-RS of the last slice": Rescue(slices=1),
    "C-MOVE, which fails as well, and WADO-RS of the last slice": Rescue(NO_MOVE, moves=True, slices=1),
}


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[int, str]]:
    """DICOMweb of Orthanc, by how many slices of the series it holds."""
    with ExitStack() as running:
        yield {
            0: "",
            **{held: running.enter_context(dicomweb(tmp_path_factory.mktemp("web"), held)) for held in (1, SLICES)},
        }


@contextmanager
def dicomweb(folder: Path, held: int) -> Iterator[str]:
    http = free_port()
    with orthanc(folder, DATASETS[-held:], HttpPort=http, Plugins=[require_dicomweb()]):
        yield f"http://{HOST}:{http}/dicom-web"


@contextmanager
def offering(rescue: Rescue, unsendable: int, variant: str, services: Mapping[int, str]) -> Iterator[Node]:
    """An archive that cannot send the first slices by C-GET, and offers something else."""
    port = free_port()
    quirks = f"unsendable-by-cget-{unsendable}, {variant}, {rescue.quirks.format(unsendable)}"
    with embedded(DATASETS, {US: (HOST, port)}, quirks) as archive:
        yield replace(
            archive.node,
            receiver=f"{HOST}:{port}" if rescue.moves else "",
            dicomweb=services[rescue.slices],
            timeouts=Timeouts(late=0.3),
        )


@each_variant
@each_number
@pytest.mark.parametrize("rescue", COMPLETE)
def test_what_c_get_cannot_bring_comes_by_another_way(
    rescue: str, unsendable: int, variant: str, services: Mapping[int, str], tmp_path: Path
) -> None:
    with offering(COMPLETE[rescue], unsendable, variant, services) as node:
        volume = load_series(PATIENT, pacs=node, toolkit="volume")

    origins = volume.report.origins
    assert origins["WADO-RS" if COMPLETE[rescue].slices else "C-MOVE"] >= unsendable
    assert sum(origins.values()) == SLICES
    assert_equal(volume.to_simpleitk(), simpleitk(DATASETS, tmp_path))


@each_variant
@each_number
@pytest.mark.parametrize("rescue", LACKING)
def test_what_no_way_brings_is_named_exactly(
    rescue: str, unsendable: int, variant: str, services: Mapping[int, str]
) -> None:
    came = {*UIDS[unsendable:], *UIDS[SLICES - LACKING[rescue].slices :]}
    with (
        offering(LACKING[rescue], unsendable, variant, services) as node,
        pytest.raises((ConnectionLostError, IncompleteSeriesError)) as caught,
    ):
        load_series(PATIENT, pacs=node)

    error: Any = caught.value
    assert list(error.missing) == [uid for uid in UIDS if uid not in came]
    assert set(error.received) == came


@each_variant
@each_number
def test_what_c_move_alone_cannot_bring_does_not_keep_the_rest_from_coming(unsendable: int, variant: str) -> None:
    port = free_port()
    quirks = f"unsendable-by-cmove-{unsendable}, {variant}"
    with embedded(DATASETS, {US: (HOST, port)}, quirks) as archive:
        node = replace(archive.node, receiver=f"{HOST}:{port}", timeouts=Timeouts(late=0.3))
        with pytest.raises((ConnectionLostError, IncompleteSeriesError)) as caught:
            load_series(PATIENT, pacs=node, transport="move")

    error: Any = caught.value
    assert list(error.missing) == UIDS[:unsendable]
    assert set(error.received) == set(UIDS[unsendable:])


SYNTAXES: Sequence[tuple[str, Callable[[Any], bytes] | None]] = (
    (uid.ExplicitVRLittleEndian, None),
    (uid.RLELossless, rle),
    (uid.JPEGLSLossless, jpeg_ls),
    (uid.JPEG2000Lossless, jpeg_2000),
    (uid.ImplicitVRLittleEndian, None),
)


def encoded(index: int) -> Dataset:
    """One slice of the mixed series, in a transfer syntax that its index tells."""
    syntax, compress = SYNTAXES[index % len(SYNTAXES)]
    return series("MR", index + 1, number=2, dtype="uint16", syntax=syntax, compress=compress)[index]


MIXED = [encoded(index) for index in range(2 * len(SYNTAXES))]
PLAIN = series("MR", len(MIXED), number=2, dtype="uint16")
VALUES = {each.SOPInstanceUID: each.pixel_array for each in PLAIN}
UNCOMPRESSED = (uid.ExplicitVRLittleEndian, uid.ImplicitVRLittleEndian)
NATIVE = [each for each in MIXED if each.file_meta.TransferSyntaxUID in UNCOMPRESSED]
Start = Callable[[Path, Sequence[Dataset]], AbstractContextManager[RunningArchive]]


def taking(syntax: str, option: str) -> tuple[Sequence[Dataset], Start]:
    """What dcmqrscp stores and sends if an option names this transfer syntax, beside the uncompressed ones."""
    storable = [each for each in MIXED if each.file_meta.TransferSyntaxUID in (*UNCOMPRESSED, syntax)]
    return storable, lambda folder, datasets: dcmqrscp(folder, datasets, None, option)


def quirky(quirks: str) -> tuple[Sequence[Dataset], Start]:
    return MIXED, lambda _, datasets: embedded(datasets, quirks=quirks)


ARCHIVES: dict[str, tuple[Sequence[Dataset], Start]] = {
    "Orthanc": (MIXED, orthanc),
    "Orthanc, never transcoding": (MIXED, partial(orthanc, TranscodeDicomProtocol=False)),
    "dcmqrscp, RLE": taking(uid.RLELossless, "+xr"),
    "dcmqrscp, JPEG-LS": taking(uid.JPEGLSLossless, "+xt"),
    "dcmqrscp, JPEG 2000": taking(uid.JPEG2000Lossless, "+xv"),
    "qrscp": (MIXED, qrscp),
    "embedded": quirky(""),
    "never-decompresses": quirky("never-decompresses"),
    "first-context-only": quirky("first-context-only, never-decompresses"),
}
RARE: dict[str, tuple[Sequence[Dataset], Start]] = {
    "Orthanc, PostgreSQL": (MIXED, orthanc_on_postgresql),
    "tiny-pacs": (MIXED, tiny_pacs),
    "pixelmed": (NATIVE, pixelmed),
    "CTN": (NATIVE, ctn),
}


@dataclass(frozen=True)
class Mixed:
    """An archive, and the instances of its series, whose transfer syntaxes differ."""

    node: Node
    datasets: Sequence[Dataset]


@pytest.fixture(scope="module", params=[*ARCHIVES, *nightly(*RARE)])
def mixed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mixed]:
    datasets, start = (ARCHIVES | RARE)[request.param]
    with start(tmp_path_factory.mktemp("mixed"), datasets) as archive:
        yield Mixed(archive.node, datasets)


# tiny-pacs lists no instances, so their number alone proves that all came.
@pytest.mark.filterwarnings("ignore:the archive lists none:itkdicomqr.DICOMQRWarning")
def test_every_instance_of_a_series_of_mixed_syntaxes_comes(mixed: Mixed) -> None:
    client = Client(mixed.node)

    instances = client.retrieve(client.find_series(PATIENT).one())

    assert {each.sop_instance_uid for each in instances} == {each.SOPInstanceUID for each in mixed.datasets}
    for instance in instances:
        (volume,) = read_volumes([instance])
        assert np.array_equal(volume.array[0], VALUES[instance.sop_instance_uid])

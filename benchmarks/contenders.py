"""The ways to bring a series into memory that are compared; each gives the image or the array that it made."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks.data import PATIENT_ID, STUDY_DATE
from benchmarks.job import ARCHIVE, RELAY, REPLAY, SECURED, Job
from itkdicomqr import Client, load_series, read_volumes
from itkdicomqr.security import context_of

LONGEST_PDU = 131072


@dataclass(frozen=True)
class Contender:
    """One of those that are compared.

    Attributes
    ----------
    run : callable
        Does the job; gives an image or an array, or nothing where it makes none.
    way : str
        From where the series comes.
    ready : tuple of str
        What of the job is made ready before the time is taken.
    one_core : bool
        Whether it has one core only.
    repeats : int
        How many warm runs.
    proof : callable, optional
        Fails unless the series comes by the way that the name tells.
    slow : bool
        Whether it is left out unless asked for.
    """

    run: Callable[[Job], Any]
    way: str = ARCHIVE
    ready: tuple[str, ...] = ("row",)
    one_core: bool = False
    repeats: int = 3
    proof: Callable[[Job], object] | None = None
    slow: bool = False


def bare_socket(job: Job) -> None:
    from benchmarks import floor

    room = memoryview(bytearray(1 << 20))
    assert floor.retrieve(job.node, job.series.study_uid, job.series.series_uid, room) == job.series.slices


def ours(job: Job) -> Any:
    return Client(job.node).load_series(series=job.row)


def ours_over_four(job: Job) -> Any:
    return Client(job.node, associations=4).load_series(series=job.row)


def ours_whole_job(job: Job) -> Any:
    return load_series(PATIENT_ID, STUDY_DATE, job.series.description, pacs=job.node)


def ours_simpleitk(job: Job) -> Any:
    return Client(job.node).load_series(series=job.row, toolkit="simpleitk")


def ours_by_move(job: Job, toolkit: str = "itk") -> Any:
    node = replace(job.node, receiver=job.receiver, transports=("move",))
    return Client(node).load_series(series=replace(job.row, node=node), toolkit=toolkit)


def proven_move(job: Job) -> None:
    origins = ours_by_move(job, "volume").report.origins
    assert set(origins) == {"C-MOVE"}, f"it came by {', '.join(origins)}"


def ours_from_memory(job: Job) -> Any:
    (volume,) = read_volumes(job.contents)
    return volume.array


def simpleitk_from_disk(job: Job) -> Any:
    return _read_by_simpleitk(Path(job.folder))


def pynetdicom_and_stacking(job: Job) -> Any:
    from pydicom.dataset import Dataset
    from pynetdicom import AE, build_role, evt
    from pynetdicom.sop_class import CTImageStorage, StudyRootQueryRetrieveInformationModelGet

    received: list[Any] = []

    def store(event: Any) -> int:
        dataset = event.dataset
        dataset.file_meta = event.file_meta
        received.append(dataset)
        return 0

    ae = AE()
    ae.maximum_pdu_size = LONGEST_PDU
    ae.add_requested_context(StudyRootQueryRetrieveInformationModelGet)
    ae.add_requested_context(CTImageStorage)
    association = ae.associate(
        job.node.host,
        job.node.port,
        ae_title=job.node.ae_title,
        ext_neg=[build_role(CTImageStorage, scp_role=True)],
        evt_handlers=[(evt.EVT_C_STORE, store)],
        tls_args=(context_of(job.node.tls), job.node.host) if job.node.tls else None,
    )
    keys = Dataset()
    keys.QueryRetrieveLevel = "SERIES"
    keys.StudyInstanceUID = job.series.study_uid
    keys.SeriesInstanceUID = job.series.series_uid
    for _ in association.send_c_get(keys, StudyRootQueryRetrieveInformationModelGet):
        pass
    association.release()
    return _stacked(received)


def getscu_and_simpleitk(job: Job, variables: Mapping[str, str] = os.environ) -> Any:
    from tests.servers import require_dcmtk

    keys = {
        "QueryRetrieveLevel": "SERIES",
        "StudyInstanceUID": job.series.study_uid,
        "SeriesInstanceUID": job.series.series_uid,
    }
    with tempfile.TemporaryDirectory() as folder:
        command = [require_dcmtk("getscu"), "-S", "-aec", job.node.ae_title, "-od", folder]
        command += ["--max-pdu", str(LONGEST_PDU), *(word for item in keys.items() for word in ("-k", "=".join(item)))]
        subprocess.run([*command, job.node.host, str(job.node.port)], check=True, env=variables)
        return _read_by_simpleitk(Path(folder))


def getscu_nodelay_and_simpleitk(job: Job) -> Any:
    return getscu_and_simpleitk(job, {**os.environ, "TCP_NODELAY": "1"})


def dicomweb_client(job: Job) -> Any:
    from dicomweb_client import DICOMwebClient

    client = DICOMwebClient(url=job.dicomweb)
    wanted = (job.series.study_uid, job.series.series_uid)
    return _stacked(client.retrieve_series(*wanted, media_types=(("application/dicom", "*"),)))


def _read_by_simpleitk(folder: Path) -> Any:
    import SimpleITK as sitk  # noqa: N813

    reader = sitk.ImageSeriesReader()
    reader.SetImageIO("GDCMImageIO")
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(folder)))
    return reader.Execute()


def _stacked(datasets: Iterable[Any]) -> Any:
    """Do what everybody writes: sort by position, rescale, stack."""
    import numpy as np

    ordered = sorted(datasets, key=lambda dataset: dataset.ImagePositionPatient[2])
    return np.stack([dataset.pixel_array * dataset.RescaleSlope + dataset.RescaleIntercept for dataset in ordered])


FLOOR = "bare socket loop"
REPLAYED_FLOOR = "bare socket loop, replay"
SECURED_FLOOR = "bare socket loop, TLS"
RELAYED = "itkdicomqr, 1 association, relay"
SIMPLEITK_FILES = "SimpleITK reading the files, one core"
OURS = "itkdicomqr"
"""How the names of ours begin."""

CONTENDERS: Mapping[str, Contender] = {
    FLOOR: Contender(bare_socket, ready=()),
    "itkdicomqr, itk": Contender(ours),
    "itkdicomqr, itk, whole load_series": Contender(ours_whole_job, ready=()),
    "itkdicomqr, itk, 4 associations": Contender(ours_over_four),
    "itkdicomqr, itk, C-MOVE": Contender(ours_by_move, proof=proven_move),
    "itkdicomqr, SimpleITK": Contender(ours_simpleitk),
    "dicomweb-client + stacking": Contender(dicomweb_client, ready=()),
    "DCMTK at its best + SimpleITK": Contender(getscu_nodelay_and_simpleitk, ready=()),
    "DCMTK as it comes + SimpleITK": Contender(getscu_and_simpleitk, ready=(), repeats=1, slow=True),
    "pynetdicom + stacking": Contender(pynetdicom_and_stacking, ready=()),
    REPLAYED_FLOOR: Contender(bare_socket, REPLAY, ready=()),
    "itkdicomqr, itk, replay": Contender(ours, REPLAY),
    SECURED_FLOOR: Contender(bare_socket, SECURED, ready=()),
    "itkdicomqr, itk, TLS": Contender(ours, SECURED),
    "pynetdicom + stacking, TLS": Contender(pynetdicom_and_stacking, SECURED, ready=()),
    RELAYED: Contender(ours, RELAY, repeats=1),
    "itkdicomqr, 4 associations, relay": Contender(ours_over_four, RELAY, repeats=1),
    SIMPLEITK_FILES: Contender(simpleitk_from_disk, ready=("contents",), one_core=True),
    "itkdicomqr from memory, one core": Contender(ours_from_memory, ready=("contents",), one_core=True),
    "itkdicomqr from memory, all cores": Contender(ours_from_memory, ready=("contents",)),
}

"""One way to bring a series into memory, timed in a process of its own.

``python -m benchmarks.contenders NAME URL HTTP SLICES`` runs it three times, and prints as JSON
the seconds of the first, the best of the others, and how much the memory grew at its peak.
"""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.data import PATIENT_ID, ROOT, STUDY_DATE, description
from itkdicomqr import Client, Node, load_series
from itkdicomqr.criteria import Level
from itkdicomqr.table import Row


@dataclass(frozen=True)
class Job:
    """Which series, and where it is."""

    node: Node
    http: str
    slices: int

    @property
    def study_uid(self) -> str:
        return f"{ROOT}.{self.slices}"

    @property
    def series_uid(self) -> str:
        return f"{ROOT}.{self.slices}.1"

    @property
    def row(self) -> Row:
        uids = (("StudyInstanceUID", self.study_uid), ("SeriesInstanceUID", self.series_uid), ("Modality", "CT"))
        return Row(Level.SERIES, uids, self.node)


def bare_socket(job: Job) -> None:
    from benchmarks import floor

    room = memoryview(bytearray(1 << 20))
    assert floor.retrieve(job.node, job.study_uid, job.series_uid, room) == job.slices


def ours(job: Job) -> None:
    image = Client(job.node).load_series(series=job.row)
    assert image.GetLargestPossibleRegion().GetSize()[2] == job.slices


def ours_whole_job(job: Job) -> None:
    load_series(PATIENT_ID, STUDY_DATE, description(job.slices), pacs=job.node)


def ours_simpleitk(job: Job) -> None:
    Client(job.node).load_series(series=job.row, toolkit="simpleitk")


def pynetdicom_and_stacking(job: Job) -> None:
    import numpy as np
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
    ae.add_requested_context(StudyRootQueryRetrieveInformationModelGet)
    ae.add_requested_context(CTImageStorage)
    roles = [build_role(CTImageStorage, scp_role=True)]
    association = ae.associate(
        job.node.host, job.node.port, ae_title=job.node.ae_title, ext_neg=roles, evt_handlers=[(evt.EVT_C_STORE, store)]
    )
    keys = Dataset()
    keys.QueryRetrieveLevel = "SERIES"
    keys.StudyInstanceUID = job.study_uid
    keys.SeriesInstanceUID = job.series_uid
    for _ in association.send_c_get(keys, StudyRootQueryRetrieveInformationModelGet):
        pass
    association.release()
    received.sort(key=lambda dataset: dataset.ImagePositionPatient[2])
    stack = np.stack([dataset.pixel_array * dataset.RescaleSlope + dataset.RescaleIntercept for dataset in received])
    assert len(stack) == job.slices


def getscu_and_simpleitk(job: Job, **variables: str) -> None:
    import SimpleITK as sitk  # noqa: N813

    with tempfile.TemporaryDirectory() as folder:
        keys = [
            "QueryRetrieveLevel=SERIES",
            f"StudyInstanceUID={job.study_uid}",
            f"SeriesInstanceUID={job.series_uid}",
        ]
        command = ["getscu", "-S", "-aec", job.node.ae_title, "-od", folder, "--max-pdu", "131072"]
        command += [word for key in keys for word in ("-k", key)]
        subprocess.run([*command, job.node.host, str(job.node.port)], check=True, env={**os.environ, **variables})
        reader = sitk.ImageSeriesReader()
        reader.SetFileNames(reader.GetGDCMSeriesFileNames(folder))
        assert reader.Execute().GetSize()[2] == job.slices


def getscu_nodelay_and_simpleitk(job: Job) -> None:
    getscu_and_simpleitk(job, TCP_NODELAY="1")


def dicomweb_client(job: Job) -> None:
    import numpy as np
    from dicomweb_client import DICOMwebClient

    client = DICOMwebClient(url=f"{job.http}/dicom-web")
    datasets = client.retrieve_series(job.study_uid, job.series_uid, media_types=(("application/dicom", "*"),))
    datasets.sort(key=lambda dataset: dataset.ImagePositionPatient[2])
    stack = np.stack([dataset.pixel_array * dataset.RescaleSlope + dataset.RescaleIntercept for dataset in datasets])
    assert len(stack) == job.slices


CONTENDERS: dict[str, Callable[[Job], None]] = {
    "bare socket": bare_socket,
    "itkdicomqr, itk": ours,
    "itkdicomqr, itk, whole job": ours_whole_job,
    "itkdicomqr, SimpleITK": ours_simpleitk,
    "pynetdicom + stacking": pynetdicom_and_stacking,
    "getscu, TCP_NODELAY=1, + SimpleITK": getscu_nodelay_and_simpleitk,
    "getscu as it comes + SimpleITK": getscu_and_simpleitk,
    "dicomweb-client + stacking": dicomweb_client,
}


def measure(run: Callable[[Job], None], job: Job, repeats: int) -> dict[str, float]:
    """Time the first run and the others, and the growth of memory over one of them."""
    seconds = [_timed(run, job) for _ in range(1 + repeats)]
    gc.collect()
    Path("/proc/self/clear_refs").write_text("5")
    before = _memory("VmRSS")
    run(job)
    return {"first": seconds[0], "warm": min(seconds[1:]), "peak": _memory("VmHWM") - before}


def _timed(run: Callable[[Job], None], job: Job) -> float:
    begin = time.perf_counter()
    run(job)
    return time.perf_counter() - begin


def _memory(field: str) -> float:
    """Read a field of the process's memory, in MiB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(field)) / 1024


if __name__ == "__main__":
    name, url, http, slices, repeats = sys.argv[1:]
    print(json.dumps(measure(CONTENDERS[name], Job(Node.parse(url), http, int(slices)), int(repeats))))

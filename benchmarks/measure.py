"""Time and memory of one contender, in a process of its own, and a check of what it made.

``python -m benchmarks.measure NAME JOB`` prints, as JSON, what `Measured` holds.
"""

from __future__ import annotations

import ctypes
import gc
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.contenders import CONTENDERS, Contender
from benchmarks.data import checksum
from benchmarks.job import Job
from tests.reference import voxels

FAILED_SECONDS = 900
"""A contender that needs longer counts as failed."""


@dataclass(frozen=True)
class Measured:
    """One contender's run.

    Attributes
    ----------
    first, warm : float
        Seconds of the first call in the process, and of the best of the others.
    peak : float
        By how many bytes the process, without those it starts, grew at its peak over a call.
    checksum : str
        Of the voxels; empty where none are made.
    """

    first: float
    warm: float
    peak: float
    checksum: str


def measured(name: str, job: Job) -> Measured | str:
    """Measure a contender; where it fails, say how."""
    command = [sys.executable, "-m", "benchmarks.measure", name, job.to_json()]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=FAILED_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return f"took more than {FAILED_SECONDS} s"
    if done.returncode:
        return (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
    told = Measured(**json.loads(done.stdout.splitlines()[-1]))
    return told if told.checksum in ("", job.checksum) else "made other voxels than were stored"


def measure(contender: Contender, job: Job) -> Measured:
    """Run a contender for the first time, warm, and for its memory."""
    for name in contender.ready:
        getattr(job, name)
    first, image = _timed(contender, job)
    made = "" if image is None else checksum(_voxels(image))
    del image
    warm = min(_timed(contender, job)[0] for _ in range(contender.repeats))
    peak = growth(lambda: contender.run(job))
    if contender.proof is not None:
        contender.proof(job)
    return Measured(first, warm, peak, made)


def _timed(contender: Contender, job: Job) -> tuple[float, Any]:
    """Give the seconds, and what was made."""
    gc.collect()
    begin = time.perf_counter()
    image = contender.run(job)
    return time.perf_counter() - begin, image


def growth(run: Callable[[], object]) -> float:
    """Give by how much the memory grows at its peak, once earlier runs hold nothing that would hide it."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5")
    before = _memory("VmRSS")
    run()
    return _memory("VmHWM") - before


def _voxels(image: Any) -> Any:
    return image if isinstance(image, np.ndarray) else voxels(image)


def _memory(name: str) -> int:
    """Read how many bytes a field of the process's status tells."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) << 10 for line in lines if line.startswith(name))


def _main(name: str, text: str) -> None:
    contender = CONTENDERS[name]
    if contender.one_core:
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    job = Job.from_json(text)
    print(json.dumps(asdict(measure(contender, job.by(contender.way)))))


if __name__ == "__main__":
    _main(*sys.argv[1:])

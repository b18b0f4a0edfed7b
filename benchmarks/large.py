"""``python -m benchmarks.large``: the memory that one multi-frame instance of 500 MiB needs from Orthanc to an image.

Prints the growth of the process at its peak, in sizes of the volume, for each toolkit.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.measure import growth
from benchmarks.ways import running_orthanc
from itkdicomqr import load_series
from tests.synthetic import multiframe, part10, series

FRAMES, SIZE = 1000, 512
VOLUME_BYTES = FRAMES * SIZE * SIZE * 2
TOOLKITS = ("itk", "simpleitk", "volume")


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name, "files")
        folder.mkdir()
        (folder / "large.dcm").write_bytes(part10(multiframe(series("CT", FRAMES, pixels=_frame))))
        with running_orthanc(Path(name, "orthanc"), tls=False, security={}) as archive:
            archive.take(folder)
            for toolkit in TOOLKITS:
                command = [sys.executable, "-m", "benchmarks.large", toolkit, archive.node.url]
                grown = int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
                print(f"{toolkit}: {grown >> 20} MiB = {grown / VOLUME_BYTES:.2f} x the volume", flush=True)


def _frame(index: int) -> NDArray[Any]:
    return np.full((SIZE, SIZE), index, np.int16)


def _measure(toolkit: str, url: str) -> None:
    """Load once, so that what stays is there, and measure the second time."""
    load_series("SYN-1", pacs=url, toolkit=toolkit)
    print(int(growth(lambda: load_series("SYN-1", pacs=url, toolkit=toolkit))))


if __name__ == "__main__":
    _measure(*sys.argv[1:]) if sys.argv[1:] else main()

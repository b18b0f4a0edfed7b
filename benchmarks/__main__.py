"""``python -m benchmarks``: start Orthanc, fill it, and measure side by side.

Prints a Markdown table; times are ratios to the bare socket loop of the same round, since
machines are noisy, and the median of the rounds.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path

from benchmarks import data
from benchmarks.contenders import CONTENDERS
from tests.servers import free_port, orthanc
from tests.synthetic import part10

FLOOR = "bare socket"
DICOMWEB = Path("/usr/share/orthanc/plugins/libOrthancDicomWeb.so")
SLOW = ("getscu as it comes + SimpleITK",)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--slices", type=int, nargs="+", default=[400])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", nargs="+", choices=CONTENDERS, default=None)
    parser.add_argument("--slow", action="store_true", help="also what takes 40 ms a slice")
    arguments = parser.parse_args()
    if not DICOMWEB.exists():
        parser.error("Orthanc's DICOMweb plugin is missing: apt-get install orthanc-dicomweb")
    names = [
        FLOOR,
        *(name for name in arguments.only or CONTENDERS if name != FLOOR and (arguments.slow or name not in SLOW)),
    ]
    http = free_port()
    settings = {"HttpPort": http, "Plugins": [str(DICOMWEB)]}
    with tempfile.TemporaryDirectory() as folder, orthanc(Path(folder), [], **settings) as archive:
        for slices in arguments.slices:
            upload(slices, f"http://127.0.0.1:{http}")
            rounds = [
                {name: run(name, archive.node.url, f"http://127.0.0.1:{http}", slices) for name in names}
                for _ in range(arguments.rounds)
            ]
            print(table(slices, names, rounds), flush=True)


def upload(slices: int, http: str) -> None:
    """Put a series into Orthanc."""
    for dataset in data.series(slices):
        urllib.request.urlopen(urllib.request.Request(f"{http}/instances", part10(dataset), method="POST")).close()


def run(name: str, url: str, http: str, slices: int) -> dict[str, float]:
    """Measure one contender in a process of its own."""
    repeats = "1" if name in SLOW else "3"
    command = [sys.executable, "-m", "benchmarks.contenders", name, url, http, str(slices), repeats]
    result: dict[str, float] = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)
    return result


def table(slices: int, names: list[str], rounds: list[dict[str, dict[str, float]]]) -> str:
    """Draw the medians as Markdown."""
    volume = slices * data.SIZE * data.SIZE * 2 / (1 << 20)
    lines = [f"\n{slices} slices of {data.SIZE} x {data.SIZE}, a volume of {volume:.0f} MiB\n"]
    lines += ["| who | warm, s | to the floor | first call, s | peak memory / volume |", "|---|--:|--:|--:|--:|"]
    for name in names:
        warm = statistics.median(each[name]["warm"] for each in rounds)
        ratio = statistics.median(each[name]["warm"] / each[FLOOR]["warm"] for each in rounds)
        first = statistics.median(each[name]["first"] for each in rounds)
        peak = statistics.median(each[name]["peak"] for each in rounds) / volume
        lines.append(f"| {name} | {warm:.2f} | {ratio:.2f} | {first:.2f} | {peak:.2f} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()

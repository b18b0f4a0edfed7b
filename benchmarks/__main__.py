"""Make series, start Orthanc, and measure side by side.

Prints tables in Markdown, whose times are ratios within one round, since machines are noisy, and the
medians of the rounds. With --output, they and pictures of them are kept in a folder.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.contenders import CONTENDERS, FLOOR
from benchmarks.data import CODINGS, PLAIN, Series
from benchmarks.job import Job
from benchmarks.measure import measured
from benchmarks.report import COMPARISONS, Comparison, Round, markdown, medians
from benchmarks.ways import DICOMWEB, running_archives


def main() -> None:
    parser = _parser()
    chosen = parser.parse_args()
    if not DICOMWEB.exists():
        parser.error("Orthanc's DICOMweb plugin is missing: apt-get install orthanc orthanc-dicomweb")
    wanted = set(chosen.only or (name for name, each in CONTENDERS.items() if chosen.slow or not each.slow))
    every_series = [Series(slices) for slices in chosen.slices]
    every_series += [Series(chosen.compressed_slices, coding) for coding in chosen.codings]
    pages: list[str] = []
    with tempfile.TemporaryDirectory() as name, running_archives(Path(name)) as archives:
        for number, series in enumerate(every_series):
            comparisons = [each for each in COMPARISONS if each.fits(series) and wanted & {*each.names}]
            with archives.job(series, Path(name, str(number)), chosen.delay / 1000) as job:
                rounds = _rounds(comparisons, wanted, job, chosen.rounds)
            for comparison in comparisons:
                pages.append(markdown(comparison, rounds, series))
                print(pages[-1], flush=True)
                if chosen.output:
                    _keep_picture(comparison, rounds, series, chosen.output)
    if chosen.output:
        (chosen.output / "benchmarks.md").write_text("\n".join(pages))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m benchmarks", description=__doc__)
    parser.add_argument("--slices", type=int, nargs="*", default=[50, 400, 1600], help="sizes of uncompressed series")
    parser.add_argument("--compressed-slices", type=int, default=100, help="size of the compressed series")
    codings = [coding for coding in CODINGS if coding != PLAIN]
    parser.add_argument("--codings", nargs="*", choices=codings, default=codings, help="the compressed series")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--delay", type=float, default=10.0, help="of the relay each way, in ms")
    parser.add_argument("--only", nargs="+", choices=CONTENDERS, help="these, and what they are compared with")
    parser.add_argument("--slow", action="store_true", help="also what takes 40 ms a slice")
    parser.add_argument("--output", type=_folder, help="where the tables and the pictures go")
    return parser


def _folder(text: str) -> Path:
    folder = Path(text)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _rounds(comparisons: Sequence[Comparison], wanted: set[str], job: Job, count: int) -> list[Round]:
    """Let each contender run in each round, the bases of the comparisons whether wanted or not."""
    named = [name for each in comparisons for name in (each.base, *each.names) if name == each.base or name in wanted]
    rounds: list[Round] = []
    for number in range(count):
        print(f"{job.series.description}: round {number + 1} of {count}", file=sys.stderr, flush=True)
        rounds.append({name: measured(name, job) for name in dict.fromkeys(named)})
    return rounds


def _keep_picture(comparison: Comparison, rounds: Sequence[Round], series: Series, folder: Path) -> None:
    """Draw those that could be measured, of the comparison with the floor."""
    from benchmarks.picture import draw

    told = medians(comparison, rounds, series)
    if comparison.base == FLOOR and FLOOR in told:
        title = f"A CT of {series.slices} slices, from Orthanc to an image in memory"
        draw(told, title, folder / f"benchmark-{series.slices}.png")


if __name__ == "__main__":
    main()

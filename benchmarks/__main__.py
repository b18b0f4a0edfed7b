"""Make series, start Orthanc, and measure side by side.

Prints tables in Markdown, whose times are ratios within one round, since machines are noisy, and the
medians of the rounds. With --output, they and a picture are kept in a folder.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.contenders import CONTENDERS
from benchmarks.data import CODINGS, PLAIN, Series, files
from benchmarks.job import ARCHIVE, RELAY, REPLAY, Job
from benchmarks.measure import measured
from benchmarks.relay import relaying
from benchmarks.replay import Recording, replaying
from benchmarks.report import COMPARISONS, Comparison, Figures, Round, figures, markdown
from itkdicomqr import Node
from itkdicomqr.node import DEFAULT_CALLING_AE_TITLE
from tests.servers import free_port, orthanc

HOST = "127.0.0.1"
DICOMWEB = Path("/usr/share/orthanc/plugins/libOrthancDicomWeb.so")


def main() -> None:
    parser = _parser()
    chosen = parser.parse_args()
    if not DICOMWEB.exists():
        parser.error("Orthanc's DICOMweb plugin is missing: apt-get install orthanc orthanc-dicomweb")
    wanted = {name for name in chosen.only or CONTENDERS if chosen.only or chosen.slow or not CONTENDERS[name].slow}
    plain = [Series(slices) for slices in chosen.slices]
    compressed = [Series(chosen.compressed_slices, coding) for coding in chosen.codings]
    pages: list[str] = []
    with tempfile.TemporaryDirectory() as folder, _archive(Path(folder)) as archive:
        for series in (*plain, *compressed):
            comparisons = [each for each in COMPARISONS if each.fits(series) and wanted & {*each.names}]
            with _job(series, archive, Path(folder), chosen.delay / 1000) as job:
                rounds = _rounds(comparisons, wanted, job, chosen.rounds)
            for comparison in comparisons:
                pages.append(markdown(comparison, rounds, series))
                print(pages[-1], flush=True)
            if chosen.output and series in plain and comparisons:
                _keep_picture(comparisons[0], rounds, series, chosen.output)
    if chosen.output:
        (chosen.output / "benchmarks.md").write_text("\n".join(pages))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m benchmarks", description=__doc__)
    parser.add_argument("--slices", type=int, nargs="*", default=[50, 400], help="sizes of uncompressed series")
    parser.add_argument("--compressed-slices", type=int, default=100, help="size of the compressed series")
    codings = [coding for coding in CODINGS if coding != PLAIN]
    parser.add_argument("--codings", nargs="*", choices=codings, default=codings, help="the compressed series")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--delay", type=float, default=10.0, help="of the relay each way, in ms")
    parser.add_argument("--only", nargs="+", choices=CONTENDERS, help="these, and what they are compared with")
    parser.add_argument("--slow", action="store_true", help="also what takes 40 ms a slice")
    parser.add_argument("--output", type=_folder, help="where the tables and the picture go")
    return parser


def _folder(text: str) -> Path:
    folder = Path(text)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@dataclass(frozen=True)
class _Archive:
    """Orthanc, its web service, and where it sends what is asked for by C-MOVE."""

    node: Node
    http: str
    receiver: str


@contextmanager
def _archive(folder: Path) -> Iterator[_Archive]:
    http, port = free_port(), free_port()
    modalities = {"us": [DEFAULT_CALLING_AE_TITLE, HOST, port]}
    settings = {"HttpPort": http, "Plugins": [str(DICOMWEB)], "DicomModalities": modalities}
    (folder / "orthanc").mkdir()
    with orthanc(folder / "orthanc", [], **settings) as archive:
        yield _Archive(archive.node, f"http://{HOST}:{http}", f"{HOST}:{port}")


@contextmanager
def _job(series: Series, archive: _Archive, folder: Path, delay: float) -> Iterator[Job]:
    """Put a series into the archive, and open the other ways to it."""
    own = folder / f"{series.slices} {series.coding}"
    checksum = series.write(own)
    for file in files(own):
        request = urllib.request.Request(f"{archive.http}/instances", file.read_bytes(), method="POST")
        urllib.request.urlopen(request).close()
    with ExitStack() as stack:
        nodes = {ARCHIVE: archive.node}
        if series.coding == PLAIN:
            nodes[RELAY] = replace(archive.node, port=stack.enter_context(relaying(archive.node.port, delay)))
            nodes[REPLAY] = stack.enter_context(replaying(Recording.of(archive.node, series)))
        urls = {way: node.url for way, node in nodes.items()}
        yield Job(series, urls, f"{archive.http}/dicom-web", archive.receiver, str(own), checksum)


def _rounds(comparisons: Sequence[Comparison], wanted: set[str], job: Job, count: int) -> list[Round]:
    names = dict.fromkeys(
        name for each in comparisons for name in (each.base, *each.names) if name == each.base or name in wanted
    )
    rounds: list[Round] = []
    for number in range(count):
        print(f"{job.series.description}: round {number + 1} of {count}", file=sys.stderr, flush=True)
        rounds.append({name: measured(name, job) for name in names})
    return rounds


def _keep_picture(comparison: Comparison, rounds: Sequence[Round], series: Series, folder: Path) -> None:
    from benchmarks.picture import draw

    told = {name: figures(name, comparison.base, rounds, series) for name in rounds[0] if comparison.has(name)}
    title = f"A CT of {series.slices} slices, from Orthanc to an image in memory"
    drawn = {name: each for name, each in told.items() if isinstance(each, Figures)}
    if comparison.base in drawn:
        draw(drawn, title, folder / f"benchmark-{series.slices}.png")


if __name__ == "__main__":
    main()

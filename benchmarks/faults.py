"""``python -m benchmarks.faults``: what C-GET clients make of an archive that errs.

Each client meets each scene of the tests that concerns C-GET, with timeouts of 5 s, and is killed after 25 s.
A fault should end in an exit code other than 0. Prints Markdown.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from unittest import mock

import pytest

from benchmarks import watched
from benchmarks.relay import relaying
from benchmarks.renumber import renumbering
from itkdicomqr.testing import Archive
from tests import faults, scenes
from tests.servers import require_dcmtk
from tests.synthetic import ROOT, series

HOST = "127.0.0.1"
TIMEOUT, TOTAL_TIMEOUT, KILLED_AFTER = 5, 15, 25
OURS, DCMTK = "itkdicomqr", "DCMTK getscu"
BUG = 1
"""The exit code of ours at an error that is none of the package's own, which it tells by 2."""

AE_TITLE = "FAULTS"
STUDY_UID, SERIES_UID = f"{ROOT}.1", f"{ROOT}.2.1"
KEYS = ("QueryRetrieveLevel=SERIES", f"StudyInstanceUID={STUDY_UID}", f"SeriesInstanceUID={SERIES_UID}")
FAULTS: Mapping[str, faults.Scene] = {name: scene for name, (scene, _, _) in scenes.FAULTS.items()}
MUST_WORK: Mapping[str, faults.Scene] = scenes.MUST_WORK
SCENES: Mapping[str, faults.Scene] = {**FAULTS, **MUST_WORK}


@dataclass(frozen=True)
class Outcome:
    """How a client ended.

    Attributes
    ----------
    exit : int
        Its exit code.
    hung : bool
        Whether it had to be killed.
    peak : float
        Its largest resident size, in MiB.
    saved : int
        How many instances it holds: as files, or of ours slices in memory.
    """

    exit: int
    hung: bool
    peak: float
    saved: int

    @property
    def whole(self) -> bool:
        return self.exit == 0 and self.saved == len(faults.INSTANCES)

    @property
    def word(self) -> str:
        return "hung" if self.hung else f"exit {self.exit}, {self.saved} instances, {self.peak:.0f} MiB"


@dataclass(frozen=True)
class Meeting:
    """Where a client finds the scene, where it may put files, and who lists the series meanwhile."""

    port: int
    folder: str
    query_url: str


def dcmtk(meeting: Meeting) -> list[str]:
    return [require_dcmtk("getscu"), *_options(meeting, "-to", "-ta", "-td"), HOST, str(meeting.port)]


def pynetdicom(meeting: Meeting) -> list[str]:
    program = [sys.executable, "-m", "pynetdicom", "getscu", HOST, str(meeting.port)]
    return [*program, *_options(meeting, "-ta", "-td", "-tn")]


def ours(meeting: Meeting) -> list[str]:
    place = f"{AE_TITLE}@{HOST}:{meeting.port}"
    times = [str(TIMEOUT), str(TOTAL_TIMEOUT)]
    return [sys.executable, "-m", "benchmarks.load", place, meeting.query_url, meeting.folder, *times]


def _options(meeting: Meeting, *timeouts: str) -> list[str]:
    """Give the options that both programs called getscu take."""
    times = [word for option in timeouts for word in (option, str(TIMEOUT))]
    keys = [word for key in KEYS for word in ("-k", key)]
    return ["-S", "-aec", AE_TITLE, *times, "-od", meeting.folder, *keys]


CLIENTS: Mapping[str, Callable[[Meeting], list[str]]] = {
    OURS: ours,
    DCMTK: dcmtk,
    "pynetdicom getscu": pynetdicom,
}


def main() -> None:
    parser = argparse.ArgumentParser("python -m benchmarks.faults", description=__doc__)
    parser.add_argument("--workers", type=int, default=4, help="how many scenes play at a time")
    parser.add_argument("--each", action="store_true", help="also how each scene ended")
    chosen = parser.parse_args()
    clients = [name for name in CLIENTS if name != DCMTK or _has_dcmtk()]
    outcomes = meet(clients, chosen.workers)
    print(scores(clients, outcomes))
    if chosen.each:
        print(every_one(clients, outcomes))


def _has_dcmtk() -> bool:
    try:
        return bool(require_dcmtk("getscu"))
    except pytest.skip.Exception:
        return False


Outcomes = dict[tuple[str, str], Outcome]
"""By client and scene."""


def meet(clients: Sequence[str], workers: int) -> Outcomes:
    """Let each client meet each scene."""
    with Archive(series("CT", 3)) as archive:
        outcomes = _met(archive.url, [(client, scene) for scene in SCENES for client in clients], workers)
        # On a busy machine a client may just have been late: whoever hung is asked again, with fewer at a time.
        again = [pair for pair, outcome in outcomes.items() if outcome.hung]
        return {**outcomes, **_met(archive.url, again, 2)}


def _met(query_url: str, pairs: Sequence[tuple[str, str]], workers: int) -> Outcomes:
    # Processes, since a scene counts the threads and descriptors of its own.
    with ProcessPoolExecutor(workers, get_context("spawn")) as executor:
        waiting = {pair: executor.submit(met, query_url, *pair) for pair in pairs}
        return {pair: each.result() for pair, each in waiting.items()}


def met(query_url: str, client: str, scene: str) -> Outcome:
    """Let a client meet a scene."""
    outcomes: list[Outcome] = []
    with (
        # What the tests ask of who leaves a scene is not asked for here.
        suppress(AssertionError),
        # A server that leaves first would save who hangs.
        mock.patch.object(faults, "LISTEN_SECONDS", 2.0 * KILLED_AFTER),
        tempfile.TemporaryDirectory() as folder,
        faults.playing(SCENES[scene]) as stage,
        relaying(stage.port, translations=renumbering) as port,
    ):
        outcomes.append(_outcome(CLIENTS[client](Meeting(port, folder, query_url)), Path(folder)))
    return outcomes[0]


def _outcome(command: Sequence[str], folder: Path) -> Outcome:
    watcher = [sys.executable, "-I", "-S", watched.__file__, str(KILLED_AFTER), *command]
    done = subprocess.run(watcher, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    return Outcome(**json.loads(done.stdout.splitlines()[-1]), saved=len(list(folder.iterdir())))


def scores(clients: Sequence[str], outcomes: Outcomes) -> str:
    """Count how the clients ended."""
    columns = ("exit not 0", "exit 0", "hung", "largest memory, MiB", f"of {len(MUST_WORK)} that must work")
    lines = [f"| {len(FAULTS)} faults | {' | '.join(columns)} |", "|---|" + "--:|" * len(columns)]
    for client in clients:
        faulty = [outcomes[client, scene] for scene in FAULTS]
        hung = sum(each.hung for each in faulty)
        silent = sum(each.exit == 0 for each in faulty)
        peak = max(each.peak for each in faulty)
        right = sum(outcomes[client, scene].whole for scene in MUST_WORK)
        lines.append(f"| {client} | {len(faulty) - hung - silent} | {silent} | {hung} | {peak:.0f} | {right} |")
    bugs = [scene for scene in SCENES if outcomes[OURS, scene].exit == BUG]
    return "\n".join([*lines, *(f"\nA bug of {OURS}: {scene}" for scene in bugs)]) + "\n"


def every_one(clients: Sequence[str], outcomes: Outcomes) -> str:
    """Tell how each scene ended."""
    head = [f"| scene | {' | '.join(clients)} |", "|---|" + "---|" * len(clients)]
    lines = [f"| {scene} | {' | '.join(outcomes[each, scene].word for each in clients)} |" for scene in SCENES]
    return "\n".join([*head, *lines]) + "\n"


if __name__ == "__main__":
    main()

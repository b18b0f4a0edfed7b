"""Ctrl-C ends a command whose archive has stopped sending, soon, and with the exit code of an interruption."""

from __future__ import annotations

import signal
import sys
from threading import Event
from time import monotonic
from typing import TYPE_CHECKING

import pytest

from itkdicomqr.archive.seams import Quirk, Request, Step
from itkdicomqr.cli.exits import INTERRUPTED
from tests.cli.running import SECONDS, end, start
from tests.faults import PART_OF_ONE
from tests.listening import listening
from tests.synthetic import series
from tests.timing import bound

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SOON = 3.0
"""Seconds for a process to leave an archive, which takes two at most, and to end."""

POLL_SECONDS = 0.05
STALLS = {"between two PDUs": b"", "within a PDU": PART_OF_ONE}
"""What the archive still says after the first instance, before it falls silent."""


def silent_after(said: bytes, silent: Event) -> Quirk:
    """Send an instance and these bytes, and then nothing while the association lasts."""

    def steps(steps: Iterator[Step], request: Request) -> Iterator[Step]:
        yield next(steps)
        request.association.dul.socket.socket.sendall(said)
        silent.set()
        while request.association.is_established and not request.stopping.wait(POLL_SECONDS):
            pass

    return Quirk(steps=steps)


@pytest.mark.skipif(sys.platform == "win32", reason="signals are sent")
@pytest.mark.parametrize("stall", STALLS)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_load_that_stalls_is_interrupted(stall: str, number: signal.Signals) -> None:
    silent = Event()
    with (
        listening(series("CT", 3), silent_after(STALLS[stall], silent)) as (node, _),
        start("load", "SYN-1", "-c", node.url) as process,
    ):
        assert silent.wait(SECONDS)
        begin = monotonic()
        outcome = end(process, number)
    assert monotonic() - begin < bound(SOON)
    assert outcome.code == INTERRUPTED == 130
    assert outcome.out == ""
    assert "Traceback" not in outcome.err


@pytest.mark.skipif(sys.platform == "win32", reason="signals are sent")
@pytest.mark.parametrize("workers", ["1", "3"])
def test_a_cohort_whose_rows_stall_is_interrupted(tmp_path: Path, workers: str) -> None:
    silent = Event()
    table = tmp_path / "cohort.csv"
    table.write_text("patient_id\n" + "SYN-1\n" * 5)
    with (
        listening(series("CT", 3), silent_after(b"", silent)) as (node, _),
        start("cohort", str(table), "-o", str(tmp_path / "images"), "--workers", workers, "-c", node.url) as process,
    ):
        assert silent.wait(SECONDS)
        begin = monotonic()
        outcome = end(process, signal.SIGINT)
    assert monotonic() - begin < bound(SOON)
    assert outcome.code == INTERRUPTED
    assert "Traceback" not in outcome.err

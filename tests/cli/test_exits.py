"""Every row of the table of exit codes, reached for real."""

from __future__ import annotations

import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydicom.dataset import Dataset

from itkdicomqr import errors
from itkdicomqr.cli.exits import EXIT_CODES, INTERRUPTED, UNWRITTEN, exit_code
from itkdicomqr.cli.main import commands
from itkdicomqr.testing import Archive
from tests.cli.running import SECONDS, Run, end, start
from tests.synthetic import series


def cut_short(index: int) -> Dataset:
    """A slice without the second half of its pixels."""
    dataset = series("CT", 2)[index]
    dataset.PixelData = dataset.PixelData[: 42 * (2 - index)]
    return dataset


@pytest.fixture
def stalled() -> Iterator[socket.socket]:
    """A server that takes connections, and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(SECONDS)
        yield server


def url_of(server: socket.socket) -> str:
    return f"STALLED@127.0.0.1:{server.getsockname()[1]}"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--version"], 0),
        (["echo"], 0),
        (["find", "99999"], 0),
        (["load", "99999", "2005"], 0),
        (["find", "--no-such-option"], 2),
        (["no-such-command"], 2),
        (["find"], 2),
        (["find", "99999", "tomorrow"], 2),
        (["find", "99*"], 2),
        (["find", "99999", "-d", "2005", "-d", "2006", "x"], 2),
        (["find", "99999", "2005", "--date", "2006"], 2),
        (["find", "99999", "-k", "BodyPartExamined"], 2),
        (["find", "99999", "-k", "BodyPartExamined=HIP", "-k", "BodyPartExamined=CHEST"], 2),
        (["find", "99999", "-c", "pacs.example"], 2),
        (["find", "99999", "-c", "ftp://pacs.example/dicom"], 2),
        (["find", "99999", "-to", "-1"], 2),
        (["load", "99999", "2005", "--gaps", "ignore"], 2),
        (["load", "99999", "2021", "AX 4D", "--volume", "2"], 2),
        (["load", "99999", "2021", "AX 4D", "--volume", "first"], 2),
        (["load", "99999", "2021", "AX 4D", "-v", "AcquisitionNumber=1", "-v", "AcquisitionNumber=2"], 2),
        (["load", "99999", "2021", "AX 4D", "-v", "AcquisitionNumber=3"], 2),
        (["cohort", "/no/such/table.csv", "-o", "nowhere"], 2),
        (["preview", "99999", "2005", "--png", "picture.jpg"], 2),
        (["serve", "/no/such/folder"], 2),
        (["find", "00000"], 3),
        (["find", "00000", "--json"], 3),
        (["load", "99999", "2005", "no such series"], 3),
        (["load", "99999", "2021"], 4),
        (["preview", "99999", "2021"], 4),
        (["load", "99999", "2021", "AX 4D"], 4),
        (["load", "99999", "2021", "AX 3.0 Gap"], 6),
        (["load", "99999", "2021", "AX 3.0 Tilt", "--tilt", "error"], 6),
    ],
)
def test_each_end_has_its_code(run: Run, arguments: list[str], code: int) -> None:
    outcome = run(*arguments)
    assert (outcome.code, "Traceback" in outcome.err) == (code, False)
    if code:
        assert outcome.err.strip()
        assert outcome.out.strip() in ("", "[]")


def test_a_damaged_series_is_incomplete(run: Run) -> None:
    with Archive([cut_short(0), cut_short(1)]) as archive:
        outcome = run("load", "SYN-1", "-c", archive.url)
    assert outcome.code == 5
    assert "pixel data" in outcome.err


def test_an_archive_of_another_name_refuses(run: Run, demo_archive: Archive) -> None:
    outcome = run("echo", "-c", f"WRONG@127.0.0.1:{demo_archive.port}")
    assert outcome.code == 8
    assert "AE title" in outcome.err


def test_where_nobody_listens_is_unreachable(run: Run) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        outcome = run("find", "1", "-c", url_of(holder))
    assert outcome.code == 7


def test_an_archive_that_never_answers_is_unreachable(run: Run, stalled: socket.socket) -> None:
    assert run("find", "1", "-c", url_of(stalled), "--connect-timeout", "0.3").code == 7


def test_an_interrupted_command_says_so(stalled: socket.socket) -> None:
    with start("find", "1", "-c", url_of(stalled)) as process, stalled.accept()[0] as connection:
        assert connection.recv(1)
        outcome = end(process, signal.SIGINT)
    assert outcome.code == INTERRUPTED
    assert "Traceback" not in outcome.err


def test_a_terminated_command_ends_as_an_interrupted_one(stalled: socket.socket) -> None:
    with start("find", "1", "-c", url_of(stalled)) as process, stalled.accept()[0] as connection:
        assert connection.recv(1)
        outcome = end(process, signal.SIGTERM)
    assert outcome.code == INTERRUPTED
    assert "Traceback" not in outcome.err


FULL_DISK = Path("/dev/full")


@pytest.mark.skipif(not FULL_DISK.exists(), reason="there is no /dev/full here")
@pytest.mark.parametrize("more", [[], ["--json"]])
def test_a_disk_that_is_full_is_told(demo_archive: Archive, more: list[str]) -> None:
    with (
        FULL_DISK.open("wb") as full,
        start("find", "99999", "-c", demo_archive.url, *more, stdout=full.fileno()) as process,
    ):
        _, err = process.communicate(timeout=SECONDS)
    assert process.returncode == UNWRITTEN
    assert err.startswith("itkdicomqr: the output could not be written (No space left on device)")
    assert err.count("\n") == 1


def test_what_nobody_foresaw_is_a_bug() -> None:
    assert exit_code(RuntimeError()) == exit_code(errors.DICOMQRError("")) == 1


def test_every_error_has_a_code_and_every_code_a_meaning() -> None:
    base = errors.DICOMQRError
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, base)]
    assert {exit_code(kind("what happened")) for kind in kinds if kind is not base} == {2, 3, 4, 5, 6, 7, 8}
    assert [*EXIT_CODES] == [*range(10), INTERRUPTED]
    assert all(meaning for meaning, _ in EXIT_CODES.values())


@pytest.mark.parametrize("command", [(), *((name,) for name in commands.commands)])
def test_every_help_names_the_exit_codes(run: Run, command: tuple[str, ...]) -> None:
    for option in ("-h", "--help"):
        outcome = run(*command, option)
        assert outcome.code == 0
        for code, (meaning, _) in EXIT_CODES.items():
            assert f"{code} {meaning}\n" in outcome.out
        assert max(map(len, outcome.out.splitlines())) <= 80


def test_a_port_that_is_taken_is_bad_input(run: Run, stalled: socket.socket, tmp_path: Path) -> None:
    outcome = run("serve", tmp_path, "--port", stalled.getsockname()[1])
    assert outcome.code == 2
    assert "choose another port" in outcome.err


def test_the_readme_shows_the_table() -> None:
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    rows = [f"| {code} | {meaning} |" for code, (meaning, _) in EXIT_CODES.items()]
    assert "\n".join(rows) in readme

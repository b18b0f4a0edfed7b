"""Finding from the command line: tables for people and pipes, JSON for programs."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import struct
import termios

import pytest

from itkdicomqr import Client, Node, Row, SeriesTable
from itkdicomqr.cli.show import show_table
from itkdicomqr.levels import Level
from itkdicomqr.testing import Archive
from tests.cli.running import SECONDS, Run, all_shown, start

HIP = "Hip 3+vw THA Series (Post Op)"


def in_terminal(width: int, *arguments: str) -> str:
    """Run a command in a terminal of some width, and give what it shows."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, width, 0, 0))
    with start(*arguments, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        shown = all_shown(ours)
        assert process.wait(SECONDS) == 0
    return shown


def test_echo_names_every_archive_that_answers(run: Run, demo_archive: Archive) -> None:
    outcome = run("echo", "-c", demo_archive.url, "-c", demo_archive.url)
    assert outcome.out == f"DEMO@127.0.0.1:{demo_archive.port} answers\n" * 2


def test_json_is_the_table(run: Run, demo_archive: Archive) -> None:
    outcome = run("find", "99999", "2021", "--json")
    found = json.loads(outcome.out)
    assert found == Client(demo_archive.url).find_series("99999", "2021").to_dicts()
    assert not any("PatientName" in row for row in found)
    assert outcome.err == ""


def test_names_show_only_when_asked_for(run: Run) -> None:
    assert "Demo^Patient" not in run("find", "99999", "2005").out
    assert "Demo^Patient" in run("find", "99999", "2005", "--names").out
    assert json.loads(run("find", "99999", "2005", "--names", "--json").out)[0]["PatientName"] == "Demo^Patient"


def test_a_pipe_gets_whole_lines_and_the_headings_first(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    heading, *lines = run("find", "99999").out.splitlines()
    assert heading.split()[:4] == ["patient", "date", "study", "modality"]
    assert len(lines) == 18
    assert sum(line.count(HIP) for line in lines) == 5
    assert all("-n " in line for line in lines)


@pytest.mark.parametrize("width", [80, 120])
def test_a_terminal_shows_every_series_on_a_line_of_its_own(demo_archive: Archive, width: int) -> None:
    shown = in_terminal(width, "find", "99999", "-c", demo_archive.url).splitlines()
    assert max(map(len, shown)) <= width
    series = [line for line in shown if "-n " in line]
    assert len(series) == 18
    assert sum(HIP in line for line in series) == 1
    assert sum("2021" in line and "CT Thorax" in line for line in shown) == 1


def test_a_narrow_result_is_a_plain_table(demo_archive: Archive) -> None:
    shown = in_terminal(120, "find", "99999", "2005", "-c", demo_archive.url)
    (line,) = [line for line in shown.splitlines() if "20050106" in line]
    assert "99999" in line
    assert line.count("Chest-- PA & Lateral") == 2


def test_every_pick_is_an_option_that_picks(run: Run) -> None:
    lines = run("find", "99999").out.splitlines()[1:]
    for line in lines[::5]:
        pick = line[min(line.find(" -d ") % 999, line.find(" -n ") % 999) :].split()
        (row,) = json.loads(run("find", "99999", *pick, "--json").out)
        assert str(row["SeriesDescription"]) in line


def test_every_criterion_has_an_option(run: Run) -> None:
    table = json.loads(run("find", "99999", "2021", "AX 3.0 Lung", "--json").out)
    options = {
        "-p": "99999",
        "-d": "2021-05",
        "-D": "ax 3.0 lung",
        "-m": "CT",
        "-n": "3",
        "--study-uid": table[0]["StudyInstanceUID"],
        "--series-uid": table[0]["SeriesInstanceUID"],
        "--series-date": "20210503",
        "--study-description": "CT*",
        "--accession-number": table[0]["AccessionNumber"],
        "--patient-name": "demo*",
        "-k": "PatientSex=F",
    }
    (row,) = json.loads(run("find", *(part for pair in options.items() for part in pair), "--json").out)
    assert row["SeriesInstanceUID"] == table[0]["SeriesInstanceUID"]
    assert run("find", "99999", "2021", "--modality", "MR", "--modality", "CT", "--any-archive").code == 0
    for option in ("--protocol-name", "--issuer-of-patient-id"):
        assert run("find", "99999", option, "none of that").code == 3


def test_an_ambiguous_series_is_shown_with_the_options_that_pick(run: Run) -> None:
    outcome = run("load", "99999", "2021", "AX 5*")
    assert "2 series for patient_id '99999'" in outcome.err
    assert [line.split()[-2:] for line in outcome.err.splitlines() if "AX 5.0" in line] == [["-n", "5"], ["-n", "6"]]


def test_a_reader_that_has_seen_enough_is_no_error(demo_archive: Archive) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with start("find", "99999", "-c", demo_archive.url, stdout=writing) as process:
        os.close(writing)
        _, err = process.communicate(timeout=SECONDS)
    assert (process.returncode, err) == (0, "")


def test_what_an_archive_sent_neither_forges_markup_nor_commands_the_terminal(
    capsys: pytest.CaptureFixture[str],
) -> None:
    hostile = "[bold red]x[/] \x1b[2J\nnext :smile:"
    row = Row(Level.SERIES, (("SeriesDescription", hostile), ("SeriesInstanceUID", "1.2")), Node("h", 1, "A"))
    show_table(SeriesTable((row,)))
    heading, line = capsys.readouterr().out.splitlines()
    assert heading.split() == ["series", "pick", "it", "by"]
    assert line.split("  ")[0] == r"[bold red]x[/] \x1b[2J\nnext :smile:"

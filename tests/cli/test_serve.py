"""An archive of a folder, from the command line."""

from __future__ import annotations

import re
import shlex
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from itkdicomqr import Client, Node, NoPresentationContextError
from itkdicomqr.testing import QUIRKS
from tests.cli.running import COMMAND, SECONDS, Outcome, Run, end, environment, start
from tests.servers import require_dcmtk
from tests.synthetic import series, write

README = Path(__file__).parents[2] / "README.md"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two series in subfolders, and what is no instance."""
    for number, text in ((1, "AX Served"), (2, "COR Served")):
        write(series("CT", 3, number=number, SeriesDescription=text), tmp_path / "images" / str(number))
    (tmp_path / "images" / "notes.txt").write_text("no instance")
    return tmp_path / "images"


@contextmanager
def serving(*arguments: object) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Serve a folder, or the demo patient; give the process and what it said."""
    with start("serve", *arguments, "--port", "0") as process:
        assert process.stdout is not None
        try:
            yield process, process.stdout.readline()
        finally:
            process.kill()


def node_of(line: str) -> Node:
    found = re.search(r"dicom://\S+", line)
    assert found, line
    return Node.parse(found[0])


def test_a_folder_is_served_and_left_as_it_is(folder: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    with serving(folder, "--ae-title", "SERVED") as (_, line):
        assert line.startswith("6 instances at dicom://SERVED@127.0.0.1:")
        assert "(files skipped: 1)" in line
        client = Client(node_of(line))
        assert [row.SeriesDescription for row in client.find_series("SYN-1")] == ["AX Served", "COR Served"]
        assert client.load_series("SYN-1", description="AX*", toolkit="volume").array.shape == (3, 6, 7)
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before


def test_without_a_folder_the_demo_patient_is_served() -> None:
    with serving() as (_, line):
        assert re.fullmatch(r"\d+ instances at dicom://ITKDICOMQR@127.0.0.1:\d+\n", line)
        assert Client(node_of(line)).find_series("99999", "2005").one().SeriesDescription == "Chest-- PA & Lateral"


def test_the_commands_of_the_readme_run_one_after_the_other(tmp_path: Path) -> None:
    section = README.read_text(encoding="utf-8").partition("\n## Command line\n")[2]
    commands = section.partition("```sh\n")[2].partition("```")[0]
    with serving() as (_, line):
        script = commands.replace("dicom://ITKDICOMQR@127.0.0.1:11112", node_of(line).url)
        done = subprocess.run(
            ["bash", "-e", "-c", f'itkdicomqr() {{ {shlex.join(COMMAND)} "$@"; }}\n{script}'],
            cwd=tmp_path,
            env=environment(),
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
    assert (done.returncode, done.stderr) == (0, "")
    assert "AX 3.0 Soft Tissue" in done.stdout
    assert (tmp_path / "volume.nii.gz").exists()
    assert len([*(tmp_path / "images").iterdir()]) == 2


def test_an_archive_is_served_with_quirks(folder: Path) -> None:
    with serving(folder, "--quirks", "no-cget, accepts-any-ae") as (_, line):
        client = Client(node_of(line))
        series = client.find_series("SYN-1")[0]
        with pytest.raises(NoPresentationContextError):
            client.retrieve(series)


def test_quirks_are_listed(run: Run) -> None:
    outcome = run("serve", "--list-quirks")
    told = {line.partition(" ")[0]: line.partition(" ")[2].strip() for line in outcome.out.splitlines()}
    assert (outcome.code, told) == (0, dict(QUIRKS))


@pytest.mark.parametrize("command", [("serve", "."), ("demo",)])
def test_an_unknown_quirk_is_bad_input(run: Run, command: tuple[str, ...]) -> None:
    outcome = run(*command, "--quirks", "caps-it")
    assert outcome.code == 2
    assert "no quirk is called 'caps-it'; there are caps-at=N" in outcome.err


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 0)])
def test_a_signal_ends_it_and_frees_the_port(folder: Path, number: signal.Signals, code: int) -> None:
    with serving(folder) as (process, line):
        node = node_of(line)
        outcome: Outcome = end(process, number)
    assert (outcome.code, outcome.err.strip()) == (code, "")
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((node.host, node.port), timeout=5)


def test_dcmtk_finds_what_is_served(folder: Path) -> None:
    findscu = require_dcmtk("findscu")
    with serving(folder) as (_, line):
        node = node_of(line)
        (study,) = Client(node).find_studies("SYN-1")
        keys = [
            "QueryRetrieveLevel=SERIES",
            f"StudyInstanceUID={study.StudyInstanceUID}",
            "SeriesDescription",
            "SeriesNumber",
        ]
        command = [findscu, "-v", "-S", "-aec", node.ae_title, *(part for key in keys for part in ("-k", key))]
        done = subprocess.run(
            [*command, node.host, str(node.port)], capture_output=True, text=True, timeout=60, check=True
        )
    told = re.findall(r"\(0008,103e\) LO \[(.*?)\s*\]", done.stdout + done.stderr)
    assert sorted(told) == ["AX Served", "COR Served"]


def test_instances_move_to_a_named_destination(folder: Path) -> None:
    movescu, storescp = require_dcmtk("movescu"), require_dcmtk("storescp")
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    received = folder.parent / "received"
    received.mkdir()
    with (
        subprocess.Popen([storescp, "-od", str(received), "-aet", "STORE", str(port)]) as store,
        serving(folder, "-b", f"STORE@127.0.0.1:{port}") as (_, line),
    ):
        try:
            node = node_of(line)
            (row,) = Client(node).find_series("SYN-1", series_number=1)
            keys = ["QueryRetrieveLevel=SERIES", f"StudyInstanceUID={row.StudyInstanceUID}"]
            keys.append(f"SeriesInstanceUID={row.SeriesInstanceUID}")
            command = [movescu, "-S", "-aec", node.ae_title, "-aem", "STORE", *(p for key in keys for p in ("-k", key))]
            subprocess.run([*command, node.host, str(node.port)], timeout=60, check=True, capture_output=True)
            assert len([*received.iterdir()]) == 3
        finally:
            store.terminate()

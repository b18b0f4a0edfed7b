"""No file is written, from the call to its return: seen by the kernel, and made impossible by it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers import HOST, RunningArchive, free_port, require
from tests.synthetic import series
from tests.test_archives import DAY, PATIENT, STARTS
from tests.test_table_of_archives import web_orthanc

BEGIN, END = "/marks/the/call", "/marks/the/return"

LOADING = f"""
import os, sys
import itkdicomqr
for mark in ({BEGIN!r}, {END!r}):
    if os.path.exists(mark):
        raise SystemExit("the mark exists")
    if mark == {BEGIN!r}:
        image = itkdicomqr.load_series({PATIENT!r}, {DAY!r}, "Synthetic*", pacs=sys.argv[1], toolkit=sys.argv[2],
                                       transport=sys.argv[3])
print(image.GetOrigin()[2])
"""
CONTROL = LOADING.replace("image = ", "open(os.path.join(os.environ['CONTROL'], 'file'), 'w').close(); image = ")

WRITING_CALLS = (
    "open,openat,openat2,creat,rename,renameat,renameat2,link,linkat,symlink,symlinkat,mkdir,mkdirat,mknod,mknodat,"
    "truncate,ftruncate,memfd_create,unlink,unlinkat"
)
"""Traced: whatever makes, changes or removes a file."""

OPENED_TO_READ = re.compile(r"^\d+\s+open\w*\((?!.*O_(WRONLY|RDWR|CREAT|TRUNC|APPEND))")
NO_CALL = re.compile(r"\b(stat|newfstatat|access)\(|<\.\.\. \w+ resumed>|\+\+\+ exited")
"""The marks, the second halves of calls whose first names the file, and the ends of threads."""

FAILED = re.compile(r"= -1 E\w+ ")
DEVICES = re.compile(r'"/dev/')
"""ITK makes and removes a semaphore under /dev/shm when it is first used."""


@pytest.fixture(scope="module", params=STARTS)
def archive(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningArchive]:
    with STARTS[request.param](tmp_path_factory.mktemp(request.param), series("CT", 6)) as running:
        yield running


@pytest.fixture(scope="module")
def configuration(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A configuration that names an archive which offers every transport."""
    port = free_port()
    with web_orthanc(tmp_path_factory.mktemp("web"), series("CT", 6), port) as running:
        file = tmp_path_factory.mktemp("configuration") / "config.toml"
        node = running.node
        file.write_text(
            f"[nodes.archive]\nurl = '{node.url}'\nreceiver = '{HOST}:{port}'\ndicomweb = '{node.dicomweb}'\n"
        )
        yield file


other_transports = pytest.mark.parametrize("transport", ["move", "dicomweb"])


@pytest.mark.parametrize("toolkit", ["itk", "simpleitk"])
def test_the_kernel_sees_no_file_written(archive: RunningArchive, toolkit: str, tmp_path: Path) -> None:
    assert writes(LOADING, [archive.node.url, toolkit, "get"], tmp_path) == []


@other_transports
def test_the_kernel_sees_no_file_written_by_other_transports(
    configuration: Path, transport: str, tmp_path: Path
) -> None:
    assert writes(LOADING, ["archive", "itk", transport], tmp_path, ITKDICOMQR_CONFIG=str(configuration)) == []


def test_the_control_is_seen(archive: RunningArchive, tmp_path: Path) -> None:
    (line,) = writes(CONTROL, [archive.node.url, "itk", "get"], tmp_path)

    assert f"{tmp_path}/file" in line


LIMITED = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))\n" + LOADING


def test_a_process_that_cannot_write_loads_all_the_same(archive: RunningArchive) -> None:
    assert run([sys.executable, "-c", LIMITED, archive.node.url, "itk", "get"]).strip() == "33.7"


@other_transports
def test_a_process_that_cannot_write_loads_by_other_transports(configuration: Path, transport: str) -> None:
    command = [sys.executable, "-c", LIMITED, "archive", "itk", transport]
    assert run(command, ITKDICOMQR_CONFIG=str(configuration)).strip() == "33.7"


def writes(script: str, arguments: list[str], folder: Path, **variables: str) -> list[str]:
    """Run a script under strace, and give the writing calls between its two marks."""
    trace = folder / "trace"
    traced = f"trace={WRITING_CALLS},stat,newfstatat,access"
    command = [require("strace"), "-f", "-o", str(trace), "-e", traced]
    run([*command, sys.executable, "-c", script, *arguments], CONTROL=str(folder), **variables)
    lines = trace.read_text().splitlines()
    begin, end = (next(number for number, line in enumerate(lines) if mark in line) for mark in (BEGIN, END))
    calls = [line for line in lines[begin + 1 : end] if not NO_CALL.search(line)]
    assert calls, "strace saw nothing of the call"
    return [line for line in calls if not (OPENED_TO_READ.search(line) or FAILED.search(line) or DEVICES.search(line))]


def run(command: list[str], **variables: str) -> str:
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", **variables}
    finished = subprocess.run(command, capture_output=True, text=True, timeout=120, env=environment, check=False)
    assert finished.returncode == 0, finished.stderr
    return finished.stdout

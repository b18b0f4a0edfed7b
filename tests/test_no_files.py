"""No file is written, from the call to its return: seen by the kernel, and made impossible by it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers import RunningArchive, require
from tests.synthetic import series
from tests.test_archives import DAY, PATIENT, STARTS

BEGIN, END = "/marks/the/call", "/marks/the/return"

LOADING = f"""
import os, sys
import itkdicomqr
for mark in ({BEGIN!r}, {END!r}):
    if os.path.exists(mark):
        raise SystemExit("the mark exists")
    if mark == {BEGIN!r}:
        image = itkdicomqr.load_series({PATIENT!r}, {DAY!r}, "Synthetic*", pacs=sys.argv[1], toolkit=sys.argv[2])
print(image.GetOrigin()[2])
"""
CONTROL = LOADING.replace("image = ", "open(os.path.join(os.environ['CONTROL'], 'file'), 'w').close(); image = ")

WRITING_CALLS = (
    "open,openat,openat2,creat,rename,renameat,renameat2,link,linkat,symlink,symlinkat,mkdir,mkdirat,mknod,mknodat,"
    "truncate,ftruncate,memfd_create,unlink,unlinkat"
)
"""Traced: whatever makes, changes or removes a file."""

OPENED_TO_READ = re.compile(r"^\d+\s+open\w*\((?!.*O_(WRONLY|RDWR|CREAT|TRUNC|APPEND))")
NO_CALL = re.compile(r"\b(stat|newfstatat|access)\(|\+\+\+ exited")
"""The marks, and the ends of threads."""

FAILED = re.compile(r"= -1 E\w+ ")
DEVICES = re.compile(r'"/dev/')
"""ITK makes and removes a semaphore under /dev/shm when it is first used."""


@pytest.fixture(scope="module", params=STARTS)
def archive(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningArchive]:
    with STARTS[request.param](tmp_path_factory.mktemp(request.param), series("CT", 6)) as running:
        yield running


@pytest.mark.parametrize("toolkit", ["itk", "simpleitk"])
def test_the_kernel_sees_no_file_written(archive: RunningArchive, toolkit: str, tmp_path: Path) -> None:
    assert writes(LOADING, archive, toolkit, tmp_path) == []


def test_the_control_is_seen(archive: RunningArchive, tmp_path: Path) -> None:
    (line,) = writes(CONTROL, archive, "itk", tmp_path)

    assert f"{tmp_path}/file" in line


def test_a_process_that_cannot_write_loads_all_the_same(archive: RunningArchive) -> None:
    limited = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))\n" + LOADING

    assert run([sys.executable, "-c", limited, archive.node.url, "itk"]).strip() == "33.7"


def writes(script: str, archive: RunningArchive, toolkit: str, folder: Path) -> list[str]:
    """Run a script under strace, and give the writing calls between its two marks."""
    trace = folder / "trace"
    traced = f"trace={WRITING_CALLS},stat,newfstatat,access"
    command = [require("strace"), "-f", "-o", str(trace), "-e", traced]
    run([*command, sys.executable, "-c", script, archive.node.url, toolkit], CONTROL=str(folder))
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

"""No file is written, from the call to its return: seen by the kernel, and made impossible by it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from uuid import uuid4

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
import hashlib, numpy
voxels = numpy.ascontiguousarray(numpy.asarray(image))
print(image.GetOrigin()[2], voxels.shape, voxels.dtype, hashlib.sha256(voxels).hexdigest())
"""
CONTROL = LOADING.replace("image = ", "open(os.environ['CONTROL'], 'w').close(); image = ")

WRITING_CALLS = (
    "open,openat,openat2,creat,rename,renameat,renameat2,link,linkat,symlink,symlinkat,mkdir,mkdirat,mknod,mknodat,"
    "truncate,ftruncate,memfd_create,unlink,unlinkat"
)
"""Traced: whatever makes, changes or removes a file."""

OPENED_TO_READ = re.compile(r"^\d+\s+open\w*\((?!.*O_(WRONLY|RDWR|CREAT|TRUNC|APPEND))")
NO_CALL = re.compile(r"\b(stat|newfstatat|access)\(|<\.\.\. \w+ resumed>|\+\+\+ exited")
"""The marks, the second halves of calls whose first names the file, and the ends of threads."""

FAILED = re.compile(r"= -1 E\w+ ")
PATH = re.compile(r'"([^"]*)"')
NO_FILE = re.compile(r"/dev/(null|tty|shm/sem\.[^/]+)")
"""ITK makes and removes a semaphore under /dev/shm when it is first used."""
SHARED_MEMORY = Path("/dev/shm")  # noqa: S108


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
    file = tmp_path / "file"
    (line,) = writes(CONTROL, [archive.node.url, "itk", "get"], tmp_path, CONTROL=str(file))

    assert f'"{file}"' in line


@pytest.mark.skipif(not SHARED_MEMORY.exists(), reason="there is no /dev/shm here")
@pytest.mark.parametrize("name", ["itkdicomqr-{}", "sem-{}"])
def test_a_file_in_shared_memory_is_seen(archive: RunningArchive, tmp_path: Path, name: str) -> None:
    file = SHARED_MEMORY / name.format(uuid4().hex)
    try:
        (line,) = writes(CONTROL, [archive.node.url, "itk", "get"], tmp_path, CONTROL=str(file))
    finally:
        file.unlink()

    assert f'"{file}"' in line


LIMIT = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))\n"
WRITING = "import sys\nwith open(sys.argv[1], 'wb') as file:\n    file.write(b'x')\n"


def test_a_process_that_cannot_write_loads_the_same(archive: RunningArchive) -> None:
    arguments = [archive.node.url, "itk", "get"]

    assert run(LIMIT + LOADING, arguments) == run(LOADING, arguments) != ""


@other_transports
def test_a_process_that_cannot_write_loads_the_same_by_other_transports(configuration: Path, transport: str) -> None:
    arguments, variables = ["archive", "itk", transport], {"ITKDICOMQR_CONFIG": str(configuration)}

    assert run(LIMIT + LOADING, arguments, **variables) == run(LOADING, arguments, **variables) != ""


def test_such_a_process_cannot_write_one_byte(tmp_path: Path) -> None:
    file = tmp_path / "file"
    run(WRITING, [str(file)])
    assert file.read_bytes() == b"x"

    with pytest.raises(AssertionError, match="File too large"):
        run(LIMIT + WRITING, [str(file)])
    assert file.read_bytes() == b""


READ_ONLY = (
    "unshare",
    "--map-root-user",
    "--mount",
    "sh",
    "-e",
    "-c",
    """
    mount -t tmpfs -o ro none /dev/shm
    while read -r _ _ _ _ point _; do
        mount -o remount,bind,ro "$(printf %b "$point")" 2>/dev/null || true
    done < /proc/self/mountinfo
    exec "$@"
    """,
    "sh",
)
"""Runs a command where every file system is read-only, and shared memory empty."""


@pytest.fixture(scope="module")
def read_only() -> tuple[str, ...]:
    """What runs a command in such a place, if this machine makes them."""
    if shutil.which("unshare") is None or subprocess.run([*READ_ONLY, "true"], check=False).returncode:
        pytest.skip("no mount namespace can be made here")
    return READ_ONLY


@pytest.mark.parametrize("toolkit", ["itk", "simpleitk"])
def test_a_process_for_which_all_is_read_only_loads_the_same(
    archive: RunningArchive, read_only: tuple[str, ...], toolkit: str
) -> None:
    arguments = [archive.node.url, toolkit, "get"]

    assert run(LOADING, arguments, read_only) == run(LOADING, arguments) != ""


@other_transports
def test_a_process_for_which_all_is_read_only_loads_the_same_by_other_transports(
    configuration: Path, read_only: tuple[str, ...], transport: str
) -> None:
    arguments, variables = ["archive", "itk", transport], {"ITKDICOMQR_CONFIG": str(configuration)}

    assert run(LOADING, arguments, read_only, **variables) == run(LOADING, arguments, **variables) != ""


@pytest.mark.parametrize("folder", [None, SHARED_MEMORY], ids=["anywhere", "shared memory"])
def test_such_a_process_makes_no_file(read_only: tuple[str, ...], tmp_path: Path, folder: Path | None) -> None:
    file = (folder or tmp_path) / uuid4().hex

    with pytest.raises(AssertionError, match="Read-only file system"):
        run(WRITING, [str(file)], read_only)
    assert not file.exists()


def writes(script: str, arguments: list[str], folder: Path, **variables: str) -> list[str]:
    """Run a script under strace, and give the writing calls between its two marks."""
    trace = folder / "trace"
    traced = f"trace={WRITING_CALLS},stat,newfstatat,access"
    run(script, arguments, [require("strace"), "-f", "-o", str(trace), "-e", traced], **variables)
    lines = trace.read_text().splitlines()
    begin, end = (next(number for number, line in enumerate(lines) if mark in line) for mark in (BEGIN, END))
    calls = [line for line in lines[begin + 1 : end] if not NO_CALL.search(line)]
    assert calls, "strace saw nothing of the call"
    return [line for line in calls if not (OPENED_TO_READ.search(line) or FAILED.search(line) or names_no_file(line))]


def names_no_file(call: str) -> bool:
    """Tell whether all that a call names is a device or a semaphore."""
    paths = PATH.findall(call)
    return bool(paths) and all(NO_FILE.fullmatch(path) for path in paths)


def run(script: str, arguments: list[str], under: Sequence[str] = (), **variables: str) -> str:
    """Run a script, and give what it prints."""
    command = [*under, sys.executable, "-c", script, *arguments]
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", **variables}
    finished = subprocess.run(command, capture_output=True, text=True, timeout=120, env=environment, check=False)
    assert finished.returncode == 0, finished.stderr
    return finished.stdout

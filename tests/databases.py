"""The databases in which some archives keep their index, started for the tests in temporary folders of their own."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.servers import HOST, START_SECONDS, free_port, process, require

POSTGRESQL = Path("/usr/lib/postgresql")
"""Where Debian keeps its programs, in a folder for each version and on no path."""

READY = ("database system is ready to accept connections", "mariadbd: ready for connections")


@contextmanager
def postgresql() -> Iterator[int]:
    """PostgreSQL at a port, with the database and the user ``postgres``, who needs no password."""
    with _folder() as folder:
        data, port = folder / "data", free_port()
        _run([_of_postgresql("initdb"), "--username=postgres", "--auth=trust", "--encoding=UTF8", f"--pgdata={data}"])
        settings = {"listen_addresses": HOST, "port": port, "unix_socket_directories": folder, "fsync": "off"}
        options = [f"--{name}={value}" for name, value in settings.items()]
        with _serving([_of_postgresql("postgres"), "-D", str(data), *options], folder):
            yield port


@contextmanager
def mariadb(script: str) -> Iterator[int]:
    """MariaDB at a port, with what the script makes, for any user and password."""
    cure = "apt-get install mariadb-server-core"
    with _folder() as folder:
        port = free_port()
        # Without its tables of users nobody's password is asked, and none of its own databases need be made.
        options = ["--no-defaults", "--skip-grant-tables", "--skip-innodb", "--default-storage-engine=MyISAM"]
        command = [require("mariadbd", cure), *options, "--sql-mode=", f"--datadir={folder}"]
        _run([*command, "--bootstrap"], script)
        with _serving([*command, f"--bind-address={HOST}", f"--port={port}", f"--socket={folder / 'socket'}"], folder):
            yield port


@contextmanager
def _folder() -> Iterator[Path]:
    """Make a folder of whoever runs the database."""
    with TemporaryDirectory() as name:
        if owner := _unprivileged():
            shutil.chown(name, owner["user"], owner["group"])
        yield Path(name)


def _unprivileged() -> dict[str, Any]:
    """As whom to run a database: none of them runs as root."""
    return {"user": "nobody", "group": "nogroup", "extra_groups": []} if os.getuid() == 0 else {}


def _of_postgresql(program: str) -> str:
    found = sorted(POSTGRESQL.glob(f"*/bin/{program}"))
    return str(found[-1]) if found else require(program, "apt-get install postgresql")


def _run(command: Sequence[str], script: str = "") -> None:
    done = subprocess.run(command, input=script.encode(), capture_output=True, cwd="/", check=False, **_unprivileged())
    assert done.returncode == 0, done.stderr.decode(errors="replace")[-2000:]


@contextmanager
def _serving(command: Sequence[str], folder: Path) -> Iterator[None]:
    """Run a database from when it says that it is ready to the end of the block."""
    with process(command, folder, **_unprivileged()) as server:
        end = time.monotonic() + START_SECONDS
        while not any(words in (told := (folder / "log").read_text(errors="replace")) for words in READY):
            assert server.poll() is None, told[-2000:]
            assert time.monotonic() < end, told[-2000:]
            time.sleep(0.05)
        yield

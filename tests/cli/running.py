"""The command line, run in this process or in one of its own."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass

import pytest

from itkdicomqr.cli import main

COMMAND = (sys.executable, "-c", "from itkdicomqr.cli import main; main()")
SECONDS = 90


@dataclass(frozen=True)
class Outcome:
    """How a command ended."""

    code: int
    out: str
    err: str


Run = Callable[..., Outcome]


def runner(capsys: pytest.CaptureFixture[str]) -> Run:
    """Make what runs a command in this process."""

    def run(*arguments: object) -> Outcome:
        with pytest.raises(SystemExit) as ended:
            main([*map(str, arguments)])
        captured = capsys.readouterr()
        return Outcome(int(ended.value.code or 0), captured.out, captured.err)

    return run


def start(*arguments: object, stdout: int = subprocess.PIPE, stderr: int = subprocess.PIPE) -> subprocess.Popen[str]:
    """Start a command in a process of its own, which a SIGINT reaches whoever started us."""
    return subprocess.Popen(
        [*COMMAND, *map(str, arguments)],
        text=True,
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=stderr,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )


def environment(**more: str) -> Mapping[str, str]:
    """Give the environment without what would change a command's mind."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("ITKDICOMQR", "COLUMNS"))}
    return {**kept, "ITKDICOMQR_CONFIG": os.devnull, "TERM": "xterm", **more}


def end(process: subprocess.Popen[str], number: signal.Signals) -> Outcome:
    """Signal a command, and wait for its end."""
    process.send_signal(number)
    out, err = process.communicate(timeout=SECONDS)
    return Outcome(process.returncode, out, err)


def all_shown(terminal: int) -> str:
    """Read what a terminal's other side writes until it closes, without what commands the terminal; and close it."""
    shown = bytearray()
    with suppress(OSError), os.fdopen(terminal, "rb", buffering=0) as ours:  # Linux tells the end as an error
        while part := ours.read(65536):
            shown += part
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown.decode())

"""The search: workers in processes of their own, so that a crash or a full memory is seen."""

from __future__ import annotations

import argparse
import faulthandler
import resource
import subprocess
import sys
import time
import traceback
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from random import SystemRandom

from tests.fuzzing.trial import Trial

MAX_SECONDS = 10
MAX_ADDRESS_SPACE = 6 << 30
MAX_RESIDENT = 1 << 30
"""What a worker may hold: the limit of a series four times over."""

BATCH = 1000
"""Trials of a process before the next begins, unless told otherwise."""

STRIDE = 1 << 32
"""Between the first numbers of two workers."""


def search(first: int, trials: int) -> None:
    """Try numbers one after the other, each announced before; one that takes too long ends the process."""
    resource.setrlimit(resource.RLIMIT_AS, (MAX_ADDRESS_SPACE, MAX_ADDRESS_SPACE))
    outcomes: Counter[str] = Counter()
    for number in range(first, first + trials):
        print(f"begin {number}", flush=True)
        faulthandler.dump_traceback_later(MAX_SECONDS, exit=True)
        outcomes[attempted(number)] += 1
        faulthandler.cancel_dump_traceback_later()
        resident = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10
        if resident > MAX_RESIDENT:
            print(f"finding {number}: {resident >> 20} MiB resident", flush=True)
            break
    for outcome, times in outcomes.items():
        print(f"outcome {times} {outcome}", flush=True)


def attempted(number: int) -> str:
    """Try one number, and print what is no outcome."""
    trial = Trial.of(number)
    try:
        return trial.outcome()
    except Exception:
        print(f"finding {number} ({trial.kind}, {dict(trial.options)}):", flush=True)
        print("".join(f"  | {line}\n" for line in traceback.format_exc().splitlines()), end="", flush=True)
        return "finding"


def worked(first: int, trials: int, end: float) -> tuple[Counter[str], int]:
    """Start one process after the other until the time is over; return all outcomes, and how many findings."""
    outcomes: Counter[str] = Counter()
    findings = 0
    while time.monotonic() < end:
        command = [sys.executable, "-m", "tests.fuzzing", "--search", str(first), "--trials", str(trials)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        lines = done.stdout.splitlines()
        begun = [int(line.split()[1]) for line in lines if line.startswith("begin ")]
        told = [line for line in lines if line.startswith(("finding", "  | "))]
        for line in lines:
            if line.startswith("outcome "):
                _, times, outcome = line.split()
                outcomes[outcome] += int(times)
        if done.returncode:
            told.append(f"finding {begun[-1] if begun else first}: the process ended with {done.returncode}")
            told += [f"  | {line}" for line in done.stderr.splitlines()[:40]]
        findings += sum(line.startswith("finding") for line in told)
        print("\n".join(told), end="\n" * bool(told), flush=True)
        first = begun[-1] + 1 if begun else first + 1
    return outcomes, findings


def main() -> int:
    """Search, or repeat one trial; the exit code says whether there were findings."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzzing", description=__doc__)
    parser.add_argument("--minutes", type=float, default=1.0)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--first", type=int, help="the first number; a random one unless given")
    parser.add_argument("--replay", type=int, help="repeat the trial of a number, and show what it raises")
    parser.add_argument("--search", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--trials", type=int, default=BATCH, help="how many each process tries")
    arguments = parser.parse_args()
    if arguments.replay is not None:
        print(Trial.of(arguments.replay).outcome())
        return 0
    if arguments.search is not None:
        search(arguments.search, arguments.trials)
        return 0
    first = SystemRandom().randrange(STRIDE) if arguments.first is None else arguments.first
    end = time.monotonic() + 60 * arguments.minutes
    print(f"first number {first}, {arguments.workers} workers, {arguments.minutes:g} minutes", flush=True)
    with ThreadPoolExecutor(arguments.workers) as pool:
        firsts = (start for start, _ in zip(count(first, STRIDE), range(arguments.workers), strict=False))
        results = list(pool.map(lambda start: worked(start, arguments.trials, end), firsts))
    outcomes = sum((each for each, _ in results), Counter())
    findings = sum(found for _, found in results)
    print(
        f"{outcomes.total()} trials, {findings} findings; " + ", ".join(f"{k} {v}" for k, v in outcomes.most_common())
    )
    return int(bool(findings))


if __name__ == "__main__":
    sys.exit(main())

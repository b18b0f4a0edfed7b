"""Run a command from a small process: a child's peak of memory is never told as less than its parent's.

``python -I -S watched.py SECONDS COMMAND...`` prints, as JSON, what `benchmarks.faults.Outcome` holds.
"""

import json
import os
import signal
import sys


def watched(seconds: float, command: list[str]) -> dict[str, float]:
    """Give the exit code, whether it had to be killed, and the largest resident size in MiB."""
    process = os.posix_spawnp(command[0], command, os.environ)
    expired: list[int] = []

    def kill(*_: object) -> None:
        expired.append(process)
        os.kill(process, signal.SIGKILL)

    signal.signal(signal.SIGALRM, kill)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    _, status, usage = os.wait4(process, 0)
    signal.setitimer(signal.ITIMER_REAL, 0)
    return {"exit": os.waitstatus_to_exitcode(status), "hung": bool(expired), "peak": usage.ru_maxrss / 1024}


if __name__ == "__main__":
    print(json.dumps(watched(float(sys.argv[1]), sys.argv[2:])))

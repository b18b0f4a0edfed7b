"""Bounds of time, on machines that may have more to do."""

from __future__ import annotations

import os


def bound(seconds: float) -> float:
    """Lengthen a bound of a machine that is at rest by how many wait for each of its processors."""
    return seconds * max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))

"""Damaged series become volumes or typed errors; `python -m tests.fuzzing` searches longer."""

from __future__ import annotations

import subprocess
import sys

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzzing.trial import Trial


@given(st.integers(0, 2**32))
@settings(max_examples=400, derandomize=True, database=None)
def test_a_damaged_series_is_volumes_or_a_typed_error(number: int) -> None:
    assert Trial.of(number).outcome().endswith(("volumes", "Error"))


def test_a_trial_is_repeated_by_its_number() -> None:
    assert Trial.of(7) == Trial.of(7)
    assert Trial.of(7).files != Trial.of(8).files


def test_the_search_is_a_command_whose_findings_fail() -> None:
    command = [sys.executable, "-m", "tests.fuzzing", "--minutes", "0.01", "--workers", "1", "--first", "0"]
    done = subprocess.run([*command, "--trials", "20"], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout
    assert "20 trials, 0 findings" in done.stdout

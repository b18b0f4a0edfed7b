"""What the tests of the command line share."""

from __future__ import annotations

import os

import pytest

from itkdicomqr.testing import Archive
from tests.cli.running import Run, runner


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, demo_archive: Archive) -> Run:
    """Runs a command in this process, with the demo archive as the default."""
    monkeypatch.setenv("ITKDICOMQR_PACS", demo_archive.url)
    monkeypatch.setenv("ITKDICOMQR_CONFIG", os.devnull)
    return runner(capsys)

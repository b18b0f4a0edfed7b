"""The fixtures, as the test suite of another project uses them: in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]

USING = """
import pytest, threading
import itkdicomqr

def test_an_archive_with_quirks(dicom_archive):
    archive = dicom_archive(quirks="caps-at-2")
    other = dicom_archive([], ae_title="OTHER", quirks=["no-cget"])
    assert archive.port != other.port
    assert archive.url.startswith("dicom://DEMO@") and len(archive.instances) > 10
    assert len(itkdicomqr.find_series("nobody", pacs=other.url)) == 0

def test_all_have_ended():
    assert threading.active_count() == 1

def test_the_demo_patient(demo_archive):
    assert len(itkdicomqr.find_series("99999", pacs=demo_archive.url)) > 5

def test_the_demo_patient_again(demo_archive):
    assert demo_archive.instances

def test_an_unknown_quirk(dicom_archive):
    with pytest.raises(ValueError, match="caps-at"):
        dicom_archive(quirks="caps-it")
"""

LIGHT = """
import sys

def test_nothing_heavy_is_imported():
    heavy = {"pydicom", "pynetdicom", "numpy", "itk", "imagecodecs", "itkdicomqr.testing"}
    assert not heavy & set(sys.modules)
"""


def run(folder: Path, source: str, *options: str) -> subprocess.CompletedProcess[str]:
    """Run a suite with the plugin as its entry point names it, with every warning an error."""
    (folder / "test_theirs.py").write_text(source)
    entry = folder / "itkdicomqr_entry-1.dist-info"
    entry.mkdir(exist_ok=True)
    (entry / "METADATA").write_text("Metadata-Version: 2.1\nName: itkdicomqr-entry\nVersion: 1\n")
    (entry / "entry_points.txt").write_text("[pytest11]\nitkdicomqr = itkdicomqr.pytest_plugin\n")
    environment = {**os.environ, "PYTHONPATH": f"{folder}{os.pathsep}{PROJECT}", "PYTEST_ADDOPTS": ""}
    environment.pop("PYTEST_XDIST_WORKER", None)
    command = [sys.executable, "-X", "dev", "-m", "pytest", "-q", "-W", "error", "-p", "no:cacheprovider", *options]
    return subprocess.run(
        [*command, "--rootdir", str(folder), str(folder)],
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
        env=environment,
        cwd=folder,
    )


def test_the_entry_point_is_declared():
    import tomllib

    declared = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]["entry-points"]["pytest11"]
    assert declared == {"itkdicomqr": "itkdicomqr.pytest_plugin"}


def test_a_suite_starts_archives_and_leaves_nothing_behind(tmp_path):
    done = run(tmp_path, USING)
    assert "5 passed" in done.stdout, done.stdout + done.stderr
    assert "Warning" not in done.stdout + done.stderr


@pytest.mark.parametrize("options", [(), ("-p", "no:itkdicomqr"), ("-p", "no:xdist", "-p", "no:threadexception")])
def test_a_suite_that_uses_none_imports_nothing_heavy(tmp_path, options):
    done = run(tmp_path, LIGHT, *options)
    assert "1 passed" in done.stdout, done.stdout + done.stderr


def test_the_plugin_can_be_left_out(tmp_path):
    done = run(tmp_path, "def test_it(dicom_archive): pass", "-p", "no:itkdicomqr")
    assert "fixture 'dicom_archive' not found" in done.stdout

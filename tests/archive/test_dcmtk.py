"""The archive as DCMTK's command line tools see it."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from pydicom import dcmread

from itkdicomqr.instance import Instance
from itkdicomqr.testing import Archive
from tests.archive.test_transcoding import rle, stored
from tests.servers import free_port, require_dcmtk
from tests.synthetic import part10, series

PROMPT = {**os.environ, "TCP_NODELAY": "1"}


def instances() -> list[Instance]:
    study: dict[str, Any] = {"PatientID": "99999", "StudyDate": "20050106", "StudyDescription": "Chest-- PA & Lateral"}
    return [Instance.from_dataset(each) for each in series("CT", 4, SeriesDescription="AX 3.0", **study)]


def dcmtk(tool: str, archive: Archive, *arguments: str, succeeds: bool = True) -> str:
    """Run a tool against the archive; give what it says."""
    path = require_dcmtk(tool)
    # -v: the tools say what they received
    command = [path, "-v", "-aet", "TESTER", "-aec", "DEMO", *arguments]
    where = ["127.0.0.1", str(archive.port)]
    files = [argument for argument in arguments if argument.endswith(".dcm")]
    rest = [argument for argument in command if argument not in files]
    result = subprocess.run([*rest, *where, *files], capture_output=True, text=True, timeout=60, env=PROMPT)
    assert (result.returncode == 0) is succeeds, result.stdout + result.stderr
    return result.stdout + result.stderr


def keys(**values: str) -> list[str]:
    return [part for keyword, value in values.items() for part in ("-k", f"{keyword}={value}" if value else keyword)]


def of_series(instance: Instance, **more: str) -> list[str]:
    names = ("PatientID", "StudyInstanceUID", "SeriesInstanceUID")
    return keys(QueryRetrieveLevel="SERIES", **{name: str(instance.dataset[name].value) for name in names}, **more)


def answers(output: str) -> int:
    return len(re.findall(r"Find Response: \d+", output)) or len(re.findall(r"\(Pending\)", output))


def test_echoscu_verifies():
    with Archive([]) as archive:
        dcmtk("echoscu", archive)


def test_echoscu_is_rejected_when_it_calls_another():
    with Archive([], ae_title="OTHER") as archive:
        assert "Rejected" in dcmtk("echoscu", archive, succeeds=False)


@pytest.mark.parametrize("root", ["-S", "-P"])
def test_findscu_finds_the_study(root):
    asked = keys(
        QueryRetrieveLevel="STUDY", PatientID="99999", StudyDate="20050101-", StudyDescription="", ModalitiesInStudy=""
    )
    with Archive(instances()) as archive:
        output = dcmtk("findscu", archive, root, *asked)
    assert answers(output) == 1
    assert "Chest-- PA & Lateral" in output
    assert "[CT]" in output


@pytest.mark.parametrize(("pattern", "count"), [("AX*", 1), ("ax*", 0), ("?X 3.0", 1), ("AX", 0)])
def test_findscu_finds_the_series_by_wildcards(pattern, count):
    held = instances()
    with Archive(held) as archive:
        output = dcmtk("findscu", archive, "-S", *of_series(held[0], SeriesDescription=pattern))
    assert answers(output) == count


@pytest.mark.parametrize("root", ["-S", "-P"])
def test_getscu_receives_a_series(root, tmp_path):
    held = instances()
    with Archive(held) as archive:
        dcmtk("getscu", archive, root, "-od", str(tmp_path), *of_series(held[0]))
    assert {dcmread(path).SOPInstanceUID for path in tmp_path.iterdir()} == {each.sop_instance_uid for each in held}


@pytest.mark.parametrize("held", [rle(), stored("1.2.840.10008.1.2.2"), stored("1.2.840.10008.1.2.1.99")])
def test_getscu_receives_uncompressed_what_it_takes_only_so(held, tmp_path):
    with Archive([held]) as archive:
        dcmtk("getscu", archive, "-S", "-od", str(tmp_path), *of_series(held))
    (path,) = tmp_path.iterdir()
    assert (dcmread(path).pixel_array == held.dataset.pixel_array).all()


@pytest.mark.parametrize("root", ["-S", "-P"])
def test_movescu_receives_a_series(root, tmp_path):
    held, port = instances(), free_port()
    with Archive(held, destinations={"TESTER": ("127.0.0.1", port)}) as archive:
        dcmtk("movescu", archive, root, "-aem", "TESTER", "+P", str(port), "-od", str(tmp_path), *of_series(held[0]))
    assert len(list(tmp_path.iterdir())) == len(held)


def test_movescu_learns_that_its_destination_is_unknown(tmp_path):
    held, port = instances(), free_port()
    with Archive(held) as archive:
        arguments = ["-S", "-aem", "TESTER", "+P", str(port), "-od", str(tmp_path), *of_series(held[0])]
        output = dcmtk("movescu", archive, *arguments, succeeds=False)
    assert "MoveDestinationUnknown" in output


def test_storescu_stores(tmp_path):
    files = [write(tmp_path, number, part10(dataset)) for number, dataset in enumerate(series("MR", 3))]
    with Archive([]) as archive:
        dcmtk("storescu", archive, *files)
        assert len(archive.instances) == 3


def write(folder: Path, number: int, content: bytes) -> str:
    path = folder / f"{number}.dcm"
    path.write_bytes(content)
    return str(path)

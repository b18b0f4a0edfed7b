"""``itkdicomqr.testing.Archive``: what it may be given, and what it tells of itself."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from pydicom import uid
from pydicom.dataset import Dataset

from itkdicomqr.archive.phantom import demo_patient
from itkdicomqr.errors import CorruptInstanceError, InputError
from itkdicomqr.instance import Instance
from itkdicomqr.testing import Archive
from tests.synthetic import part10, series


@pytest.fixture
def datasets() -> list[Dataset]:
    return series("CT", 5)


def uids(archive: Archive) -> list[str]:
    return [instance.sop_instance_uid for instance in archive.instances]


def test_it_takes_instances_data_sets_bytes_and_paths_mixed(datasets, tmp_path):
    for number in (3, 4):
        (tmp_path / str(number)).write_bytes(part10(datasets[number]))
    given = [
        Instance.from_dataset(datasets[0]),
        datasets[1],
        part10(datasets[2]),
        tmp_path / "3",
        str(tmp_path / "4"),
    ]
    assert uids(Archive(given)) == [dataset.SOPInstanceUID for dataset in datasets]


@pytest.mark.parametrize(
    ("source", "kind"),
    [([b"junk"], CorruptInstanceError), ([7], InputError), ([None], InputError), (["missing"], InputError)],
)
def test_what_is_no_instance_is_refused(source, kind):
    with pytest.raises(kind):
        Archive(source)


@pytest.mark.parametrize("source", ["missing", b"", series("CT", 1)[0]], ids=lambda source: type(source).__name__)
def test_what_is_neither_a_folder_nor_several_instances_is_refused(source):
    with pytest.raises(InputError, match=r"cannot be read as a folder|give a list"):
        Archive(source)


def test_a_folder_is_searched_with_its_subfolders_and_junk_is_counted(datasets, tmp_path):
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)
    (tmp_path / "first").write_bytes(part10(datasets[0]))
    (deep / "second.dcm").write_bytes(part10(datasets[1]))
    (deep / "notes.txt").write_text("no DICOM")
    (deep / "empty").touch()
    (deep / "cut.dcm").write_bytes(part10(datasets[2])[:300])
    (deep / "DICOMDIR").write_bytes(part10(*series("CT", 1, StudyInstanceUID=None)))
    archive = Archive(tmp_path)
    assert sorted(uids(archive)) == sorted(dataset.SOPInstanceUID for dataset in datasets[:2])
    assert archive.skipped == 4


def test_symbolic_links_are_not_followed(datasets, tmp_path):
    inside, outside = tmp_path / "inside", tmp_path / "outside"
    inside.mkdir()
    outside.mkdir()
    (outside / "secret.dcm").write_bytes(part10(datasets[0]))
    (inside / "folder").symlink_to(outside)
    (inside / "file").symlink_to(outside / "secret.dcm")
    (inside / "loop").symlink_to(inside)
    assert uids(Archive(inside)) == []


def test_a_pipe_in_a_folder_does_not_block(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    assert uids(Archive(str(tmp_path))) == []


def test_the_url_tells_where_it_is():
    with Archive([], ae_title="MY ARCHIVE") as archive:
        assert archive.url == f"dicom://MY%20ARCHIVE@127.0.0.1:{archive.port}"
        assert archive.port > 0


def test_the_url_puts_an_ipv6_address_into_brackets():
    assert Archive([], host="::1", port=11112).url == "dicom://DEMO@[::1]:11112"


def test_it_can_be_entered_again(datasets):
    archive = Archive(datasets)
    with archive:
        port = archive.port
    with archive:
        assert archive.port == port


def test_importing_the_package_does_not_import_the_archive():
    script = (
        "import sys, itkdicomqr; print([name for name in sys.modules if 'pynetdicom' in name or '.archive' in name])"
    )
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    assert result.stdout.strip() == "[]"


def test_it_holds_the_demo_patient_by_default_and_writes_no_file(tmp_path):
    script = (
        "import os, resource; resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0));"
        "from itkdicomqr.testing import Archive\n"
        "with Archive() as archive: print(len(archive.instances), os.listdir('.'))"
    )
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": str(Path(__file__).parents[2])}
    result = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
        cwd=tmp_path,
        env=environment,
    )
    count, written = result.stdout.split()
    assert int(count) == len(demo_patient())
    assert written == "[]"


def test_a_data_set_without_a_transfer_syntax_is_refused(datasets):
    del datasets[0].file_meta.TransferSyntaxUID
    with pytest.raises(CorruptInstanceError, match="TransferSyntaxUID"):
        Archive(datasets)


def test_a_deflated_instance_is_held(datasets):
    datasets[0].file_meta.TransferSyntaxUID = uid.DeflatedExplicitVRLittleEndian
    assert uids(Archive(datasets[:1])) == [datasets[0].SOPInstanceUID]

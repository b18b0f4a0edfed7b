"""What instances are made of, and what is refused for a reason."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from itkdicomqr import CorruptInstanceError, InputError, Instance
from itkdicomqr.sources import as_instance, check_several, files_in
from tests.synthetic import part10, series


def test_files_data_sets_and_instances_are_instances(tmp_path: Path) -> None:
    (dataset,) = series("CT", 1)
    content = part10(dataset)
    path = tmp_path / "slice"
    path.write_bytes(content)
    instance = Instance.from_part10(content)
    sources: list[Any] = [dataset, content, bytearray(content), memoryview(content), path, str(path), instance]
    assert {bytes(as_instance(source).encoded) for source in sources} == {bytes(instance.encoded)}


def test_a_file_that_is_damaged_is_named(tmp_path: Path) -> None:
    path = tmp_path / "slice"
    path.write_bytes(b"no file")
    with pytest.raises(CorruptInstanceError, match=f"{path}: these bytes are no DICOM file"):
        as_instance(path)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="slice cannot be read"):
        as_instance(tmp_path / "slice")


def test_what_holds_no_instance_is_refused() -> None:
    with pytest.raises(InputError, match="a int is no Instance"):
        as_instance(5)  # type: ignore[arg-type]


@pytest.mark.parametrize("one", [b"", "folder", Path("folder"), series("CT", 1)[0]], ids=lambda one: type(one).__name__)
def test_one_source_is_not_several(one: Any) -> None:
    check_several([one])
    with pytest.raises(InputError, match="is one source: give a list of them, or the paths in a folder"):
        check_several(one)


def test_a_folder_is_searched_in_order_and_never_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    for name in ("c", "a", "b/d"):
        (tmp_path / name).touch()
    (tmp_path / "link").symlink_to(tmp_path)
    assert [str(path.relative_to(tmp_path)) for path in files_in(tmp_path)] == ["a", "b/d", "c"]


@pytest.mark.parametrize("name", ["missing", "file"])
def test_what_is_no_folder_is_refused(name: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=f"{name} cannot be read as a folder"):
        list(files_in(tmp_path / name))

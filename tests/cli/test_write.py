"""Files are written whole, or not at all."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from itkdicomqr import InputError
from itkdicomqr.cli.write import written_whole


def write_half(path: Path, failure: BaseException) -> None:
    with written_whole(path) as draft:
        draft.write_bytes(b"half")
        raise failure


@pytest.mark.parametrize("failure", [KeyboardInterrupt(), SystemExit(), InputError("refused")])
def test_what_is_given_up_leaves_nothing_behind(tmp_path: Path, failure: BaseException) -> None:
    path = tmp_path / "image.nrrd"
    path.write_bytes(b"old")
    with pytest.raises(type(failure)):
        write_half(path, failure)
    assert [*tmp_path.iterdir()] == [path]
    assert path.read_bytes() == b"old"


def test_a_full_disk_is_bad_input(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"could not be written \(No space left on device\)"):
        write_half(tmp_path / "image.nrrd", OSError(errno.ENOSPC, "No space left on device"))
    assert [*tmp_path.iterdir()] == []

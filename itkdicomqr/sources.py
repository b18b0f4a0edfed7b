"""From whatever a caller has to instances."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from pydicom.dataset import Dataset

from itkdicomqr.errors import CorruptInstanceError, InputError
from itkdicomqr.instance import Instance

Source = Instance | Dataset | bytes | bytearray | memoryview | str | os.PathLike[str]
_KINDS = (Instance, Dataset, bytes, bytearray, memoryview, str, os.PathLike)


def as_instance(source: Source) -> Instance:
    """Make an instance of an encoded file, a data set or a path; an instance is itself.

    Raises
    ------
    InputError
        It is none of these, or a file that cannot be read.
    CorruptInstanceError
        It is damaged.
    """
    if isinstance(source, Instance):
        return source
    if isinstance(source, Dataset):
        return Instance.from_dataset(source)
    if isinstance(source, bytes | bytearray | memoryview):
        return Instance.from_part10(source)
    if isinstance(source, str | os.PathLike):
        return _from_file(Path(source))
    message = f"a {type(source).__name__} is no Instance, DICOM file in bytes, pydicom Dataset or path"
    raise InputError(message)


def check_several(sources: Iterable[Any]) -> None:
    """Refuse one source where several are due; most can be iterated over, too.

    Raises
    ------
    InputError
        It is one.
    """
    if isinstance(sources, _KINDS):
        message = f"a {type(sources).__name__} is one source: give a list of them, or the paths in a folder"
        raise InputError(message)


def files_in(folder: Path) -> Iterator[Path]:
    """Give the files of a folder and of its subfolders, in order, though never through a symbolic link.

    Raises
    ------
    InputError
        It is no folder, or cannot be read.
    """
    try:
        paths = sorted(folder.iterdir())
    except OSError as error:
        message = f"{folder} cannot be read as a folder ({error.strerror})"
        raise InputError(message) from None
    for path in paths:
        if path.is_symlink():
            continue
        if path.is_dir():
            yield from files_in(path)
        elif path.is_file():
            yield path


def _from_file(path: Path) -> Instance:
    try:
        return Instance.from_part10(path.read_bytes(), origin="file")
    except OSError as error:
        message = f"{path} cannot be read ({error.strerror})"
        raise InputError(message) from None
    except CorruptInstanceError as error:
        message = f"{path}: {error.args[0]}"
        raise CorruptInstanceError(message, sop_instance_uid=error.sop_instance_uid) from None

"""From whatever a caller has to instances."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pydicom.dataset import Dataset

from itkdicomqr.errors import CorruptInstanceError, InputError
from itkdicomqr.instance import Instance
from itkdicomqr.volume.headers import has_rows

if TYPE_CHECKING:
    from collections.abc import Mapping

SOURCES = (Instance, Dataset, bytes, bytearray, memoryview, str, os.PathLike)
Source = Instance | Dataset | bytes | bytearray | memoryview | str | os.PathLike[str]


@dataclass(frozen=True)
class Intake:
    """What came besides the frames of one volume.

    Attributes
    ----------
    origins : mapping
        How many instances came from where.
    skipped, duplicates : tuple of str
        The SOP Instance UIDs without pixels, and those that came more than once.
    """

    origins: Mapping[str, int]
    skipped: tuple[str, ...]
    duplicates: tuple[str, ...]


def as_instance(source: Source) -> Instance:
    """Make an instance of an encoded file, a data set or a path; an instance is itself."""
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


def has_pixels(instance: Instance) -> bool:
    """Tell whether an instance is an image with its pixels."""
    return has_rows(instance) and instance.pixels is not None


def _from_file(path: Path) -> Instance:
    try:
        return Instance.from_part10(path.read_bytes(), origin="file")
    except OSError as error:
        message = f"{path} cannot be read ({error.strerror})"
        raise InputError(message) from None
    except CorruptInstanceError as error:
        message = f"{path}: {error.args[0]}"
        raise CorruptInstanceError(message, sop_instance_uid=error.sop_instance_uid) from None

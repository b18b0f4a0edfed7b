"""From whatever a caller has to a set of instances with pixels, each once."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pydicom.dataset import Dataset

from itkdicomqr.errors import ConflictingInstancesError, InputError, NoPixelsError
from itkdicomqr.instance import Instance
from itkdicomqr.volume.headers import has_rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Source = Instance | Dataset | bytes | bytearray | memoryview | str | os.PathLike[str]


@dataclass(frozen=True)
class Intake:
    """The instances to assemble, and what was left out.

    Attributes
    ----------
    instances : tuple of Instance
        With pixels, each SOP Instance UID once, by it.
    origins : mapping
        How many came from where.
    skipped, duplicates : tuple of str
        The SOP Instance UIDs without pixels, and those that came more than once.
    """

    instances: tuple[Instance, ...]
    origins: Mapping[str, int]
    skipped: tuple[str, ...]
    duplicates: tuple[str, ...]


def take_in(sources: Iterable[Source]) -> Intake:
    """Take in instances in any form and order.

    Raises
    ------
    InputError
        A source is nothing that holds an instance.
    CorruptInstanceError
        A source is damaged.
    ConflictingInstancesError
        Two instances of one SOP Instance UID differ.
    NoPixelsError
        None has pixels.
    """
    taken = sorted(map(as_instance, sources), key=lambda instance: (instance.sop_instance_uid, instance.origin))
    unique: dict[str, Instance] = {}
    for instance in taken:
        check_same(unique.setdefault(instance.sop_instance_uid, instance), instance)
    images = {uid: instance for uid, instance in unique.items() if has_pixels(instance)}
    if not images:
        message = f"none of {len(unique)} instances has pixels: there is no image to make"
        raise NoPixelsError(message)
    counts = Counter(instance.sop_instance_uid for instance in taken)
    return Intake(
        instances=tuple(images.values()),
        origins=dict(sorted(Counter(instance.origin for instance in taken).items())),
        skipped=tuple(uid for uid in unique if uid not in images),
        duplicates=tuple(uid for uid, count in counts.items() if count > 1),
    )


def as_instance(source: Source) -> Instance:
    """Make an instance of an encoded file, a data set or a path; an instance is itself."""
    if isinstance(source, Instance):
        return source
    if isinstance(source, Dataset):
        return Instance.from_dataset(source)
    if isinstance(source, bytes | bytearray | memoryview):
        return Instance.from_part10(source)
    if isinstance(source, str | os.PathLike):
        return Instance.from_part10(Path(source).read_bytes(), origin="file")
    message = f"a {type(source).__name__} is no Instance, DICOM file in bytes, pydicom Dataset or path"
    raise InputError(message)


def has_pixels(instance: Instance) -> bool:
    """Tell whether an instance is an image with its pixels."""
    return has_rows(instance) and instance.pixels is not None


def check_same(kept: Instance, other: Instance) -> None:
    """Refuse a second instance of one SOP Instance UID that is not the first.

    Raises
    ------
    ConflictingInstancesError
        Their data sets or transfer syntaxes differ.
    """
    if kept is other:
        return
    same_syntax = kept.transfer_syntax_uid == other.transfer_syntax_uid
    if not (same_syntax and memoryview(kept.encoded) == memoryview(other.encoded)):
        message = "it came twice with different content; pass one of the two"
        raise ConflictingInstancesError(message, sop_instance_uid=kept.sop_instance_uid)

"""What the archive holds, in memory: patients, studies, series, instances."""

from __future__ import annotations

from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING

from itkdicomqr.archive.values import Values, first_of, values_of
from itkdicomqr.errors import ForeignInstanceError
from itkdicomqr.levels import UNIQUE_KEYS, Level

if TYPE_CHECKING:
    from collections.abc import Iterable

    from itkdicomqr.instance import Instance

Path = tuple[str, ...]
"""Unique keys from the patient down to a level."""


@dataclass(frozen=True)
class Entry:
    """An instance and its place.

    Attributes
    ----------
    instance : Instance
        As it came.
    path : tuple of str
        Its Patient ID, Study, Series and SOP Instance UID.
    """

    instance: Instance
    path: Path

    def values(self, keyword: str, vr: str) -> Values:
        """Read an attribute of the data set."""
        return values_of(self.instance.header, keyword, vr)


class Index:
    """Instances by level. Nothing is ever written to a disk; several threads may use it.

    Parameters
    ----------
    instances : iterable of Instance, optional
        What it holds from the start.

    Raises
    ------
    InstanceError
        One of them cannot be parsed, or lacks a UID.
    """

    def __init__(self, instances: Iterable[Instance] = ()) -> None:
        self._lock = Lock()
        self._groups: dict[Level, dict[Path, list[Entry]]] = {level: {} for level in Level}
        for instance in instances:
            self.add(instance)

    def add(self, instance: Instance) -> bool:
        """Take an instance in, unless one of its place is there already; tell whether it is new.

        Raises
        ------
        ForeignInstanceError
            It lacks a UID, or is another instance than it was called.
        CorruptInstanceError
            It cannot be parsed.
        """
        entry = Entry(instance, _path_of(instance))
        with self._lock:
            if entry.path in self._groups[Level.IMAGE]:
                return False
            for level in Level:
                self._groups[level].setdefault(entry.path[:level], []).append(entry)
            return True

    def entries(self) -> list[Entry]:
        """List all, in the order in which they came."""
        return [group[0] for _, group in self.groups(Level.IMAGE)]

    def groups(self, level: Level) -> list[tuple[Path, list[Entry]]]:
        """List the patients, studies, series or instances, each with all that belongs to it."""
        with self._lock:
            return [(path, list(group)) for path, group in self._groups[level].items()]

    def group(self, path: Path) -> list[Entry]:
        """List what belongs to one patient, study, series or instance."""
        with self._lock:
            return list(self._groups[Level(len(path))].get(path, ()))


def _path_of(instance: Instance) -> Path:
    path = tuple(first_of(instance.header, UNIQUE_KEYS[level]) for level in Level)
    if not all(path[1:]):
        message = "it lacks its Study, Series or SOP Instance UID"
        raise ForeignInstanceError(message, sop_instance_uid=instance.sop_instance_uid)
    if path[-1] != instance.sop_instance_uid:
        message = f"its data set has the SOP Instance UID {path[-1]}"
        raise ForeignInstanceError(message, sop_instance_uid=instance.sop_instance_uid)
    return path

"""The identifiers of C-FIND, C-GET and C-MOVE requests: what is asked for (PS3.4 C.4.1.1.3, C.4.3.1.3)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pydicom.dataset import Dataset

from itkdicomqr.charsets import encodable
from itkdicomqr.levels import UNIQUE_KEYS, Level
from itkdicomqr.query.table import Row


def identifier(level: Level, values: Mapping[str, str], character_set: str = "") -> Dataset:
    """Make the identifier of a C-FIND or C-GET.

    Parameters
    ----------
    level : Level
        Query/Retrieve Level (0008,0052).
    values : dict
        Value by keyword; empty ones ask for all.
    character_set : str
        Specific Character Set (0008,0005) for what is not ASCII, if it can be written in it; else UTF-8.
    """
    dataset = Dataset()
    if not all(value.isascii() for value in values.values()):
        fits = character_set and all(encodable(value, character_set) for value in values.values())
        dataset.SpecificCharacterSet = character_set.split("\\") if fits else "ISO_IR 192"
    dataset.QueryRetrieveLevel = level.name
    for keyword, value in values.items():
        setattr(dataset, keyword, value)
    return dataset


def retrieval_identifier(series: Row, model: str, uids: Sequence[str] = (), character_set: str = "") -> Dataset:
    """Make the identifier of a C-GET or C-MOVE: of some instances, or of the whole series (PS3.4 C.4.2.1.4).

    Parameters
    ----------
    series : Row
        Which.
    model : {"study", "patient"}
        The information model.
    uids : sequence of str
        The SOP Instance UIDs; none are all.
    character_set : str
        As `identifier` takes it.
    """
    path = path_to(series, Level.SERIES, model)
    if not uids:
        return identifier(Level.SERIES, path, character_set)
    return identifier(Level.IMAGE, {**path, "SOPInstanceUID": "\\".join(uids)}, character_set)


def path_to(row: Row, last: Level, model: str) -> dict[str, str]:
    """Give the unique keys from the study down to ``last``; the Patient Root model asks for the patient's too."""
    first = Level.PATIENT if model == "patient" else Level.STUDY
    return {UNIQUE_KEYS[level]: row.get(UNIQUE_KEYS[level]) or "" for level in Level if first <= level <= last}

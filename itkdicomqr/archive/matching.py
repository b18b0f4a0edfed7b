"""The query and retrieve models: which entities an identifier asks for, and what is answered (PS3.4 C.4)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, cast

from pydicom.datadict import dictionary_VR, keyword_for_tag
from pydicom.dataset import Dataset

from itkdicomqr.archive.comparison import matches
from itkdicomqr.archive.index import Entry, Index
from itkdicomqr.archive.values import KNOWN_VRS, Values, element_of, first_of, values_of
from itkdicomqr.errors import StatusError
from itkdicomqr.levels import COUNTS, UNIQUE_KEYS, Level, owner_of
from itkdicomqr.status import MISMATCH

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from pydicom.tag import BaseTag

    from itkdicomqr.archive.index import Path

    Compare = Callable[[str, Values, Values], bool]

UTF_8 = "ISO_IR 192"


class Model(Enum):
    """The levels at which a query may be made (PS3.4 C.6)."""

    PATIENT_ROOT = (Level.PATIENT, Level.STUDY, Level.SERIES, Level.IMAGE)
    STUDY_ROOT = (Level.STUDY, Level.SERIES, Level.IMAGE)


_BY_UID = (Level.STUDY, Level.SERIES, Level.IMAGE)
"""The levels whose unique key is a UID: it has no wildcard, and no case."""

_NOT_MATCHED = frozenset({"QueryRetrieveLevel", "SpecificCharacterSet", "TimezoneOffsetFromUTC", "RetrieveAETitle"})

_OF_EVERY_LEVEL = frozenset({"InstanceAvailability"})
"""What may be told of an entity of any level (PS3.4 C.4.1.1.3.2)."""


@dataclass(frozen=True)
class Key:
    """One attribute of an identifier, and what is wanted of it."""

    tag: int
    keyword: str
    vr: str
    wanted: Values


@dataclass(frozen=True)
class Answer:
    """One match of a query.

    Attributes
    ----------
    identifier : Dataset
        All the keys of the query, empty where nothing is known.
    complete : bool
        Whether every key was one that the level knows (else the status is 0xFF01).
    """

    identifier: Dataset
    complete: bool


def find(
    index: Index, identifier: Dataset, model: Model, *, ae_title: str = "", compare: Compare = matches
) -> Iterator[Answer]:
    """Answer a C-FIND request.

    Unique keys of the levels above may be left out, as in a relational query. Keys of a level below
    that of the query, sequences and private attributes are not matched, and come back empty.

    Parameters
    ----------
    index : Index
        What there is.
    identifier : Dataset
        The identifier of the request.
    model : Model
        Of the SOP class.
    ae_title : str
        Where the instances can be retrieved from.
    compare : callable
        From the VR, the values of a key and the stored values to whether they match.

    Raises
    ------
    StatusError
        The identifier does not fit the model.
    """
    level = _level_of(identifier, model)
    _check_unique_keys(identifier, [above for above in model.value if above < level])
    keys = [key for key in _keys_of(identifier) if key.keyword not in _NOT_MATCHED]
    named = {each: _wanted(identifier, UNIQUE_KEYS[each]) for each in _BY_UID if each <= level}
    for path, group in index.groups(level):
        if not all(path[each - 1] in uids for each, uids in named.items() if any(uids)):
            continue  # spares reading every other entity's values
        known = {key: _known_values(index, path, key, group[0]) for key in keys}
        if all(values is None or compare(key.vr, key.wanted, values) for key, values in known.items()):
            yield _answer(level, known, ae_title)


def select(index: Index, identifier: Dataset, model: Model) -> list[Entry]:
    """List what a C-GET or C-MOVE request asks for; only unique keys count (PS3.4 C.4.3.1.3.1).

    Those of the levels above may be left out.

    Raises
    ------
    StatusError
        The identifier does not fit the model.
    """
    level = _level_of(identifier, model)
    levels = [upper for upper in model.value if upper <= level]
    _check_unique_keys(identifier, levels[:-1])
    own = _wanted(identifier, UNIQUE_KEYS[level])
    if not any(own) or _has_wildcard(own):
        message = f"{UNIQUE_KEYS[level]} needs at least one value, without wildcards"
        raise StatusError(message, status=MISMATCH)
    given = {each: _wanted(identifier, UNIQUE_KEYS[each]) for each in levels}
    wanted = {each: values for each, values in given.items() if any(values)}
    return [
        entry
        for path, group in index.groups(level)
        if all(path[each - 1] in values for each, values in wanted.items())
        for entry in group
    ]


def _level_of(identifier: Dataset, model: Model) -> Level:
    name = first_of(identifier, "QueryRetrieveLevel")
    for level in model.value:
        if level.name == name:
            return cast("Level", level)
    choices = ", ".join(level.name for level in model.value)
    message = f"QueryRetrieveLevel (0008,0052) is not one of {choices}"
    raise StatusError(message, status=MISMATCH)


def _check_unique_keys(identifier: Dataset, levels: list[Level]) -> None:
    """Ask for no more than one value of each unique key, and for no wildcard."""
    for level in levels:
        wanted = _wanted(identifier, UNIQUE_KEYS[level])
        if len(wanted) > 1 or _has_wildcard(wanted):
            message = f"{UNIQUE_KEYS[level]} takes one value, without wildcards"
            raise StatusError(message, status=MISMATCH)


def _has_wildcard(values: Values) -> bool:
    return any("*" in value or "?" in value for value in values)


def _wanted(identifier: Dataset, keyword: str) -> Values:
    return values_of(identifier, keyword, dictionary_VR(keyword))


def _keys_of(identifier: Dataset) -> list[Key]:
    """List the keys; a group length is none."""
    return [_key_of(identifier, tag) for tag in identifier.keys() if tag.element]  # noqa: SIM118


def _key_of(identifier: Dataset, tag: BaseTag) -> Key:
    keyword = keyword_for_tag(tag)
    vr = dictionary_VR(tag)[:2] if keyword else str(identifier.get_item(tag).VR or "UN")
    return Key(tag, keyword, vr, values_of(identifier, keyword, vr) if keyword else ())


def _known_values(index: Index, path: Path, key: Key, entry: Entry) -> Values | None:
    """Find the values of an entity; None of a key that its level does not know."""
    owner = Level.PATIENT if key.keyword in _OF_EVERY_LEVEL else owner_of(key.keyword)
    if owner > len(path):
        return None
    if key.keyword in COMPUTED:
        return COMPUTED[key.keyword](index.group(path[:owner]))
    return entry.values(key.keyword, key.vr) if key.keyword and key.vr in KNOWN_VRS else None


def _answer(level: Level, known: Mapping[Key, Values | None], ae_title: str) -> Answer:
    identifier = Dataset()
    for key, values in known.items():
        identifier.add(element_of(key.tag, key.vr, values or ()))
    identifier.QueryRetrieveLevel = level.name
    if ae_title:
        identifier.RetrieveAETitle = ae_title
    if not all(value.isascii() for values in known.values() for value in values or ()):
        identifier.SpecificCharacterSet = UTF_8
    return Answer(identifier, complete=all(values is not None for values in known.values()))


def _count(level: Level) -> Callable[[list[Entry]], Values]:
    return lambda entries: (str(len({entry.path[:level] for entry in entries})),)


def _distinct(keyword: str) -> Callable[[list[Entry]], Values]:
    vr = dictionary_VR(keyword)
    return lambda entries: tuple(sorted({value for entry in entries for value in entry.values(keyword, vr)}))


COMPUTED: Mapping[str, Callable[[list[Entry]], Values]] = {
    **{keyword: _count(counted) for keyword, (_, counted) in COUNTS.items()},
    "ModalitiesInStudy": _distinct("Modality"),
    "SOPClassesInStudy": _distinct("SOPClassUID"),
    "InstanceAvailability": lambda _: ("ONLINE",),
    "AvailableTransferSyntaxUID": lambda entries: (entries[0].instance.transfer_syntax_uid,),
}
"""Keys that no instance holds: how each comes of what belongs to an entity (PS3.4 C.3.4)."""

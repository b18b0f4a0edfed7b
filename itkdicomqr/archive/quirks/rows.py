"""Quirks of the answers to a C-FIND: rows that are missing, repeated or wrong."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from pydicom.datadict import dictionary_VR, keyword_for_tag
from pydicom.dataset import Dataset

from itkdicomqr.archive.matching import find
from itkdicomqr.archive.quirks.named import Named
from itkdicomqr.archive.seams import Quirk
from itkdicomqr.archive.values import element_of, first_of, values_of
from itkdicomqr.levels import COUNTS, UNIQUE_KEYS, Level
from itkdicomqr.status import CANCELLED, LIMIT_REACHED, PENDING, PENDING_WITHOUT_SOME_KEYS

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from itkdicomqr.archive.seams import Outcome, Request

EVERY_LEVEL = tuple(Level)
IMAGE = (Level.IMAGE,)

GATHERED = (*COUNTS, "ModalitiesInStudy", "SOPClassesInStudy")
"""What is gathered from the levels below."""


def each_row(
    change: Callable[[Dataset, Request], Dataset],
) -> Callable[[Iterator[Outcome], Request], Iterator[Outcome]]:
    """Change each row."""

    def answers(outcomes: Iterator[Outcome], request: Request) -> Iterator[Outcome]:
        for status, identifier in outcomes:
            yield status, None if identifier is None else change(identifier, request)

    return answers


def ending_after(limit: int, status: int | None, levels: Collection[Level]) -> Quirk:
    """End a longer list of rows, with a status or as if it were whole."""

    def answers(outcomes: Iterator[Outcome], request: Request) -> Iterator[Outcome]:
        if request.level not in levels:
            return outcomes
        return _until(limit, outcomes, request, status)

    return Quirk(answers=answers)


def _until(limit: int, outcomes: Iterator[Outcome], request: Request, status: int | None) -> Iterator[Outcome]:
    yield from islice(outcomes, limit)
    if next(outcomes, None):
        request.final = status


def counting_wrongly() -> Quirk:
    """Tell one more than there are."""

    def row(identifier: Dataset, _request: Request) -> Dataset:
        for keyword in COUNTS:
            for number in values_of(identifier, keyword, "IS"):
                setattr(identifier, keyword, int(number) + 1)
        return identifier

    return Quirk(answers=each_row(row))


def collapsing_at_counts() -> Quirk:
    """Answer one row where a number of related entities, or what they have, is asked for."""

    def answers(outcomes: Iterator[Outcome], request: Request) -> Iterator[Outcome]:
        return islice(outcomes, 1) if any(keyword in request.identifier for keyword in GATHERED) else outcomes

    return Quirk(answers=answers)


def repeating_per_instance() -> Quirk:
    """Answer each row as often as it has instances."""

    def answers(outcomes: Iterator[Outcome], request: Request) -> Iterator[Outcome]:
        for status, identifier in outcomes:
            for _ in range(_instances_of(identifier, request)):
                yield status, identifier

    return Quirk(answers=answers)


def _instances_of(identifier: Dataset | None, request: Request) -> int:
    if identifier is None or request.level is None:
        return 1
    key = first_of(identifier, UNIQUE_KEYS[request.level])
    return sum(entry.path[request.level - 1] == key for entry in request.index.entries()) or 1


def overwriting_rows() -> Quirk:
    """Answer the last row in place of every other."""

    def answers(outcomes: Iterator[Outcome], _request: Request) -> Iterator[Outcome]:
        rows = list(outcomes)
        return ((status, rows[-1][1]) for status, _ in rows)

    return Quirk(answers=answers)


def adding_a_row() -> Quirk:
    """Answer one row more, which does not match."""

    def answers(outcomes: Iterator[Outcome], request: Request) -> Iterator[Outcome]:
        told = set()
        for status, identifier in outcomes:
            told.add(_key_of(identifier, request))
            yield status, identifier
        for answer in find(request.index, _universal(request), request.model):
            if _key_of(answer.identifier, request) not in told:
                yield PENDING, answer.identifier
                return

    return Quirk(answers=answers)


def _key_of(identifier: Dataset | None, request: Request) -> str:
    return first_of(identifier, UNIQUE_KEYS[request.level]) if identifier is not None and request.level else ""


def _universal(request: Request) -> Dataset:
    """Ask for everything below the entities that a request names, with the same keys."""
    above = {UNIQUE_KEYS[level] for level in Level if level < (request.level or Level.PATIENT)}
    identifier = Dataset()
    for tag in request.identifier.keys():  # noqa: SIM118
        keyword = keyword_for_tag(tag)
        if keyword in above | {"QueryRetrieveLevel"}:
            identifier[tag] = request.identifier.get_item(tag)
        elif keyword:
            identifier.add(element_of(tag, dictionary_VR(tag)[:2], ()))
    return identifier


def missing_keys_everywhere() -> Quirk:
    """Say of every row that some keys were not supported."""

    def answers(outcomes: Iterator[Outcome], _request: Request) -> Iterator[Outcome]:
        return (
            (status if identifier is None else PENDING_WITHOUT_SOME_KEYS, identifier) for status, identifier in outcomes
        )

    return Quirk(answers=answers)


NAMED = (
    Named(
        "caps-at",
        "ends after N rows with status FE00, though nobody cancelled",
        lambda n: ending_after(n, CANCELLED, EVERY_LEVEL),
        "N",
        seen="Orthanc, but for the IMAGE level",
    ),
    Named(
        "caps-with-b001-at",
        "ends after N rows with status B001",
        lambda n: ending_after(n, LIMIT_REACHED, EVERY_LEVEL),
        "N",
    ),
    Named(
        "caps-silently-at",
        "ends after N rows as if there were no more",
        lambda n: ending_after(n, None, EVERY_LEVEL),
        "N",
    ),
    Named(
        "caps-instances-at",
        "ends after N rows at the IMAGE level with status FE00",
        lambda n: ending_after(n, CANCELLED, IMAGE),
        "N",
        seen="Orthanc",
    ),
    Named(
        "caps-instances-silently-at",
        "ends after N rows at the IMAGE level as if there were no more",
        lambda n: ending_after(n, None, IMAGE),
        "N",
    ),
    Named("wrong-counts", "tells one more than there are", counting_wrongly, seen="tiny-pacs"),
    Named(
        "counts-collapse-rows",
        "answers one row where numbers of related entities, or the modalities of a study, are asked for",
        collapsing_at_counts,
        seen="tiny-pacs",
    ),
    Named("row-per-instance", "answers each row once for every instance", repeating_per_instance, seen="qrscp"),
    Named("overwrites-rows", "answers the last row in place of every other", overwriting_rows, seen="tiny-pacs"),
    Named("extra-rows", "answers one row more, which does not match", adding_a_row, seen="pixelmed"),
    Named(
        "status-ff01", "says of every row that some keys are not supported", missing_keys_everywhere, seen="pixelmed"
    ),
)

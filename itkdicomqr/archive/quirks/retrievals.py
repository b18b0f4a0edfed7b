"""Quirks of C-GET and C-MOVE: what is sent, and what is said of it."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from itertools import count
from typing import TYPE_CHECKING

from itkdicomqr.archive.quirks.named import Named
from itkdicomqr.archive.seams import Conclusion, Quirk, Step
from itkdicomqr.instance import Instance
from itkdicomqr.levels import Level
from itkdicomqr.status import ALL_FAILED, SOME_FAILED, SUCCESS, UNABLE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pydicom.dataset import Dataset

    from itkdicomqr.archive.index import Entry
    from itkdicomqr.archive.seams import Request

_WITHOUT_END = 1 << 30
_ROOT_LENGTH = 54
"""Of a UID, so that a number finds its place behind it (PS3.5 9.1)."""

FORMER = "OLD-"
"""Stands before a Patient ID in the instances of a reconciled patient."""


def sending_only(chosen: Callable[[list[Entry]], list[Entry]]) -> Quirk:
    """Send some, and say that all came."""

    def conclusion(conclusion: Conclusion, request: Request) -> Conclusion:
        if request.operation == "C-FIND" or not request.asked:
            return conclusion
        return Conclusion(SUCCESS, completed=len(request.asked))

    return Quirk(plan=lambda entries, _request: chosen(entries), conclusion=conclusion)


def all_but_the_last_of_several(entries: list[Entry]) -> list[Entry]:
    """Leave one out."""
    return entries[:-1] if len(entries) > 1 else entries


def sending_twice() -> Quirk:
    """Send each instance two times."""
    return Quirk(plan=lambda entries, _request: [entry for entry in entries for _ in range(2)])


def sending_a_foreign_one() -> Quirk:
    """Send an instance of another series too."""

    def plan(entries: list[Entry], request: Request) -> list[Entry]:
        series = {entry.path[: Level.SERIES] for entry in entries}
        others = [entry for entry in request.index.entries() if entry.path[: Level.SERIES] not in series]
        return entries[:1] + others[:1] + entries[1:] if entries else entries

    return Quirk(plan=plan)


def growing(times: int) -> Quirk:
    """Add an instance to a series each time it is retrieved."""
    additions = count(1)

    def plan(entries: list[Entry], request: Request) -> list[Entry]:
        number = next(additions) if entries else times + 1
        if number <= times:
            request.index.add(_following(entries[-1].instance, number))
        return entries

    return Quirk(plan=plan)


def _following(instance: Instance, number: int) -> Instance:
    def change(dataset: Dataset) -> None:
        dataset.SOPInstanceUID = f"{instance.sop_instance_uid[:_ROOT_LENGTH]}.{number}"
        dataset.InstanceNumber = 10000 + number

    return _changed(instance, change)


def under_a_former_id() -> Quirk:
    """Send instances under another Patient ID than the rows tell."""

    def change(dataset: Dataset) -> None:
        dataset.PatientID = f"{FORMER}{dataset.get('PatientID', '')}"

    return Quirk(kept=lambda instance: _changed(instance, change))


def _changed(instance: Instance, change: Callable[[Dataset], None]) -> Instance:
    dataset = replace(instance).dataset
    change(dataset)
    return Instance.from_dataset(dataset)


def stopping_when_unsendable(status: int) -> Quirk:
    """Try no further instance once one could not be sent."""

    def steps(steps: Iterator[Step], request: Request) -> Iterator[Step]:
        for step in steps:
            yield step
            if step.dataset is None:
                request.final = status
                return

    return Quirk(steps=steps)


def skipping_unsendable() -> Quirk:
    """Pass over what cannot be sent, and say nothing of it."""

    def steps(steps: Iterator[Step], _request: Request) -> Iterator[Step]:
        return (step for step in steps if step.dataset is not None)

    return Quirk(steps=steps)


def dropping_when_unsendable() -> Quirk:
    """Abort the association at what cannot be sent."""

    def steps(steps: Iterator[Step], request: Request) -> Iterator[Step]:
        for step in steps:
            if step.dataset is None:
                request.association.abort()
            yield step

    return Quirk(steps=steps)


def dropping_after(number: int) -> Quirk:
    """Abort the association after some instances."""

    def steps(steps: Iterator[Step], request: Request) -> Iterator[Step]:
        for index, step in enumerate(steps):
            if index == number:
                request.association.abort()
            yield step

    return Quirk(steps=steps)


def counting_failed_as_completed() -> Quirk:
    """Warn, count everything as completed and the failed once more, and list none."""

    def conclusion(conclusion: Conclusion, _request: Request) -> Conclusion:
        if conclusion.status not in (SOME_FAILED, ALL_FAILED):
            return conclusion
        return Conclusion(SOME_FAILED, conclusion.completed + conclusion.failed, conclusion.failed, lists_failed=False)

    return Quirk(conclusion=conclusion)


def listing_no_failed() -> Quirk:
    """Leave out the list of what could not be sent."""
    return Quirk(conclusion=lambda conclusion, _request: replace(conclusion, lists_failed=False))


def unable_by(operation: str, number: int) -> Quirk:
    """Fail to send the first instances of a series by this operation, whatever was accepted."""

    def steps(steps: Iterator[Step], request: Request) -> Iterator[Step]:
        for step in steps:
            first = request.index.group(step.entry.path[: Level.SERIES])[:number]
            yield Step(step.entry, None) if request.operation == operation and step.entry in first else step

    return Quirk(steps=steps)


def with_the_first_context_alone() -> Quirk:
    """Use no other presentation context of a class than the first that was accepted."""
    return Quirk(usable=lambda syntaxes: syntaxes[:1])


NAMED = (
    Named("lies-about-success", "sends nothing, and counts all as completed", lambda: sending_only(lambda _: [])),
    Named(
        "sends-only",
        "sends the first N instances of a request, and counts all as completed",
        lambda n: sending_only(lambda entries: entries[:n]),
        "N",
    ),
    Named(
        "drops-last",
        "leaves out the last of several instances, and counts all as completed",
        lambda: sending_only(all_but_the_last_of_several),
    ),
    Named("sends-duplicates", "sends each instance twice", sending_twice),
    Named("sends-foreign", "sends an instance of another series among the others", sending_a_foreign_one),
    Named(
        "changing-series", "adds an instance to a series at each retrieval, N times at most", growing, "N", _WITHOUT_END
    ),
    Named("reconciled-patient", "sends instances whose PatientID is not that of the rows", under_a_former_id),
    Named(
        "unsendable-by-cget",
        "fails to send the first N instances of a series by C-GET, in any context",
        partial(unable_by, "C-GET"),
        "N",
    ),
    Named(
        "unsendable-by-cmove",
        "fails to send the first N instances of a series by C-MOVE, in any context",
        partial(unable_by, "C-MOVE"),
        "N",
    ),
    Named(
        "stops-at-unsendable",
        "ends at the first instance that it cannot send",
        stopping_when_unsendable,
        "STATUS",
        UNABLE,
        seen="Orthanc",
    ),
    Named("skips-unsendable", "passes over what it cannot send, and reports success", skipping_unsendable),
    Named(
        "drops-at-unsendable",
        "aborts the association at what it cannot send",
        dropping_when_unsendable,
        seen="tiny-pacs",
    ),
    Named(
        "counts-unsendable-completed",
        "warns with B000 and counts what it could not send as completed too",
        counting_failed_as_completed,
        seen="pixelmed",
    ),
    Named("no-failed-list", "does not list what it could not send", listing_no_failed, seen="Orthanc, pixelmed"),
    Named("drops-association-after", "aborts the association after N instances", dropping_after, "N"),
    Named(
        "first-context-only",
        "uses only the first accepted context of a class",
        with_the_first_context_alone,
        seen="dcmqrscp",
    ),
)

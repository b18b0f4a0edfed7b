"""Quirks of requests: those that are refused, ignored or kept waiting."""

from __future__ import annotations

from typing import TYPE_CHECKING

from itkdicomqr.archive.matching import Model
from itkdicomqr.archive.quirks.named import Named
from itkdicomqr.archive.seams import Conclusion, Quirk
from itkdicomqr.archive.values import first_of, values_of
from itkdicomqr.errors import StatusError
from itkdicomqr.levels import UNIQUE_KEYS, Level
from itkdicomqr.status import MISMATCH, UNABLE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pydicom.dataset import Dataset

    from itkdicomqr.archive.index import Entry
    from itkdicomqr.archive.seams import Outcome, Request

WITHOUT_STUDY = 0xC413
WITH_UID_LIST = 0xC320


def refusing(is_refused: Callable[[Request], bool], status: int) -> Quirk:
    """Fail with a status."""

    def question(identifier: Dataset, request: Request) -> Dataset:
        if is_refused(request):
            message = "this archive does not answer that"
            raise StatusError(message, status=status)
        return identifier

    return Quirk(question=question)


def silent_at(is_ignored: Callable[[Request], bool]) -> Quirk:
    """Succeed with no row and no instance."""

    def answers(outcomes: Iterator[Outcome], request: Request) -> Iterator[Outcome]:
        return iter(()) if is_ignored(request) else outcomes

    def plan(entries: list[Entry], request: Request) -> list[Entry]:
        request.asked = [] if is_ignored(request) else request.asked
        return [] if is_ignored(request) else entries

    return Quirk(answers=answers, plan=plan)


def dropping_at(is_fatal: Callable[[Request], bool]) -> Quirk:
    """Abort the association."""

    def question(identifier: Dataset, request: Request) -> Dataset:
        if is_fatal(request):
            request.association.abort()
        return identifier

    return Quirk(question=question)


def has_uid_list(request: Request) -> bool:
    """Tell whether a query lists several UIDs."""
    keys = (UNIQUE_KEYS[level] for level in (Level.STUDY, Level.SERIES, Level.IMAGE))
    return request.operation == "C-FIND" and any(len(values_of(request.identifier, key, "UI")) > 1 for key in keys)


def lacks_study(request: Request) -> bool:
    """Tell whether a request below the study names none."""
    below = request.level in (Level.SERIES, Level.IMAGE)
    return below and not first_of(request.identifier, "StudyInstanceUID")


def retrieves_without_study(request: Request) -> bool:
    """Tell whether a C-GET or C-MOVE below the study names none."""
    return request.operation != "C-FIND" and lacks_study(request)


def lacks_patient(request: Request) -> bool:
    """Tell whether a request in the Patient Root model names no patient."""
    below = request.level is not None and request.level > Level.PATIENT
    return request.model is Model.PATIENT_ROOT and below and not first_of(request.identifier, "PatientID")


def asks_for_images(request: Request) -> bool:
    """Tell whether a query asks at the IMAGE level."""
    return request.operation == "C-FIND" and request.level == Level.IMAGE


def is_move(request: Request) -> bool:
    """Tell a C-MOVE."""
    return request.operation == "C-MOVE"


def waiting(seconds: float) -> Quirk:
    """Take time for the first response, as an archive on tape does."""

    def question(identifier: Dataset, request: Request) -> Dataset:
        request.stopping.wait(seconds)
        return identifier

    return Quirk(question=question)


def failing_when_unknown(status: int) -> Quirk:
    """End a C-GET or C-MOVE of what is not there with a status."""

    def conclusion(conclusion: Conclusion, request: Request) -> Conclusion:
        nothing = request.operation != "C-FIND" and not request.asked and conclusion.status == 0
        return Conclusion(status) if nothing else conclusion

    return Quirk(conclusion=conclusion)


NAMED = (
    Named(
        "refuses-uid-lists",
        "fails at a list of UIDs",
        lambda status: refusing(has_uid_list, status),
        "STATUS",
        WITH_UID_LIST,
        seen="qrscp",
    ),
    Named(
        "drops-at-uid-lists",
        "aborts the association at a list of UIDs",
        lambda: dropping_at(has_uid_list),
        seen="tiny-pacs",
    ),
    Named(
        "ignores-uid-lists", "answers no row to a list of UIDs", lambda: silent_at(has_uid_list), seen="pixelmed, CTN"
    ),
    Named(
        "needs-study-uid",
        "fails below the study without StudyInstanceUID",
        lambda status: refusing(lacks_study, status),
        "STATUS",
        MISMATCH,
        seen="pixelmed",
    ),
    Named(
        "silent-without-study-uid",
        "succeeds with nothing below the study without StudyInstanceUID",
        lambda: silent_at(lacks_study),
    ),
    Named(
        "retrieve-silent-without-study-uid",
        "succeeds with nothing at a C-GET or C-MOVE without StudyInstanceUID",
        lambda: silent_at(retrieves_without_study),
        seen="dcmqrscp",
    ),
    Named(
        "retrieve-needs-study-uid",
        "fails at a C-GET or C-MOVE without StudyInstanceUID",
        lambda status: refusing(retrieves_without_study, status),
        "STATUS",
        WITHOUT_STUDY,
        seen="qrscp",
    ),
    Named(
        "needs-patient-id",
        "fails in the Patient Root model without PatientID",
        lambda status: refusing(lacks_patient, status),
        "STATUS",
        MISMATCH,
        seen="qrscp; dcmqrscp and CTN with C000",
    ),
    Named(
        "no-image-level",
        "fails at a query of the IMAGE level",
        lambda status: refusing(asks_for_images, status),
        "STATUS",
        MISMATCH,
    ),
    Named("slow-first-response", "waits before its first response", waiting, "SECONDS", 2.0),
    Named(
        "fails-when-unknown",
        "fails at a series that it does not hold",
        failing_when_unknown,
        "STATUS",
        UNABLE,
        seen="Orthanc, pixelmed",
    ),
    Named("drops-at-move", "aborts the association at a C-MOVE", lambda: dropping_at(is_move), seen="tiny-pacs"),
)

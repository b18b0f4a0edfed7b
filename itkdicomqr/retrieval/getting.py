"""A series by C-GET: whole or shared among associations, and then what is missing, in other ways (PS3.4 C.4.3)."""

from __future__ import annotations

from collections.abc import Collection, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial

from pydicom.uid import UID

from itkdicomqr.association import Association, Deadline, Retrieved
from itkdicomqr.association.contexts import (
    GET,
    LOSSLESS,
    LOSSY,
    MAX_CONTEXTS,
    Proposal,
    likely_classes,
    service,
    storage,
)
from itkdicomqr.association.patience import open_patiently
from itkdicomqr.errors import ConnectionLostError, NoPresentationContextError
from itkdicomqr.instance import Instance
from itkdicomqr.query.identifiers import retrieval_identifier
from itkdicomqr.retrieval.arrivals import Arrivals
from itkdicomqr.retrieval.sharing import Shared

MAX_UIDS = 250
"""How many SOP Instance UIDs a list may have: a longer value changes its VR (PS3.5 6.2.2, 7.1.2)."""

LISTS_EACH = 4
"""Into how many lists the share of an association is cut, so that all end at about the same time."""

Uids = Sequence[str]


@dataclass(frozen=True)
class Attempt:
    """One way to ask for what is missing.

    Attributes
    ----------
    size : int
        How many SOP Instance UIDs one request names.
    syntaxes : tuple of str
        The transfer syntaxes to propose, in order.
    """

    size: int
    syntaxes: tuple[str, ...]


FIRST = Attempt(MAX_UIDS, LOSSLESS)
HEALING = (
    Attempt(MAX_UIDS, LOSSLESS),
    Attempt(1, LOSSLESS),
    # Some archives use only the first context of a class that they accept.
    Attempt(1, tuple(reversed(LOSSLESS))),
    *(Attempt(1, (syntax,)) for syntax in LOSSLESS),
    # Last, since an archive may compress with loss what it could send as it is.
    Attempt(1, (*LOSSLESS, *LOSSY)),
)
"""What is tried for the missing, one after the other, with the classes that the archive tells."""


def by_get(arrivals: Arrivals) -> Iterator[Instance]:
    """Bring what is wanted by C-GET.

    First with the storage classes of the modality and lossless transfer syntaxes; with healing,
    what is missing then is asked for as `HEALING` says.

    Parameters
    ----------
    arrivals : Arrivals
        What is wanted, and what came.

    Yields
    ------
    Instance
        Admitted.

    Raises
    ------
    NetworkError
        The archive cannot be asked.
    """
    likely = likely_classes(arrivals.series.get("Modality") or "")
    yield from _persistently(arrivals, FIRST, likely)
    if not arrivals.choices.heal or not arrivals.is_short:
        return
    if not arrivals.listing.uids:
        yield from _persistently(arrivals, FIRST, [each for each in arrivals.classes if each not in likely])
    elif arrivals.missing:
        told = arrivals.listing.classes()
        for attempt in HEALING:
            if arrivals.missing:
                yield from _persistently(arrivals, attempt, arrivals.classes_of_missing(told))


def _persistently(arrivals: Arrivals, attempt: Attempt, classes: Sequence[str]) -> Iterator[Instance]:
    """Go on with what is missing as long as a connection that breaks brought, or was asked for, something new."""
    asked: set[str] = set()
    before = (-1, 0)
    while (len(arrivals.received), len(asked)) != before:
        before = len(arrivals.received), len(asked)
        try:
            return (yield from _in_groups(arrivals, attempt, classes, asked))
        except ConnectionLostError as error:
            arrivals.keep(error)


def _in_groups(arrivals: Arrivals, attempt: Attempt, classes: Sequence[str], asked: set[str]) -> Iterator[Instance]:
    """Make as many associations, one after the other, as the storage classes need."""
    size = (MAX_CONTEXTS - 1) // len(attempt.syntaxes)
    for start in range(0, len(classes), size):
        if start == 0 or arrivals.is_short:
            yield from _asked(arrivals, attempt, classes[start : start + size], asked)


def _asked(arrivals: Arrivals, attempt: Attempt, classes: Sequence[str], asked: set[str]) -> Iterator[Instance]:
    """Ask on one association, or on several; ``asked`` takes the SOP Instance UIDs that were named by themselves."""
    associations = arrivals.choices.associations or arrivals.endpoint.associations
    proposals = [service(GET[arrivals.endpoint.model]), *storage(classes, attempt.syntaxes)]
    if attempt is FIRST and associations > 1 and arrivals.may_be_shared:
        yield from _shared(arrivals, proposals, associations)
        return
    with _opened(arrivals, proposals, arrivals.deadline) as association:
        if not any(association.accepts(each) for each in classes):
            _note_unaccepted(arrivals, attempt, classes)
            return
        for uids in _wanted(arrivals, attempt, asked):
            asked.update(uids if attempt.size == 1 else ())
            end = yield from arrivals.admitted(_request(arrivals, association, uids))
            arrivals.ended(end, whole=not uids)


def _note_unaccepted(arrivals: Arrivals, attempt: Attempt, classes: Sequence[str]) -> None:
    """Keep that no context was accepted, unless a single syntax was tried; an error if nothing else will be."""
    words = f"no presentation context accepted for {', '.join(UID(each).name for each in classes)}"
    offered = f"{words}, each offered in {', '.join(UID(each).name for each in attempt.syntaxes)}"
    if not arrivals.choices.heal:
        raise NoPresentationContextError(offered, place=arrivals.endpoint.place, step="C-GET")
    if len(attempt.syntaxes) > 1:
        arrivals.note(offered if attempt is FIRST else words)


def _opened(arrivals: Arrivals, proposals: Sequence[Proposal], deadline: Deadline) -> Association:
    return open_patiently(arrivals.endpoint, proposals, deadline, arrivals.choices.back_off)


def _shared(arrivals: Arrivals, proposals: Sequence[Proposal], count: int) -> Iterator[Instance]:
    missing = arrivals.missing
    lists = cut(missing, min(MAX_UIDS, -(-len(missing) // (count * LISTS_EACH))))
    sharing = Shared(
        partial(_opened, arrivals, proposals), partial(_request, arrivals), lists, count, arrivals.deadline
    )
    with closing(sharing.items()) as items:
        for item in items:
            if isinstance(item, Retrieved):
                arrivals.ended(item, whole=False)
            elif arrivals.admit(item):
                yield item


def _wanted(arrivals: Arrivals, attempt: Attempt, asked: Collection[str]) -> list[Uids]:
    """Tell what to ask for: nothing by name while the whole series is wanted, and nothing has come."""
    if attempt is FIRST and arrivals.wants_whole:
        return [()]
    return cut([uid for uid in arrivals.missing if uid not in asked], attempt.size)


def cut(uids: Uids, size: int) -> list[Uids]:
    """Cut a list into lists of at most so many."""
    return [uids[start : start + size] for start in range(0, len(uids), size)]


def _request(arrivals: Arrivals, association: Association, uids: Uids) -> Generator[Instance, None, Retrieved]:
    """Ask for some instances, or for the whole series."""
    node = arrivals.node
    return association.get(retrieval_identifier(arrivals.series, arrivals.endpoint.model, uids, node.character_set))

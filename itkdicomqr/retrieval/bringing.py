"""One series brought into memory, and proven to be whole.

Neither a status nor a counter proves anything: the SOP Instance UIDs that the archive lists are
compared with those that came.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator

from itkdicomqr.errors import (
    ConflictingInstancesError,
    IncompleteSeriesError,
    MoveNothingArrivedError,
    NetworkError,
    SeriesChangingError,
)
from itkdicomqr.instance import Instance
from itkdicomqr.prose import counted, listed
from itkdicomqr.query.table import MAX_SHOWN
from itkdicomqr.query.truncation import LIKELY_LIMITS
from itkdicomqr.retrieval.arrivals import Arrivals
from itkdicomqr.retrieval.endings import Failure
from itkdicomqr.retrieval.receivers import Receivers
from itkdicomqr.retrieval.ways import WAYS

MAX_LISTS = 3
"""How often a list that changes is asked for before the series is given up."""


def bring(arrivals: Arrivals, receivers: Receivers) -> Generator[Instance, None, tuple[str, ...]]:
    """Bring what is wanted of a series, and prove that it is whole.

    Parameters
    ----------
    arrivals : Arrivals
        What is wanted, of which archive, and how.
    receivers : Receivers
        Where a C-MOVE may arrive.

    Yields
    ------
    Instance
        Checked to belong here; one that the archive sends twice comes twice.

    Returns
    -------
    tuple of str
        What is to be said of the proof.

    Raises
    ------
    IncompleteSeriesError
        Some of the listed ones did not come.
    SeriesChangingError
        The list does not stay the same.
    ForeignInstanceError
        One came that is not what it was called, or of another series.
    NetworkError
        The archive cannot be asked; ``received`` and ``missing`` tell what had come.
    """
    try:
        for _ in range(MAX_LISTS):
            yield from _by_all_ways(arrivals, receivers)
            if not arrivals.choices.heal or not _asked_anew(arrivals):
                break
        return (*_proven(arrivals), *arrivals.notices)
    except (NetworkError, MoveNothingArrivedError) as error:
        raise arrivals.told(error)  # noqa: B904


def each_once(instances: Iterable[Instance]) -> list[Instance]:
    """Gather what was brought, and drop what came twice.

    Raises
    ------
    ConflictingInstancesError
        Two instances of one SOP Instance UID differ.
    """
    kept: dict[str, Instance] = {}
    for instance in instances:
        before = kept.setdefault(instance.sop_instance_uid, instance)
        if before.encoded != instance.encoded:
            message = "it came twice, with different content"
            raise ConflictingInstancesError(message, sop_instance_uid=instance.sop_instance_uid)
    return list(kept.values())


def _by_all_ways(arrivals: Arrivals, receivers: Receivers) -> Iterator[Instance]:
    """Try one transport after the other, until nothing is missing."""
    for way in arrivals.choices.ways(arrivals.node):
        try:
            yield from WAYS[way](arrivals, receivers)
        except (NetworkError, MoveNothingArrivedError) as error:
            arrivals.keep(error)
        else:
            if not arrivals.is_short:
                return


def _asked_anew(arrivals: Arrivals) -> bool:
    """Ask for the list again where something came that it lacks; tell whether that has something new to bring."""
    before = arrivals.listing.uids
    if not arrivals.unlisted or not arrivals.listing.is_whole_series:
        return False
    arrivals.listing.ask()
    return arrivals.listing.uids != before and bool(arrivals.missing)


def _proven(arrivals: Arrivals) -> tuple[str, ...]:
    """Compare what came with what is listed; by number, where there is no whole list."""
    uids = arrivals.listing.uids
    if not uids:
        return _of_the_right_number(arrivals)
    if not arrivals.unlisted:
        return _complete(arrivals, uids)
    if not arrivals.missing and arrivals.listing.count() == len(arrivals.received):
        return (_WEAKER.format(listed=len(uids), count=len(arrivals.received)),)
    message = (
        f"the archive sent {counted(len(arrivals.unlisted), 'instance')} that it does not list, even when asked again: "
        "the series may still be changing, so try again later"
    )
    raise SeriesChangingError(message)


_WEAKER = (
    "the archive lists {listed} of the {count} instances that it counts: the proof that all came is their number alone"
)


def _of_the_right_number(arrivals: Arrivals) -> tuple[str, ...]:
    """Compare numbers, since the archive lists nothing."""
    count, came = arrivals.listing.count(), len(arrivals.received)
    if came and count == came:
        return (_WEAKER.format(listed="none", count=count),)
    number = "an unknown number" if count is None else count
    message = (
        f"the archive lists no instances of the series, and {came} came of {number}: nothing proves that it is whole"
    )
    return _accepted_or_refused(arrivals, message, arrivals.failure)


def _complete(arrivals: Arrivals, uids: tuple[str, ...]) -> tuple[str, ...]:
    """Compare sets; a list that is as long as many archives cut them needs the archive's other witnesses."""
    missing = arrivals.missing
    count = arrivals.listing.told_count or 0 if arrivals.listing.is_whole_series else 0
    if missing:
        shortfall = f"{len(missing)} of {len(uids)} listed instances did not come"
        return _accepted_or_refused(arrivals, shortfall, arrivals.failure)
    if count <= len(uids):
        return ()
    differing = f"the archive lists {counted(len(uids), 'instance')}, all of which came, but counts {count}"
    if len(uids) not in LIKELY_LIMITS or arrivals.sent_whole:
        return (differing,)
    # Whatever ended an attempt was healed: the list is what proves too little.
    return _accepted_or_refused(arrivals, f"{differing}: it may cut its lists", None)


def _accepted_or_refused(arrivals: Arrivals, shortfall: str, failure: Failure | None) -> tuple[str, ...]:
    """Take what came, if that is enough for the caller; else say what ended the transfer, or what is missing."""
    if arrivals.choices.partial and arrivals.received:
        return (f"{shortfall} ({arrivals.words})",)
    if failure is not None:
        raise failure
    missing = arrivals.missing
    shown = f": {listed(missing, MAX_SHOWN)}" if missing else ""
    cure = "; partial=True takes what came" if arrivals.received else ""
    message = f"{shortfall} ({arrivals.words}){shown}{cure}"
    raise _incomplete(arrivals, message)


def _incomplete(arrivals: Arrivals, message: str) -> IncompleteSeriesError:
    return IncompleteSeriesError(
        message,
        missing=arrivals.missing,
        received=sorted(arrivals.received),
        server_comment=arrivals.endings.server_comment,
    )

"""One series brought into memory, and proven to be whole.

Neither a status nor a counter proves anything: the SOP Instance UIDs that the IMAGE level lists
are compared with those that came.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Generator, Iterator, Mapping, Sequence
from contextlib import closing

from pydicom.datadict import keyword_for_tag
from pydicom.dataset import Dataset
from pydicom.uid import UID

from itkdicomqr.association import Association, Deadline, Retrieved
from itkdicomqr.association.contexts import GET, LOSSLESS, LOSSY, MAX_CONTEXTS, classes_of, service, storage
from itkdicomqr.catalogue import identifier, path_to
from itkdicomqr.criteria import Level
from itkdicomqr.errors import (
    ConflictingInstancesError,
    ForeignInstanceError,
    IncompleteSeriesError,
    LimitExceededError,
)
from itkdicomqr.instance import SOP_CLASS_UID, SOP_INSTANCE_UID, Instance
from itkdicomqr.node import Node
from itkdicomqr.table import MAX_SHOWN, Row

SERIES_INSTANCE_UID = 0x0020000E

TellClasses = Callable[[], Mapping[str, str]]
"""Asks the archive for SOP Class UIDs by SOP Instance UID; many read every instance to answer."""


def bring_series(
    node: Node, series: Row, expected: Collection[str], tell_classes: TellClasses, deadline: Deadline
) -> Generator[Instance, None, None]:
    """Bring a series by C-GET, and then one by one what did not come.

    First it is asked for with the storage classes of its modality, and in lossless transfer
    syntaxes, since an archive may compress to a lossy one that it is offered. What does not come
    so is asked for again with the classes that the archive tells, and at last with the lossy ones.

    Parameters
    ----------
    node : Node
        The archive.
    series : Row
        Which series.
    expected : collection of str
        The SOP Instance UIDs that the archive lists.
    tell_classes : callable
        Asks for their SOP Class UIDs, if it must be.
    deadline : Deadline
        Of the whole call.

    Yields
    ------
    Instance
        Checked to belong here; one that the archive sends twice comes twice.

    Raises
    ------
    IncompleteSeriesError
        Some of the expected ones did not come.
    ForeignInstanceError
        One came that is not listed, or that is not what it was called.
    """
    arrivals = _Arrivals(node, series, expected, deadline)
    request = identifier(Level.SERIES, path_to(series, Level.SERIES, arrivals.endpoint.model))
    likely = classes_of(series.get("Modality") or "")[: _classes_that_fit(LOSSLESS)]
    yield from _in_groups(arrivals, lambda _: [request], likely, LOSSLESS)
    yield from _missing_singly(arrivals, tell_classes)


def bring_singly(
    node: Node, series: Row, expected: Collection[str], tell_classes: TellClasses, deadline: Deadline
) -> Generator[Instance, None, None]:
    """Bring some instances of a series, each by a C-GET of its own; otherwise like `bring_series`."""
    yield from _missing_singly(_Arrivals(node, series, expected, deadline), tell_classes)


def _missing_singly(arrivals: _Arrivals, tell_classes: TellClasses) -> Iterator[Instance]:
    told = tell_classes() if arrivals.missing else {}
    for syntaxes in (LOSSLESS, (*LOSSLESS, *LOSSY)):
        yield from _in_groups(arrivals, _single_requests, arrivals.classes(told), syntaxes)
    arrivals.prove_complete()


def each_once(instances: Generator[Instance, None, None]) -> list[Instance]:
    """Gather what was brought, and drop what came twice.

    Raises
    ------
    ConflictingInstancesError
        Two instances of one SOP Instance UID differ.
    """
    kept: dict[str, Instance] = {}
    with closing(instances):
        for instance in instances:
            before = kept.setdefault(instance.sop_instance_uid, instance)
            if before.encoded != instance.encoded:
                message = "it came twice, with different content"
                raise ConflictingInstancesError(message, sop_instance_uid=instance.sop_instance_uid)
    return list(kept.values())


class _Arrivals:
    """What was expected of which archive until when, what came, and what the archive said of it."""

    def __init__(self, node: Node, series: Row, expected: Collection[str], deadline: Deadline) -> None:
        self.endpoint = node.get or node
        self.series = series
        self.expected = dict.fromkeys(expected)
        self.deadline = deadline
        self._bytes = 0
        self._received: set[str] = set()
        self._ends: dict[str, str] = {}

    @property
    def missing(self) -> list[str]:
        return [uid for uid in self.expected if uid not in self._received]

    def classes(self, told: Mapping[str, str]) -> tuple[str, ...]:
        """Give the storage classes of what is missing; guessed from the modality where the archive tells none."""
        classes = {told.get(uid, "") for uid in self.missing}
        return tuple(sorted(classes)) if all(classes) else classes_of(self.series.get("Modality") or "")

    def admit(self, instance: Instance) -> None:
        """Check that an instance belongs here, and that the series stays within its limit."""
        self._check_names(instance)
        self._bytes += len(instance.encoded)
        limit = self.endpoint.limits.max_series_bytes
        if self._bytes > limit:
            message = f"the series exceeds {limit} bytes: raise Limits(max_series_bytes=...)"
            raise LimitExceededError(message, place=self.endpoint.place, step="C-GET")
        self._received.add(instance.sop_instance_uid)

    def _check_names(self, instance: Instance) -> None:
        """The data set must be what the command called it, and of the series that was asked for."""
        names = {
            SOP_INSTANCE_UID: instance.sop_instance_uid,
            SOP_CLASS_UID: instance.sop_class_uid,
            SERIES_INSTANCE_UID: self.series.get("SeriesInstanceUID"),
        }
        for tag, expected in names.items():
            found = instance.elements.uid(tag)
            if found != expected:
                message = f"its {keyword_for_tag(tag)} is {found!r:.70}, not {expected}: it is not what was asked for"
                raise ForeignInstanceError(message, sop_instance_uid=instance.sop_instance_uid)
        if instance.sop_instance_uid not in self.expected:
            message = "the archive sent it without listing it: the series may still be changing, so try again later"
            raise ForeignInstanceError(message, sop_instance_uid=instance.sop_instance_uid)

    def note(self, end: str, server_comment: str = "") -> None:
        """Keep how the archive says that a request ended; each wording once."""
        self._ends[end] = server_comment or self._ends.get(end, "")

    def prove_complete(self) -> None:
        """Compare what came with what is listed."""
        missing = self.missing
        if missing or not self.expected:
            shown = ", ".join(missing[:MAX_SHOWN]) + (", ..." if len(missing) > MAX_SHOWN else "")
            message = (
                f"{len(missing)} of {len(self.expected)} listed instances did not come "
                f"(the archive said: {'; '.join(self._ends) or 'nothing'}){': ' if shown else ''}{shown}"
            )
            comments = "; ".join(filter(None, self._ends.values()))
            received = sorted(self._received)
            raise IncompleteSeriesError(message, missing=missing, received=received, server_comment=comments)


def _single_requests(arrivals: _Arrivals) -> list[Dataset]:
    """Ask for each instance that has not come yet."""
    path = path_to(arrivals.series, Level.SERIES, arrivals.endpoint.model)
    return [identifier(Level.IMAGE, {**path, "SOPInstanceUID": uid}) for uid in arrivals.missing]


def _classes_that_fit(syntaxes: Sequence[str]) -> int:
    """Tell how many storage classes one association has presentation contexts for."""
    return (MAX_CONTEXTS - 1) // len(syntaxes)


def _in_groups(
    arrivals: _Arrivals,
    requests: Callable[[_Arrivals], Sequence[Dataset]],
    classes: Sequence[str],
    syntaxes: Sequence[str],
) -> Iterator[Instance]:
    """Make as many associations as the storage classes need."""
    size = _classes_that_fit(syntaxes)
    for start in range(0, len(classes), size):
        if arrivals.missing:
            yield from _get(arrivals, requests(arrivals), classes[start : start + size], syntaxes)


def _get(
    arrivals: _Arrivals, requests: Sequence[Dataset], classes: Sequence[str], syntaxes: Sequence[str]
) -> Iterator[Instance]:
    proposals = [service(GET[arrivals.endpoint.model]), *storage(classes, syntaxes)]
    with Association.open(arrivals.endpoint, proposals, arrivals.deadline) as association:
        if not any(association.accepts(each) for each in classes):
            arrivals.note(f"no presentation context accepted for {', '.join(UID(each).name for each in classes)}")
            return
        for request in requests:
            end = yield from _admitted(association.get(request), arrivals)
            arrivals.note(str(end), end.server_comment)


def _admitted(
    sending: Generator[Instance, None, Retrieved], arrivals: _Arrivals
) -> Generator[Instance, None, Retrieved]:
    while True:
        try:
            instance = next(sending)
        except StopIteration as end:
            retrieved: Retrieved = end.value
            return retrieved
        arrivals.admit(instance)
        yield instance

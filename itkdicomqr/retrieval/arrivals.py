"""What was asked of which archive until when, what came, and what the archive said of it."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import closing
from typing import TypeVar

from itkdicomqr.association import Deadline, Retrieved
from itkdicomqr.association.contexts import classes_of
from itkdicomqr.errors import LimitExceededError, NetworkError
from itkdicomqr.instance import Instance
from itkdicomqr.node import Node
from itkdicomqr.outlines import Outlines
from itkdicomqr.query.table import Row
from itkdicomqr.retrieval.belonging import Belonging
from itkdicomqr.retrieval.choices import Choices
from itkdicomqr.retrieval.endings import Endings, Failure
from itkdicomqr.retrieval.listing import Listing
from itkdicomqr.retrieval.losses import Losses
from itkdicomqr.status import SUCCESS

T = TypeVar("T")

LIST_SECONDS = 0.5
"""How long an error waits for the list that tells what is missing."""


class Arrivals:
    """One series on its way.

    Parameters
    ----------
    node : Node
        The archive.
    series : Row
        Which series.
    listing : Listing
        What it should have.
    choices : Choices
        What the caller chose.
    deadline : Deadline
        Of the whole call.

    Attributes
    ----------
    received : dict of str to str
        The transfer syntaxes of what came, by SOP Instance UID.
    sent_whole : bool
        Whether the archive claims to have sent the whole series by one request.
    losses : Losses
        What came compressed with loss.
    endpoint : Node
        Where C-GET goes.
    endings : Endings
        How the attempts ended.
    """

    def __init__(self, node: Node, series: Row, listing: Listing, choices: Choices, deadline: Deadline) -> None:
        self.node = node
        self.series = series
        self.listing = listing
        self.choices = choices
        self.deadline = deadline
        self.received: dict[str, str] = {}
        self.sent_whole = False
        self.losses = Losses(listing, allowed=choices.allow_lossy)
        self.endpoint = node.get or node
        self._outlines = Outlines()
        self.endings = Endings()
        self._count = self._bytes = 0
        self._belonging = Belonging(series, node.character_set)

    @property
    def missing(self) -> list[str]:
        """The listed SOP Instance UIDs that have not come; it waits for the list."""
        return [uid for uid in self.listing.uids or () if uid not in self.received]

    @property
    def unlisted(self) -> list[str]:
        """The SOP Instance UIDs that came and are not listed."""
        listed = frozenset(self.listing.uids or self.received)
        return [uid for uid in self.received if uid not in listed]

    @property
    def is_short(self) -> bool:
        """Whether more is to be had; without a list, whether fewer came than the archive counts."""
        if self.listing.uids:
            return bool(self.missing)
        return not self.received or len(self.received) < (self.listing.count() or 0)

    @property
    def is_complete(self) -> bool:
        """Whether all came, as far as that is known by now: it waits for nothing."""
        known = self.listing.known
        return all(uid in self.received for uid in known) if known else self.listing.told_count == len(self.received)

    @property
    def wants_whole(self) -> bool:
        """Whether to ask for the series, rather than for some of its instances."""
        return self.listing.is_whole_series and not (self.received and self.listing.uids)

    @property
    def may_be_shared(self) -> bool:
        """Whether the series may come in parts, by UIDs: if its list is believed whole; it may ask for the count."""
        listed = len(self.listing.uids or ())
        is_all = not self.listing.is_whole_series or self.listing.is_believed(listed)
        return len(self.missing) > 1 and is_all

    @property
    def classes(self) -> tuple[str, ...]:
        """The storage classes that the modality makes likely."""
        return classes_of(self.series.get("Modality") or "")

    def classes_of_missing(self, told: Mapping[str, str]) -> tuple[str, ...]:
        """Give the storage classes of what is missing; the likely ones where the archive tells none."""
        classes = {told.get(uid, "") for uid in self.missing}
        return tuple(sorted(classes)) if all(classes) else self.classes

    def admit(self, instance: Instance) -> bool:
        """Check that an instance belongs here, and that the series stays within its limit.

        Returns
        -------
        bool
            Whether it is taken: not if others were asked for, or if it was compressed with loss on the way.

        Raises
        ------
        ForeignInstanceError
            It is of another study or series, or not what the C-STORE request called it.
        LimitExceededError
            The series has too many bytes, or instances.
        """
        instance.scan(self._outlines)
        self._belonging.check(instance)
        self._check_limits(instance)
        if not self.listing.wants(instance.sop_instance_uid) or self.losses.refuse(instance):
            return False
        self._belonging.compare_patient(instance)
        self.received.setdefault(instance.sop_instance_uid, instance.transfer_syntax_uid)
        return True

    def admitted(self, coming: Generator[Instance, None, T]) -> Generator[Instance, None, T]:
        """Give what comes once it is admitted, and return how it ended."""
        with closing(coming):
            while True:
                try:
                    instance = next(coming)
                except StopIteration as end:
                    ended: T = end.value
                    return ended
                if self.admit(instance):
                    yield instance

    def _check_limits(self, instance: Instance) -> None:
        limits = self.node.limits
        self._count += 1
        self._bytes += len(instance.encoded)
        if self._bytes > limits.max_series_bytes:
            message = f"the series exceeds {limits.max_series_bytes} bytes: raise Limits(max_series_bytes=...)"
        elif self._count > limits.max_instances:
            message = f"more than {limits.max_instances} instances came: raise Limits(max_instances=...)"
        else:
            return
        raise LimitExceededError(message, place=self.node.place, step=instance.origin)

    @property
    def notices(self) -> tuple[str, ...]:
        """What is to be said of what came, without values."""
        return (*self._belonging.notices, *self.losses.notices())

    def ended(self, end: Retrieved, *, whole: bool) -> None:
        """Keep how the archive says that a request ended, and whether it claims to have sent the whole series."""
        self.note(str(end), end.server_comment)
        self.sent_whole = self.sent_whole or (whole and end.status == SUCCESS and not end.failed)

    def note(self, end: str, server_comment: str = "") -> None:
        """Keep how the archive says that a request ended."""
        self.endings.note(end, server_comment)

    def keep(self, error: Failure) -> None:
        """Keep why an attempt ended too early, for when nothing else helps.

        Raises
        ------
        NetworkError, MoveNothingArrivedError
            At once, if nothing else is to be tried, and what came is not enough.
        """
        self.endings.keep(error)
        if not self.choices.heal and not self.choices.partial:
            raise error

    @property
    def words(self) -> str:
        """How the attempts ended, and what was refused of what the archive sent."""
        return self.endings.words(self.losses.refusals(self.received))

    @property
    def failure(self) -> Failure | None:
        """What kept the archive from having the last word."""
        return self.endings.failure(anything_came=bool(self.received))

    def told(self, error: Failure) -> Failure:
        """Say in an error what had come by then, and what else failed."""
        if isinstance(error, NetworkError):
            error.besides = self.endings.besides(error)
        error.received = tuple(self.received)
        patience = 0 if self.deadline.cancelled else max(0.0, min(LIST_SECONDS, self.deadline.remaining))
        error.missing = tuple(uid for uid in self.listing.known_soon(patience) if uid not in self.received)
        return error

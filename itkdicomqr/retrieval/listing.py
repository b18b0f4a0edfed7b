"""Which instances a series has, as the archive lists them, asked for while they come."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import AbstractContextManager
from functools import cached_property
from types import TracebackType
from typing import Self

from itkdicomqr.association import Deadline
from itkdicomqr.errors import (
    AssociationRejectedError,
    ConnectionLostError,
    NetworkError,
    NoPresentationContextError,
    ProtocolError,
    StatusError,
    TruncatedMatchesError,
)
from itkdicomqr.levels import RELATED_INSTANCES
from itkdicomqr.query.catalogue import Catalogue
from itkdicomqr.query.table import Row
from itkdicomqr.query.truncation import FEWEST_CUT
from itkdicomqr.tasks import Task

OpenCatalogue = Callable[[Deadline], AbstractContextManager[Catalogue]]
"""Opens the archive's query service."""

NOT_TO_BE_HAD = (
    StatusError,
    TruncatedMatchesError,
    ProtocolError,
    ConnectionLostError,
    NoPresentationContextError,
)
"""How archives fail that can be reached, and give no list of instances."""


class Listing:
    """What an archive says of the instances of a series, as a context manager that ends its questions.

    Parameters
    ----------
    series : Row
        Which series.
    open_catalogue : callable
        Opens the archive's query service.
    deadline : Deadline
        Of the whole call.
    uids : collection of str, optional
        The SOP Instance UIDs that are wanted, if they are known; else the archive is asked for all.
    """

    def __init__(
        self,
        series: Row,
        open_catalogue: OpenCatalogue,
        deadline: Deadline,
        uids: Collection[str] | None = None,
    ) -> None:
        self._series = series
        self._open_catalogue = open_catalogue
        self._deadline = deadline.scope()
        self._known = None if uids is None else tuple(dict.fromkeys(uids))
        self._asking: Task[tuple[str, ...] | None] | None = None

    def __enter__(self) -> Self:
        if self._known is None:
            self.ask()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._asking is not None:
            if not self._asking.done():
                self._deadline.cancel()
            self._asking.join()

    def ask(self) -> None:
        """Ask for the list, once more if there is one; `uids` waits for it."""
        self._asking = Task(self._listed, "IMAGE level")

    @property
    def uids(self) -> tuple[str, ...] | None:
        """The SOP Instance UIDs; None where the archive gives no whole list.

        Raises
        ------
        NetworkError
            It does not answer.
        """
        if self._asking is None:
            return self._known
        if _was_rejected_for_now(self._asking):
            # Some archives have room for one association, which the transfer had.
            self.ask()
        return self._asking.result()

    @property
    def known(self) -> tuple[str, ...]:
        """The SOP Instance UIDs, as far as they are known by now."""
        if self._asking is None:
            return self._known or ()
        return (self._asking.result() or ()) if self._asking.done() and self._asking.exception() is None else ()

    def known_soon(self, seconds: float) -> tuple[str, ...]:
        """Give the SOP Instance UIDs, if they are known within so long."""
        if self._asking is not None:
            self._asking.join(seconds)
        return self.known

    @property
    def is_whole_series(self) -> bool:
        """Whether all instances of the series are wanted."""
        return self._known is None

    def wants(self, uid: str) -> bool:
        """Tell whether an instance is wanted, if it belongs to the series."""
        return self._known is None or uid in self._known

    @property
    def told_count(self) -> int | None:
        """How many instances the series has, as its row tells."""
        return self._series.number(RELATED_INSTANCES)

    def count(self) -> int | None:
        """How many instances the series has, as its row or the archive tells; None where neither does."""
        return self.told_count if self.told_count is not None else self._asked_count

    def is_believed(self, listed: int) -> bool:
        """Tell whether so many listed instances are all: the archive counts no more, or would not cut so few."""
        count = self.told_count if listed < FEWEST_CUT else self.count()
        return listed < FEWEST_CUT if count is None else count <= listed

    @cached_property
    def _asked_count(self) -> int | None:
        try:
            with self._open_catalogue(self._deadline) as catalogue:
                told = catalogue.counts(self._series).get(self._series.get("SeriesInstanceUID") or "")
        except NetworkError:
            return None
        return told.number(RELATED_INSTANCES) if told else None

    def classes(self) -> Mapping[str, str]:
        """Ask for SOP Class UIDs by SOP Instance UID; many archives read every instance to answer."""
        try:
            with self._open_catalogue(self._deadline) as catalogue:
                return catalogue.classes(self._series)
        except (NetworkError, TruncatedMatchesError):
            return {}

    def lossless(self) -> Mapping[str, bool]:
        """Tell by SOP Instance UID which instances the archive keeps without loss; it is asked once."""
        return self._lossless

    @cached_property
    def _lossless(self) -> Mapping[str, bool]:
        try:
            with self._open_catalogue(self._deadline) as catalogue:
                return catalogue.lossless(self._series)
        except (NetworkError, TruncatedMatchesError):
            return {}

    def _listed(self) -> tuple[str, ...] | None:
        try:
            with self._open_catalogue(self._deadline) as catalogue:
                return _uids(catalogue.instances(self._series))
        except NOT_TO_BE_HAD:
            return None


def _was_rejected_for_now(asking: Task[tuple[str, ...] | None]) -> bool:
    """Wait for the end of a question; tell whether it may be asked again."""
    error = asking.exception()
    return isinstance(error, AssociationRejectedError) and error.transient


def _uids(rows: Iterable[Row]) -> tuple[str, ...]:
    return tuple(row.get("SOPInstanceUID") or "" for row in rows)

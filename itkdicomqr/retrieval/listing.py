"""Which instances a series has, as the archive lists them, asked for while they come."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Self

from itkdicomqr.association import Deadline
from itkdicomqr.catalogue import SERIES_COUNT, Catalogue
from itkdicomqr.errors import StatusError, TruncatedMatchesError
from itkdicomqr.table import Row
from itkdicomqr.tasks import Task

OpenCatalogue = Callable[[Deadline], AbstractContextManager[Catalogue]]
"""Opens the archive's query service."""


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
        return self._asking.result() if self._asking is not None else self._known

    @property
    def known(self) -> tuple[str, ...]:
        """The SOP Instance UIDs, as far as they are known by now."""
        if self._asking is None:
            return self._known or ()
        return (self._asking.result() or ()) if self._asking.done() and self._asking.exception() is None else ()

    @property
    def is_whole_series(self) -> bool:
        """Whether all instances of the series are wanted."""
        return self._known is None

    def count(self) -> int | None:
        """How many instances the series has, as its row or the archive tells; None where neither does."""
        told = self._series.get(SERIES_COUNT)
        if told is None:
            with self._open_catalogue(self._deadline) as catalogue:
                told = catalogue.counts(self._series).get(self._series.get("SeriesInstanceUID") or "")
        return int(told) if told and told.isdecimal() else None

    def classes(self) -> Mapping[str, str]:
        """Ask for SOP Class UIDs by SOP Instance UID; many archives read every instance to answer."""
        try:
            with self._open_catalogue(self._deadline) as catalogue:
                return catalogue.classes(self._series)
        except (StatusError, TruncatedMatchesError):
            return {}

    def _listed(self) -> tuple[str, ...] | None:
        try:
            with self._open_catalogue(self._deadline) as catalogue:
                return _uids(catalogue.instances(self._series))
        except (StatusError, TruncatedMatchesError):
            return None


def _uids(rows: Iterable[Row]) -> tuple[str, ...]:
    return tuple(row.get("SOPInstanceUID") or "" for row in rows)

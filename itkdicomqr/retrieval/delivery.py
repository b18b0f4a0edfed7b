"""A series on its way to whoever takes its instances one by one."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from functools import partial
from types import TracebackType
from typing import Self

from itkdicomqr.association import Deadline
from itkdicomqr.instance import Instance
from itkdicomqr.node import Node
from itkdicomqr.query.catalogues import catalogue_of
from itkdicomqr.query.table import Row
from itkdicomqr.retrieval.arrivals import Arrivals
from itkdicomqr.retrieval.bringing import bring
from itkdicomqr.retrieval.choices import Choices
from itkdicomqr.retrieval.listing import Listing
from itkdicomqr.retrieval.receivers import Receivers

MAX_CREDIBLE = 4096
"""How many instances a row alone is believed to tell of: memory is taken for as many."""


class Delivery:
    """One series as it comes; a context manager, so that nothing goes on when it is left.

    Iterate over it once. Its list of instances is asked for from the beginning.

    Parameters
    ----------
    node : Node
        The archive.
    series : Row
        Which series.
    choices : Choices
        How it is brought.
    receivers : Receivers
        Where a C-MOVE may arrive.
    deadline : Deadline
        Of the whole call.
    uids : collection of str, optional
        Only these SOP Instance UIDs.

    Attributes
    ----------
    notices : tuple of str
        What is to be said of the proof that the series is whole, once all came.
    """

    def __init__(
        self,
        node: Node,
        series: Row,
        choices: Choices,
        receivers: Receivers,
        deadline: Deadline,
        uids: Collection[str] | None = None,
    ) -> None:
        scope = deadline.scope()
        self._listing = Listing(series, partial(catalogue_of, node), scope, uids)
        self._coming = bring(Arrivals(node, series, self._listing, choices, scope), receivers)
        self.notices: tuple[str, ...] = ()

    def __enter__(self) -> Self:
        self._listing.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            self._coming.close()
        finally:
            self._listing.__exit__(kind, error, traceback)

    def __iter__(self) -> Iterator[Instance]:
        self.notices = yield from self._coming

    @property
    def expected(self) -> int:
        """How many instances will come, as the row tells; else as the archive lists them, for which it waits."""
        told = self._listing.told_count if self._listing.is_whole_series else None
        return told if told and told <= MAX_CREDIBLE else len(self._listing.uids or ())

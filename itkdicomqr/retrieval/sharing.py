"""One series over several associations: an SCP waits a round trip for each instance, so they hide it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing, suppress
from enum import Enum, auto
from functools import partial
from queue import Full, Queue
from time import monotonic

from itkdicomqr.association import Association, Deadline, Retrieved
from itkdicomqr.instance import Instance
from itkdicomqr.tasks import Task

Uids = Sequence[str]

QUEUED_EACH = 2
"""How many instances of each association may wait for the consumer; beyond, the archive waits."""

POLL_SECONDS = 0.1
"""How soon a thread notices that the call was cancelled."""

LEAVE_SECONDS = 0.3
"""How long an association that comes too late may take to be opened and released, before it is aborted."""


class Shared:
    """Several associations that take lists of SOP Instance UIDs from one queue.

    Parameters
    ----------
    open_association : callable
        Opens one, until a deadline.
    ask : callable
        Asks on an association for the instances of a list.
    lists : sequence of sequence of str
        What to ask for.
    count : int
        How many associations.
    deadline : Deadline
        Of the whole call.
    """

    def __init__(
        self,
        open_association: Callable[[Deadline], Association],
        ask: Callable[[Association, Uids], Generator[Instance, None, Retrieved]],
        lists: Sequence[Uids],
        count: int,
        deadline: Deadline,
    ) -> None:
        self._open_association = open_association
        self._ask = ask
        self._lists = deque(lists)
        self._unfinished = len(lists)
        self._deadlines = [deadline.scope() for _ in range(min(count, len(lists)))]
        self._opening = set(self._deadlines)
        self._queue: Queue[Instance | Retrieved | _End] = Queue(QUEUED_EACH * count)

    def items(self) -> Generator[Instance | Retrieved, None, None]:
        """Give the instances as they come, and how each request ended.

        Raises
        ------
        NetworkError
            What ended an association too early, unless the others brought all.
        """
        tasks: list[Task[None]] = []
        try:
            for deadline in self._deadlines:
                tasks.append(Task(partial(self._work, deadline), "C-GET"))  # noqa: PERF401 if one cannot begin, the others end
            yield from self._until_done()
            # Who still waits to be let in would find nothing to do; who is about to be in may leave in order.
            _join(tasks, LEAVE_SECONDS)
            _cancel(self._opening)
            _join(tasks)
            if self._unfinished:
                for task in tasks:
                    task.result()
        finally:
            _cancel(self._deadlines)
            _join(tasks)

    def _until_done(self) -> Iterator[Instance | Retrieved]:
        """Give what comes until all lists are finished, or nobody is left who could."""
        working = len(self._deadlines)
        while working and self._unfinished:
            item = self._queue.get()
            if item is _End.LIST:
                self._unfinished -= 1
            elif item is _End.ASSOCIATION:
                working -= 1
            else:
                yield item

    def _work(self, deadline: Deadline) -> None:
        try:
            with self._open_association(deadline) as association:
                self._opening.discard(deadline)
                while (uids := self._next()) is not None:
                    self._fetch(association, uids, deadline)
                    self._put(_End.LIST, deadline)
        finally:
            self._put(_End.ASSOCIATION, deadline)

    def _next(self) -> Uids | None:
        """Take a list, as the other threads do; None once there is none."""
        try:
            return self._lists.popleft()
        except IndexError:
            return None

    def _fetch(self, association: Association, uids: Uids, deadline: Deadline) -> None:
        """Ask for a list; one by one where the archive heeds none."""
        came = 0
        with closing(self._ask(association, uids)) as instances:
            try:
                while True:
                    self._put(next(instances), deadline)
                    came += 1
            except StopIteration as end:
                self._put(end.value, deadline)
        if not came and len(uids) > 1:
            for uid in uids:
                self._fetch(association, (uid,), deadline)

    def _put(self, item: Instance | Retrieved | _End, deadline: Deadline) -> None:
        """Queue an item once there is room, unless nobody waits any more."""
        while not deadline.cancelled:
            with suppress(Full):
                self._queue.put(item, timeout=POLL_SECONDS)
                return
        if not isinstance(item, _End):
            deadline.left(0)


class _End(Enum):
    """What ended."""

    LIST = auto()
    ASSOCIATION = auto()


def _cancel(deadlines: Iterable[Deadline]) -> None:
    for deadline in tuple(deadlines):
        deadline.cancel()


def _join(tasks: Iterable[Task[None]], seconds: float | None = None) -> None:
    """Wait until all have ended, or so long altogether."""
    until = None if seconds is None else monotonic() + seconds
    for task in tasks:
        task.join(None if until is None else max(0.0, until - monotonic()))

"""One series over several associations: an SCP waits a round trip for each instance, so they hide it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Sequence
from contextlib import closing, suppress
from queue import Empty, Full, Queue

from itkdicomqr.association import Association, Deadline, Retrieved
from itkdicomqr.instance import Instance
from itkdicomqr.tasks import Task

Uids = Sequence[str]

QUEUED_EACH = 2
"""How many instances of each association may wait for the consumer; beyond, the archive waits."""

POLL_SECONDS = 0.1
"""How soon a thread notices that the call was cancelled."""


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
        self._count = min(count, len(lists))
        self._deadline = deadline.scope()
        self._queue: Queue[Instance | Retrieved | None] = Queue(QUEUED_EACH * count)

    def items(self) -> Generator[Instance | Retrieved, None, None]:
        """Give the instances as they come, and how each request ended.

        Raises
        ------
        NetworkError
            What ended an association too early, when the others have given what they had.
        """
        tasks = [Task(self._work, "C-GET") for _ in range(self._count)]
        try:
            working = len(tasks)
            while working:
                item = self._queue.get()
                if item is None:
                    working -= 1
                else:
                    yield item
            for task in tasks:
                task.result()
        finally:
            self._deadline.cancel()
            for task in tasks:
                self._drain()
                task.join()

    def _work(self) -> None:
        try:
            with self._open_association(self._deadline) as association:
                while self._lists:
                    self._fetch(association, self._lists.popleft())
        finally:
            self._put(None)

    def _fetch(self, association: Association, uids: Uids) -> None:
        """Ask for a list; one by one where the archive heeds none."""
        came = 0
        with closing(self._ask(association, uids)) as instances:
            try:
                while True:
                    self._put(next(instances))
                    came += 1
            except StopIteration as end:
                self._put(end.value)
        if not came and len(uids) > 1:
            for uid in uids:
                self._fetch(association, (uid,))

    def _put(self, item: Instance | Retrieved | None) -> None:
        """Queue an item once there is room, unless nobody waits any more."""
        while not self._deadline.cancelled:
            with suppress(Full):
                self._queue.put(item, timeout=POLL_SECONDS)
                return
        if item is not None:
            self._deadline.left(0)

    def _drain(self) -> None:
        """Make room for whoever still puts."""
        with suppress(Empty):
            while True:
                self._queue.get_nowait()

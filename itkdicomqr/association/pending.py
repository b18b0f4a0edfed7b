"""What our receiver waits for: the series of the moves that are under way, and a queue for each."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection
from threading import Condition
from time import monotonic

from itkdicomqr import status
from itkdicomqr.association.deadline import Deadline
from itkdicomqr.errors import CorruptInstanceError, LimitExceededError, NetworkError, ProtocolError
from itkdicomqr.instance import SERIES_INSTANCE_UID, Instance

MAX_QUEUED_BYTES = 16 << 20
"""How much of a series waits for its consumer; beyond, the archive waits. One instance always fits."""

MAX_PROBLEMS = 16
"""How many problems are kept for one move."""


class Pending:
    """One series that is expected; made by `Receiver.expect`.

    Parameters
    ----------
    series_uid : str
        Its Series Instance UID.
    deadline : Deadline
        Of the call that waits for it.
    instance_uids : collection of str, optional
        Only these of its SOP Instance UIDs.
    lossy : bool
        Whether transfer syntaxes that lose something are accepted.

    Attributes
    ----------
    was_heard, was_reached : bool
        Whether anything came at all, and whether to our receiver.
    """

    def __init__(
        self, series_uid: str, deadline: Deadline, instance_uids: Collection[str] | None = None, *, lossy: bool = False
    ) -> None:
        self.series_uid = series_uid
        self.deadline = deadline
        self.lossy = lossy
        self._instance_uids = instance_uids
        self._changed = Condition()
        self._queue: deque[Instance] = deque()
        self._bytes = 0
        self._closed = self._woken = False
        self._problems: dict[str, NetworkError | LimitExceededError] = {}
        self._heard_at = monotonic()
        self.was_heard = self.was_reached = False

    def expects(self, instance: Instance) -> bool:
        """Tell whether an instance is one of these, by its data set: what the command says of its origin may lie."""
        return instance.elements.uid(SERIES_INSTANCE_UID) == self.series_uid and (
            self._instance_uids is None or instance.sop_instance_uid in self._instance_uids
        )

    def put(self, instance: Instance) -> bool:
        """Queue an instance once there is room; False when nobody waits for it any more."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._fits(instance))
            if not self._closed:
                self._queue.append(instance)
                self._bytes += len(instance.encoded)
                self._changed.notify_all()
            return not self._closed

    def take(self, seconds: float) -> Instance | None:
        """Give the next instance; None if none comes in time, or `wake` is called."""
        with self._changed:
            self._changed.wait_for(lambda: self._queue or self._woken or self._closed, seconds)
            self._woken = False
            if not self._queue:
                return None
            instance = self._queue.popleft()
            self._bytes -= len(instance.encoded)
            self._changed.notify_all()
            return instance

    def wake(self) -> None:
        """End a `take` that waits."""
        with self._changed:
            self._woken = True
            self._changed.notify_all()

    def heard(self) -> None:
        """Take note that something came."""
        self._heard_at, self.was_heard = monotonic(), True

    def reached(self) -> None:
        """Take note that a peer sent a byte to our receiver."""
        self.was_reached = True
        self.heard()

    @property
    def silence(self) -> float:
        """Seconds since something came."""
        return monotonic() - self._heard_at

    def note(self, problem: NetworkError | LimitExceededError) -> None:
        """Keep what went wrong with an association that may have been meant for this series; each wording once."""
        with self._changed:
            if len(self._problems) < MAX_PROBLEMS:
                self._problems.setdefault(str(problem), problem)
            self._changed.notify_all()

    def problem_soon(self, seconds: float) -> bool:
        """Wait so long for something to have gone wrong: the archive may know it before our receiver does."""
        with self._changed:
            return self._changed.wait_for(lambda: bool(self._problems), seconds)

    @property
    def problems(self) -> tuple[NetworkError | LimitExceededError, ...]:
        """What went wrong meanwhile; without patient data."""
        return tuple(self._problems.values())

    def close(self) -> None:
        """Wait no more: what is queued is dropped, and what comes is refused."""
        with self._changed:
            self._closed = True
            self._queue.clear()
            self._changed.notify_all()

    def _fits(self, instance: Instance) -> bool:
        return not self._queue or self._bytes + len(instance.encoded) <= MAX_QUEUED_BYTES


class Register:
    """Every series that is expected at a moment: changed by one thread at a time, and read by all of a receiver."""

    def __init__(self) -> None:
        self._pending: tuple[Pending, ...] = ()

    def __bool__(self) -> bool:
        return bool(self._pending)

    def add(self, pending: Pending) -> None:
        """Expect one more."""
        self._pending = (*self._pending, pending)

    def remove(self, pending: Pending) -> None:
        """Expect it no longer."""
        self._pending = tuple(each for each in self._pending if each is not pending)
        pending.close()

    def close(self) -> None:
        """Expect nothing any more."""
        for pending in self._pending:
            self.remove(pending)

    @property
    def lossy(self) -> bool:
        """Whether one of them may come in a transfer syntax that loses something."""
        return any(pending.lossy for pending in self._pending)

    def deadline(self) -> Deadline:
        """Give the one that ends last."""
        return max(
            (pending.deadline for pending in self._pending),
            default=Deadline(0),
            key=lambda deadline: deadline.remaining,
        )

    def reached(self) -> None:
        """Take note that a peer sent something, whichever series it belongs to: that shows only later."""
        for pending in self._pending:
            pending.reached()

    def note(self, problem: NetworkError | LimitExceededError) -> None:
        """Keep a problem for everyone who waits."""
        for pending in self._pending:
            pending.note(problem)

    def deliver(self, instance: Instance) -> int:
        """Queue an instance for whom it was asked, and give the status to answer with (PS3.4 B.2.3)."""
        try:
            takers = [pending for pending in self._pending if pending.expects(instance)]
        except (CorruptInstanceError, LimitExceededError) as error:
            self.note(ProtocolError(f"an instance was refused: {error}"))
            return status.UNABLE
        # Each has its own bytes: whoever reads them may give their memory back.
        copies = [instance, *(instance.copied() for _ in takers[1:])] if takers else []
        taken = [pending.put(each) for pending, each in zip(takers, copies, strict=True)]
        if any(taken):
            return status.SUCCESS
        self.note(ProtocolError("instances were refused that belong to no series that is expected"))
        return status.MISMATCH

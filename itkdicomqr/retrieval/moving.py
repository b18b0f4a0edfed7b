"""A series by C-MOVE: asked for on one association, and sent to our receiver on others (PS3.4 C.4.2)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Generator, Iterator, Sequence
from concurrent.futures import Future
from contextlib import closing, contextmanager
from dataclasses import dataclass
from threading import Event

from pydicom.dataset import Dataset

from itkdicomqr import status
from itkdicomqr.association import Association, Deadline, Retrieved
from itkdicomqr.association.association import TICK_SECONDS
from itkdicomqr.association.contexts import MOVE, service
from itkdicomqr.association.patience import BACK_OFF, open_patiently
from itkdicomqr.association.pending import Pending
from itkdicomqr.association.receiver import Receiver
from itkdicomqr.errors import (
    ConnectionLostError,
    DeadlineError,
    LimitExceededError,
    MoveNothingArrivedError,
    NetworkError,
)
from itkdicomqr.instance import Instance
from itkdicomqr.node import Node
from itkdicomqr.tasks import Task

_SECURITY = {True: "with TLS", False: "without TLS"}

PROBLEM_SECONDS = 0.3
"""How long our receiver may take to notice what went wrong with an association, where nothing came."""

LATE_AFTER = frozenset({status.SUCCESS, status.SOME_FAILED})
"""The ends after which instances may still come: some archives answer before they send."""


@dataclass(frozen=True)
class Moved(Retrieved):
    """How a C-MOVE ended, in the archive's words, and what our receiver saw.

    Attributes
    ----------
    problems : tuple of NetworkError or LimitExceededError
        What went wrong with associations to our receiver.
    """

    problems: tuple[NetworkError | LimitExceededError, ...] = ()

    def __str__(self) -> str:
        return "; ".join([super().__str__(), *map(str, self.problems)])


def move(
    node: Node,
    request: Dataset,
    receiver: Receiver,
    deadline: Deadline,
    *,
    complete: Callable[[], bool],
    proven: bool = False,
    lossy: bool = False,
    back_off: Sequence[float] = BACK_OFF,
) -> Generator[Instance, None, Moved]:
    """Bring instances of one series by C-MOVE.

    Parameters
    ----------
    node : Node
        The archive; it sends to the AE title ``node.calling_ae_title``.
    request : Dataset
        The identifier: SERIES level, or IMAGE level with some of the SOP Instance UIDs.
    receiver : Receiver
        Where they arrive.
    deadline : Deadline
        Of the whole call.
    complete : callable
        Tells whether all has been yielded that is wanted; until then, what is late is waited for.
    proven : bool
        Whether something came by C-MOVE before, so that nothing is wrong with the archive's configuration.
    lossy : bool
        Whether transfer syntaxes that lose something are accepted.
    back_off : sequence of float
        Seconds to wait before each further try of an association that the archive rejects for now.

    Yields
    ------
    Instance
        As they come; of the series, and otherwise not yet checked.

    Returns
    -------
    Moved
        How it ended.

    Raises
    ------
    MoveNothingArrivedError
        Nothing came, nor did the archive connect to our receiver as it should; it says what must be configured.
    AssociationRejectedError
        The archive rejects the association, permanently or still.
    DeadlineError
        Neither an answer nor an instance came in time.
    """
    endpoint = node.move or node
    uids = request.get("SOPInstanceUID")
    wanted = None if not uids else {uids} if isinstance(uids, str) else set(uids)
    with (
        open_patiently(endpoint, [service(MOVE[endpoint.model])], deadline, back_off) as association,
        receiver.expect(request.SeriesInstanceUID, deadline, wanted, lossy=lossy) as pending,
        _asking(association, request, node.calling_ae_title, pending) as answer,
    ):
        came: set[str] = set()

        def is_all() -> bool:
            return complete() or _owes_nothing(answer.result(), came, wanted)

        for instance in _arrivals(endpoint, pending, answer, is_all):
            came.add(instance.sop_instance_uid)
            yield instance
        if not came and not proven:
            pending.problem_soon(PROBLEM_SECONDS)
        end = Moved(**vars(answer.result()), problems=pending.problems)
        reached = proven or (pending.was_reached and not end.problems)
        if not came and not reached:
            place = receiver.place_seen_from(association.local_host)
            raise _nothing(node, end, f"{place}, {_SECURITY[receiver.is_secured]}", pending)
        return end


@contextmanager
def _asking(
    association: Association, request: Dataset, destination: str, pending: Pending
) -> Iterator[Future[Retrieved]]:
    """Send the request, and hear the answers in a thread until they end, or the block does."""
    left = Event()

    def hear() -> Retrieved:
        with closing(association.move(request, destination)) as answers:
            return _end_of(answers, pending, left)

    answer = Task(hear, "C-MOVE")
    answer.add_done_callback(lambda _: pending.wake())
    try:
        yield answer
    finally:
        left.set()
        answer.join()


def _end_of(answers: Generator[bool, None, Retrieved], pending: Pending, left: Event) -> Retrieved:
    while not left.is_set():
        try:
            said_something = next(answers)
        except StopIteration as end:
            pending.heard()
            retrieved: Retrieved = end.value
            return retrieved
        if said_something:
            pending.heard()
    raise ConnectionLostError("nobody waits for the move any more")


def _arrivals(
    node: Node, pending: Pending, answer: Future[Retrieved], is_all: Callable[[], bool]
) -> Iterator[Instance]:
    """Give what arrives while the archive is at it, and then what is late."""
    while not answer.done():
        instance = pending.take(TICK_SECONDS)
        if instance is not None:
            yield instance
        elif not answer.done():
            _check_silence(node, pending)
    patience = _patience(node, answer)
    while True:
        is_over = pending.silence >= patience or is_all()
        instance = pending.take(0 if is_over else TICK_SECONDS)
        if instance is not None:
            yield instance
        elif is_over:
            return


def _check_silence(node: Node, pending: Pending) -> None:
    setting = "idle" if pending.was_heard else "first_response"
    seconds = getattr(node.timeouts, setting)
    if pending.silence > seconds:
        message = (
            f"neither an answer nor an instance came for {seconds:g} s: raise {setting}_timeout if the archive needs "
            "longer, and have no firewall between it and our receiver"
        )
        raise DeadlineError(message, place=node.place, step="C-MOVE")


def _patience(node: Node, answer: Future[Retrieved]) -> float:
    """Tell how long to wait for what is late: not at all once the archive has failed."""
    if answer.exception() is not None or answer.result().status not in LATE_AFTER:
        return 0
    return node.timeouts.late


def _owes_nothing(end: Retrieved, came: Collection[str], wanted: Collection[str] | None) -> bool:
    """Tell whether all came that the archive says it sent, and the rest failed: then nothing is late."""
    sent = len(wanted) - end.failed if end.sent is None and wanted is not None else end.sent
    return end.failed > 0 and sent is not None and sent <= len(came)


def _nothing(node: Node, end: Moved, place: str, pending: Pending) -> MoveNothingArrivedError:
    seen = "something connected to our receiver" if pending.was_reached else "nobody connected to our receiver"
    message = (
        f"{node.place}: C-MOVE: nothing arrived, and {seen} (the archive said: {end}). The archive must have the AE "
        f"title {node.calling_ae_title!r} configured at {place}, reach that address through every firewall, and be "
        "allowed to store there"
    )
    error = MoveNothingArrivedError(message, server_comment=end.server_comment)
    error.__cause__ = next(iter(end.problems), None)
    return error

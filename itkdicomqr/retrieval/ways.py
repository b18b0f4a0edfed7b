"""By which ways a series may come."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from pydicom.dataset import Dataset

from itkdicomqr.catalogue import identifier, path_to
from itkdicomqr.criteria import Level
from itkdicomqr.errors import MoveNothingArrivedError, NetworkError
from itkdicomqr.instance import Instance
from itkdicomqr.retrieval.arrivals import Arrivals
from itkdicomqr.retrieval.getting import MAX_UIDS, by_get, cut
from itkdicomqr.retrieval.moving import move
from itkdicomqr.retrieval.receivers import Receivers


def by_move(arrivals: Arrivals, receivers: Receivers) -> Iterator[Instance]:
    """Bring what is wanted by C-MOVE into our receiver: the series, then the missing by lists, then one by one."""
    with receivers.of(arrivals.node) as receiver:
        for request in _moves(arrivals):
            moving = move(
                arrivals.node,
                request,
                receiver,
                arrivals.deadline,
                complete=lambda: not arrivals.missing,
                expected=arrivals.listing.known,
            )
            try:
                end = yield from arrivals.admitted(moving)
                arrivals.note(str(end), end.server_comment)
            except MoveNothingArrivedError as error:
                arrivals.keep(error)
                if not request.get("SOPInstanceUID"):
                    return


def _moves(arrivals: Arrivals) -> Iterator[Dataset]:
    """Give one request after the other, each for what is missing by then."""
    path = path_to(arrivals.series, Level.SERIES, (arrivals.node.move or arrivals.node).model)
    whole = arrivals.listing.is_whole_series and not arrivals.received
    if whole:
        yield identifier(Level.SERIES, path, arrivals.node.character_set)
    for size in (MAX_UIDS, 1) if arrivals.choices.heal or not whole else ():
        for uids in cut(arrivals.missing, size):
            yield identifier(Level.IMAGE, {**path, "SOPInstanceUID": "\\".join(uids)}, arrivals.node.character_set)


def by_wado(arrivals: Arrivals, _receivers: Receivers) -> Iterator[Instance]:
    """Bring what is wanted by WADO-RS: the series, and then the missing one by one."""
    from itkdicomqr.dicomweb.retrieve import wado

    whole = arrivals.listing.is_whole_series and not arrivals.received
    if whole:
        try:
            arrivals.note((yield from arrivals.admitted(wado(arrivals.node, arrivals.series, arrivals.deadline))))
        except NetworkError as error:
            arrivals.keep(error)
    if (arrivals.choices.heal or not whole) and arrivals.missing:
        singly = wado(arrivals.node, arrivals.series, arrivals.deadline, arrivals.missing)
        arrivals.note((yield from arrivals.admitted(singly)))


WAYS: Mapping[str, Callable[[Arrivals, Receivers], Iterator[Instance]]] = {
    "get": lambda arrivals, _: by_get(arrivals),
    "move": by_move,
    "dicomweb": by_wado,
}
"""By the names that ``transports`` takes."""

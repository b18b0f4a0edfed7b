"""By which ways a series may come."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial

from pydicom.dataset import Dataset

from itkdicomqr.errors import ConnectionLostError, MoveNothingArrivedError, NetworkError
from itkdicomqr.instance import Instance
from itkdicomqr.levels import UNIQUE_KEYS, Level
from itkdicomqr.query.identifiers import retrieval_identifier
from itkdicomqr.retrieval.arrivals import Arrivals
from itkdicomqr.retrieval.getting import MAX_UIDS, by_get, cut
from itkdicomqr.retrieval.moving import move
from itkdicomqr.retrieval.receivers import Receivers


def by_move(arrivals: Arrivals, receivers: Receivers) -> Iterator[Instance]:
    """Bring what is wanted by C-MOVE into our receiver: the series, then the missing by lists, then one by one."""
    proven = False
    with receivers.of(arrivals.node, arrivals.deadline) as receiver:
        for request, lossy in _moves(arrivals):
            before = len(arrivals.received)
            moving = move(
                arrivals.node,
                request,
                receiver,
                arrivals.deadline,
                complete=lambda: arrivals.is_complete,
                proven=proven,
                lossy=lossy,
                back_off=arrivals.choices.back_off,
            )
            whole = not request.get("SOPInstanceUID")
            try:
                arrivals.ended((yield from arrivals.admitted(moving)), whole=whole)
            except ConnectionLostError as error:
                arrivals.keep(error)
            except MoveNothingArrivedError as error:
                arrivals.keep(error)
                if whole:
                    return
            proven = proven or len(arrivals.received) > before


def _moves(arrivals: Arrivals) -> Iterator[tuple[Dataset, bool]]:
    """Give one request after the other, each for what is missing by then, and whether it may bring lossy syntaxes."""
    node, whole = arrivals.node, arrivals.wants_whole
    model = (node.move or node).model
    if whole:
        yield retrieval_identifier(arrivals.series, model, (), node.character_set), False
    for size, lossy in _HEALING_MOVES if arrivals.choices.heal else () if whole else _HEALING_MOVES[:1]:
        for uids in cut(arrivals.missing, size):
            yield retrieval_identifier(arrivals.series, model, uids, node.character_set), lossy


_HEALING_MOVES = ((MAX_UIDS, False), (1, False), (1, True))
"""How many SOP Instance UIDs each request names, and whether it may bring lossy syntaxes; these last of all."""


def by_wado(arrivals: Arrivals, _receivers: Receivers) -> Iterator[Instance]:
    """Bring what is wanted by WADO-RS: the series, and then the missing one by one."""
    from itkdicomqr.dicomweb import wado

    study_uid, series_uid = (arrivals.series.get(UNIQUE_KEYS[level]) or "" for level in (Level.STUDY, Level.SERIES))
    brought = partial(wado, arrivals.node, study_uid, series_uid, arrivals.deadline)
    whole = arrivals.wants_whole
    if whole:
        try:
            arrivals.note((yield from arrivals.admitted(brought())))
        except NetworkError as error:
            arrivals.keep(error)
    if (arrivals.choices.heal or not whole) and arrivals.missing:
        arrivals.note((yield from arrivals.admitted(brought(arrivals.missing))))


WAYS: Mapping[str, Callable[[Arrivals, Receivers], Iterator[Instance]]] = {
    "get": lambda arrivals, _: by_get(arrivals),
    "move": by_move,
    "dicomweb": by_wado,
}
"""By the names that ``transports`` takes."""

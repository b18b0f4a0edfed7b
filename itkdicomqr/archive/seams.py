"""Where an archive may be made to behave otherwise: each place, and what it hands over there."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from functools import reduce
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator
    from socket import socket
    from threading import Event

    from pydicom.dataset import Dataset
    from pynetdicom.association import Association
    from pynetdicom.presentation import PresentationContext

    from itkdicomqr.archive.index import Entry, Index
    from itkdicomqr.archive.matching import Model
    from itkdicomqr.archive.values import Values
    from itkdicomqr.instance import Instance
    from itkdicomqr.levels import Level

    Outcome = tuple[int | Dataset, Dataset | None]
    Rejection = tuple[int, int, int]
    Place = tuple[str, int]
    Compare = Callable[[str, Values, Values], bool]
    Encode = Callable[[Instance, Collection[str]], Instance]


@dataclass
class Request:
    """A C-FIND, C-GET or C-MOVE request while it is answered.

    Attributes
    ----------
    operation : str
        ``"C-FIND"``, ``"C-GET"`` or ``"C-MOVE"``.
    identifier : Dataset
        As it came.
    model : Model
        Of its SOP class.
    level : Level or None
        The level that it asks for.
    index : Index
        What the archive holds.
    association : Association
        On which it came.
    message_id : int
        Its number there.
    stopping : threading.Event
        Set when the archive ends: wait for this instead of sleeping.
    asked : list of Entry
        What a C-GET or C-MOVE asks for.
    outgoing : list of socket
        The connections of a C-MOVE to its destination.
    final : int or None
        The status to end with, whatever came of it.
    destination_known : bool
        Whether a C-MOVE names a destination that the archive knows.
    """

    operation: str
    identifier: Dataset
    model: Model
    level: Level | None
    index: Index
    association: Association
    message_id: int
    stopping: Event
    asked: list[Entry] = field(default_factory=list)
    outgoing: list[socket] = field(default_factory=list)
    final: int | None = None
    destination_known: bool = True


@dataclass(frozen=True)
class Step:
    """One sub-operation of a C-GET or C-MOVE; without a data set, one that fails."""

    entry: Entry
    dataset: Dataset | None


@dataclass(frozen=True)
class Conclusion:
    """The last response to a request: its status, its counters, and whether it lists what failed."""

    status: int
    completed: int = 0
    failed: int = 0
    lists_failed: bool = True


@dataclass(frozen=True)
class Sender:
    """How a C-MOVE's association calls itself, and whom it names as the one who asked for it."""

    ae_title: str
    originator: str


def _same(value: Any, *_context: Any) -> Any:
    return value


@dataclass(frozen=True)
class Quirk:
    """A way in which an archive differs: at each seam, a function of what the archive is about to use.

    It is given that value and what it belongs to, and returns what is used instead.

    Attributes
    ----------
    rejection : callable
        Of the reason to reject an association, None to accept it, and the association.
    contexts : callable
        Of the presentation contexts that the archive supports.
    user_information : callable
        Of the items of an A-ASSOCIATE-AC (PS3.7 D.3).
    question : callable
        Of an identifier, and its request; may raise StatusError.
    compare : callable
        Of the function that compares a key's values with stored ones.
    answers : callable
        Of the responses to a C-FIND, and its request.
    row : callable
        Of the encoded identifier of one of them, and its request.
    plan : callable
        Of the entries to send, and their request.
    destination : callable
        Of where a C-MOVE goes, None if the archive does not know.
    sender : callable
        Of a `Sender`.
    late : callable
        Of the seconds by which a C-MOVE reports success before it sends.
    kept : callable
        Of an instance to send: the form in which the archive keeps it.
    usable : callable
        Of the transfer syntaxes that a peer accepted for its class, in the order of the proposal.
    encode : callable
        Of the function that puts an instance into one of those.
    steps : callable
        Of the sub-operations, and their request.
    conclusion : callable
        Of a `Conclusion`, and its request.
    """

    rejection: Callable[[Rejection | None, Association], Rejection | None] = _same
    contexts: Callable[[list[PresentationContext]], list[PresentationContext]] = _same
    user_information: Callable[[list[Any]], list[Any]] = _same
    question: Callable[[Dataset, Request], Dataset] = _same
    compare: Callable[[Compare], Compare] = _same
    answers: Callable[[Iterator[Outcome], Request], Iterator[Outcome]] = _same
    row: Callable[[bytes, Request], bytes] = _same
    plan: Callable[[list[Entry], Request], list[Entry]] = _same
    destination: Callable[[Place | None], Place | None] = _same
    sender: Callable[[Sender], Sender] = _same
    late: Callable[[float], float] = _same
    kept: Callable[[Instance], Instance] = _same
    usable: Callable[[list[str]], list[str]] = _same
    encode: Callable[[Encode], Encode] = _same
    steps: Callable[[Iterator[Step], Request], Iterator[Step]] = _same
    conclusion: Callable[[Conclusion, Request], Conclusion] = _same


def combined(quirks: Collection[Quirk]) -> Quirk:
    """Make one quirk of several: at each seam, one after the other."""
    return Quirk(**{seam.name: _chained([getattr(quirk, seam.name) for quirk in quirks]) for seam in fields(Quirk)})


def _chained(functions: list[Callable[..., Any]]) -> Callable[..., Any]:
    return lambda value, *context: reduce(lambda so_far, change: change(so_far, *context), functions, value)

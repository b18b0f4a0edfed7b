"""Receivers that several calls share while they need them."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from threading import Lock

from itkdicomqr.association.deadline import Deadline
from itkdicomqr.association.receiver import Receiver, wanted_place
from itkdicomqr.association.turns import await_turn, turn_at
from itkdicomqr.errors import PortInUseError
from itkdicomqr.node import Node

_RULES: Mapping[str, Callable[[Node], Hashable]] = {
    "calling_ae_title": lambda node: node.calling_ae_title,
    "store_ae_titles": lambda node: frozenset(node.store_ae_titles),
    "receiver_tls": lambda node: node.receiver_security,
    "limits": lambda node: node.limits,
}
"""What of a node says whom its receiver lets in, and how much it takes, by keyword."""


@dataclass
class _Lent:
    """A receiver that is open, the first node it was opened for, what closes it, and how many calls use it."""

    receiver: Receiver
    node: Node
    closing: ExitStack
    users: int = 0


class Receivers:
    """Our Storage SCPs, one for each address and its rules, open while a call needs it."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._open: dict[tuple[Hashable, ...], _Lent] = {}

    @contextmanager
    def of(self, node: Node, deadline: Deadline) -> Iterator[Receiver]:
        """Lend the receiver of a node for as long as the ``with`` block lasts.

        Another process of this machine that listens there for a call of its own is waited for.

        Raises
        ------
        NodeError, PortInUseError
            It cannot listen where ``Node.receiver`` says.
        """
        receiver = self._taken(node, deadline)
        try:
            yield receiver
        finally:
            self._given_back(node)

    def _taken(self, node: Node, deadline: Deadline) -> Receiver:
        place = wanted_place(node)
        while True:
            with self._lock:
                lent = self._open.get(_key(node)) or self._opened(node, place)
                if lent is not None:
                    lent.users += 1
                    return lent.receiver
            await_turn(place, deadline)

    def _opened(self, node: Node, place: str) -> _Lent | None:
        """Open a receiver, unless it is another process's turn."""
        rivals = [each.node for each in self._open.values() if place and wanted_place(each.node) == place]
        if rivals:
            raise _other_rules(rivals[0], node)
        turn = turn_at(place) if place else nullcontext()
        if turn is None:
            return None
        with ExitStack() as opening:
            opening.enter_context(turn)
            receiver = opening.enter_context(Receiver(node))
            lent = self._open[_key(node)] = _Lent(receiver, node, opening.pop_all())
        return lent

    def _given_back(self, node: Node) -> None:
        """Close it once nobody uses it any more, before anybody else may listen there."""
        with self._lock:
            lent = self._open[_key(node)]
            lent.users -= 1
            if not lent.users:
                del self._open[_key(node)]
                lent.closing.close()


RECEIVERS = Receivers()
"""Those of this process, since ports are the process's: calls at the same time share what listens."""


def _key(node: Node) -> tuple[Hashable, ...]:
    return node.receiver, *(rule(node) for rule in _RULES.values())


def _other_rules(first: Node, second: Node) -> PortInUseError:
    differing = [keyword for keyword, rule in _RULES.items() if rule(first) != rule(second)]
    message = (
        f"our receiver listens there for another archive, whose {', '.join(differing)} differs: give both nodes the "
        "same, or each its own receiver='host:port', or load from one after the other"
    )
    return PortInUseError(message, place=second.receiver)

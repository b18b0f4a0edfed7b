"""Receivers that several calls share while they need them."""

from __future__ import annotations

import os
from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from threading import Lock

from itkdicomqr.association.deadline import Deadline
from itkdicomqr.association.receiver import Receiver, address_of
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
    """A receiver that is open, the first node it was opened for, our turn at its port, and how many calls use it."""

    receiver: Receiver
    node: Node
    turn: AbstractContextManager[object]
    users: int = 0

    @property
    def address(self) -> tuple[str, int]:
        """Where it was to listen."""
        return address_of(self.node.receiver)


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

    def forget(self) -> None:
        """Let go, in a process that was forked off, of what is its parent's, whose threads are not here."""
        self._lock = Lock()
        for lent in self._open.values():
            lent.receiver.let_go()
            lent.turn.__exit__(None, None, None)
        self._open.clear()

    def _taken(self, node: Node, deadline: Deadline) -> Receiver:
        _, port = address_of(node.receiver)
        while True:
            with self._lock:
                lent = self._open.get(_key(node)) or self._opened(node)
                if lent is not None:
                    lent.users += 1
                    return lent.receiver
            await_turn(port, deadline)

    def _opened(self, node: Node) -> _Lent | None:
        """Open a receiver, unless it is another process's turn."""
        address = _, port = address_of(node.receiver)
        ours = [each for each in self._open.values() if port and each.address[1] == port]
        for rival in ours:
            if rival.address == address:
                raise _other_rules(rival.node, node)
        turn = turn_at(port) if port and not ours else nullcontext()
        if turn is None:
            return None
        with ExitStack() as opening:
            opening.enter_context(turn)
            receiver = opening.enter_context(Receiver(node))
            opening.pop_all()
        lent = self._open[_key(node)] = _Lent(receiver, node, turn)
        return lent

    def _given_back(self, node: Node) -> None:
        """Close it once nobody uses it any more, before anybody else may listen there."""
        with self._lock:
            lent = self._open.get(_key(node))
            if lent is None:  # This process was forked off meanwhile.
                return
            lent.users -= 1
            if not lent.users:
                del self._open[_key(node)]
                lent.receiver.__exit__(None, None, None)
                lent.turn.__exit__(None, None, None)


RECEIVERS = Receivers()
"""Those of this process, since ports are the process's: calls at the same time share what listens."""

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=RECEIVERS.forget)


def _key(node: Node) -> tuple[Hashable, ...]:
    return node.receiver, *(rule(node) for rule in _RULES.values())


def _other_rules(first: Node, second: Node) -> PortInUseError:
    differing = [keyword for keyword, rule in _RULES.items() if rule(first) != rule(second)]
    message = (
        f"our receiver listens there for another archive, whose {', '.join(differing)} differs: give both nodes the "
        "same, or each its own receiver='host:port', or load from one after the other"
    )
    return PortInUseError(message, place=second.receiver)

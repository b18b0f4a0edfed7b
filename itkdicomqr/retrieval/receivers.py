"""Receivers that several calls share while they need them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

from itkdicomqr.association.receiver import Receiver
from itkdicomqr.node import Node
from itkdicomqr.security import TLS


class Receivers:
    """Our Storage SCPs, one for each address and its security, open while a call needs it."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._open: dict[tuple[str, TLS | None], tuple[Receiver, int]] = {}

    @contextmanager
    def of(self, node: Node) -> Iterator[Receiver]:
        """Lend the receiver of a node for as long as the ``with`` block lasts.

        Raises
        ------
        NodeError, PortInUseError
            It cannot listen where ``Node.receiver`` says.
        """
        receiver = self._taken(node)
        try:
            yield receiver
        finally:
            self._given_back(node)

    def _taken(self, node: Node) -> Receiver:
        with self._lock:
            receiver, users = self._open.get(_key(node)) or (Receiver(node).__enter__(), 0)
            self._open[_key(node)] = receiver, users + 1
            return receiver

    def _given_back(self, node: Node) -> None:
        with self._lock:
            receiver, users = self._open.pop(_key(node))
            if users > 1:
                self._open[_key(node)] = receiver, users - 1
                return
        receiver.__exit__(None, None, None)


def _key(node: Node) -> tuple[str, TLS | None]:
    return node.receiver, node.receiver_security

"""What a caller may choose about bringing a series, checked once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypedDict

from itkdicomqr.association.patience import BACK_OFF
from itkdicomqr.checks import FLAG, check_kinds, check_positive
from itkdicomqr.errors import InputError, NodeError
from itkdicomqr.node import TRANSPORTS, Node


class ChoiceWords(TypedDict, total=False):
    """The keyword arguments of `Choices`."""

    heal: bool
    allow_lossy: bool
    partial: bool
    associations: int | None
    transport: str | None


@dataclass(frozen=True)
class Choices:
    """How a series is brought.

    Attributes
    ----------
    heal : bool
        Whether what is missing is asked for again, in other ways.
    allow_lossy : bool
        Whether instances may come that the archive compressed with loss on the way.
    partial : bool
        Whether what came is enough, if not all can be had.
    associations : int, optional
        Over how many associations at most; those of the node unless given.
    transport : {"get", "move", "dicomweb"}, optional
        The only way to take; those of the node, in its order, unless given.

    Raises
    ------
    InputError
        One of them is not among its values.
    """

    heal: bool = True
    allow_lossy: bool = False
    partial: bool = False
    associations: int | None = None
    transport: str | None = None

    def __post_init__(self) -> None:
        if self.transport is not None and self.transport not in TRANSPORTS:
            message = f"transport={self.transport!r} is not among {', '.join(map(repr, TRANSPORTS))}"
            raise InputError(message)
        check_kinds(vars(self), dict.fromkeys(("heal", "allow_lossy", "partial"), FLAG), InputError)
        if self.associations is not None:
            check_positive({"associations": self.associations}, InputError)

    @property
    def back_off(self) -> tuple[float, ...]:
        """Seconds to wait before each further try of an association that the archive rejects for now."""
        return BACK_OFF if self.heal else ()

    def ways(self, node: Node) -> tuple[str, ...]:
        """Tell by which transports a node's series may come, the first tried first.

        Raises
        ------
        NodeError
            The node lacks what the chosen one needs.
        """
        offered = {
            "get": bool(node.ae_title),
            "move": bool(node.ae_title and node.receiver),
            "dicomweb": bool(node.dicomweb),
        }
        wanted = node.transports if self.transport is None else (self.transport,)
        ways = tuple(each for each in wanted if offered[each])
        if not ways:
            message = f"{node} lacks what {' or '.join(wanted)} needs: {'; '.join(_NEEDS[each] for each in wanted)}"
            raise NodeError(message)
        return ways if self.heal else ways[:1]


_NEEDS = {
    "get": "C-GET needs an AE title",
    "move": "C-MOVE needs Node(receiver='host:port'), where the archive reaches us by our AE title",
    "dicomweb": "DICOMweb needs Node(dicomweb='https://host/dicom-web')",
}

"""What a quirk is called, what it does, and which archive does so."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from itkdicomqr.archive.seams import Quirk


@dataclass(frozen=True)
class Named:
    """A quirk by its name.

    Attributes
    ----------
    name : str
        What it is called, without its parameter.
    does : str
        What the archive does, in one line.
    make : callable
        From the parameter, if there is one, to the quirk.
    parameter : str
        The kind of its parameter, a key of `PARAMETERS`; empty if it has none.
    default : object
        The parameter where it is left out; None where it must be given.
    seen : str
        The archives that do so.
    """

    name: str
    does: str
    make: Callable[..., Quirk]
    parameter: str = ""
    default: Any = None
    seen: str = ""

    @property
    def spelling(self) -> str:
        """How it is written."""
        if not self.parameter:
            return self.name
        return f"{self.name}={self.parameter}" if self.default is None else f"{self.name}[={self.parameter}]"

    @property
    def line(self) -> str:
        """What it does, and which archives do so."""
        return f"{self.does} ({self.seen})" if self.seen else self.does


PARAMETERS: Mapping[str, Callable[[str], Any]] = MappingProxyType(
    {"N": int, "SECONDS": float, "STATUS": lambda text: int(text, 16), "KEYWORD": str}
)
"""Reads a parameter of each kind: a whole number, a number, a status in hexadecimal digits, a DICOM keyword."""

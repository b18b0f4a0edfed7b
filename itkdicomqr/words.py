"""What each keyword argument of a load concerns: the client, the search, the transfer, or the assembly."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Self, TypedDict

from itkdicomqr.checks import check_keywords
from itkdicomqr.query.criteria import NAMES
from itkdicomqr.retrieval import Choices
from itkdicomqr.volume.options import Options


class ClientWords(TypedDict, total=False):
    """The options of `Client`, which explains them."""

    connect_timeout: float | None
    first_response_timeout: float | None
    idle_timeout: float | None
    total_timeout: float | None
    associations: int | None
    transport: str | None
    any_archive: bool


CLIENT_WORDS = frozenset(ClientWords.__annotations__)
CHOICES, OPTIONS = (frozenset(field.name for field in fields(kind)) for kind in (Choices, Options))

LOAD_WORDS = NAMES | CHOICES | OPTIONS
"""The keyword arguments that say what is loaded and how."""


@dataclass(frozen=True)
class LoadWords:
    """The keyword arguments of a load, divided.

    Attributes
    ----------
    criteria : mapping
        What selects the series; not yet normalised.
    choices : Choices
        How it is brought.
    options : Options
        How its volumes are assembled.
    """

    criteria: Mapping[str, Any]
    choices: Choices
    options: Options

    @classmethod
    def divided(cls, words: Mapping[str, Any], usual: Choices | None = None) -> Self:
        """Divide keyword arguments.

        Parameters
        ----------
        words : mapping
            The keyword arguments.
        usual : Choices, optional
            What holds where ``words`` say nothing of a choice; the defaults unless given.

        Raises
        ------
        InputError
            A choice or an option is not among its values.
        TypeError
            A keyword argument is none of them; the nearest is named.
        """
        check_keywords(words, LOAD_WORDS, elsewhere=dict.fromkeys(CLIENT_WORDS, "Client"))
        criteria, choices, options = (
            {name: value for name, value in words.items() if name in names} for names in (NAMES, CHOICES, OPTIONS)
        )
        return cls(criteria, replace(usual or Choices(), **choices), Options(**options))


def timeouts_of(words: Mapping[str, Any]) -> dict[str, float]:
    """Give the attributes of `Timeouts` that are among the options of a client, by their own names."""
    ending = "_timeout"
    given = {name: seconds for name, seconds in words.items() if name.endswith(ending) and seconds is not None}
    return {name.removesuffix(ending): seconds for name, seconds in given.items()}

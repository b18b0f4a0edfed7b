"""What each keyword argument of a load concerns: the search, the transfer, or the assembly."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Self

from itkdicomqr.query.criteria import NAMES, check_keywords
from itkdicomqr.retrieval import Choices
from itkdicomqr.volume.options import Options

_CHOICES, _OPTIONS = (frozenset(field.name for field in fields(kind)) for kind in (Choices, Options))

LOAD_WORDS = NAMES | _CHOICES | _OPTIONS
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
        check_keywords(words, LOAD_WORDS)
        criteria, choices, options = (
            {name: value for name, value in words.items() if name in names} for names in (NAMES, _CHOICES, _OPTIONS)
        )
        return cls(criteria, replace(usual or Choices(), **choices), Options(**options))

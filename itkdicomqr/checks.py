"""What a caller may give: keyword arguments that are known, and values of their kinds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from numbers import Integral
from types import UnionType

from itkdicomqr.errors import InputError

Kinds = Mapping[str, tuple[type | UnionType, str]]
"""What values must be, and how an error says it."""

FLAG = (bool, "True or False")

NEAR = 0.65
"""How alike two names are, from 0 to 1, of which one may have been meant for the other."""


def check_keywords(
    given: Iterable[str],
    known: Iterable[str],
    besides: Iterable[str] = (),
    elsewhere: Mapping[str, str] | None = None,
) -> None:
    """Refuse a misspelt keyword argument.

    Parameters
    ----------
    given, known : iterable of str
        Those that came, and those that may.
    besides : iterable of str
        Others that may have been meant.
    elsewhere : mapping of str to str, optional
        Whose keyword arguments others are.

    Raises
    ------
    TypeError
        It is not among the known ones; the nearest is named, or whose it is.
    """
    known = set(known)
    for name in given:
        if name not in known:
            near = get_close_matches(name.lower(), {*known, *besides}, n=1, cutoff=NEAR)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            whose = (elsewhere or {}).get(name)
            message = f"unknown keyword argument {name!r}" + (f": it is one of {whose}" if whose else hint)
            raise TypeError(message)


def check_kinds(given: Mapping[str, object], kinds: Kinds, error: type[InputError]) -> None:
    """Refuse a value of another kind; True and False are no numbers.

    Raises
    ------
    InputError
        Of the class ``error``; it names the value and what is due.
    """
    for name, (kind, words) in kinds.items():
        value = given[name]
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            message = f"{name}={value!r}: give {words}"
            raise error(message)


def check_positive(given: Mapping[str, object], error: type[InputError]) -> None:
    """Refuse what is no whole number of at least 1.

    Raises
    ------
    InputError
        Of the class ``error``; it names the value.
    """
    for name, value in given.items():
        if isinstance(value, bool) or not isinstance(value, Integral) or value < 1:
            message = f"{name}={value!r}: give a whole number, at least 1"
            raise error(message)

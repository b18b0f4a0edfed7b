"""The few ways in which messages list, count and place things."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

MOST_LISTED = 10
"""How many items a sentence lists, unless it says otherwise."""


def listed(items: Iterable[str], most: int = MOST_LISTED, *, between: str = ", ", rest: str = " and {} more") -> str:
    """Join the first few of some items, and count the others: ``"a, b and 3 more"``.

    Parameters
    ----------
    items : iterable of str
        All of them.
    most : int
        How many are told.
    between : str
        What separates two.
    rest : str
        What is said of the others, braces standing for their number.
    """
    every = list(items)
    others = len(every) - most
    return between.join(every[:most]) + (rest.format(others) if others > 0 else "")


def counted(number: int, one: str, many: str = "") -> str:
    """Put a number before its noun: ``"1 slice"``, ``"2 slices"``; ``many`` where that is not ``one`` and an s."""
    return f"{number} {one if number == 1 else many or f'{one}s'}"


def in_brackets(vector: Iterable[float]) -> str:
    """Write a place or a direction: ``"(1.5, -2, 0)"``."""
    return f"({', '.join(f'{axis:g}' for axis in vector)})"

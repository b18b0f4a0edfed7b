"""How messages list, count and place things."""

from __future__ import annotations

import pytest

from itkdicomqr.prose import counted, in_brackets, listed


def test_of_many_items_the_first_ten_are_listed() -> None:
    assert listed("") == ""
    assert listed("abc") == "a, b, c"
    assert listed("abcdefghij") == "a, b, c, d, e, f, g, h, i, j"
    assert listed("abcdefghijkl") == "a, b, c, d, e, f, g, h, i, j and 2 more"


def test_a_list_may_be_shorter_and_be_written_otherwise() -> None:
    assert listed("abc", 1, between="; ", rest="; {} others") == "a; 2 others"


@pytest.mark.parametrize(
    ("number", "words"), [(0, "0 slices"), (1, "1 slice"), (2, "2 slices"), (1_000_000, "1000000 slices")]
)
def test_one_is_singular(number: int, words: str) -> None:
    assert counted(number, "slice") == words


def test_an_irregular_plural_is_told() -> None:
    assert [counted(number, "entry", "entries") for number in (1, 2)] == ["1 entry", "2 entries"]


def test_a_place_is_written_in_brackets() -> None:
    assert in_brackets((1.5, -2.0, 0.0)) == "(1.5, -2, 0)"

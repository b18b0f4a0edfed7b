"""Statuses in words, always with their code."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from itkdicomqr import status


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (0x0122, "SOP class not supported (status 0x0122)"),
        (0xA700, "out of resources (status 0xA700)"),
        (0xA801, "the destination of the move is not known there (status 0xA801)"),
        (0xB000, "some sub-operations failed (status 0xB000)"),
        (0xC000, "unable to process (status 0xC000)"),
        (0xCFFF, "unable to process (status 0xCFFF)"),
        (0xD000, "an unknown status (status 0xD000)"),
        (0xFE00, "cancelled (status 0xFE00)"),
        (-1, "a response without a status"),
    ],
)
def test_a_status_is_said_in_words(code: int, words: str) -> None:
    assert status.describe(code) == words


@given(st.integers(0, 0xFFFF))
def test_every_status_shows_its_code(code: int) -> None:
    assert f"0x{code:04X}" in status.describe(code)


def test_pending_has_two_codes() -> None:
    assert [code for code in range(0x10000) if status.is_pending(code)] == [0xFF00, 0xFF01]

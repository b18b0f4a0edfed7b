"""Memory for what arrives: used again as soon as nobody reads it, and never copied for a series of alike instances."""

from __future__ import annotations

import pytest

from itkdicomqr.buffers import LARGE, MAX_WASTE, Fragments, give_back
from itkdicomqr.errors import LimitExceededError

FRAGMENT = 1000


def new_fragments(limit: int = 1 << 30) -> Fragments:
    return Fragments(limit, "a data set", "raise it")


def put(fragments: Fragments, size: int, value: int = 1) -> memoryview:
    for start in range(0, size, FRAGMENT):
        room = fragments.room(min(FRAGMENT, size - start))
        room[:] = bytes([value]) * len(room)
    return fragments.take()


def test_fragments_come_back_as_one() -> None:
    assert bytes(put(new_fragments(), 2500, 7)) == b"\7" * 2500


def test_nothing_is_an_empty_whole() -> None:
    assert bytes(new_fragments().take()) == b""


def test_memory_that_nobody_reads_is_used_again() -> None:
    fragments = new_fragments()
    put(fragments, 10_000).release()
    first = put(fragments, 10_000)
    memory = first.obj
    first.release()
    assert put(fragments, 10_000).obj is memory


def test_memory_that_somebody_reads_is_left_alone() -> None:
    fragments = new_fragments()
    wholes = [put(fragments, 10_000, value) for value in range(10)]
    assert [bytes(whole) for whole in wholes] == [bytes([value]) * 10_000 for value in range(10)]


def test_a_data_set_a_little_longer_than_the_last_is_not_copied() -> None:
    fragments = new_fragments()
    put(fragments, 10_000)
    for size in (10_000, 10_008, 9_990, 10_100):
        assert isinstance(put(fragments, size).obj, bytearray)


@pytest.mark.parametrize("size", [1, FRAGMENT + 1, 10_000, 100_001])
def test_no_whole_keeps_much_more_memory_than_it_has(size: int) -> None:
    fragments = new_fragments()
    put(fragments, 50_000)
    whole = put(fragments, size)
    assert len(memoryview(whole.obj)) <= (1 + MAX_WASTE) * size


def test_a_whole_cannot_be_written_to() -> None:
    assert put(new_fragments(), 10).readonly


def test_more_than_the_limit_is_refused_before_there_is_memory_for_it() -> None:
    fragments = new_fragments(limit=1500)
    fragments.room(1000)
    with pytest.raises(LimitExceededError, match="a data set of 2000 bytes exceeds the limit of 1500: raise it"):
        fragments.room(1000)


def test_a_part_of_a_large_whole_is_given_back_and_no_more() -> None:
    fragments = new_fragments()
    fragments.room(LARGE + FRAGMENT)[:] = b"\1" * (LARGE + FRAGMENT)
    whole = fragments.take()
    give_back(whole, 0, LARGE // 2)
    assert bytes(whole[LARGE // 2 :]) == b"\1" * (LARGE // 2 + FRAGMENT)


def test_a_small_whole_is_kept_as_it_is() -> None:
    whole = put(new_fragments(), 10_000)
    give_back(whole, 0, 10_000)
    assert bytes(whole) == b"\1" * 10_000

"""A call ends in time, and can be ended before."""

from __future__ import annotations

import socket
from concurrent.futures import ThreadPoolExecutor
from time import sleep

import pytest

from itkdicomqr.association.deadline import Deadline
from itkdicomqr.errors import DeadlineError


def test_a_wait_is_shortened_to_what_is_left_of_the_whole() -> None:
    assert 4 < Deadline(5).left(60) <= 5


def test_a_wait_shorter_than_what_is_left_keeps_its_own_length() -> None:
    assert Deadline(60).left(5) == 5


def test_no_wait_begins_after_the_end() -> None:
    with pytest.raises(DeadlineError, match="not finished within 0 s: raise total_timeout"):
        Deadline(0).left(5)


@pytest.mark.parametrize(("whole", "part"), [(60, 5), (5, 60)])
def test_a_part_ends_no_later_than_the_whole(whole: float, part: float) -> None:
    assert 4 < Deadline(whole).part(part, "connect").left(100) <= 5


def test_what_passed_is_told_by_the_setting_that_would_cure_it() -> None:
    whole = Deadline(0.1)
    assert whole.over(5, "idle") == "nothing came for 5 s: raise idle_timeout if the archive needs longer"
    sleep(0.1)
    assert whole.over(5, "idle") == "not finished within 0.1 s: raise total_timeout if the archive needs longer"
    assert "connect_timeout" in Deadline(60).part(0, "connect").over(5, "idle")


def test_cancelling_ends_a_wait_in_another_thread() -> None:
    ours, theirs = socket.socketpair()
    deadline = Deadline(60)
    with ours, theirs, ThreadPoolExecutor(1) as other:
        deadline.watch(ours)
        waiting = other.submit(ours.recv, 1)
        sleep(0.05)
        deadline.cancel()
        assert waiting.result(5) == b""
        ours.sendall(b"goodbye")
        assert theirs.recv(7) == b"goodbye"


def test_nothing_begins_once_the_call_is_cancelled() -> None:
    deadline = Deadline(60)
    part = deadline.part(30, "connect")
    deadline.cancel()
    for each in (deadline, part):
        with pytest.raises(DeadlineError, match="the call was cancelled"):
            each.left(5)


def test_a_scope_is_cancelled_by_itself() -> None:
    deadline = Deadline(60)
    scope = deadline.scope()
    scope.cancel()
    assert scope.cancelled
    assert not deadline.cancelled


def test_a_connection_that_was_let_go_is_left_alone() -> None:
    ours, theirs = socket.socketpair()
    deadline = Deadline(60)
    with ours, theirs:
        deadline.watch(ours)
        deadline.let_go(ours)
        deadline.cancel()
        theirs.sendall(b"still here")
        assert ours.recv(10) == b"still here"

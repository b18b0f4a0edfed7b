"""Quirks of C-MOVE, as an independent client and an independent destination meet them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from pynetdicom import AE, evt
from pynetdicom.sop_class import CTImageStorage

from itkdicomqr.testing import Archive
from tests.archive.quirks.asking import MOVE, Reply, associated, conclude, held, one_series


@dataclass
class Arrival:
    """What a destination was told with an instance, and when."""

    calling: str
    originator: str
    when: float = field(default_factory=time.monotonic)


@contextmanager
def destination() -> Iterator[tuple[int, list[Arrival]]]:
    arrivals: list[Arrival] = []

    def store(event: Any) -> int:
        called = event.assoc.requestor.ae_title
        arrivals.append(Arrival(called, event.request.MoveOriginatorApplicationEntityTitle))
        return 0

    entity = AE("DEST")
    entity.add_supported_context(CTImageStorage)
    server = entity.start_server(("127.0.0.1", 0), block=False, evt_handlers=[(evt.EVT_C_STORE, store)])
    try:
        yield server.socket.getsockname()[1], arrivals
    finally:
        entity.shutdown()


def move(archive: Archive, to: str = "DEST") -> Reply:
    with associated(archive, MOVE) as peer:
        return conclude(Reply(), peer.send_c_move(one_series(), to, MOVE))


@pytest.mark.parametrize(
    ("quirks", "calling", "originator"),
    [
        ("", "DEMO", "TESTER"),
        ("move-from-other-ae", "SOMEONE_ELSE", "SOMEONE_ELSE"),
        ("names-itself-originator", "DEMO", "DEMO"),
    ],
)
def test_instances_come_from_another_ae(quirks, calling, originator):
    with (
        destination() as (port, arrivals),
        Archive(held(), quirks=quirks, destinations={"DEST": ("127.0.0.1", port)}) as archive,
    ):
        reply = move(archive)
    assert (reply.final, reply.counters) == (0, (3, 0))
    assert [(each.calling, each.originator) for each in arrivals] == [(calling, originator)] * 3


@pytest.mark.parametrize(("number", "final", "counters"), [(1, 0xB000, (2, 1)), (3, 0xA702, (0, 3))])
def test_some_instances_fail_by_c_move_alone(number, final, counters):
    with (
        destination() as (port, arrivals),
        Archive(held(), quirks=f"unsendable-by-cmove-{number}", destinations={"DEST": ("127.0.0.1", port)}) as archive,
    ):
        reply = move(archive)
    assert (reply.final, reply.counters) == (final, counters)
    assert len(arrivals) == counters[0]


def test_instances_come_after_success():
    with (
        destination() as (port, arrivals),
        Archive(held(), quirks="late-move=0.5", destinations={"DEST": ("127.0.0.1", port)}) as archive,
    ):
        reply = move(archive)
        done = time.monotonic()
        assert not arrivals
        while len(arrivals) < 3 and time.monotonic() < done + 20:
            time.sleep(0.02)
    assert (reply.final, reply.counters) == (0, (3, 0))
    assert len(arrivals) == 3
    assert {each.originator for each in arrivals} == {"TESTER"}


def test_an_archive_that_ends_sends_nothing_later():
    with (
        destination() as (port, arrivals),
        Archive(held(), quirks="late-move=30", destinations={"DEST": ("127.0.0.1", port)}) as archive,
    ):
        move(archive)
        ended = time.monotonic()
    assert time.monotonic() - ended < 20
    assert not arrivals


def test_a_later_delivery_to_a_closed_destination_leaves_nothing_open():
    with Archive(held(), quirks="late-move=0.05", destinations={"DEST": ("127.0.0.1", 1)}) as archive:
        assert move(archive).final == 0
        time.sleep(0.5)


@pytest.mark.parametrize(
    ("quirks", "unknown", "closed"),
    [
        ("", 0xA801, 0xA801),
        ("unknown-destination-status=C000", 0xC000, 0xA801),
        ("closed-destination-status=B000", 0xA801, 0xB000),
        ("move-unknown-destination", 0xA801, 0xA801),
        ("move-unknown-destination, unknown-destination-status=B000", 0xB000, 0xB000),
        ("drops-at-move", None, None),
    ],
)
def test_a_destination_that_is_unknown_or_closed_is_told_otherwise(quirks, unknown, closed):
    with Archive(held(), quirks=quirks, destinations={"DEST": ("127.0.0.1", 1)}) as archive:
        assert move(archive, "OTHER").final == unknown
        assert move(archive).final == closed

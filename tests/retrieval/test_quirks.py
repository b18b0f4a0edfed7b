"""What our own client makes of an archive's quirks: the right volume, or the error that tells what is wrong."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from itkdicomqr import Client, Node, Volume
from itkdicomqr.errors import (
    ConnectionLostError,
    ForeignInstanceError,
    IncompleteSeriesError,
    MoveNothingArrivedError,
    NoPresentationContextError,
)
from itkdicomqr.node import Timeouts
from itkdicomqr.query.table import Row
from itkdicomqr.testing import Archive
from tests.faults import leaving_nothing
from tests.reference import assert_equal
from tests.servers import HOST, free_port
from tests.synthetic import series, simpleitk

US = "ITKDICOMQR"
WANTED = series("CT", 5, rows=16, columns=16, RescaleIntercept="-1024", RescaleSlope="1")
OTHER = series("CT", 2, rows=16, columns=16, number=2)
UIDS = [str(each.SOPInstanceUID) for each in WANTED]


@contextmanager
def archive_of(quirks: str, late: float = 20.0) -> Iterator[tuple[Archive, Node]]:
    """An archive with quirks that holds two series, and may send to us by C-MOVE."""
    port = free_port()
    with (
        leaving_nothing(),
        Archive([*WANTED, *OTHER], quirks=quirks, destinations={US: (HOST, port)}) as archive,
    ):
        timeouts = Timeouts(late=late, total=60.0)
        yield archive, replace(Node.parse(archive.url), receiver=f"{HOST}:{port}", timeouts=timeouts)


def row_of(client: Client) -> Row:
    return client.find_series("SYN-1", series_number=1).one()


@pytest.mark.parametrize(
    ("quirks", "transport"),
    [
        ("late-move=0.5", "move"),
        ("move-from-other-ae", "move"),
        ("names-itself-originator", "move"),
        ("late-move=0.2, move-from-other-ae, names-itself-originator", "move"),
        ("sends-foreign", "move"),
        ("drops-last", "get"),
        ("drops-last", "move"),
        ("rle-only", "get"),
        ("rle-only", "move"),
        ("j2k-only", "get"),
        ("j2k-only", "move"),
        ("max-pdu-0", "get"),
        ("max-pdu-0", "move"),
        ("no-role-reply", "get"),
        ("no-cmove", None),
        ("no-cget", None),
    ],
)
def test_the_volume_is_right(quirks: str, transport: str | None, tmp_path: Path) -> None:
    late = 0.5 if quirks == "drops-last" else 20.0
    with archive_of(quirks, late) as (_, node):
        client = Client(node, transport=transport)
        volume: Volume = client.load_series(series=row_of(client), toolkit="volume")
    assert_equal(volume.to_simpleitk(), simpleitk(WANTED, tmp_path))
    assert sum(volume.report.origins.values()) == len(WANTED)


def test_what_an_archive_sends_of_another_series_is_refused() -> None:
    with archive_of("sends-foreign") as (_, node):
        client = Client(node, transport="get")
        with pytest.raises(ForeignInstanceError, match="SeriesInstanceUID") as caught:
            client.load_series(series=row_of(client), toolkit="volume")
    assert caught.value.sop_instance_uid == OTHER[0].SOPInstanceUID


@pytest.mark.parametrize("transport", ["get", "move"])
def test_an_instance_that_is_dropped_is_named_where_nothing_is_healed(transport: str) -> None:
    with archive_of("drops-last", 0.5) as (_, node):
        client = Client(node, transport=transport)
        with pytest.raises(IncompleteSeriesError) as caught:
            client.load_series(series=row_of(client), toolkit="volume", heal=False)
    assert type(caught.value) is IncompleteSeriesError
    assert caught.value.missing == (UIDS[-1],)
    assert set(caught.value.received) == set(UIDS[:-1])


@pytest.mark.parametrize("transport", ["get", "move"])
@pytest.mark.parametrize("quirks", ["changing-series", "changing-series=1"])
def test_a_series_that_grows_comes_as_it_was_at_one_time(quirks: str, transport: str) -> None:
    with archive_of(quirks) as (archive, node):
        client = Client(node, transport=transport)
        came = {each.sop_instance_uid for each in client.retrieve(row_of(client))}
        held = [each.sop_instance_uid for each in archive.instances if each.sop_instance_uid.startswith(UIDS[0][:-1])]
    assert len(held) > len(WANTED)
    assert len(came) >= len(WANTED)
    assert came == set(held[: len(came)])


def test_an_archive_without_c_move_says_so() -> None:
    with archive_of("no-cmove") as (_, node):
        client = Client(node, transport="move")
        with pytest.raises(NoPresentationContextError, match="may not offer this service") as caught:
            client.retrieve(row_of(client))
    assert caught.value.step == "C-MOVE"
    assert caught.value.missing == tuple(UIDS)


def test_an_archive_that_stores_as_somebody_else_than_is_allowed_is_told_to_be_rejected() -> None:
    with archive_of("move-from-other-ae", late=0.3) as (_, node):
        client = Client(replace(node, store_ae_titles=("DEMO",)), transport="move")
        with pytest.raises(MoveNothingArrivedError, match="'SOMEONE_ELSE' is not among store_ae_titles") as caught:
            client.retrieve(row_of(client))
    assert sorted(caught.value.missing) == sorted(UIDS)


def test_a_connection_that_is_lost_tells_what_is_missing_although_the_list_comes_later() -> None:
    with archive_of("drops-association-after=1") as (_, node):
        client = Client(node)
        row = row_of(client)
        for _ in range(5):
            with pytest.raises(ConnectionLostError) as caught:
                client.retrieve(row, heal=False)
            assert sorted([*caught.value.received, *caught.value.missing]) == sorted(UIDS)
            assert len(caught.value.received) == 1

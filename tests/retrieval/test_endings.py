"""Which error tells that a series did not come: the one that says most of what to do about it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from itkdicomqr.client import Client
from itkdicomqr.errors import (
    ConnectError,
    ConnectionLostError,
    IncompleteSeriesError,
    MoveNothingArrivedError,
    NoPresentationContextError,
)
from itkdicomqr.node import Timeouts
from itkdicomqr.retrieval.endings import Endings
from tests.servers import HOST, embedded, free_port
from tests.synthetic import series

if TYPE_CHECKING:
    from itkdicomqr.retrieval.endings import Failure

LOST = ConnectionLostError("it aborted", place="here", step="C-GET")
REFUSED = ConnectError("nobody listens", place="there", step="WADO-RS")
NOTHING = MoveNothingArrivedError("nothing arrived", server_comment="busy")

DATASETS = series("CT", 3)
UIDS = [str(each.SOPInstanceUID) for each in DATASETS]
US = "ITKDICOMQR"


@pytest.mark.parametrize(
    ("failures", "anything_came", "expected"),
    [
        ([], False, None),
        ([LOST, REFUSED], True, LOST),
        ([LOST, REFUSED], False, LOST),
        ([LOST, NOTHING, REFUSED], False, NOTHING),
        ([LOST, NOTHING, REFUSED], True, None),
    ],
)
def test_what_kept_the_archive_from_the_last_word(
    failures: list[Failure], anything_came: bool, expected: Failure | None
) -> None:
    endings = Endings()
    for each in failures:
        endings.keep(each)
    assert endings.failure(anything_came=anything_came) is expected


def test_a_request_that_ends_in_order_later_has_the_last_word() -> None:
    endings = Endings()
    endings.keep(LOST)
    endings.note("success", "")
    assert endings.failure(anything_came=True) is None
    assert endings.words() == "the archive said: success; what failed: here: C-GET: it aborted"


def test_every_wording_is_kept_once() -> None:
    endings = Endings()
    for _ in range(3):
        endings.note("success", "")
        endings.keep(LOST)
        endings.keep(NOTHING)
    assert endings.words("2 instances refused") == (
        "the archive said: success; 2 instances refused; what failed: here: C-GET: it aborted; nothing arrived"
    )
    assert endings.server_comment == "busy"
    assert endings.besides(LOST) == ("nothing arrived",)


BARRED = "unsendable-by-cget-{}, drops-at-unsendable"
NOWHERE = "move-unknown-destination"


@pytest.mark.parametrize(
    ("quirks", "unsendable", "moves", "kind", "words"),
    [
        (BARRED, 1, False, ConnectionLostError, ["aborted the association", "2 of 3 instances had come"]),
        (BARRED, 3, False, ConnectionLostError, ["aborted the association", "0 of 3 instances had come"]),
        (f"{BARRED}, {NOWHERE}", 1, True, IncompleteSeriesError, ["1 of 3 listed", "aborted", "AE title 'ITKDICOMQR'"]),
        (f"{BARRED}, {NOWHERE}", 3, True, MoveNothingArrivedError, ["0xA801", "AE title 'ITKDICOMQR' configured"]),
        (f"{BARRED}, unsendable-by-cmove-1", 1, True, IncompleteSeriesError, ["1 of 3 listed", "aborted", "0xA702"]),
        ("no-cget", 3, False, NoPresentationContextError, ["may not offer this service", "0 of 3 instances had come"]),
        (f"no-cget, {NOWHERE}", 3, True, MoveNothingArrivedError, ["AE title 'ITKDICOMQR' configured"]),
    ],
)
def test_the_error_that_tells_most_is_raised(
    quirks: str, unsendable: int, moves: bool, kind: type[Any], words: list[str]
) -> None:
    port = free_port()
    with embedded(DATASETS, {US: (HOST, port)}, quirks.format(unsendable)) as archive:
        node = replace(archive.node, receiver=f"{HOST}:{port}" if moves else "", timeouts=Timeouts(late=0.3))
        client = Client(node)
        row = client.find_series(str(DATASETS[0].PatientID)).one()
        with pytest.raises(kind) as caught:
            client.retrieve(row)

    error: Any = caught.value
    assert type(error) is kind
    assert list(error.missing) == UIDS[:unsendable]
    assert set(error.received) == set(UIDS[unsendable:])
    assert all(each in str(error) for each in words)


def test_what_fails_by_every_way_is_told_of_each() -> None:
    with embedded(DATASETS, quirks="no-cget") as archive:
        node = replace(archive.node, dicomweb=f"http://{HOST}:{free_port()}/dicom-web")
        client = Client(node)
        row = client.find_series(str(DATASETS[0].PatientID)).one()
        with pytest.raises(NoPresentationContextError, match=r"may not offer this service.*and besides:.*WADO-RS"):
            client.retrieve(row)

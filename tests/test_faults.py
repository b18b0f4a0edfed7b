"""What may go wrong between an archive and us: each ends in its own error and in time, or works as it should.

Nothing is asked for twice here, so that each fault shows itself; the names are those of the field's reports.
"""

from __future__ import annotations

from time import monotonic

import numpy as np
import pytest

from itkdicomqr.errors import (
    ConnectionLostError,
)
from itkdicomqr.volume import read_volumes
from tests.faults import (
    BRISK,
    HASTY,
    INSTANCES,
    playing,
)
from tests.retrieval.coming import UIDS, brought
from tests.scenes import FAULTS, LIMITS, MUST_WORK

GRACE = 2.0
"""Seconds after a deadline within which the error must be there."""


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_has_its_own_error_in_time(fault: str) -> None:
    scene, kind, timeouts = FAULTS[fault]
    begin = monotonic()
    with playing(scene) as stage, pytest.raises(kind) as caught:
        read_volumes(brought(stage.node(timeouts, LIMITS), heal=False))
    assert type(caught.value) is kind
    assert monotonic() - begin < BRISK.idle + HASTY.total + GRACE
    assert "Doe" not in str(caught.value)


@pytest.mark.parametrize("fault", ["abort_mid", "fin_between", "fin_mid_pdu", "reset_mid_pdu", "release_mid"])
def test_a_connection_lost_halfway_tells_what_had_come(fault: str) -> None:
    scene, _, timeouts = FAULTS[fault]
    with playing(scene) as stage, pytest.raises(ConnectionLostError) as caught:
        brought(stage.node(timeouts), heal=False)
    assert (caught.value.received, caught.value.missing) == (tuple(UIDS[:1]), tuple(UIDS[1:]))


@pytest.mark.parametrize("oddity", MUST_WORK)
def test_an_oddity_works(oddity: str) -> None:
    with playing(MUST_WORK[oddity]) as stage:
        (volume,) = read_volumes(brought(stage.node(), heal=False))
    (expected,) = read_volumes(INSTANCES)
    assert np.array_equal(volume.array, expected.array)


def test_the_table_is_whole() -> None:
    assert len(FAULTS) >= 42
    assert len(MUST_WORK) == 4

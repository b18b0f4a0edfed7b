"""What may go wrong between an archive and us: each ends in its own error and in time, or works as it should.

Nothing is asked for twice here, so that each fault shows itself; the names are those of the field's reports.
"""

from __future__ import annotations

from time import monotonic

import numpy as np
import pytest

from itkdicomqr.errors import ConnectionLostError, CorruptInstanceError
from itkdicomqr.volume import read_volumes
from tests.faults import BRISK, HASTY, INSTANCES, PATIENT, playing
from tests.retrieval.coming import UIDS, brought
from tests.scenes import FAULTS, LIMITS, MUST_WORK
from tests.timing import bound

WITHIN = {PATIENT: 1.0, BRISK: BRISK.idle + 1.0, HASTY: HASTY.total + 1.0}
"""Seconds within which the error must be there: at once, or after the timeout that must end the wait."""


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_has_its_own_error_in_time(fault: str) -> None:
    scene, kind, timeouts = FAULTS[fault]
    with playing(scene) as stage:
        begin = monotonic()
        with pytest.raises(kind) as caught:
            read_volumes(brought(stage.node(timeouts, LIMITS), heal=False))
        assert monotonic() - begin < bound(WITHIN[timeouts])
    assert type(caught.value) is kind
    assert "Doe" not in str(caught.value)


@pytest.mark.parametrize("fault", [name for name, (_, kind, _) in FAULTS.items() if kind is CorruptInstanceError])
def test_a_damaged_instance_is_named(fault: str) -> None:
    scene, _, timeouts = FAULTS[fault]
    with playing(scene) as stage, pytest.raises(CorruptInstanceError) as caught:
        read_volumes(brought(stage.node(timeouts, LIMITS), heal=False))
    assert caught.value.sop_instance_uid == UIDS[0]


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

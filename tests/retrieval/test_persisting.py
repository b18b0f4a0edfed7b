"""What is tried again: what an archive refuses for now, and what a lost connection did not bring; nothing else is."""

from __future__ import annotations

from itertools import repeat
from time import monotonic
from typing import TYPE_CHECKING, Any

import pytest

from itkdicomqr.association.patience import BACK_OFF
from itkdicomqr.client import Client
from itkdicomqr.errors import AssociationRejectedError
from tests.faults import (
    ALL,
    CLOSE,
    HEAR,
    INSTANCES,
    NO_MORE,
    SECOND,
    SUCCESS,
    THIRD,
    acceptance,
    playing,
    rejection,
    sending,
)
from tests.retrieval.coming import UIDS, brought, requested
from tests.scenes import FAULTS

if TYPE_CHECKING:
    from collections.abc import Callable

    from itkdicomqr.node import Node

LOSSES = ("abort_mid", "fin_between", "fin_mid_pdu", "reset_mid_pdu", "release_mid")
REST = (HEAR, acceptance(), HEAR, SECOND, THIRD, SUCCESS)


@pytest.mark.parametrize("loss", LOSSES)
def test_after_a_lost_connection_only_what_is_missing_is_asked_for_again(loss: str) -> None:
    scene, _, timeouts = FAULTS[loss]
    with playing(scene, REST) as stage:
        came = brought(stage.node(timeouts))
    assert [bytes(each.encoded) for each in came] == [bytes(each.encoded) for each in INSTANCES]
    assert requested(stage) == ["", "\\".join(UIDS[1:])]
    assert len(stage.farewells) == 2


@pytest.mark.parametrize("loss", LOSSES)
def test_what_a_second_connection_loses_is_asked_for_on_a_third(loss: str) -> None:
    scene, _, timeouts = FAULTS[loss]
    second = [SECOND if step is scene[3] else step for step in scene]
    with playing(scene, second, (HEAR, acceptance(), HEAR, THIRD, SUCCESS)) as stage:
        came = brought(stage.node(timeouts))
    assert [each.sop_instance_uid for each in came] == UIDS
    assert requested(stage) == ["", "\\".join(UIDS[1:]), UIDS[2]]


def found(node: Node) -> int:
    return len(Client(node).find_series("SYN-1"))


def got(node: Node) -> int:
    return len(brought(node))


SERVICES: dict[str, tuple[Callable[[Node], int], Any, int]] = {
    "C-FIND": (found, (HEAR, acceptance(), repeat((HEAR, NO_MORE))), 0),
    "C-GET": (got, sending(ALL), 3),
}
"""How a service is asked for, what an archive says that lets us in, and how much comes then."""

FOR_GOOD = (HEAR, rejection(1, 1, 7), CLOSE)
FOR_NOW = (HEAR, rejection(2, 3, 2), CLOSE)

each_service = pytest.mark.parametrize("service", SERVICES)


@each_service
def test_a_rejection_for_good_is_not_tried_again(service: str) -> None:
    ask, scene, _ = SERVICES[service]
    with playing(FOR_GOOD, scene) as stage, pytest.raises(AssociationRejectedError) as caught:
        ask(stage.node())
    assert not caught.value.transient
    assert len(stage.farewells) == 1


@each_service
def test_a_rejection_for_now_is_waited_out(service: str) -> None:
    ask, scene, count = SERVICES[service]
    begin = monotonic()
    with playing(FOR_NOW, FOR_NOW, scene) as stage:
        assert ask(stage.node()) == count
    assert len(stage.farewells) == 3
    assert monotonic() - begin >= sum(BACK_OFF[:2])


@each_service
def test_a_rejection_that_stays_is_told_after_the_last_wait(service: str) -> None:
    ask, _, _ = SERVICES[service]
    with playing(FOR_NOW) as stage, pytest.raises(AssociationRejectedError) as caught:
        ask(stage.node())
    assert caught.value.transient
    assert len(stage.farewells) == 1 + len(BACK_OFF)


def test_a_rejection_for_good_among_those_for_now_ends_the_waiting() -> None:
    with playing(FOR_NOW, FOR_GOOD, sending(ALL)) as stage, pytest.raises(AssociationRejectedError) as caught:
        got(stage.node())
    assert not caught.value.transient
    assert len(stage.farewells) == 2

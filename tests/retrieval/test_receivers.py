"""Receivers that calls share: one for each address, and for each way to secure it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from itkdicomqr import TLS, Limits, Node, PortInUseError
from itkdicomqr.retrieval.receivers import Receivers
from tests.authorities import HOST, Authority
from tests.servers import free_port

NODE = Node("h", 104, "ARCHIVE", receiver=f"{HOST}:0")


def test_a_receiver_listens_from_the_first_call_to_the_last() -> None:
    receivers = Receivers()
    with receivers.of(NODE) as first:
        with receivers.of(NODE) as second:
            assert second is first
        with receivers.of(NODE) as third:
            assert third is first
    with receivers.of(NODE) as another:
        assert another is not first


def test_who_asks_for_tls_is_not_given_a_receiver_without_it(authority: Authority) -> None:
    secured = Node("h", 104, "ARCHIVE", receiver=NODE.receiver, receiver_tls=TLS(certificate=authority.issue(HOST)))
    receivers = Receivers()
    with receivers.of(NODE) as plain, receivers.of(secured) as other:
        assert (plain.is_secured, other.is_secured) == (False, True)


@pytest.mark.parametrize(
    ("settings", "keyword"),
    [
        ({"store_ae_titles": ("OTHER",)}, "store_ae_titles"),
        ({"calling_ae_title": "SOMEONE"}, "calling_ae_title"),
        ({"limits": Limits(max_instances=1)}, "limits"),
    ],
)
def test_who_is_let_in_under_other_rules_needs_another_address(settings: dict[str, Any], keyword: str) -> None:
    node = replace(NODE, receiver=f"{HOST}:{free_port()}")
    receivers = Receivers()
    with receivers.of(node), pytest.raises(PortInUseError, match=f"{keyword} differs: give both nodes the same"):
        receivers.of(replace(node, **settings)).__enter__()
    with receivers.of(replace(node, **settings)) as other, receivers.of(replace(NODE, **settings)) as anywhere:
        assert other is not anywhere


def test_a_port_is_free_for_the_next_as_soon_as_the_last_has_given_it_back() -> None:
    node = replace(NODE, receiver=f"{HOST}:{free_port()}")
    receivers = Receivers()

    def lend(_: int) -> int:
        with receivers.of(node) as receiver:
            return receiver.port

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(lend, range(100))) == {int(node.receiver.rpartition(":")[2])}

"""Receivers that calls share: one for each address, and for each way to secure it."""

from __future__ import annotations

from itkdicomqr import TLS, Node
from itkdicomqr.retrieval.receivers import Receivers
from tests.authorities import HOST, Authority

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

"""Quirks of associations, as an independent client meets them."""

from __future__ import annotations

import pytest
from pynetdicom.sop_class import Verification

from itkdicomqr.testing import Archive
from tests.archive.quirks.asking import FIND, GET, MOVE, PATIENT_FIND, associated


def accepted(quirks: str, *models: str) -> list[str]:
    with Archive([], quirks=quirks) as archive, associated(archive, Verification, *models) as peer:
        return [str(context.abstract_syntax) for context in peer.accepted_contexts]


@pytest.mark.parametrize(
    ("quirks", "refused"),
    [("", set()), ("no-cget", {GET}), ("no-cmove", {MOVE}), ("no-patient-root", {PATIENT_FIND}),
     ("no-study-root", {FIND, GET, MOVE})],
)  # fmt: skip
def test_the_contexts_of_a_service_are_refused(quirks, refused):
    wanted = [FIND, PATIENT_FIND, GET, MOVE]
    assert {*wanted} - {*accepted(quirks, *wanted)} == refused


@pytest.mark.parametrize(("quirks", "established"), [("", False), ("accepts-any-ae", True)])
def test_any_called_ae_title_is_accepted(quirks, established):
    with Archive([], quirks=quirks) as archive, associated(archive, Verification, called="OTHER") as peer:
        assert peer.is_established == established


def outcome(archive: Archive) -> tuple[int, int, int] | None:
    """Associate once; tell how it was rejected."""
    with associated(archive, Verification) as peer:
        if peer.is_established:
            return None
        answer = peer.acceptor.primitive
        return answer.result, answer.result_source, answer.diagnostic


def test_associations_are_rejected_for_a_while():
    with Archive([], quirks="rejects-transiently-2") as archive:
        assert [outcome(archive) for _ in range(3)] == [(2, 2, 1), (2, 2, 1), None]


def test_a_second_association_is_rejected_while_another_lasts():
    with Archive([], quirks="rejects-second-association") as archive, associated(archive, Verification) as first:
        assert first.is_established
        assert outcome(archive) == (2, 3, 2)
        assert first.send_c_echo().Status == 0


@pytest.mark.parametrize(
    ("quirks", "length", "roles"), [("", 1 << 17, 1), ("max-pdu-0", 0, 1), ("no-role-reply", 1 << 17, 0)]
)
def test_the_acceptance_says_less(quirks, length, roles):
    with Archive([], quirks=quirks) as archive, associated(archive, Verification, GET) as peer:
        assert peer.acceptor.maximum_length == length
        assert len(peer.acceptor.role_selection) == roles
        assert peer.send_c_echo().Status == 0

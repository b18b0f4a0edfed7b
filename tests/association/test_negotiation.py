"""The A-ASSOCIATE PDUs: pynetdicom reads what we ask for, and a hostile answer is a ProtocolError."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom import uid
from pynetdicom import AE
from pynetdicom.events import EVT_USER_ID, Event
from pynetdicom.pdu import A_ASSOCIATE_RQ

from itkdicomqr import Client, Identity
from itkdicomqr.association.contexts import GET, VERIFICATION, Proposal, service, storage
from itkdicomqr.association.negotiation import Context, Granted, read_acceptance, read_rejection, request_pdu
from itkdicomqr.association.stream import PduType
from itkdicomqr.errors import AssociationRejectedError, ProtocolError
from itkdicomqr.node import Node
from tests.faults import HOST, acceptance, pdu, rejection

NODE = Node("archive", 104, "CALLED", calling_ae_title="CALLING")
PROPOSALS = [service(GET["study"]), *storage([uid.CTImageStorage], [uid.ExplicitVRLittleEndian, uid.RLELossless])]


def requested(proposals: list[Proposal], node: Node = NODE) -> A_ASSOCIATE_RQ:
    request = A_ASSOCIATE_RQ()
    request.decode(request_pdu(node, proposals, 131072))
    return request


def test_a_request_names_who_calls_whom() -> None:
    request = requested(PROPOSALS)
    assert (request.called_ae_title.strip(), request.calling_ae_title.strip()) == ("CALLED", "CALLING")
    assert request.application_context_name == "1.2.840.10008.3.1.1.1"
    assert request.user_information.maximum_length == 131072


def test_a_request_proposes_each_context_under_an_odd_number() -> None:
    proposed = [
        (context.context_id, context.abstract_syntax, tuple(context.transfer_syntax))
        for context in requested(PROPOSALS).presentation_context
    ]
    assert proposed == [
        (1, GET["study"], (uid.ExplicitVRLittleEndian, uid.ImplicitVRLittleEndian)),
        (3, uid.CTImageStorage, (uid.ExplicitVRLittleEndian,)),
        (5, uid.CTImageStorage, (uid.RLELossless,)),
    ]


def test_a_request_offers_to_receive_each_storage_class_once() -> None:
    roles = requested(PROPOSALS).user_information.role_selection
    assert {name: (role.scu_role, role.scp_role) for name, role in roles.items()} == {uid.CTImageStorage: (0, 1)}


@pytest.mark.parametrize(
    ("identity", "kind", "primary", "secondary"),
    [
        (Identity("Jürgen"), 1, "Jürgen", ""),
        (Identity("me", "pässcode"), 2, "me", "pässcode"),
        (Identity(saml="<Assertion/>"), 4, "<Assertion/>", ""),
        (Identity(jwt="e30.e30."), 5, "e30.e30.", ""),
    ],
)
@pytest.mark.parametrize("confirmed", [True, False])
def test_a_request_tells_who_the_user_is(
    identity: Identity, kind: int, primary: str, secondary: str, confirmed: bool
) -> None:
    node = replace(NODE, tls=True, identity=replace(identity, confirmed=confirmed))
    item = requested(PROPOSALS, node).user_information.user_identity
    assert item.user_identity_type == kind
    assert bool(item.positive_response_requested) is confirmed
    assert (item.primary_field, item.secondary_field or b"") == (primary.encode(), secondary.encode())


def test_a_request_of_nobody_tells_no_user() -> None:
    assert requested(PROPOSALS).user_information.user_identity is None


@contextmanager
def archive_of_users(verified: bool, answer: bytes | None, told: list[Any]) -> Iterator[int]:
    """Pynetdicom's server, which checks who the user is."""

    def check(event: Event) -> tuple[bool, bytes | None]:
        told.append((event.user_id_type, event.primary_field, event.secondary_field))
        return verified, answer

    ae = AE()
    ae.add_supported_context(VERIFICATION)
    server = ae.start_server((HOST, 0), block=False, evt_handlers=[(EVT_USER_ID, check)])
    try:
        yield server.socket.getsockname()[1]
    finally:
        server.shutdown()


LOUD = Identity("me", "pässcode", allow_cleartext=True)
CONFIRMED = Identity(jwt="e30.e30.", confirmed=True, allow_cleartext=True)


@pytest.mark.parametrize(
    ("identity", "words"),
    [(LOUD, (2, b"me", "pässcode".encode())), (CONFIRMED, (5, b"e30.e30.", b""))],
    ids=["passcode", "confirmed token"],
)
def test_an_archive_is_told_who_the_user_is(identity: Identity, words: Any) -> None:
    told: list[Any] = []
    with archive_of_users(True, b"welcome", told) as port:
        Client(Node(HOST, port, "USERS", identity=identity)).echo()
    assert told == [words]


def test_an_archive_that_refuses_the_user() -> None:
    with archive_of_users(False, None, []) as port, pytest.raises(AssociationRejectedError) as caught:
        Client(Node(HOST, port, "USERS", identity=LOUD)).echo()
    assert (caught.value.source, caught.value.reason) == (2, 1)
    assert "often it wants another user identity" in str(caught.value)
    assert "pässcode" not in str(caught.value)


def test_an_archive_that_does_not_confirm_the_user() -> None:
    with archive_of_users(True, None, []) as port, pytest.raises(ProtocolError) as caught:
        Client(Node(HOST, port, "USERS", identity=CONFIRMED)).echo()
    assert "does not confirm the user identity" in str(caught.value)


def test_as_many_contexts_as_an_association_has_numbers_for() -> None:
    proposals = [service(VERIFICATION)] * 128
    assert requested(proposals).presentation_context[-1].context_id == 255
    with pytest.raises(ProtocolError, match="129 presentation contexts do not fit one association; 128 do"):
        request_pdu(NODE, [*proposals, service(VERIFICATION)], 131072)


def test_what_is_accepted_is_granted() -> None:
    granted = read_acceptance(acceptance({1: uid.ImplicitVRLittleEndian, 5: uid.RLELossless}, 4096), PROPOSALS)
    assert granted.max_pdu == 4096
    assert granted.contexts == {
        1: Context(1, GET["study"], uid.ImplicitVRLittleEndian),
        5: Context(5, uid.CTImageStorage, uid.RLELossless),
    }
    assert granted.serving(uid.CTImageStorage) == granted.contexts[5]
    assert granted.serving(uid.MRImageStorage) is None


@pytest.mark.parametrize("contexts", [{7: uid.RLELossless}, {3: uid.RLELossless}, {1: uid.JPEG2000}])
def test_what_was_not_proposed_is_not_granted(contexts: dict[int, str]) -> None:
    assert read_acceptance(acceptance(contexts), PROPOSALS).contexts == {}


@pytest.mark.parametrize("result", [1, 2, 3, 4])
def test_what_is_refused_is_not_granted(result: int) -> None:
    accepted = acceptance({1: uid.ExplicitVRLittleEndian})
    refused = accepted.replace(b"\x21\x00\x00\x1b\x01\x00\x00\x00", b"\x21\x00\x00\x1b\x01\x00" + bytes([result, 0]))
    assert refused != accepted
    assert read_acceptance(refused, PROPOSALS).contexts == {}


@pytest.mark.parametrize("max_pdu", [0, 7, 0xFFFFFFFF])
def test_a_maximum_length_into_which_something_fits_is_taken(max_pdu: int) -> None:
    assert read_acceptance(acceptance(max_pdu=max_pdu), PROPOSALS).max_pdu == max_pdu


@pytest.mark.parametrize("max_pdu", [1, 6])
def test_a_maximum_length_into_which_nothing_fits_is_refused(max_pdu: int) -> None:
    with pytest.raises(ProtocolError, match=f"PDUs of at most {max_pdu} bytes"):
        read_acceptance(acceptance(max_pdu=max_pdu), PROPOSALS)


@given(st.binary(max_size=300))
def test_a_hostile_acceptance_is_a_protocol_error(content: bytes) -> None:
    with suppress(ProtocolError):
        assert isinstance(read_acceptance(pdu(PduType.ASSOCIATE_AC, content), PROPOSALS), Granted)


@given(st.data())
def test_a_damaged_acceptance_is_a_protocol_error_or_grants_only_what_was_proposed(data: st.DataObject) -> None:
    damaged = bytearray(acceptance())
    for _ in range(data.draw(st.integers(1, 4))):
        damaged[data.draw(st.integers(6, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    with suppress(ProtocolError):
        granted = read_acceptance(bytes(damaged), PROPOSALS)
        for number, context in granted.contexts.items():
            proposal = PROPOSALS[(number - 1) // 2]
            assert context.abstract_syntax == proposal.abstract_syntax
            assert context.transfer_syntax in proposal.transfer_syntaxes


@given(st.binary(max_size=12))
def test_a_damaged_rejection_is_a_protocol_error(content: bytes) -> None:
    with suppress(ProtocolError):
        error = read_rejection(pdu(PduType.ASSOCIATE_RJ, content), NODE)
        assert "rejected" in str(error)


def test_a_rejection_says_whether_it_is_worth_trying_again() -> None:
    permanent, transient = (read_rejection(rejection(*codes), NODE) for codes in ((1, 1, 7), (2, 3, 2)))
    assert not permanent.transient
    assert "rejected permanently (result 1, source 1, reason 7): it is not called 'CALLED'" in str(permanent)
    assert transient.transient
    assert "rejected for now (result 2, source 3, reason 2)" in str(transient)

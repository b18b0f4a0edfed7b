"""The acceptor's half of an association: pynetdicom reads what we answer, and a hostile request costs nothing."""

from __future__ import annotations

import struct
from contextlib import suppress
from time import monotonic

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom import uid
from pynetdicom.pdu import A_ASSOCIATE_AC, A_ASSOCIATE_RJ

from itkdicomqr.association.acceptance import (
    NOT_DICOM,
    NOTHING_EXPECTED,
    TOO_MANY,
    UNKNOWN_CALLER,
    UNKNOWN_NAME,
    AssociationRequest,
    Proposed,
    Rejection,
    acceptance_pdu,
    granted,
    read_request,
)
from itkdicomqr.association.contexts import FIND, GET, LOSSLESS, LOSSY, MAX_CONTEXTS, VERIFICATION, Proposal, service
from itkdicomqr.association.negotiation import Context, read_acceptance, request_pdu
from itkdicomqr.association.stream import PduType
from itkdicomqr.errors import ProtocolError
from itkdicomqr.node import Node
from tests.faults import pdu
from tests.timing import bound

NODE = Node("here", 104, "ITKDICOMQR", calling_ae_title="ARCHIVE")
EXPLICIT, IMPLICIT = uid.ExplicitVRLittleEndian, uid.ImplicitVRLittleEndian
MEBIBYTE = 1 << 20


def request(*proposals: Proposal) -> AssociationRequest:
    return read_request(request_pdu(NODE, proposals, 16384))


def item(kind: int, content: bytes) -> bytes:
    return struct.pack(">BxH", kind, len(content)) + content


def encoded(*items: bytes) -> bytes:
    fixed = struct.pack(">Hxx16s16s32x", 1, b"ITKDICOMQR".ljust(16), b"ARCHIVE".ljust(16))
    return pdu(PduType.ASSOCIATE_RQ, fixed + b"".join(items))


def context(number: int, *items: bytes) -> bytes:
    return item(0x20, bytes([number, 0, 0, 0]) + b"".join(items))


CT = item(0x30, uid.CTImageStorage.encode())
SYNTAX = item(0x40, EXPLICIT.encode())


def proposing(abstract_syntax: str) -> AssociationRequest:
    return read_request(encoded(context(1, item(0x30, abstract_syntax.encode()), SYNTAX)))


def test_a_request_is_read_as_it_was_made() -> None:
    asked = request(service(VERIFICATION), Proposal(uid.CTImageStorage, (EXPLICIT, uid.RLELossless)))
    assert (asked.called_ae_title, asked.calling_ae_title) == ("ITKDICOMQR", "ARCHIVE")
    assert (asked.application_context, asked.max_pdu) == ("1.2.840.10008.3.1.1.1", 16384)
    assert asked.contexts == (
        Proposed(1, VERIFICATION, (EXPLICIT, IMPLICIT)),
        Proposed(3, uid.CTImageStorage, (EXPLICIT, uid.RLELossless)),
    )


@pytest.mark.parametrize(
    ("abstract_syntax", "is_accepted"),
    [
        (VERIFICATION, True),
        (uid.CTImageStorage, True),
        (uid.DigitalXRayImageStorageForPresentation, True),
        ("1.2.840.10008.5.1.4.1.1.999", True),
        ("1.3.46.670589.5.0.1", True),
        ("1.3..046.", True),
        (FIND["study"], False),
        (GET["patient"], False),
        ("1.2.840.10008.1.20.1", False),
        ("1.2.840.10008.5.1.1.9", False),
    ],
    ids=[
        "verification",
        "CT",
        "for presentation",
        "of a later edition",
        "private",
        "no UID, strictly",
        "find",
        "get",
        "storage commitment",
        "print",
    ],
)
def test_verification_and_storage_are_accepted_and_nothing_else(abstract_syntax: str, is_accepted: bool) -> None:
    assert bool(granted(proposing(abstract_syntax)).contexts) is is_accepted


@pytest.mark.parametrize(
    ("proposed", "chosen"),
    [
        ((IMPLICIT, EXPLICIT), EXPLICIT),
        ((uid.JPEG2000Lossless, IMPLICIT), IMPLICIT),
        ((uid.JPEG2000, uid.RLELossless), uid.RLELossless),
        ((uid.JPEG2000,), None),
        (("1.2.3.4",), None),
        ((), None),
    ],
)
def test_uncompressed_comes_before_lossless_and_lossy_not_at_all(proposed: tuple[str, ...], chosen: str | None) -> None:
    syntaxes = [item(0x40, each.encode()) for each in proposed]
    accepted = granted(read_request(encoded(context(1, CT, *syntaxes)))).contexts
    assert [each.transfer_syntax for each in accepted.values()] == ([chosen] if chosen else [])


@given(st.lists(st.sampled_from((*LOSSLESS, *LOSSY)), min_size=1, unique=True))
def test_lossy_is_chosen_only_where_it_is_allowed_and_nothing_lossless_is_offered(proposed: list[str]) -> None:
    accepted = granted(request(Proposal(uid.CTImageStorage, tuple(proposed))), lossy=True).contexts
    lossless = [each for each in LOSSLESS if each in proposed]
    assert accepted[1].transfer_syntax == (lossless or [each for each in LOSSY if each in proposed])[0]


def test_the_answer_is_read_as_an_acceptance_by_us_and_by_pynetdicom() -> None:
    proposals = [
        service(VERIFICATION),
        service(FIND["study"]),
        Proposal(uid.CTImageStorage, (uid.RLELossless,)),
        Proposal(uid.CTImageStorage, (uid.JPEG2000,)),
    ]
    asked = request(*proposals)
    answer = acceptance_pdu(asked, granted(asked), 131072)

    understood = read_acceptance(answer, proposals)
    read = A_ASSOCIATE_AC()
    read.decode(answer)

    assert understood.contexts == {
        1: Context(1, VERIFICATION, EXPLICIT),
        5: Context(5, uid.CTImageStorage, uid.RLELossless),
    }
    assert understood.max_pdu == 131072
    assert [each.result for each in read.presentation_context] == [0, 3, 0, 4]
    assert answer[10:42] == request_pdu(NODE, proposals, 16384)[10:42]


@pytest.mark.parametrize("rejection", [NOT_DICOM, UNKNOWN_CALLER, UNKNOWN_NAME, NOTHING_EXPECTED, TOO_MANY])
def test_a_rejection_carries_its_three_codes(rejection: Rejection) -> None:
    read = A_ASSOCIATE_RJ()
    read.decode(rejection.pdu())
    assert (read.result, read.source, read.reason_diagnostic) == (
        rejection.result,
        rejection.source,
        rejection.reason,
    )


DAMAGED = {
    "nothing": pdu(PduType.ASSOCIATE_RQ, b""),
    "half a header": pdu(PduType.ASSOCIATE_RQ, b"\0\1" * 20),
    "half an item": encoded(b"\x10\0"),
    "an item beyond the end": encoded(b"\x20\0\xff\xff1234"),
    "no abstract syntax": encoded(context(1, SYNTAX)),
    "two abstract syntaxes": encoded(context(1, CT, CT, SYNTAX)),
    "an even identifier": encoded(context(2, CT, SYNTAX)),
    "one identifier twice": encoded(context(1, CT, SYNTAX), context(1, CT, SYNTAX)),
    "an empty context": encoded(item(0x20, b"")),
    "words in place of a UID": encoded(context(1, item(0x30, b"Doe^Jane"), SYNTAX)),
    "129 contexts": encoded(*(context(1, CT, SYNTAX) for _ in range(MAX_CONTEXTS + 3))),
    "PDUs of six bytes": encoded(item(0x50, item(0x51, b"\0\0\0\6"))),
    "1 MiB of contexts": encoded(item(0x20, b"\1\0\0\0") * (MEBIBYTE // 8 - 20)),
    "1 MiB of syntaxes": encoded(*(context(1, CT, item(0x40, b"") * 16000) for _ in range(16))),
    "1 MiB of user information": encoded(*(item(0x50, item(0x59, b"") * 16000) for _ in range(16))),
}


@pytest.mark.parametrize("damaged", DAMAGED)
def test_a_damaged_request_is_refused_at_once_and_without_its_words(damaged: str) -> None:
    begin = monotonic()
    with pytest.raises(ProtocolError, match="the A-ASSOCIATE-RQ is damaged") as caught:
        read_request(DAMAGED[damaged])
    assert monotonic() - begin < bound(1)
    assert "Doe" not in str(caught.value)


def test_a_peer_that_tells_no_maximum_length_has_none() -> None:
    assert read_request(encoded(context(1, CT, SYNTAX))).max_pdu == 0


@given(st.binary(max_size=400))
def test_any_bytes_are_a_request_or_a_protocol_error(content: bytes) -> None:
    with suppress(ProtocolError):
        asked = read_request(pdu(PduType.ASSOCIATE_RQ, content))
        acceptance_pdu(asked, granted(asked), 16384)


@given(st.data())
def test_a_request_that_was_changed_is_a_request_or_a_protocol_error(data: st.DataObject) -> None:
    content = bytearray(request_pdu(NODE, [service(VERIFICATION), service(uid.CTImageStorage)], 16384))
    for position in data.draw(st.lists(st.integers(74, len(content) - 1), max_size=4)):
        content[position] = data.draw(st.integers(0, 255))
    with suppress(ProtocolError):
        asked = read_request(bytes(content))
        acceptance_pdu(asked, granted(asked), 16384)

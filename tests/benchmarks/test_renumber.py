"""A scene reaches every client under the identifiers that this client proposed, however its bytes are split."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom import uid

from benchmarks.renumber import numbers_of, renumbering
from itkdicomqr.association.contexts import GET, Proposal, service
from itkdicomqr.association.negotiation import request_pdu
from itkdicomqr.association.stream import PduType
from itkdicomqr.node import Node
from tests.faults import (
    INSTANCES,
    SERVICE,
    STORAGE,
    SYNTAXES,
    acceptance,
    message,
    pdu,
    pdv,
    store_command,
    stored,
)

MR, CT = (Proposal(each, (uid.ExplicitVRLittleEndian,)) for each in (uid.MRImageStorage, uid.CTImageStorage))
ASKED = request_pdu(Node("127.0.0.1", 104, "FAULTS"), [MR, service(GET["study"]), MR, CT, CT], 16384)
"""By a client that proposes the service as 3, and the storage class of the scenes as 7."""

NUMBERS = {SERVICE: 3, STORAGE: 7}
PATCHED = {NUMBERS[number]: syntax for number, syntax in SYNTAXES.items()}
COMMAND = store_command(INSTANCES[0])
RELEASED = pdu(PduType.RELEASE_RP, bytes(4))
SAID = acceptance() + stored(INSTANCES[0]) + message(SERVICE, COMMAND) + RELEASED
UNDERSTOOD = acceptance(PATCHED) + stored(INSTANCES[0], NUMBERS[STORAGE]) + message(3, COMMAND) + RELEASED


def answered(*parts: bytes) -> bytes:
    asked, answer = renumbering()
    assert asked(ASKED[:10]) + asked(ASKED[10:]) == ASKED
    return b"".join(map(answer, parts))


def test_the_first_context_of_each_kind_counts():
    assert numbers_of(ASKED) == NUMBERS


@given(st.lists(st.integers(0, len(SAID)), max_size=12).map(sorted))
def test_any_split_of_the_bytes_gives_the_same(cuts):
    bounds = [0, *cuts, len(SAID)]
    assert answered(*(SAID[begin:end] for begin, end in pairwise(bounds))) == UNDERSTOOD


@pytest.mark.parametrize(
    "content",
    [
        b"\xde\xad\xbe\xef" * 100,
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        pdu(PduType.ASSOCIATE_AC, b"\xff" * 200),
        pdu(PduType.P_DATA_TF, b"", length=0xFFFFFFFF),
        pdu(PduType.P_DATA_TF, b"\0\0"),
        pdu(PduType.P_DATA_TF, pdv(9, 3, b"of no context")),
        acceptance({})[:60],
    ],
)
def test_what_is_no_dicom_passes_as_it_is(content):
    assert answered(content) == content

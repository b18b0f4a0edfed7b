"""What an archive may do wrong in a C-GET, as the field reports it, and what it may do oddly: scenes by name."""

from __future__ import annotations

import zlib
from dataclasses import replace
from itertools import repeat
from typing import Any

from pydicom import uid

from itkdicomqr.association.dimse import NO_DATA_SET, Command, Element, Field
from itkdicomqr.association.stream import PduType
from itkdicomqr.errors import (
    AssociationRejectedError,
    ConnectionLostError,
    CorruptInstanceError,
    DeadlineError,
    DICOMQRError,
    ForeignInstanceError,
    IncompleteSeriesError,
    LimitExceededError,
    NoPresentationContextError,
    ProtocolError,
)
from itkdicomqr.instance import Instance
from itkdicomqr.node import Limits
from tests.faults import (
    ABORT,
    ALL,
    ASKED,
    BRISK,
    CLOSE,
    COMMENT,
    FIRST,
    HASTY,
    HEAR,
    INSTANCES,
    MISCLASSED,
    MISNAMED,
    MORE_DATA,
    OTHER_SERIES,
    PART_OF_ONE,
    PATIENT,
    PENDING,
    RELEASE,
    RESET,
    SERVICE,
    STORAGE,
    STORE_BEGUN,
    SUCCESS,
    SYNTAXES,
    acceptance,
    drip,
    ending,
    message,
    pdu,
    pdv,
    rejection,
    response,
    sending,
    store_command,
    stored,
)

LIMITS = Limits(max_instance_bytes=1 << 20, max_inflate_ratio=100)
"""Within which a client is to stay."""

CT = str(uid.CTImageStorage)
DEFLATED = 7
"""The identifier under which a client proposes the storage class in Deflated Explicit VR Little Endian."""

DEFLATING = (HEAR, acceptance({SERVICE: SYNTAXES[SERVICE], DEFLATED: uid.DeflatedExplicitVRLittleEndian}))

ONE = INSTANCES[0]
ENCODED = bytes(ONE.encoded)
ROWS = b"\x28\x00\x10\x00US\x02\x00"


def sent(encoded: bytes) -> Any:
    """Send the first instance with these bytes, and the others as they are."""
    return sending(stored(replace(ONE, encoded=encoded)), HEAR, ALL[1:])


def with_rows(rows: int) -> bytes:
    start = ENCODED.index(ROWS) + len(ROWS)
    return ENCODED[:start] + rows.to_bytes(2, "little") + ENCODED[start + 2 :]


BOMB = Instance(CT, ONE.sop_instance_uid, uid.DeflatedExplicitVRLittleEndian, zlib.compress(bytes(1 << 26), wbits=-15))

FAULTS: dict[str, tuple[Any, type[DICOMQRError], Any]] = {
    "reject_called": ((HEAR, rejection(1, 1, 7)), AssociationRejectedError, PATIENT),
    "reject_limit": ((HEAR, rejection(2, 3, 2)), AssociationRejectedError, PATIENT),
    "reject_fast_close": ((rejection(1, 1, 7), CLOSE), AssociationRejectedError, PATIENT),
    "assoc_silent": ((HEAR,), DeadlineError, BRISK),
    "assoc_close": ((HEAR, CLOSE), ConnectionLostError, PATIENT),
    "assoc_garbage": ((HEAR, b"HTTP/1.1 400 Bad Request\r\n\r\n", CLOSE), ProtocolError, PATIENT),
    "abort_mid": ((*ASKED, FIRST, ABORT), ConnectionLostError, PATIENT),
    "fin_between": ((*ASKED, FIRST, CLOSE), ConnectionLostError, PATIENT),
    "fin_mid_pdu": ((*ASKED, FIRST, PART_OF_ONE, CLOSE), ConnectionLostError, PATIENT),
    "reset_mid_pdu": ((*ASKED, FIRST, PART_OF_ONE, RESET), ConnectionLostError, PATIENT),
    "release_mid": ((*ASKED, FIRST, RELEASE), ConnectionLostError, PATIENT),
    "stall_between": ((*ASKED, FIRST), DeadlineError, BRISK),
    "stall_mid_pdu": ((*ASKED, FIRST, PART_OF_ONE), DeadlineError, BRISK),
    "drip": ((*ASKED, drip(stored(ONE))), DeadlineError, HASTY),
    "pending_forever": ((*ASKED, repeat((PENDING, 0.02))), DeadlineError, HASTY),
    "warn_b000": (ending(0xB000, FAILED=2, COMPLETED=1), IncompleteSeriesError, PATIENT),
    "b000_no_list": ((*ASKED, FIRST, response(Field.C_GET_RSP, 0xB000)), IncompleteSeriesError, PATIENT),
    "fail_a702": (ending(0xA702, FAILED=3), IncompleteSeriesError, PATIENT),
    "fail_c001_comment": (ending(0xC001, ERROR_COMMENT=COMMENT), IncompleteSeriesError, PATIENT),
    "unknown_status": (ending(0x1234), IncompleteSeriesError, PATIENT),
    "success_zero": (sending(), IncompleteSeriesError, PATIENT),
    "success_short": (sending(FIRST), IncompleteSeriesError, PATIENT),
    "success_no_counts": ((*ASKED, FIRST, response(Field.C_GET_RSP, 0)), IncompleteSeriesError, PATIENT),
    "other_series": (sending(ALL, stored(OTHER_SERIES)), ForeignInstanceError, PATIENT),
    "uid_mismatch": (sending(stored(MISNAMED)), ForeignInstanceError, PATIENT),
    "class_mismatch": (
        sending(stored(MISCLASSED, AFFECTED_SOP_CLASS_UID=CT)),
        ForeignInstanceError,
        PATIENT,
    ),
    "traversal_uid": (sending(stored(ONE, AFFECTED_SOP_INSTANCE_UID="../../tmp/x")), ProtocolError, PATIENT),
    "no_storage_ctx": ((HEAR, acceptance({SERVICE: SYNTAXES[SERVICE]})), NoPresentationContextError, PATIENT),
    "no_ctx_at_all": ((HEAR, acceptance({})), NoPresentationContextError, PATIENT),
    "bad_ctx_id": ((*ASKED, stored(ONE, context_id=9)), ProtocolError, PATIENT),
    "wrong_ts": (sent(b"\x00\x08\x00\x16UI\x00\x1a" + ENCODED[8:]), CorruptInstanceError, PATIENT),
    "garbage_dataset": (sent(b"\x08\0\x05\0??" + bytes(10)), CorruptInstanceError, PATIENT),
    "no_dataset": (
        (*ASKED, message(STORAGE, store_command(ONE, COMMAND_DATA_SET_TYPE=NO_DATA_SET))),
        CorruptInstanceError,
        PATIENT,
    ),
    "truncated_pixels": (sent(ENCODED[:-10]), CorruptInstanceError, PATIENT),
    "short_pixels": (sent(with_rows(7)), CorruptInstanceError, PATIENT),
    "rows_bomb": (sent(with_rows(0xFFFF)), LimitExceededError, PATIENT),
    "max_pdu_one": ((HEAR, acceptance(max_pdu=1)), ProtocolError, PATIENT),
    "pdu_bigger_than_max": (
        (*ASKED, pdu(PduType.P_DATA_TF, pdv(STORAGE, 0, bytes(1 << 18)))),
        LimitExceededError,
        PATIENT,
    ),
    "giant_pdu_len": ((*ASKED, pdu(PduType.P_DATA_TF, b"", length=0xFFFFFFFF)), LimitExceededError, PATIENT),
    "endless_dataset": ((*ASKED, STORE_BEGUN, repeat(MORE_DATA)), LimitExceededError, PATIENT),
    "deflate_bomb": (
        (*DEFLATING, HEAR, stored(BOMB, DEFLATED), HEAR, SUCCESS),
        LimitExceededError,
        PATIENT,
    ),
    "unknown_pdu": ((*ASKED, pdu(0x42, b"")), ProtocolError, PATIENT),
    "bad_command": (
        (*ASKED, pdu(PduType.P_DATA_TF, pdv(SERVICE, 3, b"\0\0\0\1\xff\xff\xff\xff"))),
        ProtocolError,
        PATIENT,
    ),
    "find_rsp_in_get": ((*ASKED, response(Field.C_FIND_RSP, 0xFF00)), ProtocolError, PATIENT),
    "foreign_request": (
        (*ASKED, message(SERVICE, Command({Element.COMMAND_FIELD: Field.C_ECHO_RQ}))),
        ProtocolError,
        PATIENT,
    ),
}
"""Scene, error and timeouts by name."""

MUST_WORK: dict[str, Any] = {
    "good": (HEAR, acceptance(), HEAR, PENDING, ALL, PENDING, SUCCESS),
    "no_role_reply": (HEAR, acceptance(roles=False), HEAR, ALL, SUCCESS),
    "max_pdu_zero": (HEAR, acceptance(max_pdu=0), HEAR, ALL, SUCCESS),
    "duplicates": (HEAR, acceptance(), HEAR, FIRST, ALL, FIRST, SUCCESS),
}

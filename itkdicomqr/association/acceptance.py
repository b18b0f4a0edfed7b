"""The acceptor's half of an association: what a peer asks for, and what it is granted (PS3.8 9.3.2 to 9.3.4).

pynetdicom needs seconds to decode a request of 1 MiB that holds nothing but tiny items, and pydicom warns
with what a peer puts in place of a UID; so a request, which anybody may send, is read here.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from pydicom.config import IGNORE
from pydicom.uid import UID, ImplicitVRLittleEndian

from itkdicomqr.association.contexts import LOSSLESS, LOSSY, MAX_CONTEXTS, VERIFICATION
from itkdicomqr.association.negotiation import (
    ACCEPTED,
    APPLICATION_CONTEXT,
    IMPLEMENTATION_CLASS_UID,
    IMPLEMENTATION_VERSION,
    Context,
    Granted,
)
from itkdicomqr.association.stream import PDU_HEADER, PduType
from itkdicomqr.errors import ProtocolError
from itkdicomqr.uids import is_uid

MAX_SYNTAXES = 256
"""Transfer syntaxes of one presentation context: the standard knows some sixty."""

NO_TRANSFER_SYNTAX, NO_ABSTRACT_SYNTAX = 4, 3
"""The results of a context without a transfer syntax that serves, and of one of another service (PS3.8 table 9-18)."""

_FIXED = struct.Struct(">6xHxx16s16s32x")
_ITEM = struct.Struct(">BxH")
_APPLICATION_CONTEXT, _CONTEXT, _CONTEXT_RESULT, _USER_INFORMATION = 0x10, 0x20, 0x21, 0x50
_ABSTRACT_SYNTAX, _TRANSFER_SYNTAX = 0x30, 0x40
_MAX_LENGTH, _CLASS_UID, _VERSION_NAME = 0x51, 0x52, 0x55


@dataclass(frozen=True)
class Proposed:
    """A presentation context that a peer proposes."""

    id: int
    abstract_syntax: str
    transfer_syntaxes: tuple[str, ...]


@dataclass(frozen=True)
class AssociationRequest:
    """An A-ASSOCIATE-RQ.

    Attributes
    ----------
    called_ae_title, calling_ae_title : str
        Whom it wants, and who it says that it is.
    application_context : str
        DICOM's, if all is well.
    contexts : tuple of Proposed
        At most 128.
    max_pdu : int
        The longest PDU that it takes; 0 is no limit.
    titles : bytes
        Both AE titles and what follows, as the acceptance repeats them.
    """

    called_ae_title: str
    calling_ae_title: str
    application_context: str
    contexts: tuple[Proposed, ...]
    max_pdu: int
    titles: bytes


@dataclass(frozen=True)
class Rejection:
    """Why an association is rejected.

    Attributes
    ----------
    result, source, reason : int
        PS3.8 table 9-21.
    words : str
        The reason, with ``{calling}`` and ``{called}`` for the AE titles of the request.
    """

    result: int
    source: int
    reason: int
    words: str

    def pdu(self) -> bytes:
        """Encode the A-ASSOCIATE-RJ."""
        return PDU_HEADER.pack(PduType.ASSOCIATE_RJ, 4) + bytes([0, self.result, self.source, self.reason])


NOT_DICOM = Rejection(1, 1, 2, "it does not speak DICOM's application context")
UNKNOWN_CALLER = Rejection(1, 1, 3, "{calling!r} is not among store_ae_titles")
UNKNOWN_NAME = Rejection(1, 1, 7, "it calls us {called!r}: the archive must know us by our calling AE title")
NOTHING_EXPECTED = Rejection(2, 1, 1, "no C-MOVE is under way")
"""Transient, by the user of the service and not by its provider; the standard has no reason that says more."""

TOO_MANY = Rejection(2, 3, 2, "too many associations at once")


def read_request(encoded: bytes) -> AssociationRequest:
    """Decode an A-ASSOCIATE-RQ, PDU header included.

    Raises
    ------
    ProtocolError
        It is damaged, or proposes more than a request can.
    """
    try:
        _, called, calling = _FIXED.unpack_from(encoded)
        items = list(_items(memoryview(encoded)[_FIXED.size :], MAX_CONTEXTS + 2))
        contexts = tuple(_proposed(content) for kind, content in items if kind == _CONTEXT)
        information = next((content for kind, content in items if kind == _USER_INFORMATION), memoryview(b""))
        max_pdu = _max_pdu(information)
    except struct.error:
        raise _damaged("an item is cut short") from None
    if len({context.id for context in contexts}) < len(contexts):
        raise _damaged("two presentation contexts share an identifier")
    if 0 < max_pdu <= 6:
        raise _damaged(f"nothing fits into PDUs of {max_pdu} bytes")
    named = next((_text(content) for kind, content in items if kind == _APPLICATION_CONTEXT), "")
    return AssociationRequest(_text(called), _text(calling), named, contexts, max_pdu, encoded[10 : _FIXED.size])


def granted(request: AssociationRequest, *, lossy: bool = False) -> Granted:
    """Choose the presentation contexts to accept, and one transfer syntax for each.

    Uncompressed before lossless: an archive that offers both can send both.

    Parameters
    ----------
    request : AssociationRequest
        What is proposed.
    lossy : bool
        Whether a context that offers nothing lossless is accepted too.
    """
    syntaxes = (*LOSSLESS, *LOSSY) if lossy else LOSSLESS
    contexts = {}
    for proposed in request.contexts:
        syntax = next((each for each in syntaxes if each in proposed.transfer_syntaxes), None)
        if syntax is not None and _is_served(proposed.abstract_syntax):
            contexts[proposed.id] = Context(proposed.id, proposed.abstract_syntax, str(syntax))
    return Granted(contexts, request.max_pdu)


def acceptance_pdu(request: AssociationRequest, accepted: Granted, max_pdu: int) -> bytes:
    """Encode an A-ASSOCIATE-AC; without a reply to role selection the peer is the SCU, as it must be."""
    results = [_result(proposed, accepted.contexts.get(proposed.id)) for proposed in request.contexts]
    information = (
        _item(_MAX_LENGTH, struct.pack(">I", max_pdu))
        + _item(_CLASS_UID, IMPLEMENTATION_CLASS_UID.encode())
        + _item(_VERSION_NAME, IMPLEMENTATION_VERSION.encode())
    )
    items = [
        _item(_APPLICATION_CONTEXT, APPLICATION_CONTEXT.encode()),
        *results,
        _item(_USER_INFORMATION, information),
    ]
    content = struct.pack(">Hxx", 1) + request.titles + b"".join(items)
    return PDU_HEADER.pack(PduType.ASSOCIATE_AC, len(content)) + content


def _is_served(abstract_syntax: str) -> bool:
    """Tell verification and storage, private and future classes included, from the other services."""
    known = UID(abstract_syntax, IGNORE)
    is_storage = "Storage" in known.name and "Commitment" not in known.name
    return abstract_syntax == VERIFICATION or not known.type or is_storage


def _items(content: memoryview, limit: int) -> Iterator[tuple[int, memoryview]]:
    """Cut variable items apart (PS3.8 9.3.2), each a type and its content."""
    offset = count = 0
    while offset < len(content):
        kind, length = _ITEM.unpack_from(content, offset)
        offset += _ITEM.size
        count += 1
        if count > limit:
            raise _damaged(f"it holds more than {limit} items in one place")
        if length > len(content) - offset:
            raise _damaged("an item reaches beyond its end")
        yield kind, content[offset : offset + length]
        offset += length


def _proposed(content: memoryview) -> Proposed:
    syntaxes = list(_items(content[4:], MAX_SYNTAXES))
    abstract = [_uid(each) for kind, each in syntaxes if kind == _ABSTRACT_SYNTAX]
    if len(abstract) != 1 or not content[0] % 2:
        raise _damaged("a presentation context lacks its abstract syntax, or has an even identifier")
    return Proposed(content[0], abstract[0], tuple(_uid(each) for kind, each in syntaxes if kind == _TRANSFER_SYNTAX))


def _max_pdu(information: memoryview) -> int:
    """Read the maximum length; a peer that tells none has none."""
    lengths = (content for kind, content in _items(information, 4 * MAX_CONTEXTS) if kind == _MAX_LENGTH)
    return int.from_bytes(next(lengths, b"")[:4], "big")


def _result(proposed: Proposed, context: Context | None) -> bytes:
    """Answer for one context; the transfer syntax of one that is refused has no meaning (PS3.8 9.3.3.2)."""
    refused = NO_TRANSFER_SYNTAX if _is_served(proposed.abstract_syntax) else NO_ABSTRACT_SYNTAX
    result = ACCEPTED if context else refused
    syntax = context.transfer_syntax if context else ImplicitVRLittleEndian
    return _item(_CONTEXT_RESULT, bytes([proposed.id, 0, result, 0]) + _item(_TRANSFER_SYNTAX, syntax.encode()))


def _item(kind: int, content: bytes) -> bytes:
    return _ITEM.pack(kind, len(content)) + content


def _uid(content: memoryview) -> str:
    text = _text(bytes(content))
    if not is_uid(text):
        raise _damaged("an abstract or transfer syntax is no UID")
    return text


def _text(content: bytes | memoryview) -> str:
    return bytes(content).decode("ascii", "backslashreplace").strip("\0 ")


def _damaged(reason: str) -> ProtocolError:
    return ProtocolError(f"the A-ASSOCIATE-RQ is damaged: {reason}")

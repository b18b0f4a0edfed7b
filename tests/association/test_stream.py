"""The stream of an association: any split gives the same events, and a breach is told before it is paid for."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterable, Sequence
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from itkdicomqr.association.dimse import NO_DATA_SET, Command, Element
from itkdicomqr.association.stream import (
    LEAST_PDU,
    MAX_ASSOCIATION_PDU,
    MAX_COMMAND_BYTES,
    Event,
    Message,
    Pdu,
    PduType,
    StreamReader,
    p_data,
)
from itkdicomqr.errors import LimitExceededError, NetworkError, ProtocolError
from tests.faults import HTTP_BANNER, pdu, pdv

MAX_PDU = 1024
MAX_MESSAGE = 1 << 16
WITH_DATA = Command({Element.COMMAND_FIELD: 1, Element.COMMAND_DATA_SET_TYPE: 1})
WITHOUT_DATA = Command({Element.COMMAND_FIELD: 0x8001, Element.COMMAND_DATA_SET_TYPE: NO_DATA_SET})
P_DATA = PduType.P_DATA_TF
COMMAND_SENT = pdu(P_DATA, pdv(1, 3, WITH_DATA.encode()))

association_pdus = st.builds(
    lambda kind, content: pdu(kind, content),
    st.sampled_from([kind for kind in PduType if kind is not P_DATA]),
    st.binary(min_size=LEAST_PDU, max_size=64),
)


@st.composite
def messages(draw: st.DrawFn) -> bytes:
    """A message, its sets cut into values, and the values put into PDUs, at random."""
    context_id = draw(st.integers(1, 255))
    data = draw(st.none() | st.binary(max_size=600))
    command = (WITHOUT_DATA if data is None else WITH_DATA).encode()
    values = [*_cut(draw, context_id, command, 1), *([] if data is None else _cut(draw, context_id, data, 0))]
    encoded, held = b"", b""
    for value in values:
        held += value
        if len(held) > MAX_PDU // 2 or draw(st.booleans()):
            encoded, held = encoded + pdu(P_DATA, held), b""
    return encoded + (pdu(P_DATA, held) if held else b"")


def _cut(draw: st.DrawFn, context_id: int, content: bytes, control: int) -> list[bytes]:
    cuts = sorted(draw(st.lists(st.integers(0, len(content)), max_size=4)))
    parts = [content[start:end] for start, end in zip([0, *cuts], [*cuts, len(content)], strict=True)]
    return [pdv(context_id, control, part) for part in parts[:-1]] + [pdv(context_id, control | 2, parts[-1])]


def new_reader(max_pdu: int = MAX_PDU, max_message: int = MAX_MESSAGE) -> StreamReader:
    return StreamReader(max_pdu, max_message)


def events(content: bytes, sizes: Iterable[int] | None = None, reader: StreamReader | None = None) -> list[Event]:
    """Read the content in portions of these sizes, or else each as large as there is room for."""
    reader = reader or new_reader()
    portions = iter(sizes or ())
    found, offset = [], 0
    while offset < len(content):
        room = reader.room()
        assert len(room) > 0
        portion = content[offset : offset + min(len(room), next(portions, len(room)))]
        room[: len(portion)] = portion
        offset += len(portion)
        event = reader.arrived(len(portion))
        if event is not None:
            found.append(event)
    return found


def comparable(found: Sequence[Event]) -> list[object]:
    return [each if isinstance(each, Pdu) else (each.context_id, each.command, bytes(each.data)) for each in found]


@given(st.lists(messages() | association_pdus, min_size=1, max_size=4), st.lists(st.integers(1, 40)))
def test_any_split_of_a_stream_gives_the_same_events(parts: list[bytes], sizes: list[int]) -> None:
    whole = events(b"".join(parts))
    assert len(whole) == len(parts)
    assert comparable(events(b"".join(parts), sizes)) == comparable(whole)
    assert comparable(events(b"".join(parts), [1] * len(b"".join(parts)))) == comparable(whole)


@given(
    st.binary(min_size=1, max_size=3000),
    st.integers(1, 255),
    st.integers(7, MAX_PDU) | st.just(0),
    st.lists(st.integers(1, 500)),
)
def test_what_is_cut_into_p_data_comes_back(content: bytes, context_id: int, max_pdu: int, sizes: list[int]) -> None:
    reader = new_reader(max_pdu or MAX_ASSOCIATION_PDU)
    parts = [*p_data(context_id, WITH_DATA.encode(), command=True, max_pdu=max_pdu)]
    parts += p_data(context_id, content, command=False, max_pdu=max_pdu)
    assert all(len(part) - 6 <= (max_pdu or MAX_ASSOCIATION_PDU) for part in parts)
    (message,) = events(b"".join(parts), sizes, reader)
    assert isinstance(message, Message)
    assert (message.context_id, message.command, bytes(message.data)) == (context_id, WITH_DATA, content)


@given(st.binary(max_size=600))
@settings(max_examples=300)
def test_garbage_is_refused_by_our_own_errors(content: bytes) -> None:
    with suppress(ProtocolError, LimitExceededError):
        assert all(isinstance(event, Event) for event in events(content))


@given(st.lists(messages() | association_pdus, min_size=1, max_size=3), st.data())
def test_a_damaged_stream_is_refused_by_our_own_errors(parts: list[bytes], data: st.DataObject) -> None:
    damaged = bytearray(b"".join(parts))
    for _ in range(data.draw(st.integers(1, 3))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    with suppress(ProtocolError, LimitExceededError):
        assert all(isinstance(event, Event) for event in events(bytes(damaged)))


@pytest.mark.parametrize(
    ("content", "kind", "words"),
    [
        (pdu(P_DATA, b"", length=MAX_PDU + 7), LimitExceededError, "1031 bytes exceeds the limit of 1030"),
        (pdu(2, b"", length=MAX_ASSOCIATION_PDU + 1), LimitExceededError, "an association PDU of 1048577 bytes"),
        (pdu(P_DATA, b"", length=0xFFFFFFFF), LimitExceededError, "the maximum length that was announced"),
        (pdu(0x42, b""), ProtocolError, "does not speak DICOM"),
        (pdu(0, b""), ProtocolError, "does not speak DICOM"),
        (HTTP_BANNER, ProtocolError, "speaks HTTP, not DICOM"),
        (pdu(P_DATA, bytes(5)), ProtocolError, "within the header of a presentation data value"),
        (pdu(P_DATA, pdv(1, 3, b"", length=1)), ProtocolError, "value of 1 bytes does not fit"),
        (pdu(P_DATA, pdv(1, 3, b"", length=0)), ProtocolError, "value of 0 bytes does not fit"),
        (pdu(P_DATA, pdv(1, 3, bytes(9), length=12)), ProtocolError, "value of 12 bytes does not fit"),
        (pdu(P_DATA, pdv(1, 3, b"", length=0xFFFFFFFF)), ProtocolError, "value of 4294967295 bytes does not fit"),
        (pdu(P_DATA, pdv(1, 2, b"data")), ProtocolError, "a data set came without a command set"),
        (COMMAND_SENT + pdu(P_DATA, pdv(1, 1, b"")), ProtocolError, "in the middle of a data set"),
        (COMMAND_SENT + pdu(P_DATA, pdv(3, 0, b"")), ProtocolError, "changed its presentation context"),
        (pdu(P_DATA, pdv(1, 1, b"") + pdv(3, 1, b"")), ProtocolError, "changed its presentation context"),
        (pdu(P_DATA, pdv(1, 3, b"123")), ProtocolError, "command set is damaged"),
    ],
)
def test_a_breach_has_its_own_error(content: bytes, kind: type[NetworkError | LimitExceededError], words: str) -> None:
    with pytest.raises(kind, match=words) as caught:
        events(content)
    assert type(caught.value) is kind


def test_a_p_data_pdu_may_count_its_own_header() -> None:
    data = bytes(MAX_PDU)
    (message,) = events(COMMAND_SENT + pdu(P_DATA, pdv(1, 2, data)))
    assert isinstance(message, Message)
    assert bytes(message.data) == data


def test_a_command_set_is_limited() -> None:
    fragment = pdu(P_DATA, pdv(1, 1, bytes(1000)))
    with pytest.raises(LimitExceededError, match="a command set of 66000 bytes"):
        events(fragment * (MAX_COMMAND_BYTES // 1000 + 1))


@pytest.mark.parametrize("excess", [0, 1])
def test_a_data_set_is_limited(excess: int) -> None:
    parts = p_data(1, bytes(MAX_MESSAGE + excess), command=False, max_pdu=MAX_PDU)
    content = COMMAND_SENT + b"".join(parts)
    if not excess:
        assert len(events(content)) == 1
        return
    with pytest.raises(LimitExceededError, match="a data set of 65537 bytes exceeds the limit of 65536"):
        events(content)


def test_the_limit_may_change_from_message_to_message() -> None:
    reader = new_reader()
    content = COMMAND_SENT + pdu(P_DATA, pdv(1, 2, bytes(11)))
    assert len(events(content, reader=reader)) == 1
    reader.limit(10, "buy more memory")
    with pytest.raises(LimitExceededError, match="limit of 10: buy more memory"):
        events(content, reader=reader)


def test_a_length_is_refused_before_memory_is_taken_for_it() -> None:
    tracemalloc.start()
    try:
        for content in (pdu(P_DATA, b"", length=0xFFFFFFF0), pdu(5, b"", length=0xFFFFFFF0)):
            with pytest.raises(LimitExceededError):
                events(content)
        assert tracemalloc.get_traced_memory()[1] < 1 << 16
    finally:
        tracemalloc.stop()


def test_a_small_data_set_after_a_large_one_does_not_keep_its_memory() -> None:
    reader = new_reader()
    large = COMMAND_SENT + b"".join(p_data(1, bytes(60_000), command=False, max_pdu=MAX_PDU))
    small = COMMAND_SENT + pdu(P_DATA, pdv(1, 2, b"small"))
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        held = []
        for _ in range(20):
            events(large, reader=reader)
            held += events(small, reader=reader)
        assert tracemalloc.get_traced_memory()[0] - before < 120_000
    finally:
        tracemalloc.stop()
    assert [bytes(each.data) for each in held if isinstance(each, Message)] == [b"small"] * 20


def test_messages_do_not_share_their_memory() -> None:
    reader = new_reader()
    first, second = (COMMAND_SENT + pdu(P_DATA, pdv(1, 2, letter * 100)) for letter in (b"a", b"b"))
    earlier, later = events(first + second, reader=reader)
    assert isinstance(earlier, Message)
    assert isinstance(later, Message)
    assert (bytes(earlier.data), bytes(later.data)) == (b"a" * 100, b"b" * 100)
    assert earlier.data.readonly


def test_a_pdu_too_short_for_its_kind_is_refused() -> None:
    reader = StreamReader(MAX_PDU, MAX_MESSAGE)
    room = reader.room()
    short = pdu(PduType.ABORT, b"abc")
    room[: len(short)] = short
    with pytest.raises(ProtocolError, match="a PDU of type 7 has 3 bytes; every one has 4"):
        reader.arrived(len(short))

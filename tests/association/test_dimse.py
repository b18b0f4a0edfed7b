"""Command sets: what is written is read again, by pynetdicom too, and what is damaged is refused."""

from __future__ import annotations

import struct
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pynetdicom.dimse_messages import C_FIND_RQ, C_STORE_RSP
from pynetdicom.dsutils import decode

from itkdicomqr.association import dimse
from itkdicomqr.association.dimse import Command, Element, Field
from itkdicomqr.errors import ProtocolError

TEXTS = {
    Element.AFFECTED_SOP_CLASS_UID,
    Element.AFFECTED_SOP_INSTANCE_UID,
    Element.MOVE_DESTINATION,
    Element.ERROR_COMMENT,
}
NUMBERS = set(Element) - TEXTS - {Element.GROUP_LENGTH, Element.PRIORITY}

uids = st.from_regex(r"[1-9]{1,2}(\.[1-9][0-9]{0,5}){1,9}", fullmatch=True)
shorts = st.integers(0, 0xFFFF)
commands = st.builds(
    lambda numbers, texts: Command({**numbers, **texts}),
    st.dictionaries(st.sampled_from(sorted(NUMBERS)), shorts),
    st.dictionaries(st.sampled_from(sorted(TEXTS)), uids),
)


def element(number: int, value: bytes, *, group: int = 0, length: int | None = None) -> bytes:
    return struct.pack("<HHI", group, number, len(value) if length is None else length) + value


@given(commands)
def test_what_is_written_is_read_again(command: Command) -> None:
    assert Command.parse(command.encode()) == command


@given(commands)
def test_the_group_length_counts_what_follows_it(command: Command) -> None:
    encoded = command.encode()
    assert encoded[:8] == b"\0\0\0\0\4\0\0\0"
    assert int.from_bytes(encoded[8:12], "little") == len(encoded) - 12


@given(commands, st.data())
def test_a_command_that_is_cut_within_an_element_is_refused(command: Command, data: st.DataObject) -> None:
    encoded = command.encode() + element(Element.STATUS, b"\0\0")
    cut = data.draw(st.integers(1, 9))
    with pytest.raises(ProtocolError, match="damaged"):
        Command.parse(encoded[:-cut])


@given(st.binary(max_size=200))
def test_garbage_is_read_or_refused_and_nothing_else(content: bytes) -> None:
    try:
        command = Command.parse(content)
    except ProtocolError:
        return
    assert 0 <= command.field <= 0xFFFF
    assert -1 <= command.status <= 0xFFFF
    assert command.text(Element.ERROR_COMMENT).isascii()


@pytest.mark.parametrize("value", [b"\0", b"\0\0\0", b"\0\0\0\0"])
def test_a_number_that_is_not_of_two_bytes_is_damage(value: bytes) -> None:
    with pytest.raises(ProtocolError, match="damaged"):
        Command.parse(element(Element.STATUS, value))


def test_an_empty_status_is_none_at_all() -> None:
    assert Command.parse(element(Element.STATUS, b"")).status == -1


def test_elements_of_other_groups_are_passed_over() -> None:
    encoded = element(Element.STATUS, b"\0\xc0") + element(Element.STATUS, b"\0\0", group=8)
    assert Command.parse(encoded).status == 0xC000


def test_unknown_elements_are_passed_over() -> None:
    assert Command.parse(element(0x5000, b"anything") + element(Element.STATUS, b"\1\0")).status == 1


def test_padding_is_no_part_of_a_text() -> None:
    command = Command.parse(element(Element.AFFECTED_SOP_INSTANCE_UID, b"1.2.3\0"))
    assert command.text(Element.AFFECTED_SOP_INSTANCE_UID) == "1.2.3"


def test_bytes_beyond_ascii_are_escaped() -> None:
    assert Command.parse(element(Element.ERROR_COMMENT, b"d\xe9j\xe0")).text(Element.ERROR_COMMENT) == r"d\xe9j\xe0"


def test_what_is_absent_reads_as_nothing() -> None:
    command = Command({})
    assert (command.field, command.status, command.has_data_set) == (0, -1, False)
    assert (command.number(Element.FAILED), command.text(Element.ERROR_COMMENT)) == (0, "")


@given(uids, uids, shorts, shorts)
def test_pynetdicom_reads_our_answer_to_a_store_request(
    sop_class: str, sop_instance: str, message_id: int, status: int
) -> None:
    stored = Command(
        {
            Element.AFFECTED_SOP_CLASS_UID: sop_class,
            Element.AFFECTED_SOP_INSTANCE_UID: sop_instance,
            Element.MESSAGE_ID: message_id,
        }
    )
    read = decode(BytesIO(dimse.store_response(stored, status).encode()), True, True)
    assert set(read.keys()) <= set(C_STORE_RSP().command_set.keys())
    assert (read.AffectedSOPClassUID, read.AffectedSOPInstanceUID) == (sop_class, sop_instance)
    assert (read.CommandField, read.Status) == (Field.C_STORE_RSP, status)
    assert read.MessageIDBeingRespondedTo == message_id
    assert read.CommandDataSetType == 0x0101


@given(uids, shorts)
def test_pynetdicom_reads_our_query_request(sop_class: str, message_id: int) -> None:
    read = decode(BytesIO(dimse.request(Field.C_FIND_RQ, message_id, sop_class, data_set=True).encode()), True, True)
    assert set(read.keys()) == set(C_FIND_RQ().command_set.keys())
    assert (read.AffectedSOPClassUID, read.CommandField) == (sop_class, Field.C_FIND_RQ)
    assert (read.MessageID, read.Priority) == (message_id, 0)
    assert read.CommandDataSetType != 0x0101


def test_a_request_without_a_data_set_says_so_and_has_no_priority() -> None:
    command = dimse.request(Field.C_ECHO_RQ, 1, "1.2.840.10008.1.1", data_set=False)
    assert not command.has_data_set
    assert Element.PRIORITY not in command.elements


def test_the_destination_of_a_move_is_padded_with_a_space() -> None:
    command = dimse.request(Field.C_MOVE_RQ, 1, "1.2", data_set=True, destination="ITKDICOMQ")
    assert element(Element.MOVE_DESTINATION, b"ITKDICOMQ ") in command.encode()
    assert Command.parse(command.encode()).text(Element.MOVE_DESTINATION) == "ITKDICOMQ"

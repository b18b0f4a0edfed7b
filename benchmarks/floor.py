"""The floor: a bare socket loop that takes a series by C-GET, and looks at nothing but lengths."""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable

from pydicom import uid

from itkdicomqr import Node
from itkdicomqr.association.contexts import GET, Proposal
from itkdicomqr.association.dimse import Command, Field, request, store_response
from itkdicomqr.association.negotiation import request_pdu
from itkdicomqr.association.stream import p_data
from itkdicomqr.security import context_of

PDU_AND_PDV = struct.Struct(">BxIIBB")
MAX_PDU = 131072
ENCODING = (uid.ExplicitVRLittleEndian,)
QUERY_CONTEXT, STORAGE_CONTEXT = 1, 3


Keep = Callable[[bytes, bytes], object]
"""Is given the encoded command set and data set of each instance."""


def retrieve(node: Node, study_uid: str, series_uid: str, room: memoryview, keep: Keep | None = None) -> int:
    """Take the series into one buffer, instance over instance, and count them."""
    with _connected(node) as connection:
        proposals = [Proposal(GET["study"], ENCODING), Proposal(uid.CTImageStorage, ENCODING, as_scp=True)]
        connection.sendall(request_pdu(node, proposals, MAX_PDU))
        if connection.recv(65536)[0] != 2:
            message = "the association was not accepted"
            raise RuntimeError(message)
        _ask(connection, study_uid, series_uid)
        return _take(connection, room, keep)


def _connected(node: Node) -> socket.socket:
    connection = socket.create_connection((node.host, node.port))
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return context_of(node.tls).wrap_socket(connection, server_hostname=node.host) if node.tls else connection


def _ask(connection: socket.socket, study_uid: str, series_uid: str) -> None:
    command = request(Field.C_GET_RQ, 1, GET["study"], data_set=True).encode()
    keys = b"".join(
        struct.pack("<HH2sH", group, element, vr, len(value)) + value
        for group, element, vr, value in (
            (0x0008, 0x0052, b"CS", b"SERIES"),
            (0x0020, 0x000D, b"UI", _even(study_uid)),
            (0x0020, 0x000E, b"UI", _even(series_uid)),
        )
    )
    for content, is_command in ((command, True), (keys, False)):
        for pdu in p_data(QUERY_CONTEXT, content, command=is_command, max_pdu=16384):
            connection.sendall(pdu)


def _take(connection: socket.socket, room: memoryview, keep: Keep | None) -> int:
    header = memoryview(bytearray(PDU_AND_PDV.size))
    instances = used = 0
    command = b""
    while True:
        _fill(connection, header)
        _, _, length, context, control = PDU_AND_PDV.unpack(header)
        fragment = room[used : used + length - 2]
        _fill(connection, fragment)
        if control == 3:
            command = bytes(fragment)
            if context == QUERY_CONTEXT and Command.parse(command).status not in (0xFF00, 0xFF01):
                return instances
            used = 0
        elif control == 2:
            if keep is not None:
                keep(command, bytes(room[: used + length - 2]))
            instances += 1
            used = 0
            answer = store_response(Command.parse(command), 0).encode()
            connection.sendall(next(p_data(context, answer, command=True, max_pdu=16384)))
        else:
            used += length - 2


def _fill(connection: socket.socket, room: memoryview) -> None:
    filled = 0
    while filled < len(room):
        filled += connection.recv_into(room[filled:])
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)


def _even(text: str) -> bytes:
    return text.encode() + b"\0" * (len(text) % 2)

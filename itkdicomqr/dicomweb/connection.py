"""One request after the other on one HTTP/1.1 connection.

h11 knows the protocol and our `Transport` the waits and the secured channel, as for an
association. An HTTP client on top would log every URL, and the Patient ID in it, and lets a server
that drips its header outlive every timeout.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress

import h11

from itkdicomqr.association.transport import Transport
from itkdicomqr.dicomweb.response import Response
from itkdicomqr.errors import ConnectionLostError, ProtocolError
from itkdicomqr.node import Timeouts

READ_BYTES = 1 << 18
MAX_HEADER_BYTES = 1 << 16
"""Of a response; servers themselves accept 8 to 64 KiB."""


class Connection:
    """An HTTP/1.1 connection to an archive.

    Parameters
    ----------
    transport : Transport
        Connected.
    timeouts : Timeouts
        How long to wait.
    """

    def __init__(self, transport: Transport, timeouts: Timeouts) -> None:
        self._transport = transport
        self._timeouts = timeouts
        self._http = h11.Connection(h11.CLIENT, max_incomplete_event_size=MAX_HEADER_BYTES)
        self._room = memoryview(bytearray(READ_BYTES))

    def ready(self) -> bool:
        """Tell whether another request can be made: the last response was read to its end, and the server goes on."""
        with suppress(h11.RemoteProtocolError):
            while isinstance(self._http.next_event(), h11.Data):
                pass  # what came already, such as the line after a closing boundary
        if self._http.our_state is h11.DONE and self._http.their_state is h11.DONE:
            self._http.start_next_cycle()
        return self._http.our_state is h11.IDLE

    def get(self, target: str, headers: Mapping[str, str]) -> Response:
        """Make a GET request, and wait for the header of the response.

        Raises
        ------
        ProtocolError
            What came is no HTTP.
        ConnectionLostError, DeadlineError
            Nothing came, or not in time.
        """
        request = self._http.send(h11.Request(method="GET", target=target, headers=list(headers.items())))
        self._http.send(h11.EndOfMessage())
        with suppress(ConnectionLostError):
            # Why it left may still be there to read: a TLS alert.
            self._transport.send(request or b"", self._timeouts.idle, "idle")
        try:
            return Response(self._header(), self._body())
        except ConnectionLostError as lost:
            message = f"{lost.args[0]}, without an answer: this may be no port of a DICOMweb service, or expect TLS (https://)"
            raise ConnectionLostError(message) from lost

    def close(self) -> None:
        """Close the connection, whatever its state."""
        self._transport.close()

    def _header(self) -> h11.Response:
        while True:
            event = self._event(self._timeouts.first_response, "first_response")
            if isinstance(event, h11.Response):
                return event
            if not isinstance(event, h11.InformationalResponse):
                raise ConnectionLostError("the archive closed the connection")

    def _body(self) -> Iterator[bytes]:
        while isinstance(event := self._event(self._timeouts.idle, "idle"), h11.Data):
            yield event.data

    def _event(self, seconds: float, setting: str) -> h11.Event | type[h11.NEED_DATA] | type[h11.PAUSED]:
        """Read until something is complete; once something came, the next wait is an idle one."""
        while (event := self._parsed()) is h11.NEED_DATA:
            try:
                count = self._transport.read_into(self._room, seconds, setting)
            except ConnectionLostError as lost:
                return self._last(lost)
            self._http.receive_data(bytes(self._room[:count]))
            seconds, setting = self._timeouts.idle, "idle"
        return event

    def _parsed(self) -> h11.Event | type[h11.NEED_DATA] | type[h11.PAUSED]:
        try:
            return self._http.next_event()
        except h11.RemoteProtocolError:
            # Its own message may quote what came.
            message = (
                "what came is no HTTP/1.1 (RFC 9112): is this the port of the archive's DICOMweb service, "
                "and is it http:// or https://?"
            )
            raise ProtocolError(message) from None

    def _last(self, lost: ConnectionLostError) -> h11.Event | type[h11.NEED_DATA] | type[h11.PAUSED]:
        """Take the end of the connection for that of a body whose length was not told; any other is lost."""
        self._http.receive_data(b"")
        try:
            return self._http.next_event()
        except h11.RemoteProtocolError:
            raise lost from None

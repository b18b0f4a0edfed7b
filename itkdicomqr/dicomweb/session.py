"""Requests to one DICOMweb service: who asks, where it leads, and when to ask again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from string import punctuation
from typing import Self
from urllib.parse import quote, urlencode, urljoin, urlsplit

from itkdicomqr.association.deadline import Deadline
from itkdicomqr.association.transport import Transport
from itkdicomqr.dicomweb.connection import Connection
from itkdicomqr.dicomweb.response import Response
from itkdicomqr.errors import ConnectionLostError, NodeError, ProtocolError, StatusError
from itkdicomqr.node import Node
from itkdicomqr.place import placed
from itkdicomqr.web import Address

MAX_REDIRECTS = 5
PAUSES = (0.5, 2.0)
"""Seconds before a busy service is asked again, unless it names others."""

MAX_PAUSE = 30.0
"""The longest that a service may ask us to wait."""

SUCCESSES = frozenset({200, 204, 206})
REDIRECTIONS = frozenset({301, 302, 303, 307, 308})
BUSY = frozenset({429, 503})

_WORDS: Mapping[int, str] = {
    200: "success",
    204: "it has nothing to send",
    206: "it left instances out",
    400: "it does not understand the request: check the path of the dicomweb= URL, which often ends in /dicom-web",
    401: "it wants to know who asks: give authorization=Basic(user, password) or Bearer(token), or check them",
    403: "it does not allow this account to do so: ask the archive's administrator",
    404: "it knows no such resource: check the path of the dicomweb= URL, and that the series is still there",
    406: "it has nothing in the encoding that was asked for",
    407: "a proxy wants to know who asks: give the service's address behind it",
    429: "it is asked too often: try again later, or less at a time",
    500: "it failed: its own log tells why",
    501: "it does not offer this",
    502: "the gateway before it does not reach it",
    503: "it is busy or under maintenance: try again later",
    504: "the gateway before it waited too long for it",
}


def describe(status: int) -> str:
    """Say an HTTP status in words, with its code."""
    return f"{_WORDS.get(status, 'the request failed')} (HTTP {status})"


class Session:
    """A DICOMweb service, asked over one connection that is opened when it is needed.

    Credentials go to the service's own scheme, host and port, and nowhere else: a redirection to
    another is refused. Proxies that the environment names are not used.

    Parameters
    ----------
    node : Node
        With ``dicomweb``.
    deadline : Deadline
        Of the whole call.
    """

    def __init__(self, node: Node, deadline: Deadline) -> None:
        if not node.dicomweb:
            message = f"{node} has no dicomweb= URL"
            raise NodeError(message)
        self.node = node
        self.deadline = deadline
        self._address = Address.parse(node.dicomweb)
        self._connection: Connection | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection, if there is one."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def get(self, resource: str, accept: str, parameters: Iterable[tuple[str, str]] = ()) -> Response:
        """Ask for a resource; a busy service is asked again.

        Parameters
        ----------
        resource : str
            Its path below the root of the service, ``"/studies"``.
        accept : str
            Media types.
        parameters : iterable of (str, str)
            Of the query.

        Returns
        -------
        Response
            A success (200, 204 or 206), whose body is still to be read, before the next request.

        Raises
        ------
        StatusError
            A failure; ``status`` is HTTP's.
        ConnectError, TLSError, DeadlineError, ConnectionLostError, ProtocolError
            There is no answer, or none in HTTP.
        """
        query = urlencode(list(parameters))
        target = f"{self._address.path}{resource}{query and '?'}{query}"
        for pause in (*PAUSES, None):
            response = self._led_on(target, accept)
            if response.status not in BUSY or pause is None or not self._may_ask_again(response, pause):
                break
        if response.status not in SUCCESSES:
            raise StatusError(describe(response.status), status=response.status, server_comment=response.comment())
        return response

    def step(self, name: str) -> AbstractContextManager[None]:
        """Tell in errors where and at what they happened."""
        return placed(self._address.authority, name)

    def _may_ask_again(self, response: Response, pause: float) -> bool:
        """Wait as long as the service wants, if that is not too long."""
        seconds = _retry_after(response.field("Retry-After"), pause)
        if seconds > MAX_PAUSE:
            return False
        self.deadline.pause(seconds)
        return True

    def _led_on(self, target: str, accept: str) -> Response:
        """Follow redirections within the service's origin."""
        for _ in range(MAX_REDIRECTS + 1):
            response = self._asked(target, accept)
            if response.status not in REDIRECTIONS:
                return response
            target = self._redirected(target, response.field("Location"))
        raise ProtocolError(f"it redirects more than {MAX_REDIRECTS} times: check the dicomweb= URL")

    def _redirected(self, target: str, location: str) -> str:
        try:
            url = urlsplit(urljoin(self._address.origin + target, location))
            other = Address.parse(f"{url.scheme}://{url.netloc}")
        except ValueError:
            raise ProtocolError("it redirects to what is no http:// or https:// URL") from None
        if other.origin != self._address.origin:
            message = (
                f"it redirects to {other.origin!r:.100}, where no request and no credentials follow: "
                "give that as dicomweb= if it is meant"
            )
            raise ProtocolError(message)
        return quote(f"{url.path or '/'}{url.query and '?'}{url.query}", safe=punctuation)

    def _asked(self, target: str, accept: str) -> Response:
        """Ask on the connection that is open; a server may have closed it meanwhile."""
        if self._connection is not None and self._connection.ready():
            try:
                return self._connection.get(target, self._fields(accept))
            except ConnectionLostError:
                pass
        self.close()
        self._connection = self._connected()
        return self._connection.get(target, self._fields(accept))

    def _connected(self) -> Connection:
        secured = (self.node.dicomweb_tls or self.node.tls or True) if self._address.secure else False
        host, port = self._address.host, self._address.port
        endpoint = replace(self.node, host=host, port=port, tls=secured, receiver_tls=None, identity=None)
        transport = Transport.connect(endpoint, self.deadline.part(self.node.timeouts.connect, "connect"))
        transport.deadline = self.deadline
        return Connection(transport, self.node.timeouts)

    def _fields(self, accept: str) -> dict[str, str]:
        fields = {"Host": self._address.authority, "Accept": accept, "Accept-Encoding": "identity"}
        if self.node.authorization is not None:
            fields["Authorization"] = self.node.authorization.header
        return fields


def _retry_after(value: str, usual: float) -> float:
    """Read a number of seconds, or a date (RFC 9110 10.2.3)."""
    if value.isascii() and value.isdigit():
        return float(value[:9])
    try:
        return max(0.0, (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return usual

"""One HTTP response: what its header says, and its body, never more of it than was allowed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from email.message import Message

import h11

from itkdicomqr.errors import LimitExceededError, NetworkError, ProtocolError
from itkdicomqr.text import escaped

MAX_COMMENT_BYTES = 1000
"""How much of a refusal's text is kept."""

_CURES = {
    "text/html": (
        "this is a web page, perhaps one to log in: check the path of the dicomweb= URL, and give "
        "authorization=Basic(user, password) or Bearer(token)"
    )
}
"""What to try, by the media type that came."""


class Response:
    """What a server answered.

    Parameters
    ----------
    header : h11.Response
        Status and header fields.
    body : iterator of bytes
        As it comes; ends with an error if it does not end in order.

    Attributes
    ----------
    status : int
        The status code (RFC 9110 15).
    media_type : str
        Of the body, in lower case and without parameters; empty where it is not told.
    boundary : bytes
        What separates the parts of a multipart body; empty where it is not told.
    """

    def __init__(self, header: h11.Response, body: Iterator[bytes]) -> None:
        self.status = header.status_code
        self._fields = {bytes(name): bytes(value).decode("latin-1") for name, value in reversed(list(header.headers))}
        self._body = body
        content = Message()
        content["Content-Type"] = self.field("Content-Type") or "application/octet-stream"
        self.media_type = content.get_content_type() if self.field("Content-Type") else ""
        self.boundary = (content.get_boundary() or "").encode("latin-1", "replace")

    def field(self, name: str) -> str:
        """Give a header field, of several the first; empty where it is absent."""
        return self._fields.get(name.lower().encode("ascii"), "")

    @property
    def has_length(self) -> bool:
        """Whether the end of the body is told apart from the end of the connection (RFC 9112 6.3)."""
        return bool(self.field("Content-Length") or self.field("Transfer-Encoding"))

    def expect(self, *media_types: str) -> None:
        """Refuse a body of another kind; one that names none may be anything.

        Raises
        ------
        ProtocolError
            It is, for example, a web page.
        """
        if self.media_type and self.media_type not in media_types:
            cure = _CURES.get(self.media_type, "check the path of the dicomweb= URL")
            message = f"HTTP {self.status} with {self.media_type!r:.60} where {media_types[0]} was due: {cure}"
            raise ProtocolError(message)

    def chunks(self, limit: int, cure: str) -> Iterator[bytes]:
        """Give the body as it comes.

        Parameters
        ----------
        limit : int
            The most to take, in bytes.
        cure : str
            What an error says of the limit.

        Raises
        ------
        LimitExceededError
            It is larger.
        ProtocolError
            It is compressed, although that was not offered: a few bytes could become gigabytes.
        ConnectionLostError, DeadlineError
            It does not end, or not in time.
        """
        encoding = self.field("Content-Encoding")
        if encoding.strip().lower() not in ("", "identity"):
            message = (
                f"the answer is compressed (Content-Encoding {encoding!r:.40}), which was not offered: turn it off"
            )
            raise ProtocolError(message)
        size = 0
        for chunk in self._body:
            size += len(chunk)
            if size > limit:
                message = f"the answer exceeds {limit} bytes: {cure}"
                raise LimitExceededError(message)
            yield chunk

    def read(self, limit: int, cure: str) -> bytes:
        """Give the whole body; see `chunks`."""
        return b"".join(self.chunks(limit, cure))

    def comment(self) -> str:
        """Give the beginning of a refusal's text, with all that could forge a line of a log escaped."""
        with suppress(NetworkError):
            return escaped(next(self._body, b"")[:MAX_COMMENT_BYTES].decode("utf-8", "replace"))
        return ""

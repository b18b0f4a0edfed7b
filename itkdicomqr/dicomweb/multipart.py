"""The parts of a multipart body, cut out while it comes; no socket in sight (RFC 2046 5.1).

A part ends where a line begins with two hyphens and the boundary, so the boundary alone may well
occur in pixel data. Any split of the body into chunks gives the same parts.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from itkdicomqr.errors import ConnectionLostError, LimitExceededError, NetworkError, ProtocolError

MAX_PREAMBLE_BYTES = 1 << 14
MAX_HEADER_BYTES = 1 << 14
MAX_BOUNDARY_BYTES = 200
"""RFC 2046 allows 70; servers take more."""

_LINE = b"\r\n"
_CONTENT_LENGTH = re.compile(rb"^content-length[ \t]*:[ \t]*([0-9]{1,18})[ \t]*\r?$", re.IGNORECASE | re.MULTILINE)


def parts(chunks: Iterable[bytes], boundary: bytes, max_part: int) -> Iterator[bytearray]:
    """Cut a multipart body into the contents of its parts.

    Parameters
    ----------
    chunks : iterable of bytes
        The body as it comes.
    boundary : bytes
        The parameter of its Content-Type.
    max_part : int
        The largest part to accept, in bytes.

    Yields
    ------
    bytearray
        One part, as soon as the delimiter after it came.

    Raises
    ------
    ProtocolError
        The body is no multipart of this boundary.
    LimitExceededError
        A part is larger than was allowed.
    ConnectionLostError
        The body ends without the closing delimiter: its last part may have been cut short.
    """
    if not 0 < len(boundary) <= MAX_BOUNDARY_BYTES:
        message = f"the multipart answer names no boundary, or one of {len(boundary)} bytes"
        raise ProtocolError(message)
    delimiter = _LINE + b"--" + boundary
    body = _Body(chunks)
    body.put_back(_LINE)  # the first delimiter may stand at the very beginning
    body.until(delimiter, MAX_PREAMBLE_BYTES, ProtocolError("the multipart answer does not begin with its boundary"))
    while not body.follows(b"--"):
        endless = ProtocolError(f"the header of a part exceeds {MAX_HEADER_BYTES} bytes")
        header = body.until(_LINE + _LINE, MAX_HEADER_BYTES, endless)
        yield _content(body, delimiter, _told_length(header), max_part)


def _told_length(header: bytearray) -> int | None:
    found = _CONTENT_LENGTH.search(header)
    return int(found[1]) if found else None


def _content(body: _Body, delimiter: bytes, length: int | None, limit: int) -> bytearray:
    """Take a part; a told length spares the search for its end, unless it turns out wrong."""
    too_large = LimitExceededError(f"an instance exceeds {limit} bytes: raise Limits(max_instance_bytes=...)")
    if length is not None:
        if length > limit:
            raise too_large
        content = body.take(length)
        if body.follows(delimiter):
            return content
        body.put_back(content)
    return body.until(delimiter, limit, too_large)


class _Body:
    """Bytes that come in chunks, taken in pieces."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = iter(chunks)
        self._chunk: bytes | bytearray = b""
        self._at = 0

    def put_back(self, content: bytes | bytearray) -> None:
        """Let these bytes come again."""
        self._chunk, self._at = content + self._chunk[self._at :], 0

    def follows(self, word: bytes) -> bool:
        """Take a word if it comes next."""
        while len(self._chunk) - self._at < len(word):
            more = next(self._chunks, None)
            if more is None:
                return False
            self._chunk, self._at = self._chunk[self._at :] + more, 0
        if not self._chunk.startswith(word, self._at):
            return False
        self._at += len(word)
        return True

    def take(self, size: int) -> bytearray:
        """Take so many bytes, or all that still come, into one buffer."""
        content = bytearray()
        while len(content) < size and self._some():
            piece = memoryview(self._chunk)[self._at : self._at + size - len(content)]
            content += piece
            self._at += len(piece)
        return content

    def until(self, word: bytes, limit: int, too_long: NetworkError | LimitExceededError) -> bytearray:
        """Take what comes before a word, and the word itself."""
        content = bytearray()
        while self._some():
            seam = max(0, len(content) - len(word) + 1)
            before = bytes(content[seam:])
            # The word may begin in what was taken already.
            begin = (before + self._chunk[self._at : self._at + len(word) - 1]).find(word)
            if begin >= 0:
                self._at += begin + len(word) - len(before)
                del content[seam + begin :]
                return content
            end = self._chunk.find(word, self._at)
            content += memoryview(self._chunk)[self._at : end if end >= 0 else None]
            if len(content) > limit + (0 if end >= 0 else len(word)):
                raise too_long
            self._at = end + len(word) if end >= 0 else len(self._chunk)
            if end >= 0:
                return content
        raise ConnectionLostError("the multipart answer ends without its closing boundary: its last part may be cut")

    def _some(self) -> bool:
        """Have the next chunk come if nothing is left; tell whether there is any."""
        while self._at == len(self._chunk):
            more = next(self._chunks, None)
            if more is None:
                return False
            self._chunk, self._at = more, 0
        return True

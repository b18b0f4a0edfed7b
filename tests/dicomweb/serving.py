"""An HTTP server that answers each request with a scene on a loopback socket: right or wrong, byte by byte.

=============  ==========================================================
step           what the server does
=============  ==========================================================
``bytes``      send them
a float        pause so many seconds
`CLOSE`        end the connection
`STALL`        send nothing until the client leaves
a callable     take the steps that it makes of the target of the request
an iterable    take its steps, which may never end
=============  ==========================================================
"""

from __future__ import annotations

import re
import socket
import ssl
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import chain, repeat
from time import sleep
from typing import Any

from itkdicomqr import Limits, Node, Timeouts
from itkdicomqr.instance import Instance
from itkdicomqr.levels import Level
from itkdicomqr.query.table import Row
from tests.faults import HOST, PATIENT, leaving_nothing
from tests.synthetic import ROOT, part10, series

LISTEN_SECONDS = 5.0
CLOSE, STALL = object(), object()
Scene = Iterable[Any] | Callable[[str], Iterable[Any]]

SLICES = series("CT", 3)
FILES = tuple(map(part10, SLICES))
UIDS = [str(dataset.SOPInstanceUID) for dataset in SLICES]
BOUNDARY = "20-abc"
MULTIPART = f'multipart/related; type="application/dicom"; boundary="{BOUNDARY}"'


@dataclass
class Service:
    """A server that is running.

    Attributes
    ----------
    url : str
        The root of its DICOMweb service.
    requests : list of str
        The header of every request.
    """

    url: str
    requests: list[str] = field(default_factory=list)

    def node(self, timeouts: Timeouts = PATIENT, limits: Limits | None = None, **settings: Any) -> Node:
        address = Node.parse(self.url)
        settings = {"tls": address.tls, "transports": ("dicomweb",), "dicomweb": self.url, **settings}
        return Node(address.host, address.port, "", timeouts=timeouts, limits=limits or Limits(), **settings)

    @property
    def targets(self) -> list[str]:
        return [request.split(" ")[1] for request in self.requests]

    def fields(self, name: str) -> list[str]:
        """The values of a header field in all requests."""
        return re.findall(rf"(?im)^{name}: (.*?)\r?$", "\n".join(self.requests))


def row(node: Node) -> Row:
    """The series of `SLICES`."""
    keys = {"StudyInstanceUID": f"{ROOT}.1", "SeriesInstanceUID": f"{ROOT}.2.1", "Modality": "CT"}
    return Row(Level.SERIES, tuple(keys.items()), node)


@contextmanager
def serving(*scenes: Scene, secured: ssl.SSLContext | None = None, host: str = HOST) -> Iterator[Service]:
    """Answer the requests with the scenes in turn, and with the last from then on.

    When it ends, no thread of ours and no descriptor may be left over.
    """
    with leaving_nothing(), socket.create_server((HOST, 0)) as listener:
        scheme = "https" if secured else "http"
        service = Service(f"{scheme}://{host}:{listener.getsockname()[1]}/dicom-web")
        answers = chain(scenes, repeat(scenes[-1]))
        thread = threading.Thread(target=_accept, args=(listener, answers, service, secured), name="serving")
        thread.start()
        try:
            yield service
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join(2 * LISTEN_SECONDS)
            assert not thread.is_alive()


def _accept(
    listener: socket.socket, answers: Iterator[Scene], service: Service, secured: ssl.SSLContext | None
) -> None:
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        connection.settimeout(LISTEN_SECONDS)
        with suppress(OSError, _LeftError):
            _converse(connection, answers, service, secured)


def _converse(
    connection: socket.socket, answers: Iterator[Scene], service: Service, secured: ssl.SSLContext | None
) -> None:
    with connection if secured is None else secured.wrap_socket(connection, server_side=True) as channel:
        while True:
            service.requests.append(_request(channel))
            _take(channel, next(answers), service.targets[-1])


class _LeftError(Exception):
    """The client has left, or was left."""


def _request(channel: socket.socket) -> str:
    header = b""
    while not header.endswith(b"\r\n\r\n"):
        more = channel.recv(65536)
        if not more:
            raise _LeftError
        header += more
    return header.decode("latin-1")


def _take(channel: socket.socket, steps: Scene, target: str) -> None:
    for step in steps(target) if callable(steps) else steps:
        if isinstance(step, bytes):
            channel.sendall(step)
        elif isinstance(step, float):
            sleep(step)
        elif step is CLOSE:
            raise _LeftError
        elif step is STALL:
            _request(channel)
        else:
            _take(channel, step, target)


def answer(
    body: bytes = b"", status: int = 200, media_type: str = "application/dicom+json", **fields: str
) -> tuple[Any, ...]:
    """Make a whole response; ``Content_Length="7"`` sets a header field, and an empty one leaves it out."""
    told = {"Content-Type": media_type, "Content-Length": str(len(body))}
    told |= {name.replace("_", "-"): value for name, value in fields.items()}
    header = "".join(f"{name}: {value}\r\n" for name, value in told.items() if value)
    return (f"HTTP/1.1 {status} x\r\n{header}\r\n".encode("latin-1") + body,)


def chunked(body: bytes, size: int) -> bytes:
    """Encode a body in chunks (RFC 9112 7.1)."""
    pieces = [body[start : start + size] for start in range(0, len(body), size)]
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


def multipart(
    contents: Sequence[bytes],
    boundary: str = BOUNDARY,
    header: str = "Content-Type: application/dicom",
    end: str = "--",
) -> bytes:
    """Make a multipart body; ``{}`` in the header becomes the length of the part."""
    mark = f"--{boundary}".encode()
    parts = [mark + f"\r\n{header.format(len(each))}\r\n\r\n".encode() + each + b"\r\n" for each in contents]
    return b"".join(parts) + mark + end.encode()


def instances() -> list[Instance]:
    return [Instance.from_part10(content) for content in FILES]

"""Instances over WADO-RS, each as soon as its part of the answer is whole (PS3.18 10.4)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Iterable, Iterator
from urllib.parse import quote

from itkdicomqr.association.deadline import Deadline
from itkdicomqr.dicomweb.multipart import parts
from itkdicomqr.dicomweb.response import Response
from itkdicomqr.dicomweb.session import Session, describe
from itkdicomqr.errors import ProtocolError, StatusError
from itkdicomqr.instance import Instance
from itkdicomqr.node import Node

ORIGIN = "WADO-RS"
INSTANCE = "application/dicom"
MULTIPART = "multipart/related"
NO_CONTENT = 204

ACCEPTS: tuple[str, ...] = (f'{MULTIPART}; type="{INSTANCE}"; transfer-syntax=*', f'{MULTIPART}; type="{INSTANCE}"')
"""As it is stored, whatever the transfer syntax; then what a service gives that does not know that parameter: Explicit
VR Little Endian (PS3.18 8.7.3.5.2)."""

REFUSALS_OF_ACCEPT = frozenset({400, 406, 415, 500, 501})
"""Statuses that may be about what was accepted."""

REFUSALS_OF_ONE = frozenset({400, 404, 406, 409, 410, 415, 500, 501})
"""Statuses that say nothing of the next instance."""


def wado(
    node: Node, study_uid: str, series_uid: str, deadline: Deadline, instance_uids: Iterable[str] | None = None
) -> Generator[Instance, None, str]:
    """Bring a series, or single instances of it, by WADO-RS.

    What comes is neither compared with a list nor checked to belong to the series.

    Parameters
    ----------
    node : Node
        The archive, with ``dicomweb``.
    study_uid, series_uid : str
        Which series.
    deadline : Deadline
        Of the whole call.
    instance_uids : iterable of str, optional
        Only these, each by a request of its own; one that the service refuses does not keep the
        others from coming.

    Yields
    ------
    Instance
        With the origin ``"WADO-RS"``.

    Returns
    -------
    str
        How it ended, in the service's terms.

    Raises
    ------
    StatusError
        The service refuses the series, or refuses us.
    ProtocolError, CorruptInstanceError
        What came is no DICOM.
    LimitExceededError
        It is larger than the node's limits allow.
    ConnectError, TLSError, ConnectionLostError, DeadlineError
        It did not come, or not to its end.
    """
    with Session(node, deadline) as session, session.step(ORIGIN):
        retrieval = _Retrieval(session, study_uid, series_uid)
        if instance_uids is None:
            return describe((yield from retrieval.instances()))
        return (yield from _singly(retrieval, instance_uids))


def _singly(retrieval: _Retrieval, instance_uids: Iterable[str]) -> Generator[Instance, None, str]:
    refusals: Counter[str] = Counter()
    for uid in instance_uids:
        try:
            yield from retrieval.instances(f"/instances/{quote(uid, safe='')}")
        except StatusError as error:
            if error.status not in REFUSALS_OF_ONE:
                raise
            refusals[describe(error.status)] += 1
    return "; ".join(f"{words} for {count} instances" for words, count in refusals.items()) or "success"


class _Retrieval:
    """What is asked for, how, and how much of it may still come."""

    def __init__(self, session: Session, study_uid: str, series_uid: str) -> None:
        self._root = f"/studies/{quote(study_uid, safe='')}/series/{quote(series_uid, safe='')}"
        self._session = session
        self._accepts = ACCEPTS
        self._left = session.node.limits.max_series_bytes

    def instances(self, below: str = "") -> Generator[Instance, None, int]:
        """Bring what a resource below the series holds, and return the status."""
        response = self._answer(self._root + below)
        for content in self._contents(response):
            self._left -= len(content)
            ratio = self._session.node.limits.max_inflate_ratio
            yield Instance.from_part10(content, origin=ORIGIN, max_inflate_ratio=ratio)
        return response.status

    def _answer(self, resource: str) -> Response:
        """Ask in one way after the other; the one that succeeds is the first of the next time."""
        *others, last = self._accepts
        for accept in others:
            try:
                return self._session.get(resource, accept)
            except StatusError as error:
                if error.status not in REFUSALS_OF_ACCEPT:
                    raise
        response = self._session.get(resource, last)
        self._accepts = (last, *others)
        return response

    def _contents(self, response: Response) -> Iterator[bytes | bytearray]:
        limits = self._session.node.limits
        if response.status == NO_CONTENT:
            return
        if response.media_type == MULTIPART:
            chunks = response.chunks(self._left, "raise Limits(max_series_bytes=...)")
            yield from parts(chunks, response.boundary, limits.max_instance_bytes)
            return
        response.expect(INSTANCE)
        if not response.has_length:
            message = "one instance came without its length, so it may be cut: have Content-Length or chunks turned on"
            raise ProtocolError(message)
        yield response.read(limits.max_instance_bytes, "raise Limits(max_instance_bytes=...)")

"""Host and port, as URLs and messages write them (RFC 3986 3.2.2), and the errors that happen there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from itkdicomqr.errors import CorruptInstanceError, LimitExceededError, NetworkError


def place_of(host: str, port: int) -> str:
    """Name where something listens; an IPv6 address stands in brackets."""
    return f"{bracketed(host)}:{port}"


def bracketed(host: str) -> str:
    """Give a host, in brackets if it is an IPv6 address."""
    return f"[{host}]" if ":" in host else host


@contextmanager
def placed(place: str, step: str) -> Iterator[None]:
    """Tell in an error where and at what it happened, unless it knows already."""
    try:
        yield
    except (NetworkError, LimitExceededError, CorruptInstanceError) as error:
        error.place = error.place or place
        error.step = error.step or step
        raise

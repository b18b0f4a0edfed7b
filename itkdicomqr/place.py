"""Host and port, as URLs and messages write them (RFC 3986 3.2.2)."""

from __future__ import annotations


def place_of(host: str, port: int) -> str:
    """Name where something listens; an IPv6 address stands in brackets."""
    return f"{bracketed(host)}:{port}"


def bracketed(host: str) -> str:
    """Give a host, in brackets if it is an IPv6 address."""
    return f"[{host}]" if ":" in host else host

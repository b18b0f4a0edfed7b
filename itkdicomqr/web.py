"""How a DICOMweb service is addressed, and who we say that we are to it."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import SplitResult, urlsplit

from itkdicomqr.errors import NodeError
from itkdicomqr.place import bracketed, place_of
from itkdicomqr.security import Secured, check_secured, from_table

PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True)
class Address:
    """The root of a DICOMweb service (PS3.18 8.1).

    Attributes
    ----------
    scheme : {"http", "https"}
        Whether the channel is secured.
    host, port : str, int
        Where it listens.
    path : str
        What all its resources begin with, without a slash at the end; percent-encoded.
    """

    scheme: str
    host: str
    port: int
    path: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``https://host[:port]/path``.

        Raises
        ------
        NodeError
            It is no such text, or holds a password.
        """
        try:
            url = urlsplit(text)
            port = url.port
        except (ValueError, AttributeError, TypeError):
            message = "this URL names no DICOMweb service: write https://host:port/path"
            raise NodeError(message) from None
        _check(url)
        return cls(url.scheme, url.hostname or "", PORTS[url.scheme] if port is None else port, url.path.rstrip("/"))

    @property
    def secure(self) -> bool:
        """Whether the channel is secured."""
        return self.scheme == "https"

    @property
    def authority(self) -> str:
        """Host and port as a URL has them; a usual port is left out."""
        return bracketed(self.host) if self.port == PORTS[self.scheme] else place_of(self.host, self.port)

    @property
    def origin(self) -> str:
        """Scheme, host and port: what credentials belong to (RFC 6454)."""
        return f"{self.scheme}://{self.authority}"

    def __str__(self) -> str:
        return self.origin + self.path


@dataclass(frozen=True)
class Basic:
    """A user and a password (RFC 7617).

    In the configuration, ``password_variable`` names the environment variable that holds the password.

    Attributes
    ----------
    user, password : str
        Of the service's account.
    allow_cleartext : bool
        Whether it may go over ``http://``, for everyone on its way to read.

    Raises
    ------
    NodeError
        The user name holds a colon, or either is no text.
    """

    user: str
    password: str = field(repr=False)
    allow_cleartext: bool = field(default=False, kw_only=True)

    def __post_init__(self) -> None:
        if not self.user or ":" in self.user:
            message = f"user={self.user!r}: give a user name without a colon (RFC 7617)"
            raise NodeError(message)
        if not all(map(_is_text, (self.user, self.password))):
            message = "user and password are text; one of them is not, or holds bytes that are not UTF-8"
            raise NodeError(message)

    @property
    def header(self) -> str:
        """The value of the header Authorization."""
        return f"Basic {b64encode(f'{self.user}:{self.password}'.encode()).decode('ascii')}"


@dataclass(frozen=True)
class Bearer:
    """An access token (RFC 6750).

    In the configuration, ``token_variable`` names the environment variable that holds it.

    Attributes
    ----------
    token : str
        As the authorization server gave it.
    allow_cleartext : bool
        Whether it may go over ``http://``, for everyone on its way to read.

    Raises
    ------
    NodeError
        It cannot be a token.
    """

    token: str = field(repr=False)
    allow_cleartext: bool = field(default=False, kw_only=True)

    def __post_init__(self) -> None:
        if not isinstance(self.token, str) or not re.fullmatch("[!-~]+", self.token):
            message = "the token is empty, or holds a space, a control character or one outside ASCII"
            raise NodeError(message)

    @property
    def header(self) -> str:
        """The value of the header Authorization."""
        return f"Bearer {self.token}"


Authorization = Basic | Bearer


def authorization_of(table: Mapping[str, Any]) -> Authorization:
    """Make an authorization of a table of the configuration, which holds no secret but tells where it is.

    Raises
    ------
    NodeError
        The secret is not there, or stands in the configuration itself.
    """
    bears_token = any(name.startswith("token") for name in table)
    return from_table(Bearer, table) if bears_token else from_table(Basic, table)


def check_dicomweb(url: str, authorization: object, tls: Secured | None = None) -> None:
    """Refuse what is no DICOMweb service, and a secret that would go to it in clear text.

    Raises
    ------
    NodeError
        One of them is not what it is called, or the channel to the service is not secured.
    """
    if tls is not None:
        check_secured("dicomweb_tls", tls)
    if not isinstance(authorization, Authorization | None):
        message = "authorization= is neither Basic(...) nor Bearer(...)"
        raise NodeError(message)
    if not url:
        return
    address = Address.parse(url)
    if tls is not None and bool(tls) != address.secure:
        message = f"dicomweb_tls={tls!r} does not fit {address}: https:// is secured, and http:// is not"
        raise NodeError(message)
    if authorization and not (address.secure or authorization.allow_cleartext):
        message = (
            f"authorization= is for {address}, and over http:// everyone on its way can read it: give an https:// URL, "
            f"or {type(authorization).__name__}(..., allow_cleartext=True)"
        )
        raise NodeError(message)


def _check(url: SplitResult) -> None:
    if "@" in url.netloc:
        message = (
            "a URL with user:password@ is refused, since URLs end up in logs and histories: "
            "give authorization=Basic(user, password), or name its environment variable in the configuration"
        )
        raise NodeError(message)
    shown = url._replace(query="", fragment="").geturl()  # a query may hold a token
    if url.scheme not in PORTS or not url.hostname or url.query or url.fragment or url.port == 0:
        message = f"{shown!r} names no DICOMweb service: write https://host:port/path, without ? and #"
        raise NodeError(message)
    if not all("!" <= character <= "~" for character in shown):
        message = f"{shown!r} holds a space or a character outside ASCII: write it percent-encoded"
        raise NodeError(message)


def _is_text(value: object) -> bool:
    """Tell whether a value is text that can be encoded, without an error that would show it."""
    return isinstance(value, str) and value == value.encode("utf-8", "ignore").decode("utf-8")

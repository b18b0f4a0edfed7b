"""How a connection is secured, and who we say that we are (PS3.15 B.12, PS3.7 D.3.3.7)."""

from __future__ import annotations

import os
import ssl
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from itkdicomqr.errors import NodeError

CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20"
"""The suites of TLS 1.2 that keep recorded traffic secret even if the archive's key leaks later, and prove each byte
(RFC 9325 4.2); TLS 1.3 has no others."""

MAX_IDENTITY_BYTES = 48 << 10
"""All that an association request tells beside its presentation contexts must fit 64 KiB (PS3.8 9.3.2.3)."""

T = TypeVar("T")

_SECRETS = ("key_password", "passcode", "saml", "jwt", "password", "token")


@dataclass(frozen=True)
class TLS:
    """A secured channel: which archives are trusted, and what proves us to them.

    At least TLS 1.2; the certificate of an archive that we call, and the name in it, are always
    verified; that of an archive that calls our receiver, if ``ca_file`` is given.

    Attributes
    ----------
    ca_file : str or path
        Certificates, in PEM format, of the authorities that may vouch for the archive, and no
        others; a folder holds them as ``openssl rehash`` arranges it. Empty for the system's.
    certificate : str or path
        Our own certificate, with the intermediate ones after it: shown to archives that demand one,
        and to those that call our receiver.
    key : str or path
        Its private key; empty if the file of the certificate holds it.
    key_password : str
        Of an encrypted key. The configuration does not hold it: there, ``key_password_variable``
        names an environment variable, or ``key_password_file`` a file, that does.
    server_name : str
        The name that the certificate of an archive that we call must bear; empty for the node's
        host. For a tunnel, whose end has another name than the archive.

    Raises
    ------
    NodeError
        A file cannot be used.
    """

    ca_file: str | os.PathLike[str] = ""
    certificate: str | os.PathLike[str] = ""
    key: str | os.PathLike[str] = ""
    key_password: str = field(default="", repr=False)
    server_name: str = ""

    def __post_init__(self) -> None:
        if (self.key or self.key_password) and not self.certificate:
            message = "key= or key_password= without certificate=: give the client certificate that they belong to"
            raise NodeError(message)
        if self.server_name.startswith(".") or any(map(str.isspace, self.server_name)):
            message = f"server_name={self.server_name!r} is no host name"
            raise NodeError(message)
        if self.ca_file or self.certificate:
            context_of(self)  # so that a file that cannot be used is told now


Secured = bool | TLS
"""Whether a channel is secured, and how: True is for the system's authorities and no client certificate."""


@dataclass(frozen=True)
class Identity:
    """Who we say that we are: a user, told when the association is opened (PS3.7 D.3.3.7).

    Give a user name, a user name and a passcode, a SAML assertion, or a JSON Web Token. In the
    configuration secrets are named by where they are: ``passcode_variable`` (an environment
    variable) or ``passcode_file``, and so for ``saml`` and ``jwt``.

    Attributes
    ----------
    username, passcode : str
        Of the archive's account.
    saml, jwt : str
        A SAML assertion, or a JSON Web Token, in place of a user name.
    confirmed : bool
        Whether the archive must confirm that it took notice; many do not know user identities,
        and ignore them.
    allow_cleartext : bool
        Whether a secret may go over a channel that is not secured, for everyone on its way to read.

    Raises
    ------
    NodeError
        None of them, or too many, were given.
    """

    username: str = ""
    passcode: str = field(default="", repr=False)
    saml: str = field(default="", repr=False, kw_only=True)
    jwt: str = field(default="", repr=False, kw_only=True)
    confirmed: bool = field(default=False, kw_only=True)
    allow_cleartext: bool = field(default=False, kw_only=True)

    def __post_init__(self) -> None:
        if sum(map(bool, (self.username, self.saml, self.jwt))) != 1 or (self.passcode and not self.username):
            message = "an identity is a username, a username and a passcode, a saml assertion, or a jwt"
            raise NodeError(message)
        try:
            size = sum(len(each.encode()) for each in (self.username, self.passcode, self.saml, self.jwt))
        except (UnicodeError, AttributeError):
            # Its own message would show what cannot be encoded.
            message = "username, passcode, saml and jwt are text; one of them is not, or holds bytes that are not UTF-8"
            raise NodeError(message) from None
        if size > MAX_IDENTITY_BYTES:
            message = f"the identity has {size} bytes; an association request has room for {MAX_IDENTITY_BYTES}"
            raise NodeError(message)

    @property
    def secret(self) -> bool:
        """Whether it holds what nobody else may read."""
        return bool(self.passcode or self.saml or self.jwt)


def check_security(tls: object, identity: object) -> None:
    """Refuse what is no setting of a secured channel, and a secret without one.

    Raises
    ------
    NodeError
        Either is not what it is called, or the identity holds a secret that TLS does not cover.
    """
    check_secured("tls", tls)
    if not isinstance(identity, Identity | None):
        message = "identity= is not an Identity(...)"
        raise NodeError(message)
    if identity and identity.secret and not (tls or identity.allow_cleartext):
        message = (
            "identity= holds a secret, which without TLS everyone on its way can read: give tls=True (dicoms://), "
            "or Identity(allow_cleartext=True)"
        )
        raise NodeError(message)


def check_secured(setting: str, value: object) -> None:
    """Refuse what does not tell whether a channel is secured.

    Raises
    ------
    NodeError
        It is neither a bool nor a `TLS`; the message calls it by the name of the setting.
    """
    if not isinstance(value, bool | TLS):
        message = f"{setting}={value!r}: give True, False, or TLS(...)"
        raise NodeError(message)


def security_of_receiver(own: Secured | None, tls: Secured) -> TLS | None:
    """Give the settings by which our receiver is secured, if it is.

    Parameters
    ----------
    own : bool or TLS, optional
        Its own settings; None for those of ``tls`` if they hold a certificate, which who is called
        must have.
    tls : bool or TLS
        The settings by which we call the archive.

    Raises
    ------
    NodeError
        It is to be secured, and there is no certificate for it.
    """
    if own is not None:
        check_secured("receiver_tls", own)
    settings = own if isinstance(own, TLS) else tls
    if own is not False and isinstance(settings, TLS) and settings.certificate:
        return settings
    if not own:
        return None
    message = f"receiver_tls={own!r}: our receiver needs a certificate, TLS(certificate=..., key=...)"
    raise NodeError(message)


def context_of(tls: Secured) -> ssl.SSLContext:
    """Make what a secured channel is opened with, whichever protocol goes over it.

    Parameters
    ----------
    tls : bool or TLS
        Its settings; those of a bool are the default.

    Raises
    ------
    NodeError
        A file cannot be used; the message names it.
    """
    return _context(tls if isinstance(tls, TLS) else TLS(), ssl.Purpose.SERVER_AUTH)


def receiver_context_of(tls: TLS) -> ssl.SSLContext:
    """Make what our receiver is secured with; who calls must show a certificate if ``ca_file`` is given.

    Raises
    ------
    NodeError
        A file cannot be used; the message names it.
    """
    context = _context(tls, ssl.Purpose.CLIENT_AUTH)
    context.sslsocket_class = _Accepted
    context.verify_mode = ssl.CERT_REQUIRED if tls.ca_file else ssl.CERT_NONE
    return context


def from_table(kind: Callable[..., T], table: Mapping[str, Any]) -> T:
    """Make settings of a table of the configuration, which says of a secret only where it is.

    Parameters
    ----------
    kind : type
        What they are of: `TLS`, `Identity`, or a way to authorise.
    table : mapping
        Its attributes; ``NAME_variable`` or ``NAME_file`` for a secret.

    Raises
    ------
    NodeError
        A secret is not where it should be, or stands in the configuration itself.
    """
    return kind(**dict(_setting(name, value) for name, value in table.items()))


def _setting(name: str, value: Any) -> tuple[str, Any]:
    secret, _, source = name.rpartition("_")
    if secret in _SECRETS and source in _SOURCES:
        return secret, _SOURCES[source](value)
    if name in _SECRETS:
        message = (
            f"{name} stands in the configuration: put it elsewhere, and name the environment variable, "
            f"{name}_variable, or the file, {name}_file"
        )
        raise NodeError(message)
    return name, value


def _of_variable(name: str) -> str:
    value = os.environ.get(name)
    if not value:
        message = f"the environment variable {name} is not set, which should hold a secret"
        raise NodeError(message)
    return value


def _of_file(name: str) -> str:
    try:
        return Path(name).expanduser().read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
        message = f"{name}, which should hold a secret, cannot be read: {reason}"
        raise NodeError(message) from None


_SOURCES: Mapping[str, Callable[[str], str]] = {"variable": _of_variable, "file": _of_file}


class _Accepted(ssl.SSLSocket):
    """A connection of a peer that may have gone already, of which the handshake tells."""

    def getpeername(self) -> Any:
        """Return None for a peer that has gone: ``wrap_socket`` asks, and at an error leaves the socket open."""
        with suppress(OSError):
            return super().getpeername()
        return None


def _context(settings: TLS, purpose: ssl.Purpose) -> ssl.SSLContext:
    context = _trusting(settings.ca_file, purpose)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(CIPHERS)
    if settings.certificate:
        _load_certificate(context, settings)
    return context


def _trusting(ca_file: str | os.PathLike[str], purpose: ssl.Purpose) -> ssl.SSLContext:
    if not ca_file:
        return ssl.create_default_context(purpose)
    path = Path(ca_file).expanduser()
    if path.is_dir():
        if not any(path.glob("????????.[0-9]*")):
            message = f"ca_file={str(path)!r} is a folder without certificates under their hashes: run openssl rehash"
            raise NodeError(message)
        return ssl.create_default_context(purpose, capath=path)
    _check_readable(path, "ca_file")
    try:
        return ssl.create_default_context(purpose, cafile=path)
    except ssl.SSLError:
        message = f"ca_file={str(path)!r} holds no certificate in PEM format"
        raise NodeError(message) from None


def _load_certificate(context: ssl.SSLContext, tls: TLS) -> None:
    certificate = Path(tls.certificate).expanduser()
    key = Path(tls.key).expanduser() if tls.key else certificate
    _check_readable(certificate, "certificate")
    _check_readable(key, "key")
    try:
        # A function, so that OpenSSL does not ask on the terminal.
        context.load_cert_chain(certificate, key, lambda: tls.key_password)
    except (ssl.SSLError, ValueError) as error:
        message = (
            f"certificate={str(certificate)!r} and key={str(key)!r} cannot be used "
            f"({getattr(error, 'reason', None) or error}): both must be in PEM format and belong together, "
            "and an encrypted key needs the right key_password"
        )
        raise NodeError(message) from None


def _check_readable(path: Path, setting: str) -> None:
    try:
        path.open("rb").close()
    except OSError as error:
        message = f"{setting}={str(path)!r} cannot be read ({error.strerror}): check the path and its permissions"
        raise NodeError(message) from None

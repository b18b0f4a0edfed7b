"""An archive: where it listens, what it is called, and how we speak to it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, fields, replace
from typing import Self
from urllib.parse import parse_qs, quote, unquote, urlencode, urlsplit

from itkdicomqr.checks import Kinds, check_kinds, check_positive
from itkdicomqr.errors import NodeError
from itkdicomqr.place import place_of
from itkdicomqr.security import TLS, Identity, Secured, check_security, security_of_receiver
from itkdicomqr.web import PORTS, Address, Authorization, check_dicomweb

DEFAULT_CALLING_AE_TITLE = "ITKDICOMQR"
MAX_AE_TITLE_LENGTH = 16
"""Characters of the VR AE (PS3.5 6.2)."""

AUTO = "auto"
MODELS = ("study", "patient", AUTO)
DICOMWEB = "dicomweb"
TRANSPORTS = ("get", "move", DICOMWEB)
"""C-GET, C-MOVE, and WADO-RS."""


@dataclass(frozen=True)
class Timeouts:
    """How long to wait, in seconds; every one is finite.

    Attributes
    ----------
    connect : float
        For the connection and the association, name look-up and TLS handshake included.
    first_response : float
        For the first answer to a request; some archives fetch from tape.
    idle : float
        Between two bytes of an answer.
    late : float
        For instances of a C-MOVE that come after the archive said that it was done.
    total : float
        For one public call, everything included.

    Raises
    ------
    NodeError
        One is no number of seconds.
    """

    connect: float = 10.0
    first_response: float = 60.0
    idle: float = 30.0
    late: float = 10.0
    total: float = 3600.0

    def __post_init__(self) -> None:
        for each in fields(self):
            value = getattr(self, each.name)
            if not isinstance(value, int | float) or not 0 < value < float("inf"):
                message = f"{each.name}={value!r}: a timeout is in seconds, more than 0 and finite"
                raise NodeError(message)


@dataclass(frozen=True)
class Limits:
    """What is accepted from an archive before it counts as an attack or a mistake.

    Attributes
    ----------
    max_instance_bytes, max_series_bytes : int
        Encoded size of one instance, and of all of a series.
    max_inflate_ratio : int
        How much a deflated data set may grow: pixels reach 20, a bomb 1000.
    max_instances : int
        How many instances of one series, whether they are listed or not.
    max_matches : int
        Rows of one C-FIND.
    max_verified : int
        Candidates of which one instance may be fetched to read what the archive does not return.

    Raises
    ------
    NodeError
        One is no whole number of at least 1.
    """

    max_instance_bytes: int = 4 << 30
    max_series_bytes: int = 16 << 30
    max_inflate_ratio: int = 200
    max_instances: int = 100_000
    max_matches: int = 20_000
    max_verified: int = 32

    def __post_init__(self) -> None:
        check_positive(vars(self), NodeError)


@dataclass(frozen=True)
class Node:
    """One archive.

    Attributes
    ----------
    host, port : str, int
        Where it listens.
    ae_title : str
        What it is called: the called AE title. Empty for an archive that is reached by DICOMweb only.
    calling_ae_title : str
        What we are called.
    model : {"study", "patient", "auto"}
        The information model of queries and retrievals (PS3.4 C.6): Study Root, Patient Root, or the
        first of these that the archive accepts.
    get, move : Node, optional
        Where C-GET and C-MOVE go if elsewhere.
    receiver : str
        ``"host:port"`` at which our Storage SCP listens for C-MOVE; the archive must know it by
        our AE title. Port 0 is any free one.
    receiver_tls : bool or TLS, optional
        Whether our Storage SCP speaks TLS: by default with the settings of ``tls``, if these hold a
        certificate of ours. A ``ca_file`` means that who stores must show a certificate, too.
    store_ae_titles : tuple of str
        Who may store to it; empty for any.
    dicomweb : str
        The root of the archive's DICOMweb service, ``"https://host/dicom-web"``.
    authorization : Basic or Bearer, optional
        Who we say that we are to that service.
    dicomweb_tls : bool or TLS, optional
        How an ``https://`` service is verified, if otherwise than by ``tls``; True is for the
        system's authorities.
    transports : tuple of str
        By which ways a series may come, the first tried first.
    associations : int
        Over how many associations at most one series comes at a time.
    character_set : str
        Specific Character Set (0008,0005), such as ``"ISO_IR 100"``, in which to ask for what is not
        ASCII (UTF-8 if it is empty, or cannot express it), and to read text of which none is named
        (empty: only ASCII is read).
    tls : bool or TLS
        Whether the channel is secured; names and certificates are verified. `TLS` gives an
        authority of your own, or a client certificate.
    identity : Identity, optional
        The user that we tell the archive; a secret only over TLS.
    timeouts : Timeouts
        How long to wait.
    limits : Limits
        How much to accept.
    name : str
        What the configuration calls it.

    Raises
    ------
    NodeError
        The host, the port or an AE title cannot be meant, or a secret would go in clear text.
    """

    host: str
    port: int
    ae_title: str
    calling_ae_title: str = field(default=DEFAULT_CALLING_AE_TITLE, kw_only=True)
    model: str = field(default="study", kw_only=True)
    get: Node | None = field(default=None, kw_only=True)
    move: Node | None = field(default=None, kw_only=True)
    receiver: str = field(default="", kw_only=True)
    receiver_tls: Secured | None = field(default=None, kw_only=True)
    store_ae_titles: tuple[str, ...] = field(default=(), kw_only=True)
    dicomweb: str = field(default="", kw_only=True)
    authorization: Authorization | None = field(default=None, kw_only=True)
    dicomweb_tls: Secured | None = field(default=None, kw_only=True)
    transports: tuple[str, ...] = field(default=TRANSPORTS, kw_only=True)
    associations: int = field(default=1, kw_only=True)
    character_set: str = field(default="", kw_only=True)
    tls: Secured = field(default=False, kw_only=True)
    identity: Identity | None = field(default=None, kw_only=True)
    timeouts: Timeouts = field(default=Timeouts(), kw_only=True)
    limits: Limits = field(default=Limits(), kw_only=True)
    name: str = field(default="", kw_only=True)

    def __post_init__(self) -> None:
        check_kinds(vars(self), _KINDS, NodeError)
        check_positive({"associations": self.associations}, NodeError)
        if not self.host or any(character.isspace() for character in self.host):
            message = f"{self.host!r} is no host name"
            raise NodeError(message)
        if isinstance(self.port, bool) or not isinstance(self.port, int) or not 1 <= self.port <= 65535:
            message = (
                f"port {self.port!r} of {self.host}: ports are whole numbers from 1 to 65535; DICOM's is 104 or 11112"
            )
            raise NodeError(message)
        if self.model not in MODELS:
            message = f"model={self.model!r}: give one of {', '.join(MODELS)}"
            raise NodeError(message)
        _check_tuple("store_ae_titles", self.store_ae_titles)
        _check_tuple("transports", self.transports)
        if not self.transports or not set(self.transports) <= set(TRANSPORTS):
            message = f"transports={self.transports!r}: give some of {', '.join(TRANSPORTS)}"
            raise NodeError(message)
        check_character_set(self.character_set)
        check_dicomweb(self.dicomweb, self.authorization, self.dicomweb_tls)
        if self.transports == (DICOMWEB,) and not self.dicomweb:
            message = (
                f"transports={self.transports!r} without dicomweb=: give the URL of the archive's DICOMweb service"
            )
            raise NodeError(message)
        if self.ae_title or self.transports != (DICOMWEB,):
            _check_ae_title("called", self.ae_title)
        for role, title in (("calling", self.calling_ae_title), *(("storing", each) for each in self.store_ae_titles)):
            _check_ae_title(role, title)
        check_security(self.tls, self.identity)
        security_of_receiver(self.receiver_tls, self.tls)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``dicom://CALLED@host:port``, ``dicoms://...`` (TLS), ``CALLED@host:port`` or ``https://host/path``.

        ``?calling=AE`` gives our own AE title, ``&model=patient`` the model, ``&receiver=host:port`` where
        our receiver listens. AE titles are percent-decoded, IPv6 addresses stand in brackets.
        ``http(s)://`` is the root of a DICOMweb service, by which alone the archive is then asked.

        Raises
        ------
        NodeError
            It is no such text.
        """
        if text.partition("://")[0].lower() in PORTS:
            return cls._web(Address.parse(text))
        try:
            url = urlsplit(text if "://" in text else f"dicom://{text}")
        except ValueError as error:
            message = f"{text!r} names no archive: {error}"
            raise NodeError(message) from None
        if url.scheme not in ("dicom", "dicoms") or "@" not in url.netloc or url.path.strip("/"):
            message = (
                f"{text!r} names no archive: write dicom://CALLED_AE_TITLE@host:port, or the name of a configured node"
            )
            raise NodeError(message)
        options = {name: values[-1] for name, values in parse_qs(url.query, keep_blank_values=True).items()}
        unknown = options.keys() - {"calling", "model", "receiver"}
        if unknown:
            message = f"{text!r}: unknown option {', '.join(sorted(unknown))}; there are calling=, model= and receiver="
            raise NodeError(message)
        return cls(
            url.hostname or "",
            _port(url.netloc, text),
            unquote(url.netloc.rpartition("@")[0]),
            calling_ae_title=options.get("calling", DEFAULT_CALLING_AE_TITLE),
            model=options.get("model", "study"),
            receiver=options.get("receiver", ""),
            tls=url.scheme == "dicoms",
        )

    @classmethod
    def _web(cls, address: Address) -> Self:
        """An archive that is reached by DICOMweb only."""
        return cls(address.host, address.port, "", dicomweb=str(address), transports=(DICOMWEB,), tls=address.secure)

    @property
    def place(self) -> str:
        """Host and port, as messages name them."""
        return place_of(self.host, self.port)

    @property
    def receiver_security(self) -> TLS | None:
        """By which settings our Storage SCP speaks TLS, if it does."""
        return security_of_receiver(self.receiver_tls, self.tls)

    @property
    def url(self) -> str:
        """The text that `parse` reads; it has no room for files, secrets, times and limits."""
        if not self.ae_title:
            return self.dicomweb
        told = {"calling": self.calling_ae_title, "model": self.model, "receiver": self.receiver}
        usual = {"calling": DEFAULT_CALLING_AE_TITLE, "model": MODELS[0], "receiver": ""}
        options = urlencode({name: value for name, value in told.items() if value != usual[name]}, quote_via=quote)
        title = quote(self.ae_title, safe="")
        return f"{'dicoms' if self.tls else 'dicom'}://{title}@{self.place}{options and '?'}{options}"

    def speaking(self, model: str) -> Self:
        """Give the same node with a model, also of its endpoints that leave it open."""
        get, move = (each and (each.speaking(model) if each.model == AUTO else each) for each in (self.get, self.move))
        return replace(self, model=model, get=get, move=move)

    def __str__(self) -> str:
        return f"{self.ae_title}@{self.place}" if self.ae_title else self.dicomweb


def _port(netloc: str, text: str) -> int:
    digits = netloc.rpartition("@")[2].rpartition("]")[2].rpartition(":")
    if not digits[1] or not re.fullmatch("[0-9]+", digits[2]):
        message = f"{text!r} names no port: write dicom://CALLED_AE_TITLE@host:port"
        raise NodeError(message)
    return int(digits[2])


_KINDS: Kinds = {
    "host": (str, "a text"),
    "receiver": (str, "a text, 'host:port'"),
    "dicomweb": (str, "a text, 'https://host:port/path'"),
    "character_set": (str, "a text, such as 'ISO_IR 100'"),
    "timeouts": (Timeouts, "Timeouts(...)"),
    "limits": (Limits, "Limits(...)"),
    "get": (Node | None, "a Node"),
    "move": (Node | None, "a Node"),
}


def _check_tuple(keyword: str, value: object) -> None:
    """Refuse a text, of which each character would count, where several are meant."""
    if isinstance(value, str):
        message = f"{keyword}={value!r}: give a tuple of texts, such as ({value!r},); in TOML, an array"
        raise NodeError(message)


def check_character_set(terms: str) -> None:
    """Refuse what is no Specific Character Set (PS3.3 C.12.1.1.2)."""
    from pydicom.charset import python_encoding

    unknown = [term for term in terms.split("\\") if term not in python_encoding]
    if unknown:
        message = (
            f"character_set={terms!r}: DICOM defines no {unknown[0]!r}; there are 'ISO_IR 192' (UTF-8), 'ISO_IR 100'"
        )
        raise NodeError(message)


def _check_ae_title(role: str, title: str) -> None:
    """Refuse what the VR AE does not allow (PS3.5 6.2)."""
    if not isinstance(title, str) or not title.strip():
        message = f"the {role} AE title is empty: ask the archive's administrator for it"
        raise NodeError(message)
    if len(title) > MAX_AE_TITLE_LENGTH:
        message = f"the {role} AE title {title!r} has {len(title)} characters; DICOM allows {MAX_AE_TITLE_LENGTH}"
        raise NodeError(message)
    if "\\" in title or not (title.isascii() and title.isprintable()):
        message = f"the {role} AE title {title!r} holds a backslash, a control character or one outside ASCII"
        raise NodeError(message)

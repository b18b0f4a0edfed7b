"""The TLS handshake, at either end: over in time, or with the reason why there is no secured channel."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Mapping

from itkdicomqr.association.deadline import Deadline
from itkdicomqr.errors import DeadlineError, TLSError

_OTHERWISE = ""
_UNKNOWN_AUTHORITY = "if you trust who issued it, give TLS(ca_file=...)"
_OTHER_NAME = "give the host by the name that the certificate bears, or TLS(server_name=...) for a tunnel"
_DISTRUST: Mapping[int, str] = {
    9: "check this machine's clock",
    10: "have it renewed there, or check this machine's clock",
    18: _UNKNOWN_AUTHORITY,
    19: _UNKNOWN_AUTHORITY,
    20: _UNKNOWN_AUTHORITY,
    21: _UNKNOWN_AUTHORITY,
    26: "have it issued for TLS servers and clients, both of which an archive is",
    62: _OTHER_NAME,
    64: _OTHER_NAME,
}
"""What to try when we refuse a certificate, by OpenSSL's X509_V_ERR codes."""

_OWN_CERTIFICATE = "give a client certificate that it trusts, TLS(certificate=..., key=...)"
_OLD_VERSION = "it must offer TLS 1.2 or newer"
_NO_TLS = "this port does not speak TLS: give its TLS port, or its address without TLS (dicom://, http://)"
_CALLING: Mapping[str, str] = {
    "CERTIFICATE_REQUIRED": _OWN_CERTIFICATE,
    "UNKNOWN_CA": _OWN_CERTIFICATE,
    "BAD_CERTIFICATE": _OWN_CERTIFICATE,
    "CERTIFICATE_UNKNOWN": _OWN_CERTIFICATE,
    "CERTIFICATE_EXPIRED": "our client certificate has expired: have it renewed",
    "HANDSHAKE_FAILURE": "it may demand a client certificate, TLS(certificate=..., key=...), or older ciphers",
    "PROTOCOL_VERSION": _OLD_VERSION,
    "UNSUPPORTED_PROTOCOL": _OLD_VERSION,
    "WRONG_VERSION_NUMBER": _NO_TLS,
    "RECORD_LAYER_FAILURE": _NO_TLS,
    _OTHERWISE: "is this the archive's TLS port?",
}
"""What to try when we called the archive, by OpenSSL's reasons; those of alerts end so."""

_OUR_CERTIFICATE = (
    "the archive refuses our certificate: have it trust who issued that, and know us by the name that it bears"
)
_IN_CLEAR_TEXT = "the archive does not speak TLS to us: have it turned on there for our AE title, or receiver_tls=False"
_CALLED: Mapping[str, str] = {
    "UNKNOWN_CA": _OUR_CERTIFICATE,
    "BAD_CERTIFICATE": _OUR_CERTIFICATE,
    "CERTIFICATE_UNKNOWN": _OUR_CERTIFICATE,
    "CERTIFICATE_EXPIRED": "our certificate has expired: have it renewed",
    "PEER_DID_NOT_RETURN_A_CERTIFICATE": (
        "have the archive show its certificate to us, or leave ca_file out of receiver_tls=TLS(...)"
    ),
    "NO_SHARED_CIPHER": _OLD_VERSION,
    "UNSUPPORTED_PROTOCOL": _OLD_VERSION,
    "HTTP_REQUEST": _IN_CLEAR_TEXT,
    "WRONG_VERSION_NUMBER": _IN_CLEAR_TEXT,
    "RECORD_LAYER_FAILURE": _IN_CLEAR_TEXT,
    _OTHERWISE: "does the archive speak TLS to us, and trust our certificate?",
}
"""The same when the archive called our receiver."""


def shake_hands(connection: ssl.SSLSocket, deadline: Deadline, seconds: float) -> None:
    """Secure a connection.

    Parameters
    ----------
    connection : ssl.SSLSocket
        Connected, of either end.
    deadline : Deadline
        When the wait ends.
    seconds : float
        The connect timeout.

    Raises
    ------
    DeadlineError
        It took too long.
    TLSError
        The secured channel was refused, by either end.
    """
    try:
        connection.settimeout(deadline.left(seconds))
        connection.do_handshake()
    except TimeoutError:
        over = deadline.over(seconds, "connect")
        message = f"the TLS handshake did not end: {over}; {_cures(connection)[_OTHERWISE]}"
        raise DeadlineError(message) from None
    except OSError as error:
        raise TLSError(refusal(error, connection)) from None


def refusal(error: OSError, connection: socket.socket) -> str:
    """Say why a secured channel did not come about, or ended, and what to try."""
    if isinstance(error, ssl.SSLCertVerificationError):
        cure = _DISTRUST.get(error.verify_code, "have it corrected there")
        return f"its certificate was refused: {error.verify_message.rstrip('.')}: {cure}"
    reason = getattr(error, "reason", None) or error.strerror or type(error).__name__
    cures = _cures(connection)
    return f"no secured channel ({reason}): {cures.get(reason.rpartition('ALERT_')[2], cures[_OTHERWISE])}"


def _cures(connection: socket.socket) -> Mapping[str, str]:
    is_called = isinstance(connection, ssl.SSLSocket) and connection.server_side
    return _CALLED if is_called else _CALLING

"""The settings of a secured channel and of a user identity: wrong ones are told at once, secrets never."""

from __future__ import annotations

import logging
import pickle
import shutil
import ssl
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from hypothesis import given
from hypothesis import strategies as st

from itkdicomqr import TLS, AssociationRejectedError, Client, Identity, Node, NodeError
from itkdicomqr.association.dimse import Field
from itkdicomqr.association.stream import Pdu
from itkdicomqr.security import MAX_IDENTITY_BYTES, context_of, from_table, receiver_context_of
from tests.authorities import Authority
from tests.faults import ASKED, HEAR, playing, rejection, response

PASSWORD = "s3cret-pässword"  # noqa: S105 of a key made here


@pytest.fixture(scope="module")
def certificate(authority: Authority) -> Path:
    """A certificate whose key lies in a file of its own, and encrypted in another."""
    path = authority.issue("research.example")
    pem = path.read_bytes()
    key = serialization.load_pem_private_key(pem, None)
    encryption = serialization.BestAvailableEncryption(PASSWORD.encode())
    encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    (path.parent / "key").write_bytes(key.private_bytes(encoding, form, serialization.NoEncryption()))
    (path.parent / "encrypted").write_bytes(key.private_bytes(encoding, form, encryption))
    (path.parent / "certificate").write_bytes(pem[pem.index(b"-----BEGIN CERTIFICATE") :])
    return path.parent / "certificate"


@pytest.mark.parametrize("tls", [True, False, TLS()])
def test_every_channel_verifies_names_and_certificates(tls: Any) -> None:
    context = context_of(tls)
    assert context.check_hostname
    assert context.verify_mode == ssl.CERT_REQUIRED
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2


def test_no_cipher_without_forward_secrecy_or_authenticated_encryption_is_offered() -> None:
    ciphers = [cipher["name"] for cipher in context_of(tls=True).get_ciphers()]
    assert ciphers
    for name in ciphers:
        assert name.startswith(("TLS_", "ECDHE-"))
        assert "GCM" in name or "CHACHA20" in name


def test_an_authority_of_one_s_own_is_the_only_one(authority: Authority) -> None:
    assert len(context_of(TLS(authority.file)).get_ca_certs()) == 1
    assert len(context_of(TLS(str(authority.file))).get_ca_certs()) == 1


def test_a_folder_of_authorities_is_arranged_by_hashes(authority: Authority, tmp_path: Path) -> None:
    shutil.copy(authority.file, tmp_path / "authority.pem")
    with pytest.raises(NodeError, match="run openssl rehash"):
        TLS(tmp_path)
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    subprocess.run(["openssl", "rehash", str(tmp_path)], check=True, capture_output=True, timeout=30)
    assert context_of(TLS(tmp_path)).verify_mode == ssl.CERT_REQUIRED


def test_a_home_folder_may_be_abbreviated(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(authority.folder))
    monkeypatch.setenv("USERPROFILE", str(authority.folder))
    assert len(context_of(TLS("~/authority.pem")).get_ca_certs()) == 1


def test_a_client_certificate_and_its_key_may_lie_apart(certificate: Path) -> None:
    TLS(certificate=certificate, key=certificate.with_name("key"))
    TLS(certificate=certificate, key=certificate.with_name("encrypted"), key_password=PASSWORD)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"ca_file": "absent.pem"}, "ca_file='absent.pem' cannot be read (No such file or directory)"),
        ({"ca_file": "key"}, "holds no certificate in PEM format"),
        ({"certificate": "absent.pem"}, "certificate='absent.pem' cannot be read"),
        ({"certificate": "certificate", "key": "absent"}, "key='absent' cannot be read"),
        ({"certificate": "certificate"}, "cannot be used"),
        ({"certificate": "certificate", "key": "other"}, "belong together"),
        ({"certificate": "certificate", "key": "encrypted"}, "needs the right key_password"),
        ({"certificate": "certificate", "key": "encrypted", "key_password": "wr0ng"}, "needs the right key_password"),
        ({"certificate": "certificate", "key": "encrypted", "key_password": "long" * 999}, "cannot be used"),
        ({"key": "key"}, "without certificate="),
        ({"key_password": "wr0ng"}, "without certificate="),
        ({"server_name": ".example"}, "is no host name"),
        ({"server_name": "a b"}, "is no host name"),
    ],
)
def test_settings_that_cannot_be_used_are_told_at_once(
    certificate: Path, authority: Authority, monkeypatch: pytest.MonkeyPatch, settings: dict[str, str], words: str
) -> None:
    shutil.copy(authority.issue("other.example"), authority.folder / "other")
    monkeypatch.chdir(certificate.parent)
    with pytest.raises(NodeError) as caught:
        TLS(**settings)
    assert words in str(caught.value)
    assert settings.get("key_password", PASSWORD) not in str(caught.value)


IDENTITIES: dict[str, Callable[[str], Identity]] = {
    "passcode": lambda secret: Identity("me", secret),
    "saml": lambda secret: Identity(saml=secret),
    "jwt": lambda secret: Identity(jwt=secret),
}


@pytest.mark.parametrize("make", IDENTITIES.values(), ids=IDENTITIES)
def test_a_secret_goes_over_a_secured_channel_or_by_a_loud_word(make: Callable[[str], Identity]) -> None:
    identity = make(PASSWORD)
    assert Node("h", 104, "A", tls=True, identity=identity).identity == identity
    assert Node("h", 104, "A", identity=replace(identity, allow_cleartext=True)).identity
    with pytest.raises(NodeError, match=r"give tls=True \(dicoms://\), or Identity\(allow_cleartext=True\)") as caught:
        Node("h", 104, "A", identity=identity)
    assert PASSWORD not in str(caught.value)


def test_a_mere_name_is_no_secret() -> None:
    assert Node("h", 104, "A", identity=Identity("me")).identity == Identity("me")


@pytest.mark.parametrize("make", IDENTITIES.values(), ids=IDENTITIES)
def test_a_node_shows_no_secret(make: Callable[[str], Identity], certificate: Path) -> None:
    tls = TLS(certificate=certificate, key=certificate.with_name("encrypted"), key_password=PASSWORD)
    node = Node("h", 104, "A", tls=tls, identity=make(PASSWORD), get=Node("h", 105, "B", tls=tls))
    for shown in (repr(node), str(node), node.url, node.place, f"{node!s}"):
        assert PASSWORD not in shown
        assert "s3cret" not in shown


@pytest.mark.parametrize("scene", [(*ASKED, response(Field.C_ECHO_RSP, 0)), (HEAR, rejection(1, 2, 1))])
def test_a_secret_that_is_told_to_the_archive_goes_nowhere_else(
    scene: Any, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.DEBUG, "pynetdicom")
    told = ""
    with playing(scene) as stage:
        try:
            Client(stage.node(identity=Identity("me", PASSWORD, allow_cleartext=True))).echo()
        except AssociationRejectedError as error:
            told = str(error)
    request = stage.heard[0]
    assert isinstance(request, Pdu)
    assert PASSWORD.encode() in request.encoded
    assert "s3cret" not in told + caplog.text + "".join(capfd.readouterr())


def test_a_node_with_all_its_secrets_is_a_value(certificate: Path) -> None:
    tls = TLS(certificate=certificate, key=certificate.with_name("encrypted"), key_password=PASSWORD)
    node = Node("h", 104, "A", tls=tls, identity=Identity("me", PASSWORD))
    copy = pickle.loads(pickle.dumps(node))  # noqa: S301 our own
    assert copy == node
    assert hash(copy) == hash(node)


@pytest.mark.parametrize(
    "words",
    [
        {},
        {"passcode": PASSWORD},
        {"username": "me", "jwt": PASSWORD},
        {"saml": PASSWORD, "jwt": PASSWORD},
        {"jwt": PASSWORD, "passcode": PASSWORD},
        {"username": "me", "passcode": PASSWORD.encode()},
        {"username": "me", "passcode": PASSWORD + "\udcff"},
        {"saml": PASSWORD + "x" * MAX_IDENTITY_BYTES},
    ],
)
def test_what_is_no_identity_is_refused_without_repeating_it(words: dict[str, Any]) -> None:
    with pytest.raises(NodeError) as caught:
        Identity(**words)
    assert "s3cret" not in str(caught.value)
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"tls": "yes"}, "tls='yes': give True, False, or TLS"),
        ({"tls": None}, "tls=None"),
        ({"receiver_tls": "yes"}, "receiver_tls='yes': give True, False, or TLS"),
        ({"identity": ("me", PASSWORD)}, "identity= is not an Identity"),
    ],
)
def test_what_is_no_setting_is_refused(settings: dict[str, Any], reason: str) -> None:
    with pytest.raises(NodeError, match=reason) as caught:
        Node("h", 104, "A", **settings)
    assert PASSWORD not in str(caught.value)


# Our receiver.


def test_our_receiver_speaks_tls_as_soon_as_we_have_a_certificate(certificate: Path) -> None:
    tls = TLS(certificate=certificate, key=certificate.with_name("key"))
    assert Node("h", 104, "A", tls=tls).receiver_security == tls
    assert Node("h", 104, "A", tls=tls, receiver_tls=True).receiver_security == tls
    assert Node("h", 104, "A", receiver_tls=tls).receiver_security == tls
    assert Node("h", 104, "A", tls=True, receiver_tls=tls).receiver_security == tls


@pytest.mark.parametrize("settings", [{}, {"tls": True}, {"tls": TLS()}, {"tls": True, "receiver_tls": False}])
def test_our_receiver_speaks_clear_text_otherwise(settings: dict[str, Any]) -> None:
    assert Node("h", 104, "A", **settings).receiver_security is None


def test_our_receiver_speaks_clear_text_if_told_so(certificate: Path) -> None:
    tls = TLS(certificate=certificate, key=certificate.with_name("key"))
    assert Node("h", 104, "A", tls=tls, receiver_tls=False).receiver_security is None


@pytest.mark.parametrize("settings", [{"receiver_tls": True}, {"tls": True, "receiver_tls": True}])
def test_our_receiver_needs_a_certificate_to_speak_tls(settings: dict[str, Any], authority: Authority) -> None:
    for each in (settings, {**settings, "receiver_tls": TLS(authority.file)}):
        with pytest.raises(NodeError, match=r"our receiver needs a certificate, TLS\(certificate=\.\.\., key=\.\.\.\)"):
            Node("h", 104, "A", **each)


def test_our_receiver_offers_what_we_ask_of_archives(certificate: Path, authority: Authority) -> None:
    tls = TLS(authority.file, certificate, certificate.with_name("key"))
    context = receiver_context_of(tls)
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2
    assert [each["name"] for each in context.get_ciphers()] == [each["name"] for each in context_of(tls).get_ciphers()]
    assert (context.verify_mode, len(context.get_ca_certs())) == (ssl.CERT_REQUIRED, 1)
    assert receiver_context_of(replace(tls, ca_file="")).verify_mode == ssl.CERT_NONE


# In the configuration secrets are told by where they are.


@given(st.text(st.characters(codec="utf-8", exclude_characters="\0\r\n"), min_size=1, max_size=50))
def test_a_secret_comes_from_the_environment(secret: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PACS_PASSCODE", secret)
        table = {"username": "me", "passcode_variable": "PACS_PASSCODE", "confirmed": True}
        assert from_table(Identity, table) == Identity("me", secret, confirmed=True)


@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_a_secret_comes_from_a_file(tmp_path: Path, end: str) -> None:
    (tmp_path / "token").write_bytes(f"{PASSWORD}{end}".encode())
    assert from_table(Identity, {"jwt_file": str(tmp_path / "token")}) == Identity(jwt=PASSWORD)


def test_a_key_s_password_comes_from_the_environment(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEY_PASSWORD", PASSWORD)
    key = str(certificate.with_name("encrypted"))
    table = {"certificate": str(certificate), "key": key, "key_password_variable": "KEY_PASSWORD"}
    assert from_table(TLS, table) == TLS(certificate=str(certificate), key=key, key_password=PASSWORD)


@pytest.mark.parametrize(
    ("table", "reason"),
    [
        ({"username": "me", "passcode_variable": "UNSET_VARIABLE"}, "variable UNSET_VARIABLE is not set"),
        ({"jwt_file": "absent"}, "absent, which should hold a secret, cannot be read: No such file"),
        ({"jwt_file": "binary"}, "binary, which should hold a secret, cannot be read: not UTF-8"),
        ({"username": "me", "passcode": PASSWORD}, "passcode stands in the configuration"),
    ],
)
def test_a_secret_that_is_not_where_it_should_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, table: dict[str, str], reason: str
) -> None:
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(NodeError, match=reason) as caught:
        from_table(Identity, table)
    assert PASSWORD not in str(caught.value)

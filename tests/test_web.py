"""How a DICOMweb service may be addressed, and what of its secrets shows."""

from __future__ import annotations

import pickle

import pytest

from itkdicomqr import TLS, Node, NodeError
from itkdicomqr.configuration import nodes_of
from itkdicomqr.web import Address, Basic, Bearer

SECRET = "p:ss wörd/@?"  # noqa: S105
CONFIGURATION = """
[nodes.web]
url = "https://pacs.example/dicom-web"
authorization = { user = "me", password_variable = "TEST_PASSWORD" }
timeouts = { idle = 4 }

[nodes.both]
url = "dicom://MAIN@pacs.example:104"
dicomweb = "https://pacs.example:8443/rs"
dicomweb_tls = { server_name = "other.example" }
authorization = { token_variable = "TEST_TOKEN" }

[nodes.careless]
url = "https://pacs.example/dicom-web"
authorization = { user = "me", password = "written down" }

[nodes.unset]
url = "https://pacs.example/dicom-web"
authorization = { token_variable = "TEST_UNSET" }

[nodes.misspelt]
url = "https://pacs.example/dicom-web"
authorization = { usr = "me" }
"""


@pytest.fixture(autouse=True)
def configuration(tmp_path, monkeypatch):
    (tmp_path / "config.toml").write_text(CONFIGURATION, encoding="utf-8")
    monkeypatch.setenv("ITKDICOMQR_CONFIG", str(tmp_path / "config.toml"))
    monkeypatch.setenv("TEST_PASSWORD", SECRET)
    monkeypatch.setenv("TEST_TOKEN", "abc.def")


@pytest.mark.parametrize(
    ("text", "address", "told"),
    [
        ("https://pacs.example/dicom-web", Address("https", "pacs.example", 443, "/dicom-web"), None),
        ("http://pacs.example:8042/dicom-web/", Address("http", "pacs.example", 8042, "/dicom-web"), None),
        ("https://[::1]:8443", Address("https", "::1", 8443, ""), None),
        ("HTTPS://Pacs.Example:443/A%20b", Address("https", "pacs.example", 443, "/A%20b"), "https://pacs.example/A"),
    ],
)
def test_a_service_is_addressed_by_its_root(text, address, told):
    assert Address.parse(text) == address
    assert Address.parse(str(address)) == address
    assert str(address).startswith(told or text.rstrip("/"))


def test_an_http_url_is_an_archive_without_an_ae_title():
    node = Node.parse("https://pacs.example:8042/dicom-web/")
    assert (node.host, node.port, node.ae_title, node.tls) == ("pacs.example", 8042, "", True)
    assert node.transports == ("dicomweb",)
    assert str(node) == node.url == node.dicomweb == "https://pacs.example:8042/dicom-web"
    assert Node.parse(node.url) == node
    assert nodes_of([node.url, "A@h:104"])[0] == node


def test_a_node_may_offer_dicomweb_beside_dimse():
    node = Node("pacs.example", 104, "MAIN", dicomweb="https://pacs.example/rs", authorization=Bearer("abc"))
    assert (str(node), node.url) == ("MAIN@pacs.example:104", "dicom://MAIN@pacs.example:104")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("https://me:geheim@pacs.example/rs", "user:password@ is refused"),
        ("https://geheim@pacs.example/rs", "user:password@ is refused"),
        ("https://me:geheim@[::1/rs", "names no DICOMweb service"),
        ("https:///rs", "names no DICOMweb service"),
        ("https://pacs.example:0/rs", "names no DICOMweb service"),
        ("https://pacs.example:65536/rs", "names no DICOMweb service"),
        ("https://pacs.example:abc/rs", "names no DICOMweb service"),
        ("https://pacs.example/rs?calling=ME", r"without \? and #"),
        ("https://pacs.example/rs#x", r"without \? and #"),
        ("https://pacs.example/rs?token=geheim", r"without \? and #"),
        ("HTTPS://me:geheim@pacs.example/rs", "user:password@ is refused"),
        ("https://pacs.example/a b", "write it percent-encoded"),
        ("https://päcs.example/rs", "write it percent-encoded"),
    ],
)
def test_what_addresses_no_service_is_refused_with_the_reason(text, reason):
    for make in (Node.parse, lambda url: Node("h", 104, "A", dicomweb=url)):
        with pytest.raises(NodeError, match=reason) as caught:
            make(text)
        assert "geheim" not in str(caught.value)


@pytest.mark.parametrize("url", ["ftp://pacs.example", "pacs.example/rs", 5])
def test_dicomweb_is_an_http_url(url):
    with pytest.raises(NodeError, match="https://host:port/path"):
        Node("h", 104, "A", dicomweb=url)


@pytest.mark.parametrize("transports", [("get",), ("dicomweb", "get")])
def test_only_dicomweb_needs_no_ae_title(transports):
    with pytest.raises(NodeError, match="called AE title is empty"):
        Node("h", 104, "", dicomweb="https://h/rs", transports=transports)


def test_the_transport_dicomweb_needs_its_url():
    with pytest.raises(NodeError, match="without dicomweb="):
        Node("h", 104, "A", transports=("dicomweb",))


def test_credentials_make_their_header():
    assert Basic("Aladdin", "open sesame").header == "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="
    assert Bearer("mF_9.B5f-4.1JqM").header == "Bearer mF_9.B5f-4.1JqM"


@pytest.mark.parametrize("authorization", [Basic("me", "geheim"), Bearer("geheim")])
def test_a_secret_shows_in_no_representation(authorization):
    node = Node("h", 104, "A", dicomweb="https://h/rs", authorization=authorization)
    assert "geheim" not in f"{node!r} {node} {authorization!r} {authorization}"
    assert pickle.loads(pickle.dumps(node)) == node  # noqa: S301


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (Basic, ("me:you", "x")),
        (Basic, ("", "x")),
        (Basic, ("me", None)),
        (Basic, ("me", "gehéim\udcff")),
        (Bearer, ("",)),
        (Bearer, (None,)),
        (Bearer, ("a\r\nX: y",)),
        (Bearer, ("gehéim",)),
    ],
)
def test_what_cannot_be_credentials_is_refused(kind, words):
    with pytest.raises(NodeError) as caught:
        kind(*words)
    assert "gehéim" not in str(caught.value)


@pytest.mark.parametrize("kind", [Basic, Bearer])
def test_credentials_go_in_clear_text_only_if_that_is_said(kind):
    words = ("me", "geheim")[-len(kind.__match_args__) :]
    with pytest.raises(NodeError, match="everyone on its way can read it"):
        Node("h", 104, "A", dicomweb="http://h/rs", authorization=kind(*words))
    Node("h", 104, "A", dicomweb="http://h/rs", authorization=kind(*words, allow_cleartext=True))


@pytest.mark.parametrize("tls", [None, True, TLS(server_name="other.example")])
def test_a_service_may_be_verified_otherwise_than_the_archive_beside_it(tls):
    node = Node("h", 104, "A", tls=TLS(server_name="h.example"), dicomweb="https://h/rs", dicomweb_tls=tls)
    assert (node.tls, node.dicomweb_tls) == (TLS(server_name="h.example"), tls)


@pytest.mark.parametrize(
    ("url", "tls", "reason"),
    [
        (
            "https://h/rs",
            False,
            "dicomweb_tls=False does not fit https://h/rs: https:// is secured",
        ),
        ("http://h/rs", True, "dicomweb_tls=True does not fit http://h/rs"),
        ("http://h/rs", TLS(), r"dicomweb_tls=TLS\(.*\) does not fit http://h/rs"),
        ("https://h/rs", "yes", "dicomweb_tls='yes': give True, False, or TLS"),
    ],
)
def test_how_a_service_is_verified_fits_its_url(url, tls, reason):
    with pytest.raises(NodeError, match=reason):
        Node("h", 104, "A", dicomweb=url, dicomweb_tls=tls)


@pytest.mark.parametrize("authorization", ["Basic geheim", ("me", "geheim")])
def test_credentials_are_what_they_are_called(authorization):
    with pytest.raises(NodeError, match="neither Basic"):
        Node("h", 104, "A", dicomweb="https://h/rs", authorization=authorization)


def test_the_configuration_names_where_a_secret_is():
    (web,), (both,) = nodes_of("web"), nodes_of("both")
    assert web.authorization == Basic("me", SECRET)
    assert (web.dicomweb, web.timeouts.idle, web.name) == ("https://pacs.example/dicom-web", 4, "web")
    assert both.authorization == Bearer("abc.def")
    assert (both.ae_title, both.tls, both.dicomweb_tls) == ("MAIN", False, TLS(server_name="other.example"))


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("careless", "password stands in the configuration: .* password_variable"),
        ("unset", "TEST_UNSET is not set"),
        ("misspelt", "usr"),
    ],
)
def test_a_secret_that_is_elsewhere_is_refused(name, reason):
    with pytest.raises(NodeError, match=reason) as caught:
        nodes_of(name)
    assert "written down" not in str(caught.value)

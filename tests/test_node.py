"""How an archive may be named."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from itkdicomqr import TLS, Client, Identity, Limits, Node, NodeError, Timeouts
from itkdicomqr.node import configuration_file, nodes_of

AE_TITLES = st.text(
    st.characters(min_codepoint=0x20, max_codepoint=0x7E, exclude_characters="\\"), min_size=1, max_size=16
)

CONFIGURATION = """
default = "main"

[nodes]
short = "SHORT@short.example:104"

[nodes.main]
host = "pacs.example"
port = 104
ae_title = "MAIN"
calling_ae_title = "ME"
model = "patient"
get = "dicom://STORE@store.example:11112"
timeouts = { connect = 2.5, total = 60 }
limits = { max_verified = 5 }

[nodes.linked]
url = "dicoms://LINKED@linked.example:2762"
timeouts = { idle = 4 }

[nodes.secured]
url = "dicom://SECURED@secured.example:2762"
tls = { server_name = "other.example" }
identity = { username = "me", passcode_variable = "PACS_PASSCODE" }
get = { url = "STORE@store.example:2762", tls = true, identity = { username = "me" } }

[nodes.trusting]
url = "dicoms://T@t.example:2762"
tls = { ca_file = "/no/such/authority.pem" }

[nodes.talkative]
url = "T@t.example:104"
identity = { username = "me", passcode_variable = "PACS_PASSCODE" }

[nodes.leaking]
url = "L@l.example:104"
identity = { username = "me", passcode = "s3cret" }

[nodes.doubtful]
url = "D@d.example:104"
tls = "yes"

[nodes.nameless]
url = "N@n.example:104"
identity = { user = "me" }

[nodes.misspelt]
hots = "pacs.example"

[nodes.hasty]
url = "H@h.example:104"
timeouts = { conect = 1 }

[nodes.modest]
url = "M@m.example:104"
get = { url = "M@m.example:105", limits = { max_match = 1 } }

[nodes.brief]
url = "B@b.example:104"
timeouts = 5

[nodes.endless]
url = "E@e.example:104"
timeouts = { total = inf }
"""


@pytest.fixture(autouse=True)
def surroundings(tmp_path, monkeypatch):
    """No configuration but that of the test."""
    monkeypatch.setenv("ITKDICOMQR_CONFIG", str(tmp_path / "config.toml"))
    monkeypatch.delenv("ITKDICOMQR_PACS", raising=False)


@pytest.fixture
def configuration(tmp_path):
    (tmp_path / "config.toml").write_text(CONFIGURATION, encoding="utf-8")
    return tmp_path / "config.toml"


@pytest.mark.parametrize(
    ("text", "node"),
    [
        ("dicom://MAIN@pacs.example:104", Node("pacs.example", 104, "MAIN")),
        ("MAIN@pacs.example:104", Node("pacs.example", 104, "MAIN")),
        ("dicoms://MAIN@pacs.example:2762/", Node("pacs.example", 2762, "MAIN", tls=True)),
        ("dicom://MY%20PACS%2F1@localhost:4242", Node("localhost", 4242, "MY PACS/1")),
        ("dicom://MAIN@[::1]:104", Node("::1", 104, "MAIN")),
        ("MAIN@10.0.0.1:104?calling=ME", Node("10.0.0.1", 104, "MAIN", calling_ae_title="ME")),
        ("MAIN@h:104?calling=MY%20AE&model=patient", Node("h", 104, "MAIN", calling_ae_title="MY AE", model="patient")),
    ],
)
def test_a_url_names_an_archive(text, node):
    assert Node.parse(text) == node
    assert nodes_of(text) == (node,)


@given(AE_TITLES.filter(str.strip), AE_TITLES.filter(str.strip), st.sampled_from(["h.example", "::1"]), st.booleans())
def test_a_node_s_url_reads_back_as_the_node(called, calling, host, tls):
    for model in ("study", "patient"):
        node = Node(host, 104, called, calling_ae_title=calling, tls=tls, model=model)
        assert Node.parse(node.url) == node


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("dicom://MAIN@pacs.example", "names no port"),
        ("dicom://MAIN@pacs.example:", "names no port"),
        ("dicom://MAIN@pacs.example:abc", "names no port"),
        ("dicom://MAIN@pacs.example:-1", "names no port"),
        ("dicom://MAIN@pacs.example:0", "1 to 65535"),
        ("dicom://MAIN@pacs.example:65536", "1 to 65535"),
        ("dicom://MAIN@[::1]", "names no port"),
        ("dicom://MAIN@[::1:104", "names no archive"),
        ("dicom://MAIN@:104", "no host name"),
        ("dicom://pacs.example:104", "CALLED_AE_TITLE@host:port"),
        ("pacs.example:104", "CALLED_AE_TITLE@host:port"),
        ("dicom://@pacs.example:104", "called AE title is empty"),
        ("dicom://%20%20@pacs.example:104", "called AE title is empty"),
        ("dicom://SEVENTEEN_LETTERS@h:104", "has 17 characters; DICOM allows 16"),
        ("dicom://M%5CN@h:104", "backslash"),
        ("dicom://M%0AN@h:104", "control character"),
        ("dicom://M%C3%84N@h:104", "outside ASCII"),
        ("MAIN@h:104?calling=", "calling AE title is empty"),
        ("MAIN@h:104?caling=ME", "unknown option caling"),
        ("MAIN@h:104?model=image", "give one of study, patient"),
        ("MAIN@h:104/path", "names no archive"),
        ("ftp://MAIN@h:104", "names no archive"),
    ],
)
def test_what_names_no_archive_is_refused_with_the_reason(text, reason):
    with pytest.raises(NodeError, match=reason):
        nodes_of(text)


@pytest.mark.parametrize("port", ["104", 104.0, True, 0, 65536, None])
def test_a_port_is_a_number_that_can_be_listened_at(port):
    with pytest.raises(NodeError, match="port"):
        Node("h", port, "MAIN")


@pytest.mark.parametrize(("host", "title"), [("", "MAIN"), ("a b", "MAIN"), ("h", ""), ("h", None)])
def test_a_node_needs_a_host_and_a_title(host, title):
    with pytest.raises(NodeError):
        Node(host, 104, title)


@pytest.mark.parametrize("seconds", [0, -1, float("inf"), float("nan"), "5", None])
@pytest.mark.parametrize("name", ["connect", "first_response", "idle", "total"])
def test_every_timeout_is_finite(name, seconds):
    with pytest.raises(NodeError, match=f"{name}_timeout="):
        Timeouts(**{name: seconds})


def test_the_default_timeouts_are_finite():
    defaults = Timeouts()
    assert 0 < defaults.connect <= defaults.first_response <= defaults.total < float("inf")
    assert defaults.idle > 0


def test_a_client_s_timeouts_replace_the_node_s():
    client = Client("A@h:104", connect_timeout=1, total_timeout=5.5)
    assert client.nodes[0].timeouts == Timeouts(connect=1, total=5.5)
    with pytest.raises(NodeError, match="idle_timeout=0"):
        Client("A@h:104", idle_timeout=0)


@pytest.mark.usefixtures("configuration")
def test_a_configured_name_is_a_node_with_all_its_settings():
    assert nodes_of("main") == (
        Node(
            "pacs.example",
            104,
            "MAIN",
            calling_ae_title="ME",
            model="patient",
            get=Node("store.example", 11112, "STORE"),
            timeouts=Timeouts(connect=2.5, total=60),
            limits=Limits(max_verified=5),
            name="main",
        ),
    )


@pytest.mark.usefixtures("configuration")
def test_a_configured_node_may_be_a_url_with_further_settings():
    linked = Node("linked.example", 2762, "LINKED", tls=True, timeouts=Timeouts(idle=4), name="linked")
    assert nodes_of("linked") == (linked,)
    assert nodes_of("short") == (Node("short.example", 104, "SHORT", name="short"),)


@pytest.mark.usefixtures("configuration")
def test_a_configured_node_may_be_secured(monkeypatch):
    monkeypatch.setenv("PACS_PASSCODE", "s3cret")
    assert nodes_of("secured") == (
        Node(
            "secured.example",
            2762,
            "SECURED",
            tls=TLS(server_name="other.example"),
            identity=Identity("me", "s3cret"),
            get=Node("store.example", 2762, "STORE", tls=True, identity=Identity("me")),
            name="secured",
        ),
    )


@pytest.mark.usefixtures("configuration")
def test_several_archives_may_be_named_in_every_way():
    named = nodes_of(["main", "B@h:104", Node("h", 105, "C")])
    assert [node.ae_title for node in named] == ["MAIN", "B", "C"]


@pytest.mark.usefixtures("configuration")
def test_the_environment_goes_before_the_configuration_s_default(monkeypatch):
    assert nodes_of(None)[0].name == "main"
    monkeypatch.setenv("ITKDICOMQR_PACS", "OTHER@h:104")
    assert nodes_of(None) == (Node("h", 104, "OTHER"),)
    monkeypatch.setenv("ITKDICOMQR_PACS", "linked")
    assert nodes_of(None)[0].name == "linked"


def test_without_any_archive_all_three_ways_are_named(tmp_path):
    with pytest.raises(NodeError) as caught:
        nodes_of(None)
    for way in ("pacs='dicom://AE@host:port'", "ITKDICOMQR_PACS", str(tmp_path / "config.toml")):
        assert way in str(caught.value)


@pytest.mark.usefixtures("configuration")
def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(NodeError, match=r"'mian' .*known: brief, doubtful, .*, leaking, linked, main, "):
        nodes_of("mian")


def test_an_unknown_name_without_a_configuration_says_so():
    with pytest.raises(NodeError, match=r"config.toml, which ITKDICOMQR_CONFIG names, does not exist .*known: none"):
        nodes_of("main")


def test_a_configuration_that_is_not_there_is_told_as_missing(monkeypatch, tmp_path):
    with pytest.raises(NodeError, match=r"config.toml, which ITKDICOMQR_CONFIG names, does not exist$"):
        nodes_of(None)
    monkeypatch.delenv("ITKDICOMQR_CONFIG")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    with pytest.raises(NodeError, match=r"config.toml does not exist$"):
        nodes_of(None)


@pytest.mark.usefixtures("configuration")
@pytest.mark.parametrize(
    ("name", "reason"),
    [
        (
            "misspelt",
            r"\[nodes.misspelt\] in .*, or its profile: unknown hots; there are host, port, .*, url",
        ),
        ("hasty", r"\[nodes.hasty\] .*: unknown conect; there are connect, first_response, idle, late, total"),
        ("modest", "unknown max_match; there are .*max_matches"),
        ("brief", "5 is no table of connect, first_response"),
        ("endless", "total_timeout=inf"),
        ("secured", "variable PACS_PASSCODE is not set"),
        ("trusting", "ca_file='/no/such/authority.pem' cannot be read"),
        ("leaking", "passcode stands in the configuration: .*passcode_variable"),
        ("doubtful", "tls='yes': give True, False, or TLS"),
        ("nameless", "unexpected keyword argument 'user'"),
    ],
)
def test_a_wrong_setting_is_named(name, reason, monkeypatch):
    monkeypatch.delenv("PACS_PASSCODE", raising=False)
    with pytest.raises(NodeError, match=reason) as caught:
        nodes_of(name)
    assert "s3cret" not in str(caught.value)


@pytest.mark.usefixtures("configuration")
def test_a_configured_secret_needs_a_secured_channel(monkeypatch):
    monkeypatch.setenv("PACS_PASSCODE", "s3cret")
    with pytest.raises(NodeError, match="without TLS everyone on its way can read"):
        nodes_of("talkative")


@pytest.mark.parametrize("content", [b"default = ", b"\xff\xfe", b"[nodes.main\n"])
def test_a_broken_configuration_is_refused_by_its_name(tmp_path, content):
    (tmp_path / "config.toml").write_bytes(content)
    with pytest.raises(NodeError, match=r"config\.toml cannot be read"):
        nodes_of("main")


def test_the_configuration_lies_in_the_user_s_folder_unless_named_elsewhere(tmp_path, monkeypatch):
    assert configuration_file() == tmp_path / "config.toml"
    monkeypatch.delenv("ITKDICOMQR_CONFIG")
    assert configuration_file().parts[-2:] == ("itkdicomqr", "config.toml")


@pytest.mark.parametrize("pacs", [[], 5, [5], b"A@h:104", {}])
def test_what_is_no_archive_at_all_is_refused(pacs):
    with pytest.raises(NodeError, match="names no archive"):
        nodes_of(pacs)


def test_messages_call_a_node_by_title_and_place():
    assert str(Node("::1", 104, "MAIN")) == "MAIN@[::1]:104"
    assert repr(Client(["A@h:1", "B@h:2"])) == "Client(A@h:1, B@h:2)"

"""What a name of the configuration means, and that a wrong setting is told."""

from __future__ import annotations

import pytest

from itkdicomqr import TLS, Identity, Limits, Node, NodeError, Timeouts
from itkdicomqr.configuration import configuration_file, nodes_of

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
receiver_tls = false
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
            receiver_tls=False,
            identity=Identity("me", "s3cret"),
            get=Node("store.example", 2762, "STORE", tls=True, identity=Identity("me")),
            name="secured",
        ),
    )


def test_a_url_needs_no_configuration():
    assert nodes_of("dicom://MAIN@pacs.example:104") == (Node("pacs.example", 104, "MAIN"),)


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
        ("endless", "total=inf"),
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


@pytest.mark.parametrize("nodes", ["5", '"main"', "[1]"])
def test_nodes_that_are_no_table_are_refused(nodes, monkeypatch, tmp_path):
    (tmp_path / "config.toml").write_text(f"nodes = {nodes}")
    monkeypatch.setenv("ITKDICOMQR_CONFIG", str(tmp_path / "config.toml"))
    with pytest.raises(NodeError, match=r"is no table: write \[nodes.NAME\]"):
        nodes_of("main")

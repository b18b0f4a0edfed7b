"""How an archive may be named."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from itkdicomqr import Client, Limits, Node, NodeError, Timeouts

AE_TITLES = st.text(
    st.characters(min_codepoint=0x20, max_codepoint=0x7E, exclude_characters="\\"), min_size=1, max_size=16
)


@pytest.mark.parametrize(
    ("text", "node"),
    [
        ("dicom://MAIN@pacs.example:104", Node("pacs.example", 104, "MAIN")),
        ("MAIN@pacs.example:104", Node("pacs.example", 104, "MAIN")),
        ("dicoms://MAIN@pacs.example:2762/", Node("pacs.example", 2762, "MAIN", tls=True)),
        ("dicom://MY%20PACS%2F1@localhost:4242", Node("localhost", 4242, "MY PACS/1")),
        ("dicom://MAIN@[::1]:104", Node("::1", 104, "MAIN")),
        ("MAIN@10.0.0.1:104?calling=ME", Node("10.0.0.1", 104, "MAIN", calling_ae_title="ME")),
        ("MAIN@h:104?receiver=0.0.0.0:11112", Node("h", 104, "MAIN", receiver="0.0.0.0:11112")),
        ("MAIN@h:104?calling=MY%20AE&model=patient", Node("h", 104, "MAIN", calling_ae_title="MY AE", model="patient")),
    ],
)
def test_a_url_names_an_archive(text, node):
    assert Node.parse(text) == node


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
        Node.parse(text)


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
    with pytest.raises(NodeError, match=f"^{name}="):
        Timeouts(**{name: seconds})


def test_the_default_timeouts_are_finite():
    defaults = Timeouts()
    assert 0 < defaults.connect <= defaults.first_response <= defaults.total < float("inf")
    assert defaults.idle > 0


def test_a_client_s_timeouts_replace_the_node_s():
    client = Client("A@h:104", connect_timeout=1, total_timeout=5.5)
    assert client.nodes[0].timeouts == Timeouts(connect=1, total=5.5)
    with pytest.raises(NodeError, match="idle=0: a timeout is in seconds"):
        Client("A@h:104", idle_timeout=0)


def test_messages_call_a_node_by_title_and_place():
    assert str(Node("::1", 104, "MAIN")) == "MAIN@[::1]:104"
    assert repr(Client(["A@h:1", "B@h:2"])) == "Client(A@h:1, B@h:2)"


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"store_ae_titles": "ARCHIVE"}, r"store_ae_titles='ARCHIVE': give a tuple of texts, such as \('ARCHIVE',\)"),
        ({"store_ae_titles": ("",)}, "the storing AE title is empty"),
        ({"store_ae_titles": ("A" * 17,)}, "has 17 characters"),
        ({"transports": "get"}, "transports='get': give a tuple of texts"),
    ],
)
def test_several_texts_are_not_one(settings, reason):
    with pytest.raises(NodeError, match=reason):
        Node("h", 104, "MAIN", **settings)


@pytest.mark.parametrize("limit", [0, -1, 1.5, "7", True, None])
@pytest.mark.parametrize("name", ["max_instance_bytes", "max_instances", "max_inflate_ratio"])
def test_every_limit_is_a_whole_number(name, limit):
    with pytest.raises(NodeError, match=f"{name}="):
        Limits(**{name: limit})


@pytest.mark.parametrize(
    "settings",
    [
        {"associations": "2"},
        {"associations": 2.5},
        {"associations": True},
        {"character_set": None},
        {"timeouts": 5},
        {"limits": {"max_matches": 5}},
        {"get": "dicom://A@h:104"},
        {"move": "dicom://A@h:104"},
        {"receiver": 11112},
        {"dicomweb": None},
    ],
)
def test_a_setting_of_another_kind_is_refused_by_its_name(settings):
    (keyword,) = settings
    with pytest.raises(NodeError, match=f"{keyword}=.*: give "):
        Node("h", 104, "MAIN", **settings)


@pytest.mark.parametrize("host", [5, None])
def test_a_host_is_a_text(host):
    with pytest.raises(NodeError, match=f"host={host}: give a text"):
        Node(host, 104, "MAIN")

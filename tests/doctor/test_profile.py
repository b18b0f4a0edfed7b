"""What the doctor found is kept, and completes the node of later calls."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from itkdicomqr import Client, Node, NodeError
from itkdicomqr.configuration import nodes_of, profile_file
from itkdicomqr.doctor import Diagnosis, Finding, Verdict, examine, save_profile
from itkdicomqr.testing import Archive

NODE = Node("pacs.example", 104, "MAIN")
CONFIGURATION = """
default = "main"
[nodes]
short = "dicom://MAIN@pacs.example:104"
[nodes.main]
host = "pacs.example"
port = 104
ae_title = "MAIN"
transports = ["move"]
# a remark that stays
"""


@pytest.fixture
def configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("ITKDICOMQR_PACS", raising=False)
    monkeypatch.setenv("ITKDICOMQR_CONFIG", str(tmp_path / "config.toml"))
    (tmp_path / "config.toml").write_text(CONFIGURATION)
    return tmp_path


def diagnosis_of(node: Node, **settings: Any) -> Diagnosis:
    """A diagnosis that found these settings, and that C-GET works."""
    found = Finding("information models", Verdict.NOTABLE, "", settings=settings)
    return Diagnosis(node, (found, Finding("C-GET", Verdict.GOOD, "")))


@pytest.mark.usefixtures("configuration")
def test_later_calls_use_what_was_kept() -> None:
    diagnosis = diagnosis_of(nodes_of("short")[0], model="patient", associations=3)
    save_profile(diagnosis)
    expected = replace(NODE, model="patient", associations=3, transports=("get",), name="short")
    assert nodes_of("short") == (expected,)
    assert Client("short").nodes == (expected,)


def test_the_configuration_goes_before_the_profile(configuration: Path) -> None:
    save_profile(diagnosis_of(nodes_of("main")[0], model="patient"))
    (node,) = nodes_of("main")
    assert (node.transports, node.model) == (("move",), "patient")
    assert (configuration / "config.toml").read_text() == CONFIGURATION


def test_another_examination_replaces_the_profile(configuration: Path) -> None:
    save_profile(diagnosis_of(NODE, associations=4), "short")
    path = save_profile(diagnosis_of(NODE, model="patient"), "short")
    assert nodes_of("short")[0].associations == 1
    assert [*(configuration / "profiles").iterdir()] == [path]


@pytest.mark.usefixtures("configuration")
def test_a_name_that_nobody_configured_becomes_a_node() -> None:
    node = Node.parse("dicoms://NEW%20ONE@[::1]:2762?calling=ME")
    save_profile(diagnosis_of(replace(node, receiver="0.0.0.0:11112"), model="patient"), "new")
    receiving = replace(node, receiver="0.0.0.0:11112", model="patient", transports=("get",), name="new")
    assert nodes_of("new") == (receiving,)
    save_profile(diagnosis_of(nodes_of("new")[0], model="study"))
    assert nodes_of("new") == (replace(receiving, model="study"),)


@pytest.mark.usefixtures("configuration")
def test_the_receiver_with_which_it_was_examined_is_kept_beside_the_configuration() -> None:
    save_profile(diagnosis_of(replace(nodes_of("short")[0], receiver="0.0.0.0:11112")))
    (node,) = nodes_of("short")
    assert node.receiver == "0.0.0.0:11112"
    save_profile(diagnosis_of(node))
    assert nodes_of("short") == (node,)


@pytest.mark.parametrize("receiver", ["0.0.0.0:11112", ""])
def test_a_receiver_that_the_configuration_contradicts_is_not_kept(configuration: Path, receiver: str) -> None:
    (configuration / "config.toml").write_text(CONFIGURATION + 'receiver = "127.0.0.1:11113"\n')
    (node,) = nodes_of("main")
    assert save_profile(diagnosis_of(node)).read_text().count("receiver") == 0
    with pytest.raises(NodeError, match=r"receiver='127\.0\.0\.1:11113' stands in the configuration"):
        save_profile(diagnosis_of(replace(node, receiver=receiver)))


@pytest.mark.usefixtures("configuration")
@pytest.mark.parametrize(
    ("node", "name", "reason"),
    [
        (NODE, "", "has no name"),
        (NODE, "a/b", "is no name of a node"),
        (NODE, "../main", "is no name of a node"),
        (NODE, "A@h:1", "is no name of a node"),
        (replace(NODE, port=105), "main", "'main' is MAIN@pacs.example:104 in the configuration"),
        (replace(NODE, store_ae_titles=("X",)), "new", "settings that no URL holds"),
    ],
)
def test_what_would_be_misunderstood_is_refused(node: Node, name: str, reason: str) -> None:
    with pytest.raises(NodeError, match=reason):
        save_profile(diagnosis_of(node), name)


def test_a_profile_that_cannot_be_written_is_told(configuration: Path) -> None:
    (configuration / "profiles").write_text("a file where the folder should be")
    with pytest.raises(NodeError, match=r"short\.toml cannot be written"):
        save_profile(diagnosis_of(NODE), "short")


def test_a_broken_profile_is_refused_by_its_name(configuration: Path) -> None:
    (configuration / "profiles").mkdir()
    profile_file("short").write_text("model = ")
    with pytest.raises(NodeError, match=r"short\.toml cannot be read"):
        nodes_of("short")
    profile_file("short").write_text("modle = 'study'")
    with pytest.raises(NodeError, match=r"or its profile: .*modle"):
        nodes_of("short")


@given(st.text(min_size=1))
def test_every_name_has_a_file_of_its_own_in_the_folder(name: str) -> None:
    try:
        name.encode()
    except UnicodeError:
        return
    path = profile_file(name)
    assert path.parent == profile_file("other").parent
    assert (path == profile_file("other")) == (name == "other")


@pytest.mark.usefixtures("configuration")
def test_an_examined_archive_is_loaded_from_by_its_profile() -> None:
    with Archive(quirks="no-study-root") as archive:
        save_profile(examine(Node.parse(archive.url)), "ward")
        found = Client("ward").find_series("99999", "2005")
    assert [row.SeriesDescription for row in found] == ["Chest-- PA & Lateral"]

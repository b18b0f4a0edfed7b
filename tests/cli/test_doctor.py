"""Examining an archive from the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from itkdicomqr import Node
from itkdicomqr.configuration import nodes_of
from itkdicomqr.testing import Archive
from tests.cli.running import Run
from tests.servers import free_port


@pytest.fixture
def run(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, demo_archive: Archive) -> Run:
    """Runs a command with one named archive, in a configuration beside which may be written."""
    (tmp_path / "config.toml").write_text(f'[nodes]\ndemo = "{demo_archive.url}"\n')
    monkeypatch.setenv("ITKDICOMQR_CONFIG", str(tmp_path / "config.toml"))
    return run


def test_findings_are_told_with_their_cures(run: Run) -> None:
    outcome = run("doctor")
    lines = outcome.out.splitlines()
    assert outcome.code == 0
    assert any(line.split()[:2] == ["good", "C-GET"] for line in lines)
    assert any("-> ask the administrator for a port with TLS" in line for line in lines)
    assert "suits it: model = study, associations = 4, transports" in lines[-1]
    assert outcome.err == ""


def test_json_tells_the_same(run: Run) -> None:
    told = json.loads(run("doctor", "demo", "--json", "--study-uid", "1.2.3").out)
    assert told["usable"] is True
    assert {"name", "verdict", "words", "cure", "settings"} == {*told["findings"][0]}
    assert [each["verdict"] for each in told["findings"] if each["name"] == "studies"] == ["unknown"]


def test_what_was_found_is_kept_under_the_node_s_name(run: Run, tmp_path: Path) -> None:
    outcome = run("doctor", "demo", "--save")
    assert outcome.code == 0
    assert str(tmp_path / "profiles" / "demo.toml") in outcome.err
    assert nodes_of("demo")[0].associations == 4
    assert run("load", "99999", "2005", "-c", "demo").code == 0


def test_an_archive_by_its_url_is_kept_under_a_new_name(run: Run, demo_archive: Archive) -> None:
    assert run("doctor", demo_archive.url, "--save", "ward").code == 0
    assert nodes_of("ward")[0].port == Node.parse(demo_archive.url).port
    assert run("echo", "-c", "ward").code == 0


def test_a_name_is_needed_to_keep_it(run: Run, demo_archive: Archive) -> None:
    outcome = run("doctor", demo_archive.url, "--save")
    assert outcome.code == 2
    assert "--save NAME" in outcome.err


def test_a_receiver_may_be_given(run: Run) -> None:
    port = free_port()
    with Archive(destinations={"ITKDICOMQR": ("127.0.0.1", port)}, quirks="no-cget") as archive:
        assert run("doctor", archive.url).code == 8
        assert run("doctor", archive.url, "--receiver", f"127.0.0.1:{port}").code == 0


def test_an_archive_that_cannot_be_used_ends_with_the_code_of_its_reason(run: Run, demo_archive: Archive) -> None:
    nowhere = run("doctor", f"X@127.0.0.1:{free_port()}", "--save", "x")
    assert (nowhere.code, nowhere.out.split()[0]) == (7, "bad")
    assert run("doctor", f"WRONG@127.0.0.1:{demo_archive.port}").code == 8
    with Archive(quirks="lies-about-success") as archive:
        assert run("doctor", archive.url).code == 5


@pytest.mark.parametrize("arguments", [["nobody"], ["A@h:1", "--connect-timeout", "-1"]])
def test_what_cannot_be_meant_is_refused(run: Run, arguments: list[str]) -> None:
    assert run("doctor", *arguments).code == 2

"""The names of quirks: how they are written, and that each is one."""

from __future__ import annotations

import pytest

from itkdicomqr.archive.quirks import PRESETS, quirk_of
from itkdicomqr.testing import QUIRKS, Archive

EXAMPLES = {"N": "3", "SECONDS": "0.5", "STATUS": "C000", "KEYWORD": "ProtocolName"}


def spelt(name: str) -> str:
    """Write a name of the table with a parameter."""
    stem, _, parameter = name.replace("[", "").replace("]", "").partition("=")
    return f"{stem}={EXAMPLES[parameter]}" if parameter else stem


@pytest.mark.parametrize("name", QUIRKS)
def test_every_quirk_has_a_line_and_makes_an_archive(name):
    assert QUIRKS[name]
    assert Archive([], quirks=spelt(name)).instances == []


@pytest.mark.parametrize("name", [name for name in QUIRKS if "[" in name])
def test_a_parameter_with_a_default_may_be_left_out(name):
    quirk_of(name.partition("[")[0])


@pytest.mark.parametrize(
    "quirks",
    [
        "caps-at-500, ignores-description,no-cget",
        "caps-at=500,",
        "late-move=0.5",
        "late-move-0.5",
        ["caps-at-500", "no-cget"],
        ("like-orthanc", "max-pdu-0"),
        "",
        [],
    ],
)
def test_quirks_are_a_text_with_commas_or_several_texts(quirks):
    quirk_of(quirks)


def test_an_unknown_name_is_told_with_those_that_are_known():
    with pytest.raises(ValueError, match=r"no quirk is called 'caps-it'; there are caps-at=N, .*no-cget.*like-orthanc"):
        Archive([], quirks="no-cget, caps-it")


@pytest.mark.parametrize("text", ["caps-at", "caps-at=many", "no-cget=3", "no-cget-3", "refuses-uid-lists=xyz"])
def test_a_parameter_that_does_not_fit_is_told_with_the_spelling(text):
    with pytest.raises(ValueError, match=r"write (caps-at=N|no-cget|refuses-uid-lists)"):
        Archive([], quirks=text)


def test_the_archive_tells_its_quirks():
    assert Archive.QUIRKS is QUIRKS
    assert set(PRESETS) < set(QUIRKS)

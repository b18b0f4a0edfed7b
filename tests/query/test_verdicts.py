"""What a value says of a criterion, also one that lost characters on its way."""

from __future__ import annotations

import pytest

from itkdicomqr import Client, Node, NodeError, UnverifiedMatchError, find_series, load_series
from itkdicomqr.levels import Level
from itkdicomqr.query.criteria import Criteria
from itkdicomqr.query.identifiers import identifier
from itkdicomqr.query.verdicts import verdict
from itkdicomqr.testing import Archive
from tests.synthetic import series

NAME = "Démo^Ünïcode=見本^患者"


@pytest.mark.parametrize(
    ("words", "value", "expected"),
    [
        ({"description": "AX"}, "ax", True),
        ({"description": "AX"}, "COR", False),
        ({"description": "AX"}, None, None),
        ({"description": ""}, "", True),
        ({"description": ""}, "AX", False),
        ({"description": "Übersicht"}, "Übersicht", True),
        ({"description": "Übersicht"}, "bersicht", None),
        ({"description": "Übersicht"}, "?BERSICHT", None),
        ({"description": "Übersicht"}, "Ã\x9cbersicht", None),
        ({"description": "Übersicht"}, "Unterricht", False),
        ({"description": "肺部"}, "", False),
        ({"description": "肺部"}, "??????", None),
        ({"description": "?bersicht"}, "bersicht", None),
        ({"description": "頭部 CT"}, "CT", None),
        ({"description": "CT 頭部"}, "CT", None),
        ({"description": "頭部 造影 CT"}, "CT", None),
        ({"description": "AX 頭部 CT"}, "AX  CT", None),
        ({"description": "AX 頭部 CT"}, "AX CT 3", False),
        ({"description": "Café 2"}, "Cafe 2", None),
        ({"description": "A B"}, "AB", False),
        ({"patient_name": NAME}, NAME, True),
        ({"patient_name": "見本*"}, "Dmo^ncode=^=^", None),
        ({"patient_name": "Smith*"}, "=^=^", None),
        ({"patient_name": "Smith*"}, "??^??", None),
        ({"patient_name": "Smith*"}, "Jones^A", False),
        ({"patient_id": "7"}, "?", False),
    ],
)
def test_a_value_that_may_have_lost_characters_decides_nothing(words, value, expected):
    (criterion,) = Criteria.from_words(**words).criteria
    assert verdict(criterion, value) is expected


@pytest.mark.parametrize(
    "quirks",
    ["", "loses-utf8", "questions-utf8", "no-charset", "wrong-charset", "invalid-charset", "upper-cases-text"],
)
@pytest.mark.parametrize(
    "words",
    [{"patient_name": NAME}, {"patient_name": "démo*"}, {"patient_name": "見本*", "description": "肺*"}],
)
def test_a_name_in_any_script_is_found_whatever_the_archive_makes_of_it(quirks, words):
    other = series("MR", 1, number=2, PatientID="SYN-2", StudyInstanceUID="1.2.3", PatientName="Sample^Other")
    mine = series("MR", 1, PatientName=NAME, SeriesDescription="肺部", SpecificCharacterSet="ISO_IR 192")
    with Archive([*mine, *other], quirks=quirks) as archive:
        row = Client(archive.url).find_series(**words).one()
    assert row.PatientID == "SYN-1"


@pytest.mark.parametrize(
    ("character_set", "value", "named"),
    [
        ("", "Müller", "ISO_IR 192"),
        ("ISO_IR 100", "Müller", "ISO_IR 100"),
        ("ISO_IR 100", "見本", "ISO_IR 192"),
        ("ISO_IR 100", "Miller", None),
    ],
)
def test_what_is_asked_is_written_in_the_node_s_character_set_where_it_can_be(character_set, value, named):
    asked = identifier(Level.STUDY, {"PatientName": value}, character_set)
    assert asked.get("SpecificCharacterSet") == named


def test_a_character_set_that_dicom_does_not_define_is_refused():
    with pytest.raises(NodeError, match="defines no 'UTF-8'"):
        Node("host", 104, "AE", character_set="UTF-8")


@pytest.mark.parametrize(("stored", "asked"), [("頭部CT", "CT"), ("頭部 CT", "ct"), ("Übersicht", "bersicht")])
def test_a_row_that_lost_characters_of_another_description_is_not_taken_for_the_series(stored: str, asked: str) -> None:
    with Archive(
        series("CT", 2, SeriesDescription=stored, SpecificCharacterSet="ISO_IR 192"), quirks="loses-utf8"
    ) as archive:
        with pytest.raises(UnverifiedMatchError, match="lost characters of SeriesDescription") as caught:
            load_series("SYN-1", None, asked, pacs=archive.url)
        assert stored not in str(caught.value)
        row = find_series("SYN-1", pacs=archive.url).one()
        assert load_series(series=row, toolkit="volume").array.shape[0] == 2
        assert load_series("SYN-1", None, stored, pacs=archive.url, toolkit="volume").array.shape[0] == 2


def test_a_description_that_the_archive_corrected_is_the_one_that_counts() -> None:
    first, second = series("CT", 2, SeriesDescription="As stored", SpecificCharacterSet="ISO_IR 192")
    first.SeriesDescription = "As corrected"
    with Archive([first, second]) as archive:
        told = find_series("SYN-1", pacs=archive.url).one().SeriesDescription
        volume = load_series("SYN-1", None, told, pacs=archive.url, toolkit="volume")
    assert len(volume.array) == 2

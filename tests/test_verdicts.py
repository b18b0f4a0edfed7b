"""What a value says of a criterion, also one that lost characters on its way."""

from __future__ import annotations

import pytest

from itkdicomqr import Client, Node, NodeError
from itkdicomqr.catalogue import identifier
from itkdicomqr.criteria import Criteria, Level
from itkdicomqr.testing import Archive
from itkdicomqr.verdicts import verdict
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

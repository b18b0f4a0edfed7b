"""What belongs to each level of the query/retrieve models."""

from __future__ import annotations

import pytest
from pydicom.datadict import dictionary_has_tag, tag_for_keyword

from itkdicomqr.levels import COUNTS, UNIQUE_KEYS, Level, owner_of


def test_levels_are_ordered_and_named_as_in_identifiers():
    assert [level.name for level in sorted(Level)] == ["PATIENT", "STUDY", "SERIES", "IMAGE"]


@pytest.mark.parametrize("level", Level)
def test_a_unique_key_belongs_to_its_level(level):
    assert owner_of(UNIQUE_KEYS[level]) is level


def test_numbers_of_related_entities_are_of_a_level_above_these():
    assert all(owner_of(keyword) is owner < counted for keyword, (owner, counted) in COUNTS.items())
    assert all(dictionary_has_tag(tag_for_keyword(keyword) or 0) for keyword in COUNTS)


@pytest.mark.parametrize(
    ("keyword", "level"),
    [
        ("OtherPatientIDs", Level.PATIENT),
        ("Occupation", Level.STUDY),
        ("AdditionalPatientHistory", Level.STUDY),
        ("InstitutionName", Level.SERIES),
        ("EchoTime", Level.IMAGE),
    ],
)
def test_an_attribute_belongs_to_what_shares_it(keyword, level):
    assert owner_of(keyword) is level

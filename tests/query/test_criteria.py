"""What a caller may ask for, and how a mistake is answered."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from itkdicomqr.errors import CriteriaError
from itkdicomqr.levels import Level
from itkdicomqr.query.criteria import NAMES, Criteria, CriteriaWords
from itkdicomqr.query.matchers import DateRange, Exactly, Matcher, Number, OneOf, PersonName, TimeRange, Wording

ALL_WORDS: dict[str, Any] = {
    "patient_id": "99999",
    "date": "2005",
    "description": "AX*",
    "modality": "CT",
    "study_uid": "1.2.3",
    "series_uid": "1.2.3.4",
    "study_description": "CT Thorax",
    "series_number": 2,
    "series_date": "2005-01",
    "protocol_name": "Thorax",
    "accession_number": "A1",
    "patient_name": "Demo*",
    "issuer_of_patient_id": "HOSPITAL",
    "keys": {"BodyPartExamined": "CHEST"},
}


def matcher_of(**words: Any) -> Matcher:
    (criterion,) = Criteria.from_words(**words).criteria
    return criterion.matcher


@pytest.mark.parametrize(
    ("words", "matcher"),
    [
        ({"patient_id": "00123  "}, Exactly("00123")),
        ({"date": "2005-01-06"}, DateRange(date(2005, 1, 6), date(2005, 1, 6))),
        ({"description": ""}, Wording("")),
        ({"description": " Hip? * "}, Wording("Hip? *")),
        ({"modality": "ct"}, OneOf(("CT",))),
        ({"modality": ["PT", "NM"]}, OneOf(("PT", "NM"))),
        ({"series_number": 3}, Number(3)),
        ({"series_number": "3"}, Number(3)),
        ({"patient_name": "Demo*"}, PersonName("Demo*")),
        ({"accession_number": "A 1"}, Exactly("A 1")),
        ({"study_uid": "1.2.840.10008"}, Exactly("1.2.840.10008")),
        ({"keys": {"BodyPartExamined": "chest"}}, OneOf(("CHEST",))),
        ({"keys": {"AcquisitionNumber": 1}}, Number(1)),
        ({"keys": {"SeriesTime": "1015*"}}, Wording("1015*")),
        ({"keys": {"SeriesTime": "10:15-"}}, TimeRange("101500.000000", None)),
        ({"keys": {"SliceThickness": "2.50"}}, Number(Decimal("2.5"))),
        ({"keys": {"SOPClassesInStudy": "1.2"}}, OneOf(("1.2",))),
        ({"keys": {"FrameOfReferenceUID": "1.2\\1.3"}}, OneOf(("1.2", "1.3"))),
        ({"keys": {"FrameOfReferenceUID": ["1.2", "1.3"]}}, OneOf(("1.2", "1.3"))),
        ({"keys": {"OperatorsName": "A*"}}, PersonName("A*")),
        ({"keys": {"AcquisitionDate": "2005"}}, DateRange(date(2005, 1, 1), date(2005, 12, 31))),
        ({"keys": {"FrameOfReferenceUID": "1.2"}}, Exactly("1.2")),
    ],
)
def test_each_word_is_read_as_its_attribute_is(words, matcher):
    assert matcher_of(**words) == matcher


def test_criteria_stand_in_the_order_of_the_levels_and_none_means_any():
    criteria = Criteria.from_words("1", None, "AX", modality="CT", accession_number="A", study_uid=None)
    assert [criterion.name for criterion in criteria.criteria] == [
        "patient_id",
        "accession_number",
        "description",
        "modality",
    ]
    assert [criterion.keyword for criterion in criteria.at(Level.STUDY)] == ["PatientID", "AccessionNumber"]
    assert criteria.named("date") is None


def test_criteria_read_as_they_were_typed():
    criteria = Criteria.from_words("7", "2005", "AX*", modality=["CT", "MR"], keys={"StudyID": "x"})
    assert str(criteria) == (
        "patient_id '7', date 2005-01-01 to 2005-12-31, keys['StudyID'] 'x', description 'AX*', modality CT or MR"
    )


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ({"patient_id": 99999}, "no text: give it as a string, with its leading zeros"),
        ({"patient_id": b"99999"}, "no text"),
        ({"patient_id": "99*"}, "wildcard"),
        ({"patient_id": "9999?"}, "wildcard"),
        ({"patient_id": "9\\8"}, "backslash"),
        ({"patient_id": "99\n"}, "control character"),
        ({"patient_id": "99\0"}, "control character"),
        ({"description": "one\u2028two"}, "control character"),
        ({"patient_id": ""}, "would match every patient_id"),
        ({"patient_id": "  "}, "would match every patient_id"),
        ({"patient_id": "9" * 65}, "65 characters; DICOM allows 64"),
        ({"accession_number": "A*"}, "wildcard"),
        ({"accession_number": 5}, "no text"),
        ({"issuer_of_patient_id": "\x1b"}, "control character"),
        ({"description": 3}, "no text"),
        ({"description": "a\\b"}, "backslash"),
        ({"patient_name": ["Demo"]}, "no text"),
        ({"study_uid": "1.2.x"}, "no UID"),
        ({"study_uid": "1.2."}, "no UID"),
        ({"series_uid": "1." * 33 + "1"}, "no UID"),
        ({"series_uid": "1.2*"}, "no UID"),
        ({"modality": []}, "no code"),
        ({"modality": "CT/MR"}, "no code"),
        ({"modality": 7}, "give one code or several"),
        ({"modality": ["CT", 7]}, "no text"),
        ({"series_number": "two"}, "no whole number"),
        ({"series_number": 2.5}, "no whole number"),
        ({"series_number": True}, "no whole number"),
        ({"date": 20050106}, "is no date"),
        ({"series_date": "2005-02-30"}, "is no date"),
        ({"keys": {"EchoTime": "x"}}, "no number"),
        ({"keys": {"EchoTime": "NaN"}}, "no number"),
        ({"keys": {"StudyTime": "25"}}, "no time"),
        ({"keys": {"FrameOfReferenceUID": "1.2\\x"}}, "no UID"),
        ({"keys": {"FrameOfReferenceUID": 7}}, "one UID or several"),
        ({"keys": "BodyPartExamined=CHEST"}, "no mapping"),
        ({"keys": {"BodyPart": "CHEST"}}, "no DICOM keyword"),
        ({"keys": {"RequestAttributesSequence": "x"}}, "is a sequence"),
        ({"keys": {"Rows": "512"}}, r"binary \(US\)"),
        ({"keys": {"PixelData": "x"}}, "binary"),
        ({"keys": {"PatientID": "99999"}}, "give PatientID as patient_id="),
        ({"keys": {"SeriesDescription": "AX"}}, "give SeriesDescription as description="),
        ({"keys": {"Modality": "CT"}}, "give Modality as modality="),
    ],
)
def test_what_cannot_be_meant_is_refused_with_the_reason(words, reason):
    with pytest.raises(CriteriaError, match=reason):
        Criteria.from_words(**words)


@pytest.mark.parametrize("words", [{}, {"patient_id": None, "date": None}, {"keys": {}}])
def test_a_search_needs_a_criterion(words):
    with pytest.raises(CriteriaError, match="no criterion was given"):
        Criteria.from_words(**words)


@pytest.mark.parametrize(
    ("misspelt", "nearest"),
    [("descripton", "description"), ("modalty", "modality"), ("key", "keys"), ("study_id", "study_uid")],
)
def test_a_misspelt_keyword_is_a_type_error_that_names_the_nearest(misspelt, nearest):
    with pytest.raises(TypeError, match=f"unknown keyword argument '{misspelt}'; did you mean '{nearest}'"):
        Criteria.from_words("1", **{misspelt: "x"})


def test_every_documented_word_is_known_and_documented():
    assert {*ALL_WORDS} == NAMES == {"patient_id", "date", "description", *CriteriaWords.__annotations__}
    assert len(Criteria.from_words(**ALL_WORDS).criteria) == len(ALL_WORDS)
    for word in CriteriaWords.__annotations__:
        assert word in (CriteriaWords.__doc__ or "")


@pytest.mark.parametrize(
    ("keyword", "level"),
    [
        ("PatientSex", Level.STUDY),
        ("OtherPatientIDs", Level.STUDY),
        ("ReferringPhysicianName", Level.STUDY),
        ("Occupation", Level.STUDY),
        ("InstitutionName", Level.SERIES),
        ("EchoTime", Level.SERIES),
    ],
)
def test_other_attributes_are_asked_for_where_archives_keep_them(keyword, level):
    assert Criteria.from_words(keys={keyword: "1"}).criteria[0].level is level


def test_criteria_can_be_left_out():
    criteria = Criteria.from_words("1", description="AX")
    kept = criteria.without(criteria.criteria[0])
    assert [criterion.name for criterion in kept.criteria] == ["description"]


def test_a_space_that_does_not_break_is_text():
    (criterion,) = Criteria.from_words(description="CT\N{NO-BREAK SPACE}Thorax").criteria
    assert criterion.matcher.matches("CT\N{NO-BREAK SPACE}Thorax")

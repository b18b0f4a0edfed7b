"""What an identifier asks for, and what is answered: PS3.4 C.4 and C.6."""

from __future__ import annotations

from typing import Any

import pytest
from pydicom.dataset import Dataset

from itkdicomqr.archive.index import Index
from itkdicomqr.archive.matching import Model, find, select
from itkdicomqr.errors import StatusError
from itkdicomqr.instance import Instance
from tests.synthetic import series

CHEST = {"PatientID": "P1", "PatientName": "Demo^One", "StudyInstanceUID": "1.1", "StudyDescription": "Chest"}
HEAD = {"PatientID": "P1", "PatientName": "Demo^One", "StudyInstanceUID": "1.2", "StudyDescription": "Head"}
OTHER = {"PatientID": "P2", "PatientName": "Démo^Zwei", "StudyInstanceUID": "1.3", "StudyDescription": "Chest"}


def stored(modality: str, count: int, number: int, study: dict[str, str], **attributes: Any) -> list[Instance]:
    uid = f"{study['StudyInstanceUID']}.{number}"
    own: dict[str, Any] = {
        "SeriesInstanceUID": uid,
        "SOPInstanceUID": lambda k: f"{uid}.{k + 1}",
        "SeriesNumber": str(number),
        "SpecificCharacterSet": "ISO_IR 100",
        "StudyDate": "20210503",
    }
    return [Instance.from_dataset(each) for each in series(modality, count, **{**own, **study, **attributes})]


@pytest.fixture(scope="module")
def index() -> Index:
    return Index(
        [
            *stored("CT", 3, 1, CHEST, SeriesDescription="AX 3.0"),
            *stored("CT", 2, 2, CHEST, SeriesDescription="COR 3.0"),
            *stored("CR", 1, 3, CHEST, SeriesDescription=None),
            *stored("MR", 2, 1, HEAD, SeriesDescription="AX 3.0", EchoTime="4.6"),
            *stored("CT", 4, 1, OTHER, SeriesDescription="Übersicht"),
        ]
    )


def identifier(level: str | None, **keys: Any) -> Dataset:
    dataset = Dataset()
    if level is not None:
        dataset.QueryRetrieveLevel = level
    for keyword, value in keys.items():
        setattr(dataset, keyword, value)
    return dataset


def found(index: Index, model: Model, level: str, keyword: str, **keys: Any) -> list[str]:
    asked = identifier(level, **{keyword: "", **keys})
    return sorted(str(answer.identifier[keyword].value) for answer in find(index, asked, model))


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ({}, ["1.1", "1.2", "1.3"]),
        ({"PatientID": "P1"}, ["1.1", "1.2"]),
        ({"PatientID": "P1", "StudyDescription": "Chest"}, ["1.1"]),
        ({"PatientID": "P?"}, ["1.1", "1.2", "1.3"]),
        ({"PatientID": "p1"}, []),
        ({"StudyDate": "20210501-20210531"}, ["1.1", "1.2", "1.3"]),
        ({"StudyDate": "-20210502"}, []),
        ({"ModalitiesInStudy": "CR"}, ["1.1"]),
        ({"ModalitiesInStudy": ["CR", "MR"]}, ["1.1", "1.2"]),
        ({"StudyInstanceUID": ["1.1", "1.3"]}, ["1.1", "1.3"]),
        ({"NumberOfStudyRelatedInstances": "6"}, ["1.1"]),
        ({"PatientName": "demo*"}, ["1.1", "1.2"]),
    ],
)
def test_studies_are_found_by_their_keys_and_their_patients(index, keys, expected):
    assert found(index, Model.STUDY_ROOT, "STUDY", "StudyInstanceUID", **keys) == expected


@pytest.mark.parametrize(
    ("keys", "expected"),
    [({}, ["1.1", "1.2"]), ({"StudyDescription": "Chest"}, ["1.1"]), ({"Modality": "MR"}, ["1.1", "1.2"])],
)
def test_studies_of_a_patient_are_found_by_their_keys(index, keys, expected):
    assert found(index, Model.PATIENT_ROOT, "STUDY", "StudyInstanceUID", PatientID="P1", **keys) == expected


def test_patients_are_found_by_their_names(index):
    assert found(index, Model.PATIENT_ROOT, "PATIENT", "PatientID", PatientName="demo*") == ["P1"]


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ({"SeriesDescription": "AX*"}, ["1.1.1"]),
        ({"SeriesDescription": "*"}, ["1.1.1", "1.1.2", "1.1.3"]),
        ({"SeriesDescription": "AX 3.0"}, ["1.1.1"]),
        ({"Modality": "CT"}, ["1.1.1", "1.1.2"]),
        ({"SeriesNumber": "2"}, ["1.1.2"]),
        ({"NumberOfSeriesRelatedInstances": "2"}, ["1.1.2"]),
        ({"SeriesInstanceUID": "1.2.1"}, []),
    ],
)
def test_series_are_found_within_their_study(index, keys, expected):
    asked = {"StudyInstanceUID": "1.1", **keys}
    assert found(index, Model.STUDY_ROOT, "SERIES", "SeriesInstanceUID", **asked) == expected


def test_instances_are_found_within_their_series(index):
    above = {"StudyInstanceUID": "1.1", "SeriesInstanceUID": "1.1.1"}
    uids = found(index, Model.STUDY_ROOT, "IMAGE", "SOPInstanceUID", **above)
    assert uids == ["1.1.1.1", "1.1.1.2", "1.1.1.3"]
    assert found(index, Model.STUDY_ROOT, "IMAGE", "SOPInstanceUID", **above, InstanceNumber="2") == ["1.1.1.2"]


@pytest.mark.parametrize(
    ("level", "above", "keyword", "expected"),
    [
        ("PATIENT", {"PatientID": "P1"}, "NumberOfPatientRelatedStudies", "2"),
        ("PATIENT", {"PatientID": "P1"}, "NumberOfPatientRelatedSeries", "4"),
        ("PATIENT", {"PatientID": "P1"}, "NumberOfPatientRelatedInstances", "8"),
        ("STUDY", {"PatientID": "P1", "StudyInstanceUID": "1.1"}, "NumberOfStudyRelatedSeries", "3"),
        ("STUDY", {"PatientID": "P1", "StudyInstanceUID": "1.1"}, "NumberOfStudyRelatedInstances", "6"),
        ("STUDY", {"PatientID": "P1", "StudyInstanceUID": "1.1"}, "ModalitiesInStudy", r"CR\CT"),
        ("STUDY", {"PatientID": "P1", "StudyInstanceUID": "1.1"}, "NumberOfPatientRelatedStudies", "2"),
        (
            "SERIES",
            {"PatientID": "P1", "StudyInstanceUID": "1.1", "SeriesInstanceUID": "1.1.2"},
            "NumberOfSeriesRelatedInstances",
            "2",
        ),
    ],
)
def test_counts_and_modalities_are_computed(index, level, above, keyword, expected):
    (answer,) = find(index, identifier(level, **above, **{keyword: ""}), Model.PATIENT_ROOT)
    assert str(answer.identifier[keyword].value) == expected
    assert answer.complete


def test_every_key_is_returned_and_an_unknown_one_is_empty(index):
    asked = identifier("STUDY", StudyInstanceUID="1.1", StudyDescription="", EchoTime="", ReferencedStudySequence=[])
    asked.add_new(0x00091010, "LO", "private")
    (answer,) = find(index, asked, Model.STUDY_ROOT, ae_title="DEMO")
    assert answer.identifier.StudyDescription == "Chest"
    assert answer.identifier["EchoTime"].is_empty
    assert answer.identifier.ReferencedStudySequence == []
    assert answer.identifier[0x00091010].is_empty
    assert answer.identifier.RetrieveAETitle == "DEMO"
    assert answer.identifier.QueryRetrieveLevel == "STUDY"
    assert not answer.complete


def test_a_key_of_a_lower_level_does_not_match(index):
    assert found(index, Model.STUDY_ROOT, "STUDY", "StudyInstanceUID", EchoTime="1") == ["1.1", "1.2", "1.3"]


def test_an_absent_value_matches_only_an_empty_key(index):
    asked = {"StudyInstanceUID": "1.1", "SeriesNumber": "3"}
    (answer,) = find(index, identifier("SERIES", **asked, SeriesDescription=""), Model.STUDY_ROOT)
    assert answer.identifier.SeriesDescription == ""
    assert answer.complete
    assert not found(index, Model.STUDY_ROOT, "SERIES", "SeriesNumber", **asked, SeriesDescription="A")


@pytest.mark.parametrize("character_set", ["ISO_IR 100", "ISO_IR 192"])
def test_text_is_compared_as_characters_and_returned_as_utf_8(index, character_set):
    asked = identifier("STUDY", SpecificCharacterSet=character_set, PatientName="DÉMO^*")
    (answer,) = find(index, asked, Model.STUDY_ROOT)
    assert answer.identifier.PatientName == "Démo^Zwei"
    assert answer.identifier.SpecificCharacterSet == "ISO_IR 192"


def test_an_answer_of_plain_characters_names_no_character_set(index):
    (answer,) = find(index, identifier("STUDY", StudyInstanceUID="1.1", PatientName=""), Model.STUDY_ROOT)
    assert "SpecificCharacterSet" not in answer.identifier


def test_a_binary_number_is_matched_and_returned(index):
    above = {"StudyInstanceUID": "1.1", "SeriesInstanceUID": "1.1.2", "InstanceNumber": "1"}
    (answer,) = find(index, identifier("IMAGE", **above, Rows=6, Columns=None), Model.STUDY_ROOT)
    assert (answer.identifier.Rows, answer.identifier.Columns) == (6, 7)
    assert not list(find(index, identifier("IMAGE", **above, Rows=8), Model.STUDY_ROOT))


@pytest.mark.parametrize(
    ("model", "level", "keys"),
    [
        (Model.STUDY_ROOT, "PATIENT", {}),
        (Model.STUDY_ROOT, None, {}),
        (Model.STUDY_ROOT, "WORLD", {}),
        (Model.STUDY_ROOT, "SERIES", {"StudyInstanceUID": ["1.1", "1.2"]}),
        (Model.STUDY_ROOT, "SERIES", {"StudyInstanceUID": "1.*"}),
        (Model.PATIENT_ROOT, "STUDY", {"PatientID": "P*"}),
    ],
)
@pytest.mark.filterwarnings("ignore:Invalid value for VR UI")
def test_an_identifier_that_does_not_fit_the_model_is_refused(index, model, level, keys):
    for serve in (find, select):
        with pytest.raises(StatusError) as caught:
            list(serve(index, identifier(level, **keys), model))
        assert caught.value.status == 0xA900


@pytest.mark.parametrize(
    ("model", "level", "keys", "count"),
    [
        (Model.STUDY_ROOT, "SERIES", {}, 5),
        (Model.STUDY_ROOT, "SERIES", {"StudyInstanceUID": "", "Modality": "MR"}, 1),
        (Model.STUDY_ROOT, "SERIES", {"SeriesInstanceUID": "1.1.2"}, 1),
        (Model.STUDY_ROOT, "IMAGE", {"SeriesInstanceUID": "1.1.2"}, 2),
        (Model.PATIENT_ROOT, "STUDY", {}, 3),
        (Model.PATIENT_ROOT, "SERIES", {"PatientID": "P1"}, 4),
    ],
)
def test_unique_keys_of_the_levels_above_may_be_left_out(index, model, level, keys, count):
    assert len(list(find(index, identifier(level, **keys), model))) == count


@pytest.mark.parametrize(
    ("level", "keys", "count"),
    [
        ("STUDY", {"StudyInstanceUID": "1.1"}, 6),
        ("SERIES", {"SeriesInstanceUID": "1.1.1"}, 3),
        ("IMAGE", {"SOPInstanceUID": ["1.1.1.1", "1.1.2.2"]}, 2),
        ("STUDY", {"StudyInstanceUID": ["1.1", "1.2"]}, 8),
        ("SERIES", {"StudyInstanceUID": "1.1", "SeriesInstanceUID": "1.1.1"}, 3),
        ("SERIES", {"StudyInstanceUID": "1.1", "SeriesInstanceUID": ["1.1.1", "1.1.2"]}, 5),
        ("SERIES", {"StudyInstanceUID": "1.1", "SeriesInstanceUID": "1.2.1"}, 0),
        ("SERIES", {"StudyInstanceUID": "1.1", "SeriesInstanceUID": "1.1.1", "Modality": "XX"}, 3),
        (
            "IMAGE",
            {"StudyInstanceUID": "1.1", "SeriesInstanceUID": "1.1.1", "SOPInstanceUID": ["1.1.1.1", "1.1.1.3"]},
            2,
        ),
    ],
)
def test_a_retrieve_request_selects_by_unique_keys_alone(index, level, keys, count):
    assert len(select(index, identifier(level, **keys), Model.STUDY_ROOT)) == count


def test_a_patient_is_retrieved_whole(index):
    assert len(select(index, identifier("PATIENT", PatientID="P1"), Model.PATIENT_ROOT)) == 8


@pytest.mark.parametrize(
    ("level", "keys"),
    [("STUDY", {}), ("SERIES", {"StudyInstanceUID": "1.1"}), ("IMAGE", {"StudyInstanceUID": "1.1"})],
)
def test_a_retrieve_request_without_its_own_unique_key_is_refused(index, level, keys):
    with pytest.raises(StatusError, match="UID"):
        select(index, identifier(level, **keys), Model.STUDY_ROOT)


def test_bad_values_are_returned_as_they_are():
    bad = stored("CT", 1, 1, CHEST)[0]
    spoilt = Instance(
        bad.sop_class_uid,
        bad.sop_instance_uid,
        bad.transfer_syntax_uid,
        bytes(bad.encoded).replace(b"20210503", b"2021-5-3"),
    )
    (answer,) = find(Index([spoilt]), identifier("STUDY", StudyDate=""), Model.STUDY_ROOT)
    assert answer.identifier.get_item("StudyDate").value == "2021-5-3"

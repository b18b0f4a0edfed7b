"""What a query's answers become: rows that belong to the question, each once, with all that is known of them."""

from __future__ import annotations

import warnings
from typing import Any

import pytest
from pydicom import uid
from pydicom.dataset import Dataset, FileMetaDataset

from itkdicomqr import Client, CriteriaError, Node, ProtocolError, UnverifiedMatchError
from itkdicomqr.instance import Instance
from itkdicomqr.levels import Level
from itkdicomqr.query.c_find import FindService
from itkdicomqr.query.catalogue import Catalogue
from itkdicomqr.query.criteria import Criteria
from itkdicomqr.query.search import decided
from itkdicomqr.query.table import Row
from itkdicomqr.scan import Header

NODE = Node("127.0.0.1", 104, "DOUBLE")
STUDY = Row(Level.STUDY, (("StudyInstanceUID", "1.2"), ("PatientID", "7")), NODE)


class Answering:
    """An association that gives these answers to every query."""

    def __init__(self, *answers: dict[str, str]) -> None:
        self.answers = answers
        self.asked: list[Dataset] = []

    def find(self, identifier: Dataset, _model: str) -> list[Header]:
        self.asked.append(identifier)
        return [header(**answer) for answer in self.answers]


def header(**values: str) -> Header:
    dataset = Dataset()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # some are meant to be wrong
        for keyword, value in values.items():
            setattr(dataset, keyword, value)
    dataset.SOPClassUID, dataset.SOPInstanceUID = uid.CTImageStorage, "1.9"
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = uid.ExplicitVRLittleEndian
    return Instance.from_dataset(dataset).elements


def catalogue(*answers: dict[str, str]) -> Catalogue:
    double: Any = Answering(*answers)
    return Catalogue(FindService(double, NODE))


def test_a_series_has_the_study_that_the_archive_does_not_repeat() -> None:
    (row,) = catalogue({"SeriesInstanceUID": "1.2.3"}).rows(Level.SERIES, below=STUDY)

    assert row.StudyInstanceUID == "1.2"


def test_a_series_of_another_study_is_left_out() -> None:
    answers = [{"SeriesInstanceUID": "1.2.3", "StudyInstanceUID": study} for study in ("1.2", "1.4")]

    assert len(catalogue(*answers).rows(Level.SERIES, below=STUDY)) == 1


def test_a_row_that_comes_twice_is_one() -> None:
    answers = [{"SeriesInstanceUID": series} for series in ("1.5", "1.4", "1.5")]

    assert [row.SeriesInstanceUID for row in catalogue(*answers).rows(Level.SERIES, below=STUDY)] == ["1.5", "1.4"]


def test_one_patient_id_of_two_issuers_is_two_patients() -> None:
    answers = [{"PatientID": "7", "IssuerOfPatientID": issuer} for issuer in ("A", "B", "A")]

    assert [row.IssuerOfPatientID for row in catalogue(*answers).patients(Criteria.from_words("7"))] == ["A", "B"]


@pytest.mark.parametrize("series", ["", "../../x", "1" * 65])
def test_a_match_without_a_uid_breaks_the_protocol(series: str) -> None:
    with pytest.raises(ProtocolError, match="no SeriesInstanceUID, or one that is no UID"):
        catalogue({"SeriesInstanceUID": series}).rows(Level.SERIES, below=STUDY)


def test_what_the_archive_hides_decides_nothing() -> None:
    criteria = Criteria.from_words("7", study_description="Chest")
    rows = [STUDY.with_values({"StudyDescription": None})]

    with pytest.raises(UnverifiedMatchError, match="returns no StudyDescription"):
        decided(rows, criteria, NODE)


def test_studies_are_not_found_by_what_belongs_to_series() -> None:
    with pytest.raises(CriteriaError, match="modality CT: use find_series"):
        Client(NODE).find_studies("7", modality="CT")

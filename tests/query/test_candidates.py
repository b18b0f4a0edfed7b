"""Studies and series that may be meant, from services that are cut and from those that are not."""

from __future__ import annotations

import pytest

from itkdicomqr import CriteriaError
from itkdicomqr.levels import RELATED_SERIES, Level
from itkdicomqr.query.candidates import candidate_series, candidate_studies, surest
from itkdicomqr.query.criteria import Criteria
from itkdicomqr.query.table import Row
from tests.dicomweb.serving import answer
from tests.query.test_catalogue import catalogue
from tests.query.test_qido import NONE, matches, querying

STUDY = Row(Level.STUDY, (("StudyInstanceUID", "1.2"), ("PatientID", "7"), (RELATED_SERIES, "1")))


def test_a_series_keeps_what_is_known_of_its_study_but_the_number_of_series() -> None:
    (row,) = candidate_series(catalogue({"SeriesInstanceUID": "1.2.3"}), STUDY, Criteria(()))

    assert (row.StudyInstanceUID, row.PatientID) == ("1.2", "7")
    assert row.get(RELATED_SERIES) is None


def test_a_service_that_sends_pages_is_asked_for_nothing_else() -> None:
    with querying(matches({"SeriesInstanceUID": "1.2.3"}), NONE) as (asked, service):
        (row,) = candidate_series(asked, STUDY, Criteria(()))
    assert row.PatientID == "7"
    assert [target.partition("?")[0] for target in service.targets] == ["/dicom-web/studies/1.2/series"] * 2


def test_the_study_of_a_series_is_asked_for_by_its_uid_alone() -> None:
    criteria = Criteria.from_words(series_uid="1.2.3")
    series = matches({"SeriesInstanceUID": "1.2.3", "StudyInstanceUID": "1.2"})
    with querying(series, NONE, matches({"StudyInstanceUID": "1.2"}), NONE) as (asked, service):
        (study,) = candidate_studies(asked, criteria)
    assert study.StudyInstanceUID == "1.2"
    assert service.targets[0].startswith("/dicom-web/series?SeriesInstanceUID=1.2.3&includefield=")
    with querying(answer(b"", 400)) as (asked, service), pytest.raises(CriteriaError, match="give study_uid="):
        candidate_studies(asked, criteria)


@pytest.mark.parametrize(
    ("words", "kept"),
    [
        ({"patient_id": "7", "date": "2005", "patient_name": "Do*"}, {"patient_id"}),
        ({"date": "2005", "patient_name": "D\xe9*"}, {"date"}),
        ({"study_uid": "1.2", "patient_id": "7"}, {"study_uid", "patient_id"}),
    ],
)
def test_what_every_archive_matches_alike_is_kept(words: dict[str, str], kept: set[str]) -> None:
    surer = surest(Criteria.from_words(**words).criteria)
    assert {each.name for each in surer if each.matcher.query} == kept

"""What QIDO-RS answers become: rows that belong to the question, each once, and all of them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest

from itkdicomqr import LimitExceededError, Limits, Node, ProtocolError, StatusError
from itkdicomqr.association import Deadline
from itkdicomqr.dicomweb import Session
from itkdicomqr.errors import TruncatedMatchesError
from itkdicomqr.levels import Level
from itkdicomqr.query.catalogue import Catalogue
from itkdicomqr.query.criteria import Criteria
from itkdicomqr.query.qido import QidoService
from itkdicomqr.query.table import Row
from tests.dicomweb.serving import Service, answer, serving

STUDY = Row(Level.STUDY, (("StudyInstanceUID", "1.2"), ("PatientID", "7")))
SERIES = Row(Level.SERIES, (*STUDY.attributes, ("SeriesInstanceUID", "1.2.3")))
TAGS = {
    "StudyInstanceUID": "0020000D",
    "SeriesInstanceUID": "0020000E",
    "SOPInstanceUID": "00080018",
    "SOPClassUID": "00080016",
    "SeriesDescription": "0008103E",
    "PatientID": "00100020",
    "NumberOfSeriesRelatedInstances": "00201209",
}
NONE = answer(b"[]")


def matches(*answers: dict[str, Any], **fields: Any) -> tuple[Any, ...]:
    datasets = [{TAGS[key]: {"vr": "LO", "Value": [value]} for key, value in each.items()} for each in answers]
    return answer(json.dumps(datasets).encode(), **fields)


def studies(numbers: Sequence[int]) -> tuple[Any, ...]:
    return matches(*({"StudyInstanceUID": f"1.2.{number}"} for number in numbers))


@contextmanager
def querying(*scenes: Any, **settings: Any) -> Iterator[tuple[Catalogue, Service]]:
    with serving(*scenes) as service, Session(service.node(**settings), Deadline(10)) as session:
        yield Catalogue(QidoService(session)), service


ASKED = Criteria.from_words("7", "2005", "AX*", modality="CT", patient_name="Dé*", accession_number="A,1")


def test_only_what_services_agree_upon_is_matched_there() -> None:
    with querying(NONE) as (catalogue, service):
        catalogue.rows(Level.STUDY, ASKED.at(Level.STUDY))
        catalogue.rows(Level.SERIES, ASKED.at(Level.SERIES), below=STUDY)
    first, second = (target.partition("?") for target in service.targets)
    assert first[0] == "/dicom-web/studies"
    assert first[2].startswith("PatientID=7&StudyDate=20050101-20051231&includefield=StudyInstanceUID&")
    assert second[0] == "/dicom-web/studies/1.2/series"
    assert second[2].startswith("includefield=SeriesInstanceUID&")
    for word in ("includefield=SeriesDescription", "includefield=Modality", "limit="):
        assert word in second[2]
    for word in ("AX", "CT", "A%2C1", "offset="):
        assert word not in second[2]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_pages_are_asked_for_until_one_is_empty(size: int) -> None:
    pages = [studies(range(start, min(start + size, 7))) for start in range(0, 7, size)]
    with querying(*pages, NONE) as (catalogue, service):
        rows = catalogue.rows(Level.STUDY)
    assert [row.StudyInstanceUID for row in rows] == [f"1.2.{number}" for number in range(7)]
    assert [target.partition("offset=")[2] for target in service.targets][1:] == [
        str(min(start, 7)) for start in range(size, 7 + size, size)
    ]


def test_an_empty_page_may_have_no_content() -> None:
    with querying(answer(b"", 204, "")) as (catalogue, _):
        assert catalogue.rows(Level.STUDY) == []


def test_a_service_that_knows_no_pages_sends_its_rows_once() -> None:
    with querying(studies(range(7))) as (catalogue, service):
        assert len(catalogue.rows(Level.STUDY)) == 7
    assert len(service.requests) == 2


def test_pages_that_overlap_give_each_row_once() -> None:
    with querying(studies([1, 2, 3]), studies([3, 4]), studies([2, 4])) as (catalogue, _):
        assert len(catalogue.rows(Level.STUDY)) == 4


@pytest.mark.parametrize("count", [100, 500, 1000])
def test_a_service_that_repeats_a_round_number_of_rows_may_have_cut_them(count: int) -> None:
    with (
        querying(studies(range(count))) as (catalogue, _),
        pytest.raises(TruncatedMatchesError, match=f"{count} matches"),
    ):
        catalogue.rows(Level.STUDY)


def test_pages_without_end_meet_the_limit() -> None:
    endless = (studies(range(10 * number, 10 * number + 10)) for number in range(1000))
    asking = querying(*endless, limits=Limits(max_matches=95))
    with asking as (catalogue, _), pytest.raises(LimitExceededError, match="more than 95 matches"):
        catalogue.rows(Level.STUDY)


def test_a_page_that_is_too_large_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("itkdicomqr.query.qido.MAX_PAGE_BYTES", 1000)
    with querying(studies(range(100))) as (catalogue, _), pytest.raises(LimitExceededError, match="1000 bytes"):
        catalogue.rows(Level.STUDY)


@pytest.mark.parametrize("status", [400, 404, 416])
def test_a_service_may_refuse_the_page_after_the_last(status: int) -> None:
    with querying(studies(range(7)), answer(b"", status=status)) as (catalogue, _):
        assert len(catalogue.rows(Level.STUDY)) == 7
    with (
        querying(studies(range(100)), answer(b"", status=status)) as (catalogue, _),
        pytest.raises(TruncatedMatchesError, match="100 matches"),
    ):
        catalogue.rows(Level.STUDY)
    with querying(answer(b"", status=status)) as (catalogue, _), pytest.raises(StatusError):
        catalogue.rows(Level.STUDY)


def test_a_series_has_the_study_that_the_service_does_not_repeat() -> None:
    answers = [
        {"SeriesInstanceUID": "1.2.3", "SeriesDescription": "AX"},
        {"SeriesInstanceUID": "1.2.4", "StudyInstanceUID": "9.9"},
        {"SeriesInstanceUID": "1.2.3"},
    ]
    with querying(matches(*answers), NONE) as (catalogue, _):
        (row,) = catalogue.rows(Level.SERIES, below=STUDY)
    assert (row.StudyInstanceUID, row.SeriesDescription) == ("1.2", "AX")
    assert row.get("ProtocolName") is None


def test_instances_classes_and_counts_are_told() -> None:
    image = {"SOPInstanceUID": "1.2.3.4", "SOPClassUID": "1.2.840"}
    with querying(matches(image), NONE) as (catalogue, service):
        assert [row.SOPInstanceUID for row in catalogue.instances(SERIES)] == ["1.2.3.4"]
        assert service.targets[0].startswith("/dicom-web/studies/1.2/series/1.2.3/instances?")
    with querying(matches(image), NONE) as (catalogue, service):
        assert catalogue.classes(SERIES) == {"1.2.3.4": "1.2.840"}
    with querying(matches({"SeriesInstanceUID": "1.2.3", "NumberOfSeriesRelatedInstances": 7}), NONE) as (
        catalogue,
        service,
    ):
        assert catalogue.counts(SERIES)["1.2.3"].number("NumberOfSeriesRelatedInstances") == 7
    with querying(answer(b"", 400)) as (catalogue, service):
        assert catalogue.counts(SERIES) == {}


def test_patients_are_those_of_the_studies() -> None:
    page = matches(*({"StudyInstanceUID": f"1.{number}", "PatientID": str(number % 2)} for number in range(4)))
    with querying(page, NONE) as (catalogue, _):
        rows = catalogue.patients(Criteria.from_words(patient_name="*"))
    assert [(row.level, row.PatientID) for row in rows] == [(Level.PATIENT, "0"), (Level.PATIENT, "1")]


@pytest.mark.parametrize("uid", ["", "../../x", "1" * 65])
def test_a_match_without_a_uid_breaks_the_protocol(uid: str) -> None:
    with (
        querying(matches({"StudyInstanceUID": uid}), NONE) as (catalogue, _),
        pytest.raises(ProtocolError, match="no UID"),
    ):
        catalogue.rows(Level.STUDY)


@pytest.mark.parametrize(
    ("scene", "told"),
    [
        (answer(b"<html>", media_type="text/html; charset=utf-8"), "a web page, perhaps one to log in.*authorization="),
        (answer(b"%PDF", media_type="application/pdf"), "application/pdf' where application/dicom.json was due"),
        (answer(b"[{", media_type="application/json"), "no JSON"),
        (answer(b"[{", media_type=""), "no JSON"),
        (answer(b"{}"), "no array of data sets"),
    ],
)
def test_an_answer_that_is_no_list_of_matches_is_told(scene: Any, told: str) -> None:
    with querying(scene) as (catalogue, _), pytest.raises(ProtocolError, match=told):
        catalogue.rows(Level.STUDY)


def test_a_service_is_verified() -> None:
    with serving(NONE) as service, Session(service.node(), Deadline(10)) as session:
        QidoService(session).verify()
    assert service.targets == ["/dicom-web/studies?limit=1"]
    with (
        serving(answer(b"", 401)) as service,
        Session(service.node(), Deadline(10)) as session,
        pytest.raises(StatusError, match="HTTP 401"),
    ):
        QidoService(session).verify()


def test_a_row_knows_its_node() -> None:
    with querying(studies([1]), NONE) as (catalogue, service):
        (row,) = catalogue.rows(Level.STUDY)
        assert isinstance(row.node, Node)
        assert row.node.dicomweb == service.url

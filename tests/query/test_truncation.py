"""Archives that cut their answers, with or without a word: everything is found in parts, or nothing is believed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.dataset import Dataset

from itkdicomqr import (
    AmbiguousSeriesError,
    Client,
    DICOMQRWarning,
    IncompleteSeriesError,
    TruncatedMatchesError,
    load_series,
)
from itkdicomqr.errors import StatusError
from itkdicomqr.levels import Level
from itkdicomqr.query.hidden import studies_looked_behind
from itkdicomqr.query.matchers import DateRange
from itkdicomqr.query.question import Question
from itkdicomqr.query.table import Row
from itkdicomqr.query.truncation import MAX_QUERIES, Answer, by_days, cut_of, doubt, halves, parts_around
from itkdicomqr.testing import Archive
from tests.servers import HOST, free_port, orthanc, require_dicomweb
from tests.synthetic import ROOT, series

Start = Callable[..., Archive]
DATES = st.dates(min_value=date(1950, 1, 1), max_value=date(2049, 12, 31))


def studies(days: Sequence[str], patient: str = "SYN-1", first: int = 1) -> list[Dataset]:
    """One series, of one instance, in a study of its own on each day."""
    return [
        dataset
        for number, day in enumerate(days, first)
        for dataset in series(
            "CT",
            1,
            number=number,
            PatientID=patient,
            StudyInstanceUID=f"{ROOT}.1.{number}",
            StudyDate=day,
            SeriesDescription="AX",
        )
    ]


SIX = studies(["20010101", "20030303", "20050505", "20050505", "20070707", "20200101"])
SEVERAL = [each for number in (1, 2, 5) for each in series("CT", 1, number=number, SeriesDescription="AX")]


@pytest.mark.parametrize("quirks", ["caps-at-2", "caps-with-b001-at-2", "caps-silently-at-2", "caps-silently-at-1"])
def test_a_cut_list_of_studies_is_found_by_parts_where_a_count_proves_it(dicom_archive: Start, quirks: str) -> None:
    archive = dicom_archive([*SIX[:3], *SIX[4:]], quirks=quirks)

    table = Client(archive.url).find_series("SYN-1")

    assert [row.SeriesNumber for row in table] == ["1", "2", "3", "5", "6"]


@pytest.mark.parametrize("quirks", ["caps-at-2, no-counts", "caps-with-b001-at-2, no-counts"])
def test_a_cut_list_of_known_days_is_found_by_parts(dicom_archive: Start, quirks: str) -> None:
    client = Client(dicom_archive(SIX, quirks=quirks).url)

    assert len(client.find_series("SYN-1", "2001")) == 1
    assert len(client.find_series("SYN-1", ("2000", "2021"))) == 6
    assert len(client.find_series(date=("2000", None))) == 6


@pytest.mark.parametrize("quirks", ["caps-at-2, no-counts", "caps-at-1", "caps-silently-at-1"])
def test_what_may_be_missing_is_refused(dicom_archive: Start, quirks: str) -> None:
    client = Client(dicom_archive(SIX, quirks=quirks).url)

    with pytest.raises(TruncatedMatchesError, match="narrow the search by patient_id, date"):
        client.find_series("SYN-1").one()


def test_more_studies_in_a_day_than_the_limit_are_refused(dicom_archive: Start) -> None:
    client = Client(dicom_archive([*SIX, *studies(["20050505"], first=7)], quirks="caps-at-2, no-counts").url)

    with pytest.raises(TruncatedMatchesError, match="cut its answer after 2 matches"):
        client.find_series("SYN-1", "2005")


def test_a_round_number_of_rows_is_looked_behind(dicom_archive: Start) -> None:
    days = [f"{date(2005, 1, 1) + timedelta(number):%Y%m%d}" for number in range(103)]
    client = Client(dicom_archive(studies(days), quirks="caps-silently-at-100, no-counts").url)

    assert len(client.find_studies(date="2005")) == 103
    with pytest.raises(TruncatedMatchesError):
        client.find_studies("SYN-1")


def test_a_round_number_that_is_all_is_believed(dicom_archive: Start) -> None:
    days = [f"{date(2005, 1, 1) + timedelta(number):%Y%m%d}" for number in range(100)]
    client = Client(dicom_archive(studies(days), quirks="no-counts").url)

    assert len(client.find_studies("SYN-1")) == 100


MANY = studies([f"{date(2005, 1, 1) + timedelta(number):%Y%m%d}" for number in range(45)])


def test_a_silent_cut_at_an_unusual_number_is_found_by_dates(dicom_archive: Start) -> None:
    client = Client(dicom_archive(MANY, quirks="caps-silently-at-37, no-counts").url)

    assert len(client.find_studies("SYN-1", "2005")) == 45
    with pytest.raises(TruncatedMatchesError, match="exactly 37 matches at the STUDY level"):
        client.find_studies("SYN-1")


@pytest.mark.parametrize("quirks", ["no-counts", "no-counts, ignores=StudyDate"])
def test_many_rows_that_are_all_are_believed(dicom_archive: Start, quirks: str) -> None:
    assert len(Client(dicom_archive(MANY, quirks=quirks).url).find_studies("SYN-1")) == 45


def test_an_archive_that_answers_no_question_about_a_part_shows_nothing() -> None:
    class Refusing:
        def ask(self, *_: object, **__: object) -> Answer:
            raise StatusError("refused", status=0xA900)

    rows = [
        Row(Level.STUDY, (("StudyInstanceUID", f"1.{day}"), ("StudyDate", f"200501{day}"))) for day in range(10, 31)
    ]
    answer = Answer(tuple(rows))
    catalogue: Any = Refusing()
    assert studies_looked_behind(Question(catalogue, Level.STUDY, ()), answer) is answer


@pytest.mark.parametrize("numbers", [range(1, 31), [*range(1, 25), *range(101, 107)]], ids=["in a row", "with a gap"])
def test_a_silent_cut_of_series_is_found_by_the_numbers_next_to_them(
    dicom_archive: Start, numbers: Sequence[int]
) -> None:
    datasets = [each for number in numbers for each in series("CT", 1, number=number, SeriesDescription="AX")]
    client = Client(dicom_archive(datasets, quirks="caps-silently-at-23, no-counts").url)

    with pytest.raises(TruncatedMatchesError, match="exactly 23 matches at the SERIES level"):
        client.find_series("SYN-1", "2005", "AX")
    assert client.find_series("SYN-1", "2005", series_number=24).one().SeriesNumber == "24"
    assert len(Client(dicom_archive(datasets, quirks="no-counts").url).find_series("SYN-1", "2005", "AX")) == 30


@pytest.mark.parametrize("quirks", ["caps-at-1", "caps-silently-at-1", "caps-silently-at-2"])
def test_a_cut_list_of_series_hides_no_ambiguity(dicom_archive: Start, quirks: str) -> None:
    client = Client(dicom_archive(SEVERAL, quirks=quirks).url)

    with pytest.raises(AmbiguousSeriesError, match="3 series"):
        client.find_series("SYN-1", "2005-01-06", "AX").one()
    assert client.find_series("SYN-1", description="AX", series_number=2).one().SeriesNumber == "2"


def test_series_that_no_count_proves_are_found_by_what_picks_them(dicom_archive: Start) -> None:
    client = Client(dicom_archive(SEVERAL, quirks="caps-at-1, no-counts").url)

    with pytest.raises(TruncatedMatchesError):
        client.find_series("SYN-1", "2005-01-06", "AX")
    assert client.find_series("SYN-1", "2005-01-06", series_number=5).one().SeriesNumber == "5"


def test_an_archive_that_counts_wrongly_cuts_nothing(dicom_archive: Start) -> None:
    client = Client(dicom_archive(SIX, quirks="wrong-counts, counts-collapse-rows").url)

    assert len(client.find_series("SYN-1")) == 6


def test_rows_in_place_of_others_are_found_by_parts(dicom_archive: Start) -> None:
    client = Client(dicom_archive([*SIX[:3], *SIX[4:]], quirks="overwrites-rows").url)
    assert [row.SeriesNumber for row in client.find_series("SYN-1")] == ["1", "2", "3", "5", "6"]
    assert len(client.find_series("SYN-1", ("2001", "2010"))) == 4

    client = Client(dicom_archive(SEVERAL, quirks="overwrites-rows, no-counts").url)
    assert [row.SeriesNumber for row in client.find_series("SYN-1")] == ["1", "2", "5"]


@pytest.mark.parametrize("date", [None, "2005-05-05", "2005"])
def test_rows_in_place_of_others_are_no_match_and_no_lack_of_one(dicom_archive: Start, date: str | None) -> None:
    client = Client(dicom_archive(SIX, quirks="overwrites-rows, no-counts").url)

    with pytest.raises(TruncatedMatchesError, match="2 matches at the STUDY level, but only 1 different"):
        client.find_series("SYN-1", date, "AX").one()


@pytest.mark.parametrize("quirks", ["overwrites-rows, no-counts", "overwrites-rows, like-tiny-pacs"])
def test_series_in_place_of_others_are_found_by_what_picks_them(dicom_archive: Start, quirks: str) -> None:
    twins = series("CT", 1, number=2, SeriesInstanceUID=f"{ROOT}.2.9", SeriesDescription="AX", Modality="PT")
    client = Client(dicom_archive([*SEVERAL, *twins], quirks=quirks).url)

    with pytest.raises(TruncatedMatchesError, match="in place of others"):
        client.find_series("SYN-1", "2005-01-06", "AX").one()
    assert client.find_series("SYN-1", "2005-01-06", series_number=5).one().SeriesNumber == "5"


def test_rows_that_are_repeated_for_every_instance_take_no_other_s_place(dicom_archive: Start) -> None:
    held = [each for number in (1, 2) for each in series("CT", 3, number=number)]
    client = Client(dicom_archive(held, quirks="row-per-instance, no-counts").url)

    assert [row.SeriesNumber for row in client.find_series("SYN-1")] == ["1", "2"]


def test_a_list_of_instances_in_place_of_others_is_no_list(dicom_archive: Start) -> None:
    with pytest.warns(DICOMQRWarning, match="lists none of the 3 instances"):
        load_series("SYN-1", pacs=dicom_archive(series("CT", 3), quirks="overwrites-rows").url)
    with pytest.raises(IncompleteSeriesError, match="3 came of an unknown number"):
        load_series("SYN-1", pacs=dicom_archive(series("CT", 3), quirks="overwrites-rows, no-counts").url)


def test_a_cut_list_of_instances_hides_no_description(dicom_archive: Start) -> None:
    held = series("CT", 3, SeriesDescription="AX")
    client = Client(dicom_archive(held, quirks="ignores-description, caps-instances-at-1").url)

    assert len(client.find_series("SYN-1", description="AX")) == 1


@pytest.mark.parametrize("quirks", ["", "counts-collapse-rows", "caps-at-1", "overwrites-rows"])
def test_instances_are_counted_for_each_series(dicom_archive: Start, quirks: str) -> None:
    held = [each for number, count in ((1, 3), (2, 2)) for each in series("CT", count, number=number)]
    client = Client(dicom_archive(held, quirks=quirks).url)

    assert [row.NumberOfSeriesRelatedInstances for row in client.find_series("SYN-1")] == ["3", "2"]
    assert client.find_series("SYN-1", series_number=2).one().NumberOfSeriesRelatedInstances == "2"


def test_what_orthanc_cuts_by_c_find_is_found_by_qido(tmp_path: Path) -> None:
    http = free_port()
    with orthanc(tmp_path, SIX, LimitFindResults=1, HttpPort=http, Plugins=[require_dicomweb()]) as archive:
        with pytest.raises(TruncatedMatchesError):
            Client(archive.node).find_series("SYN-1", "2005")
        node = replace(archive.node, dicomweb=f"http://{HOST}:{http}/dicom-web")
        assert [row.SeriesNumber for row in Client(node).find_series("SYN-1", "2005")] == ["3", "4"]


def test_one_row_for_several_studies_hides_none_of_them(dicom_archive: Start) -> None:
    client = Client(dicom_archive(SIX, quirks="counts-collapse-rows").url)

    assert len(client.find_series("SYN-1", "2005-05-05")) == 2
    assert len(client.find_series("SYN-1")) == 6


def test_orthanc_s_limit_is_found_out(tmp_path: Path) -> None:
    with orthanc(tmp_path, SIX[:3], LimitFindResults=2) as archive:
        assert len(Client(archive.node).find_series("SYN-1", ("2000", "2010"))) == 3


def test_orthanc_s_limit_hides_no_series(tmp_path: Path) -> None:
    with orthanc(tmp_path, SEVERAL, LimitFindResults=1) as archive:
        with pytest.raises(AmbiguousSeriesError):
            Client(archive.node).find_series("SYN-1", "2005", "AX").one()
        assert Client(archive.node).find_series("SYN-1", "2005", series_number=5).one().SeriesNumber == "5"


@given(st.lists(DATES, max_size=12, unique=True), st.integers(1, 5))
def test_every_day_is_in_a_part_and_in_no_other(days: list[date], limit: int) -> None:
    def ask(span: DateRange) -> Answer:
        rows = [Row(Level.STUDY, (("StudyInstanceUID", str(day)),)) for day in days if span.matches(f"{day:%Y%m%d}")]
        return Answer(tuple(rows[:limit]), doubt("x", Level.STUDY, limit) if len(rows) > limit else None)

    answers = by_days(ask, DateRange(None, None))

    assert cut_of(answers) is None
    assert {row.StudyInstanceUID for each in answers for row in each.rows} == {str(day) for day in days}


@given(st.lists(DATES, max_size=12), DATES)
def test_parts_around_days_cover_all_days_and_each_lacks_one(days: list[date], day: date) -> None:
    parts = parts_around(days, DateRange(None, None))

    assert len(parts) == (2 if len(set(days)) > 1 else 0)
    assert not parts or sum(part.matches(f"{day:%Y%m%d}") for part in parts) == 1
    assert not any(all(part.matches(f"{each:%Y%m%d}") for each in days) for part in parts)


@given(st.one_of(st.none(), DATES), st.one_of(st.none(), DATES), DATES)
def test_halves_make_a_whole(first: date | None, last: date | None, day: date) -> None:
    span = DateRange(first, last)
    parts = halves(span)

    assert not parts or sum(part.matches(f"{day:%Y%m%d}") for part in parts) == span.matches(f"{day:%Y%m%d}")


def test_an_archive_that_cuts_whatever_is_asked_is_asked_no_end() -> None:
    asked: list[DateRange] = []

    def ask(span: DateRange) -> Answer:
        asked.append(span)
        return Answer((), doubt("x", Level.STUDY, 0))

    assert cut_of(by_days(ask, DateRange(None, None)))
    assert len(asked) == MAX_QUERIES

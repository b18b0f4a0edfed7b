"""A series comes whole from archives that err, over one association or several, or there is an error with its cure."""

from __future__ import annotations

import threading
from contextlib import closing
from dataclasses import replace
from itertools import repeat
from typing import TYPE_CHECKING, Any

import pytest

from itkdicomqr.association import Deadline
from itkdicomqr.client import Client
from itkdicomqr.errors import CriteriaError, DICOMQRWarning, IncompleteSeriesError, SeriesChangingError
from itkdicomqr.node import Limits, Node
from itkdicomqr.retrieval.arrivals import Arrivals
from itkdicomqr.retrieval.bringing import bring
from itkdicomqr.retrieval.choices import Choices
from itkdicomqr.retrieval.listing import Listing
from itkdicomqr.retrieval.receivers import Receivers
from itkdicomqr.testing import Archive
from tests.retrieval.coming import Told, series_of
from tests.synthetic import series

if TYPE_CHECKING:
    from collections.abc import Iterator

    from itkdicomqr.query.table import Row

SLICES = 12
UIDS = {str(each.SOPInstanceUID) for each in series("CT", SLICES)}


@pytest.fixture(autouse=True)
def nothing_is_left() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    assert [each.name for each in set(threading.enumerate()) - before if each.name.startswith("itkdicomqr")] == []


def row_of(client: Client, **values: str) -> Row:
    return client.find_series("SYN-1", modality="CT").one().with_values(values)


def archive_of(quirks: str = "", slices: int = SLICES, **attributes: Any) -> Archive:
    return Archive(series("CT", slices, **attributes), quirks=quirks)


@pytest.mark.parametrize("associations", [1, 4])
@pytest.mark.parametrize(
    "quirks",
    [
        "",
        "refuses-uid-lists",
        "drops-at-uid-lists",
        "ignores-uid-lists",
        "rejects-transiently",
        "rejects-second-association",
        "drops-association-after=5",
        "sends-duplicates",
        "wrong-counts",
        "no-counts",
        "no-image-level",
        "stops-at-unsendable",
        "first-context-only",
    ],
)
@pytest.mark.filterwarnings("ignore::itkdicomqr.DICOMQRWarning")
def test_a_series_comes_whole_from_archives_that_differ(quirks: str, associations: int) -> None:
    with archive_of(quirks) as archive, Client(archive.url, associations=associations) as client:
        came = client.retrieve(row_of(client))
    assert {each.sop_instance_uid for each in came} == UIDS
    assert len(came) == SLICES


@pytest.mark.parametrize("count", ["0", "1", "5000", "99999999", "9" * 5000, "-3", "many", ""])
@pytest.mark.parametrize("associations", [1, 4])
@pytest.mark.filterwarnings("ignore::itkdicomqr.DICOMQRWarning")
def test_counts_that_lie_neither_break_nor_cost(count: str, associations: int) -> None:
    with archive_of() as archive, Client(archive.url, associations=associations) as client:
        row = row_of(client, NumberOfSeriesRelatedInstances=count)
        image = client.load_series(series=row, toolkit="volume") if count in ("0", "1", "", "many", "-3") else None
        came = client.retrieve(row)
    assert len(came) == SLICES
    assert image is None or image.array.shape[0] == SLICES


LONG = [str(each.SOPInstanceUID) for each in series("CT", 110, rows=1, columns=1)]


def brought_by_a_cut_list(archive: Archive, **choices: Any) -> tuple[list[str], tuple[str, ...]]:
    """What comes, and what is said of it, where 100 of 110 instances are listed, and the row counts 110."""
    node = replace(Node.parse(archive.url), model="study")
    row = series_of(node).with_values({"NumberOfSeriesRelatedInstances": "110"})
    deadline = Deadline(60)
    with Listing(row, Told(repeat(LONG[:100]), {}).opened, deadline) as listing:
        coming = bring(Arrivals(node, row, listing, Choices(**choices), deadline), Receivers())
        uids, said = [], ()
        try:
            while True:
                uids.append(next(coming).sop_instance_uid)
        except StopIteration as end:
            said = end.value
    return uids, said


@pytest.mark.parametrize("associations", [1, 4])
def test_the_rest_of_a_series_whose_list_is_cut_comes_too(associations: int) -> None:
    with archive_of(slices=110, rows=1, columns=1) as archive:
        uids, said = brought_by_a_cut_list(archive, associations=associations)
    assert set(uids) == set(LONG)
    assert "lists 100 of the 110" in said[0]


@pytest.mark.parametrize("associations", [1, 4])
def test_a_list_that_is_cut_in_silence_hides_nothing_where_nothing_is_counted(associations: int) -> None:
    quirks = "caps-instances-silently-at-37, no-counts"
    with (
        archive_of(quirks, 45, rows=1, columns=1) as archive,
        Client(archive.url, associations=associations) as client,
        pytest.raises(SeriesChangingError, match="sent 8 instances that it does not list"),
    ):
        client.retrieve(row_of(client))


def test_a_cut_list_is_no_proof() -> None:
    with (
        archive_of("drops-association-after=50", 110, rows=1, columns=1) as archive,
        pytest.raises(IncompleteSeriesError, match="lists 100 instances, all of which came, but counts 110"),
    ):
        brought_by_a_cut_list(archive)


def test_without_a_list_the_parts_of_a_series_are_an_error_unless_they_are_enough() -> None:
    with archive_of("no-image-level, sends-only=7") as archive, Client(archive.url) as client:
        row = row_of(client)
        with pytest.raises(IncompleteSeriesError, match=r"7 came of 12.*partial=True takes what came"):
            client.retrieve(row)
        with pytest.warns(DICOMQRWarning, match="7 came of 12"):
            assert len(client.retrieve(row, partial=True)) == 7
        with pytest.warns(UserWarning, match="7 came of 12"):
            volume = client.load_series(series=row, partial=True, toolkit="volume")
    assert volume.array.shape[0] == 7


@pytest.mark.parametrize("uids", ["1.2.3", [], [5]])
def test_instances_that_cannot_be_meant_are_refused_at_once(uids: Any) -> None:
    with archive_of() as archive, Client(archive.url) as client:
        row = row_of(client)
        for bring_some in (client.retrieve, client.iter_instances):
            with pytest.raises(CriteriaError, match="give a list of UIDs"):
                bring_some(row, instance_uids=uids)


def test_a_series_that_its_uid_names_comes_instance_by_instance() -> None:
    with archive_of() as archive, Client(archive.url) as client:
        row = row_of(client)
        coming = client.iter_instances(study_uid=row.StudyInstanceUID, series_uid=row.SeriesInstanceUID)
        assert {each.sop_instance_uid for each in coming} == UIDS


@pytest.mark.parametrize("finder", ["find_patients", "find_studies", "find_instances"])
def test_a_row_of_another_level_is_no_series(finder: str) -> None:
    with archive_of() as archive, Client(archive.url) as client:
        other = getattr(client, finder)(row_of(client) if finder == "find_instances" else "SYN-1")[0]
        for use in (client.retrieve, client.iter_instances, client.find_instances):
            with pytest.raises(CriteriaError, match=f"is a row of {finder}: give one of find_series"):
                use(other)
        with pytest.raises(CriteriaError, match=finder):
            client.load_series(series=other)


def test_only_the_instances_that_were_asked_for_are_given() -> None:
    wanted = sorted(UIDS)[3:5]
    with archive_of() as archive, Client(archive.url) as client:
        came = client.retrieve(row_of(client), instance_uids=wanted)
    assert sorted(each.sop_instance_uid for each in came) == wanted


@pytest.mark.parametrize("associations", [1, 4])
def test_a_consumer_who_stops_early_leaves_nothing(associations: int) -> None:
    with archive_of(slices=60) as archive, Client(archive.url, associations=associations) as client:
        with closing(client.iter_instances(row_of(client))) as coming:  # type: ignore[type-var]
            next(coming)
        assert len(client.retrieve(row_of(client))) == 60


def test_a_second_association_that_is_not_let_in_costs_no_time_and_is_no_error() -> None:
    with archive_of("rejects-second-association") as archive, Client(archive.url, associations=4) as client:
        row = row_of(client)
        assert len(client.retrieve(row, heal=False)) == SLICES


def test_a_reconciled_patient_is_told_without_values() -> None:
    with (
        archive_of("reconciled-patient") as archive,
        Client(archive.url) as client,
        pytest.warns(UserWarning, match="12 instances have another PatientID") as warned,
    ):
        client.load_series("SYN-1", modality="CT", toolkit="volume")
    assert "SYN" not in str(warned[0].message)


def test_limits_hold_for_what_several_associations_bring() -> None:
    with archive_of() as archive:
        node = replace(Node.parse(archive.url), limits=Limits(max_series_bytes=2000))
        with Client(node, associations=4) as client, pytest.raises(Exception, match="max_series_bytes"):
            client.retrieve(row_of(client))

"""What the archive holds, by level."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from itkdicomqr.archive.index import Index
from itkdicomqr.errors import CorruptInstanceError, ForeignInstanceError
from itkdicomqr.instance import Instance
from itkdicomqr.levels import Level
from tests.synthetic import series


def instances(count: int = 3, **attributes: Any) -> list[Instance]:
    return [Instance.from_dataset(dataset) for dataset in series("CT", count, **attributes)]


def test_instances_are_grouped_by_patient_study_series_and_instance():
    index = Index([*instances(3), *instances(2, SeriesInstanceUID="1.2.3", SOPInstanceUID=lambda k: f"1.2.3.{k + 1}")])
    assert [len(index.groups(level)) for level in Level] == [1, 1, 2, 5]
    assert [len(group) for _, group in index.groups(Level.SERIES)] == [3, 2]


def test_the_order_of_arrival_is_kept():
    given = instances(5)[::-1]
    assert [entry.instance for entry in Index(given).entries()] == given


def test_an_instance_that_is_there_already_is_not_taken_twice():
    first, *_ = instances(1)
    index = Index([first])
    assert not index.add(first)
    assert len(index.entries()) == 1


def test_one_study_under_two_patients_is_two():
    index = Index([*instances(1), *instances(1, PatientID="other", SOPInstanceUID="1.2.3")])
    assert len(index.groups(Level.STUDY)) == 2


@pytest.mark.parametrize("keyword", ["StudyInstanceUID", "SeriesInstanceUID"])
def test_an_instance_without_its_place_is_refused(keyword):
    with pytest.raises(ForeignInstanceError, match="lacks"):
        Index(instances(1, **{keyword: None}))


def test_an_instance_that_is_called_otherwise_is_refused():
    called = replace(instances(1)[0], sop_instance_uid="1.2.3")
    with pytest.raises(ForeignInstanceError, match=r"1\.2\.3"):
        Index([called])


def test_a_damaged_instance_is_refused():
    damaged = replace(instances(1)[0], encoded=b"\x08\x00\x05\x00CS\xff\x00damage")
    with pytest.raises((CorruptInstanceError, ForeignInstanceError)):
        Index([damaged])


def test_an_unknown_path_holds_nothing():
    assert Index().group(("nobody",)) == []


def test_several_threads_may_store_at_once():
    index, given = Index(), instances(40)
    with ThreadPoolExecutor(8) as pool:
        added = list(pool.map(index.add, given * 4))
    assert sum(added) == len(index.entries()) == 40

"""What belongs elsewhere is refused; a patient who is known otherwise is told of, without values."""

from __future__ import annotations

from typing import Any

import pytest

from itkdicomqr.errors import ForeignInstanceError
from itkdicomqr.instance import Instance
from itkdicomqr.levels import Level
from itkdicomqr.query.table import Row
from itkdicomqr.retrieval.belonging import Belonging
from tests.faults import playing, sending, stored
from tests.retrieval.coming import brought
from tests.synthetic import ROOT, series

STUDY, SERIES, PATIENT = f"{ROOT}.1", f"{ROOT}.2.1", "SYN-1"


def instances(count: int = 3, **attributes: Any) -> list[Instance]:
    return [Instance.from_dataset(each) for each in series("CT", count, **attributes)]


def belonging(**values: Any) -> Belonging:
    row = {"PatientID": PATIENT, "StudyInstanceUID": STUDY, "SeriesInstanceUID": SERIES, **values}
    return Belonging(Row(Level.SERIES, tuple(row.items())), "")


def test_instances_of_the_row_belong() -> None:
    wanted = belonging()
    for instance in instances():
        wanted.check(instance)
        wanted.compare_patient(instance)
    assert wanted.notices == ()


@pytest.mark.parametrize("attribute", ["StudyInstanceUID", "SeriesInstanceUID"])
@pytest.mark.parametrize("before", [0, 2])
def test_an_instance_of_another_study_or_series_is_refused(attribute: str, before: int) -> None:
    wanted = belonging()
    for instance in instances(before):
        wanted.check(instance)
    with pytest.raises(ForeignInstanceError, match=f"its {attribute} is '1.2.3', not {ROOT}"):
        wanted.check(instances(1, **{attribute: "1.2.3"})[0])


def test_a_study_that_the_row_does_not_tell_is_not_compared() -> None:
    belonging(StudyInstanceUID=None).check(instances(1)[0])


def test_an_instance_of_another_study_does_not_come() -> None:
    (stranger,) = instances(1, StudyInstanceUID="1.2.3")
    with playing(sending(stored(stranger))) as stage, pytest.raises(ForeignInstanceError, match="StudyInstanceUID"):
        brought(stage.node())


@pytest.mark.parametrize(
    ("told", "found", "is_another"),
    [(PATIENT, "OLD", True), (PATIENT, f"{PATIENT} ", False), (PATIENT, "", True), (None, "OLD", False)],
)
def test_another_patient_is_told_of_once_for_each_instance(told: str | None, found: str, is_another: bool) -> None:
    wanted = belonging(PatientID=told)
    for instance in [*instances(3, PatientID=found), *instances(1, PatientID=found)]:
        wanted.compare_patient(instance)
    assert [notice[:12] for notice in wanted.notices] == (["3 instances "] if is_another else [])
    assert "OLD" not in "".join(wanted.notices)


def test_the_same_bytes_in_another_character_set_are_read_again() -> None:
    wanted = belonging(PatientID="é")
    (latin,) = instances(1, SpecificCharacterSet="ISO_IR 100", PatientID="é")
    (cyrillic,) = instances(1, SpecificCharacterSet="ISO_IR 144", PatientID="щ")
    assert latin.elements.content(0x00100020) == cyrillic.elements.content(0x00100020)
    wanted.compare_patient(latin)
    assert wanted.notices == ()
    wanted.compare_patient(cyrillic)
    assert len(wanted.notices) == 1

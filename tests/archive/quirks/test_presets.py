"""The archives that were looked at: each set of quirks answers as its archive did."""

from __future__ import annotations

import pytest

from itkdicomqr.testing import Archive
from tests.archive.quirks.asking import NAME, PATIENT_FIND, associated, find, get, held, identifier
from tests.archive.quirks.test_moves import move

pytestmark = pytest.mark.filterwarnings("ignore:Incorrect value for Specific Character Set")  # of the client's pydicom

ARCHIVES = ["like-orthanc", "like-dcmqrscp", "like-qrscp", "like-tiny-pacs", "like-pixelmed", "like-ctn"]
PENDING, DROPPED = 0xFF00, None
SERIES = {"StudyInstanceUID": "1.2.1", "SeriesInstanceUID": ""}


def each(*answers: object) -> list[tuple[str, object]]:
    """Give each archive its answer."""
    return list(zip(ARCHIVES, answers, strict=True))


@pytest.mark.parametrize(("preset", "rows"), each(2, 2, 6, 2, 2, 2))
def test_the_series_of_a_study(preset, rows):
    assert len(find(preset, identifier("SERIES", **SERIES)).rows) == rows


@pytest.mark.parametrize(("preset", "rows"), each(0, 2, 6, 2, 1, 2))
def test_a_description_that_nothing_has(preset, rows):
    assert len(find(preset, identifier("SERIES", **SERIES, SeriesDescription="NOSUCH")).rows) == rows


@pytest.mark.parametrize(("preset", "counts"), each(["3", "3"], None, None, ["4"], ["3", "3"], None))
def test_the_number_of_instances(preset, counts):
    reply = find(preset, identifier("SERIES", **SERIES, NumberOfSeriesRelatedInstances=""))
    told = [str(row.NumberOfSeriesRelatedInstances) for row in reply.rows if "NumberOfSeriesRelatedInstances" in row]
    assert (told or None) == counts


@pytest.mark.parametrize(("preset", "rows"), each(1, 2, 12, 1, 2, 2))
def test_studies_of_a_modality(preset, rows):
    asked = identifier("STUDY", StudyInstanceUID="", ModalitiesInStudy="MR")
    assert len(find(preset, asked).rows) == rows


@pytest.mark.parametrize(("preset", "rows"), each(1, 0, 0, 1, 2, 1))
def test_a_name_in_lower_case(preset, rows):
    asked = identifier("STUDY", StudyInstanceUID="1.2.1", PatientName="yamada*")
    assert len(find(preset, asked).rows) == rows  # pixelmed adds one


@pytest.mark.parametrize(
    ("preset", "statuses"),
    each([PENDING, PENDING, 0], [PENDING, PENDING, 0], [0xC320], [DROPPED], [0], [0]),
)
def test_a_list_of_uids(preset, statuses):
    assert find(preset, identifier("STUDY", StudyInstanceUID=["1.2.1", "1.2.2"])).statuses == statuses


@pytest.mark.parametrize(("preset", "found", "retrieved"), [
    ("like-orthanc", 0, 0), ("like-dcmqrscp", 0, 0), ("like-qrscp", 0, 0xC413), ("like-tiny-pacs", 0, 0),
    ("like-pixelmed", 0xA900, 0xA900), ("like-ctn", 0, 0),
])  # fmt: skip
def test_a_series_without_its_study(preset, found, retrieved):
    asked = identifier("SERIES", SeriesInstanceUID="1.2.1.1")
    assert find(preset, asked).final == found
    reply = get(preset, asked, syntaxes=["1.2.840.10008.1.2"])
    assert (reply.final, len(reply.instances)) == (retrieved, 3 if preset in THOSE_THAT_SEND else 0)


THOSE_THAT_SEND = {"like-orthanc", "like-tiny-pacs", "like-ctn"}


@pytest.mark.parametrize(("preset", "final"), each(0, 0xC000, 0xA900, 0, 0, 0xC000))
def test_the_patient_root_without_a_patient(preset, final):
    assert find(preset, identifier("STUDY", StudyInstanceUID=""), PATIENT_FIND).final == final


LOST = b"Yamada^Tarou=^"
QUESTIONED = b"Yamada^Tarou=??^??"


@pytest.mark.parametrize(
    ("preset", "name"), each(LOST, NAME.encode(), QUESTIONED, QUESTIONED, NAME.encode(), QUESTIONED.upper())
)
def test_a_name_beyond_ascii(preset, name):
    assert name in find(preset, identifier("STUDY", StudyInstanceUID="1.2.1", PatientName="")).raw[0]


@pytest.mark.parametrize(("preset", "final"), each(0xC000, 0, 0, 0, 0xC000, 0))
def test_a_series_that_is_not_held(preset, final):
    assert get(preset, identifier("SERIES", StudyInstanceUID="1.2.1", SeriesInstanceUID="1.2.9")).final == final


@pytest.mark.parametrize(("preset", "final"), each(0xC000, 0xA801, 0xA801, DROPPED, 0xA801, 0xB000))
def test_an_unknown_destination(preset, final):
    with Archive(held(), quirks=preset) as archive:
        assert move(archive, "NOWHERE").final == final


@pytest.mark.parametrize(("preset", "accepted"), each(False, False, True, False, False, False))
def test_a_wrong_called_ae_title(preset, accepted):
    with Archive([], quirks=preset) as archive, associated(archive, PATIENT_FIND, called="WRONG") as peer:
        assert peer.is_established == accepted

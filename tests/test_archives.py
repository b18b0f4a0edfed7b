"""The whole job against real archives: what is loaded equals what ITK reads from the same files."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from pydicom import uid
from pydicom.dataset import Dataset

from itkdicomqr import (
    AmbiguousSeriesError,
    AssociationRejectedError,
    Client,
    ConnectionLostError,
    NoMatchError,
    find_series,
    load_series,
    load_volumes,
)
from tests.reference import assert_equal, read_file
from tests.servers import RunningArchive, dcmqrscp, embedded, orthanc, store
from tests.synthetic import OBLIQUE, series, simpleitk

DAY = "2005-01-06"
PATIENT = "SYN-1"

UNCOMPRESSED: dict[str, list[Dataset]] = {
    "Chest-- PA & Lateral": series("CT", 12, RescaleIntercept="-1024", RescaleSlope="1"),
    "AX T1 oblique": series("MR", 7, dtype="uint16", orientation=OBLIQUE),
    "SAG PD": series("MR", 5, dtype="uint16", orientation=(0.0, 1.0, 0.0, 0.0, 0.0, -1.0)),
    "PET WB": series("PT", 4, RescaleSlope="0.37", RescaleIntercept="0"),
    "Implicit VR": series("CT", 3, syntax=uid.ImplicitVRLittleEndian),
    "Big endian": series("CT", 3, syntax=uid.ExplicitVRBigEndian),
    "Single slice": series("CT", 1, SpacingBetweenSlices="4.5"),
}
TWINS = [series("MR", 2, number=number, SeriesDescription=text) for number, text in ((50, "AX Twin"), (51, "ax twin"))]
OTHER_PATIENT = series(
    "CT",
    2,
    number=60,
    PatientID="SYN-2",
    StudyInstanceUID="1.2.826.0.1.3680043.10.1234.9",
    SeriesDescription="AX T1 oblique",
)

PYDICOM_FILES = Path(pydicom.__file__).parent / "data" / "test_files"
UNCOMPRESSED_FILES = ("CT_small.dcm", "MR_small.dcm", "examples_overlay.dcm", "examples_rgb_color.dcm")
COMPRESSED_FILES = ("GDCMJ2K_TextGBR.dcm", "image_dfl.dcm", "JPEG-lossy.dcm")
FILES_BY_ARCHIVE = {
    "Orthanc": (*UNCOMPRESSED_FILES, *COMPRESSED_FILES),
    "dcmqrscp": UNCOMPRESSED_FILES,
    "embedded": (*UNCOMPRESSED_FILES, *COMPRESSED_FILES),
}

Start = Callable[[Path, Sequence[Dataset]], AbstractContextManager[RunningArchive]]
STARTS: dict[str, Start] = {
    "Orthanc": orthanc,
    "dcmqrscp": dcmqrscp,
    "embedded": lambda _, datasets: embedded(datasets),
}


def named(datasets: list[Dataset], number: int, description: str) -> list[Dataset]:
    """Give a series its own UIDs and description."""
    for index, dataset in enumerate(datasets):
        dataset.SeriesNumber = number
        dataset.SeriesDescription = description
        dataset.SeriesInstanceUID = f"{dataset.StudyInstanceUID}.{number}"
        dataset.SOPInstanceUID = f"{dataset.SeriesInstanceUID}.{index + 1}"
        dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    return datasets


SERIES = {text: named(each, number, text) for number, (text, each) in enumerate(UNCOMPRESSED.items(), 1)}


@pytest.fixture(scope="module", params=STARTS)
def archive(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningArchive]:
    """An archive that holds the synthetic series and the files of pydicom that it can store."""
    name = request.param
    files = [pydicom.dcmread(PYDICOM_FILES / file) for file in FILES_BY_ARCHIVE[name]]
    made = [dataset for each in (*SERIES.values(), *TWINS, OTHER_PATIENT) for dataset in each]
    with STARTS[name](tmp_path_factory.mktemp(name), [*made, *files]) as running:
        yield running


@pytest.mark.parametrize("toolkit", ["itk", "simpleitk"])
@pytest.mark.parametrize("description", SERIES)
def test_a_series_equals_what_itk_reads_from_its_files(
    archive: RunningArchive, description: str, toolkit: str, tmp_path: Path
) -> None:
    image = load_series(PATIENT, DAY, description, pacs=archive.node, toolkit=toolkit)

    assert_equal(image, simpleitk(SERIES[description], tmp_path))


@pytest.mark.parametrize("file", FILES_BY_ARCHIVE["Orthanc"])
def test_a_real_file_equals_what_itk_reads_from_it(archive: RunningArchive, file: str) -> None:
    if file not in FILES_BY_ARCHIVE[archive.name]:
        pytest.skip(f"{archive.name} does not store this transfer syntax")
    header = pydicom.dcmread(PYDICOM_FILES / file, stop_before_pixels=True)

    image = load_series(
        study_uid=header.StudyInstanceUID,
        series_uid=header.SeriesInstanceUID,
        pacs=archive.node,
        toolkit="simpleitk",
    )

    assert_equal(image, read_file(PYDICOM_FILES / file))


def test_the_embedded_archive_and_the_real_ones_find_the_same_series(archive: RunningArchive) -> None:
    table = find_series(PATIENT, DAY, pacs=archive.node)

    assert {row.SeriesInstanceUID for row in table} == {
        each[0].SeriesInstanceUID for each in (*SERIES.values(), *TWINS)
    }


def test_the_description_decides_whether_or_not_the_archive_tells_it(archive: RunningArchive) -> None:
    table = find_series(PATIENT, DAY, "ax t1*", pacs=archive.node)

    assert [row.SeriesDescription for row in table] == ["AX T1 oblique"]


def test_series_that_differ_only_in_case_are_ambiguous(archive: RunningArchive) -> None:
    with pytest.raises(AmbiguousSeriesError, match="series_number=50") as caught:
        load_series(PATIENT, DAY, "AX twin", pacs=archive.node)

    assert caught.value.candidates is not None
    assert [row.SeriesDescription for row in caught.value.candidates] == ["AX Twin", "ax twin"]


@pytest.mark.parametrize(
    ("words", "lost_by", "told"),
    [
        (("SYN-9", DAY, "PET WB"), "patient_id", "no study has patient_id 'SYN-9'"),
        ((PATIENT, "2005-01-07", "PET WB"), "date", "there are: '20050106'"),
        ((PATIENT, DAY, "PET NECK"), "description", "there are: 'AX T1 oblique', 'AX Twin'"),
    ],
)
def test_no_match_names_the_key_that_lost_it_and_what_is_there(
    archive: RunningArchive, words: tuple[str, str, str], lost_by: str, told: str
) -> None:
    with pytest.raises(NoMatchError) as caught:
        load_series(*words, pacs=archive.node)

    assert caught.value.lost_by == lost_by
    assert told in str(caught.value)


def test_every_listed_instance_arrives(archive: RunningArchive) -> None:
    client = Client(archive.node)
    row = client.find_series(PATIENT, DAY, "Chest-- PA & Lateral").one()

    instances = client.retrieve(row)

    expected = {dataset.SOPInstanceUID for dataset in SERIES["Chest-- PA & Lateral"]}
    assert {instance.sop_instance_uid for instance in instances} == expected
    assert {listed.SOPInstanceUID for listed in client.find_instances(row)} == expected
    assert {instance.origin for instance in instances} == {"C-GET"}


def test_single_instances_are_brought_by_their_uids(archive: RunningArchive) -> None:
    wanted = [dataset.SOPInstanceUID for dataset in SERIES["AX T1 oblique"][2:4]]
    client = Client(archive.node)

    instances = client.retrieve(client.find_series(PATIENT, DAY, "AX T1*").one(), instance_uids=wanted)

    assert [instance.sop_instance_uid for instance in instances] == wanted


def test_a_row_goes_back_in(archive: RunningArchive, tmp_path: Path) -> None:
    row = find_series(PATIENT, DAY, "SAG PD", pacs=archive.node).one()

    assert_equal(load_series(series=row), simpleitk(SERIES["SAG PD"], tmp_path))


def test_load_volumes_gives_the_list(archive: RunningArchive) -> None:
    (volume,) = load_volumes(PATIENT, DAY, "PET WB", pacs=archive.node, toolkit="volume")

    assert volume.array.dtype == np.float64
    assert volume.report.origins == {"C-GET": 4}


def test_patients_and_studies_are_found(archive: RunningArchive) -> None:
    client = Client(archive.node)

    assert [row.PatientID for row in client.find_patients(PATIENT)] == [PATIENT]
    assert [row.StudyDate for row in client.find_studies(PATIENT)] == ["20050106"]


def test_the_patient_root_model_gives_the_same_series(archive: RunningArchive, tmp_path: Path) -> None:
    node = replace(archive.node, model="patient")

    assert_equal(load_series(PATIENT, DAY, "PET WB", pacs=node), simpleitk(SERIES["PET WB"], tmp_path))


def test_an_archive_is_verified(archive: RunningArchive) -> None:
    Client(archive.node).echo()


def test_a_wrong_called_ae_title_is_told_with_the_codes(tmp_path: Path) -> None:
    with (
        dcmqrscp(tmp_path, []) as archive,
        pytest.raises(AssociationRejectedError, match="not called 'WRONG'") as caught,
    ):
        Client(replace(archive.node, ae_title="WRONG")).echo()

    assert (caught.value.result, caught.value.source, caught.value.reason) == (1, 1, 7)
    assert caught.value.place == archive.node.place


def test_an_archive_that_answers_nobody_it_does_not_know_is_told_from_one_that_fails(tmp_path: Path) -> None:
    with orthanc(tmp_path, [], DicomAlwaysAllowFind=False) as archive:
        Client(archive.node).echo()
        with pytest.raises(ConnectionLostError, match="may not allow this to our AE title 'ITKDICOMQR'"):
            find_series(PATIENT, pacs=archive.node)


def test_a_series_that_grows_is_loaded_as_it_is_now(tmp_path: Path) -> None:
    slices = series("CT", 4, number=70)
    with orthanc(tmp_path, slices[:3]) as archive:
        before: Any = load_series(PATIENT, pacs=archive.node, toolkit="volume")
        store(archive.node, slices[3:])
        after: Any = load_series(PATIENT, pacs=archive.node, toolkit="volume")

    assert (before.array.shape[0], after.array.shape[0]) == (3, 4)

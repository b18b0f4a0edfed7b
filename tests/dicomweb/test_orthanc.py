"""DICOMweb of a real archive: what it tells and sends equals what DIMSE does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from io import BytesIO
from typing import Any

import imagecodecs
import numpy as np
import pydicom
import pytest
from pydicom import uid
from pydicom.dataset import Dataset

from itkdicomqr import Client, Instance, Node, NoMatchError, StatusError, read_volumes
from itkdicomqr.association import Deadline
from itkdicomqr.dicomweb import Session, wado
from itkdicomqr.query.catalogue import Catalogue
from itkdicomqr.query.catalogues import verify
from itkdicomqr.query.criteria import Criteria
from itkdicomqr.query.qido import QidoService
from itkdicomqr.query.search import counted, search
from itkdicomqr.query.table import Row, SeriesTable
from itkdicomqr.web import Basic
from tests.servers import RunningArchive, free_port, orthanc, require_dicomweb
from tests.synthetic import noise, part10, series

PATIENT, DAY = "SYN-1", "2005-01-06"
USER = Basic("me", "geheim", allow_cleartext=True)


def rle_compressed() -> list[Dataset]:
    files = [BytesIO(part10(dataset)) for dataset in series("MR", 3, number=5, SeriesDescription="RLE")]
    datasets = [pydicom.dcmread(file) for file in files]
    for dataset in datasets:
        dataset.compress(uid.RLELossless, generate_instance_uid=False)
    return list(datasets)


def jpeg_2000(values: Any) -> bytes:
    return bytes(imagecodecs.jpeg2k_encode(values, codecformat="j2k", reversible=True))


def values(index: int) -> Any:
    return noise((16, 16), "uint16", seed=index) >> np.uint16(4)


SERIES = {
    "Chest-- PA & Lateral": series("CT", 12, SeriesDescription="Chest-- PA & Lateral", RescaleIntercept="-1024"),
    "Übersicht": series("MR", 4, number=2, SeriesDescription="Übersicht", SpecificCharacterSet="ISO_IR 192"),
    "J2K": series(
        "MR",
        3,
        number=3,
        SeriesDescription="J2K",
        pixels=values,
        syntax=uid.JPEG2000Lossless,
        compress=jpeg_2000,
    ),
    "RLE": rle_compressed(),
    "": series("CT", 2, number=6, SeriesDescription=""),
}


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningArchive]:
    """Orthanc with its DICOMweb service, which asks for a password."""
    http = free_port()
    settings = {"AuthenticationEnabled": True, "RegisteredUsers": {USER.user: USER.password}}
    made = [dataset for each in SERIES.values() for dataset in each]
    folder = tmp_path_factory.mktemp("orthanc")
    with orthanc(folder, made, HttpPort=http, Plugins=[require_dicomweb()], **settings) as running:
        dicomweb = f"http://{running.node.host}:{http}/dicom-web"
        yield replace(running, node=replace(running.node, dicomweb=dicomweb, authorization=USER))


@pytest.fixture(scope="module")
def node(archive: RunningArchive) -> Node:
    """The same archive, by DICOMweb only."""
    return replace(Node.parse(archive.node.dicomweb), authorization=USER)


def asked(node: Node, question: Callable[[Catalogue], Any]) -> Any:
    with Session(node, Deadline(30)) as session:
        return question(Catalogue(QidoService(session)))


def found(node: Node, *words: Any, **others: Any) -> SeriesTable:
    def looked_into(row: Row) -> Instance:
        """Only an empty description may be all that is left of another."""
        assert not row.get("SeriesDescription"), "the service tells all that decides"
        held = {each.SeriesInstanceUID: each for slices in SERIES.values() for each in slices}
        return Instance.from_dataset(held[row.SeriesInstanceUID])

    criteria = Criteria.from_words(*words, **others)
    table: SeriesTable = asked(
        node, lambda catalogue: counted(catalogue, search(catalogue, criteria, looked_into, node))
    )
    return table


def told(row: Row) -> dict[str, str | None]:
    """What a row tells: where DIMSE tells an empty value, JSON leaves the attribute out."""
    return {keyword: value for keyword, value in row.attributes if value}


@pytest.mark.parametrize("description", SERIES)
def test_a_series_found_and_retrieved_equals_that_of_dimse(
    archive: RunningArchive, node: Node, description: str
) -> None:
    client = Client(archive.node)
    row = found(node, PATIENT, DAY, description).one()
    other = client.find_series(PATIENT, DAY, description).one()
    assert told(row) == told(other)

    instances = list(wado(node, row.StudyInstanceUID or "", row.SeriesInstanceUID or "", Deadline(30)))

    assert {each.origin for each in instances} == {"WADO-RS"}
    (volume,), expected = read_volumes(instances), client.load_series(series=other, toolkit="volume")
    np.testing.assert_array_equal(volume.array, expected.array)
    assert (volume.array.dtype, volume.metadata) == (expected.array.dtype, expected.metadata)
    for attribute in ("origin", "spacing", "direction"):
        np.testing.assert_array_equal(getattr(volume, attribute), getattr(expected, attribute))


@pytest.mark.parametrize("description", SERIES)
def test_the_instances_that_are_listed_come_as_they_are_stored(node: Node, description: str) -> None:
    row = found(node, PATIENT, DAY, description).one()
    listed = {each.SOPInstanceUID for each in asked(node, lambda catalogue: catalogue.instances(row))}
    stored = {dataset.SOPInstanceUID: dataset for dataset in SERIES[description]}
    assert listed == stored.keys()
    for instance in wado(node, row.StudyInstanceUID or "", row.SeriesInstanceUID or "", Deadline(30), sorted(listed)):
        dataset = stored[instance.sop_instance_uid]
        assert instance.sop_class_uid == dataset.SOPClassUID
        if description != "RLE":  # which Orthanc transcodes
            assert instance.transfer_syntax_uid == dataset.file_meta.TransferSyntaxUID
            assert instance.dataset.PixelData == dataset.PixelData


@pytest.mark.parametrize(
    ("words", "descriptions"),
    [
        (("SYN-1", "2005", "?*"), set(SERIES) - {""}),
        (("SYN-1", ("2005-01", None), None), set(SERIES)),
        (("SYN-1", None, "chest*"), {"Chest-- PA & Lateral"}),
        (("SYN-1", None, "über*"), {"Übersicht"}),
        (("SYN-1", None, ""), {""}),
    ],
)
def test_descriptions_and_dates_are_matched_as_everywhere(node: Node, words: Any, descriptions: set[str]) -> None:
    assert {row.SeriesDescription for row in found(node, *words)} == descriptions


@pytest.mark.parametrize(
    ("words", "lost_by"),
    [(("SYN-9", DAY, "RLE"), "patient_id"), (("SYN-1", "2006", "RLE"), "date"), (("SYN-1", DAY, "X"), "description")],
)
def test_no_match_names_the_key_that_lost_it(node: Node, words: Any, lost_by: str) -> None:
    with pytest.raises(NoMatchError) as caught:
        found(node, *words).one()
    assert caught.value.lost_by == lost_by
    assert str(node) in str(caught.value)


def test_patients_classes_and_a_series_by_its_uid_are_told(node: Node) -> None:
    series_uid = SERIES["J2K"][0].SeriesInstanceUID
    row = found(node, series_uid=series_uid).one()
    assert row.SeriesDescription == "J2K"
    assert set(asked(node, lambda catalogue: catalogue.classes(row)).values()) == {uid.MRImageStorage}
    (patient,) = asked(node, lambda catalogue: catalogue.patients(Criteria.from_words(PATIENT)))
    assert patient.PatientID == PATIENT


def test_the_service_is_verified_and_without_the_password_it_refuses(node: Node) -> None:
    verify(node, Deadline(30))
    with pytest.raises(StatusError, match="authorization=Basic") as caught:
        verify(replace(node, authorization=None), Deadline(30))
    assert caught.value.status == 401


def test_an_unknown_series_is_told(node: Node) -> None:
    row = found(node, PATIENT, DAY, "RLE").one().with_values({"SeriesInstanceUID": "1.2.3"})
    with pytest.raises(StatusError) as caught:
        list(wado(node, row.StudyInstanceUID or "", row.SeriesInstanceUID or "", Deadline(30)))
    assert caught.value.status == 404


def test_pages_of_any_size_give_all_rows(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("itkdicomqr.query.qido.PAGE", 2)
    row = found(node, PATIENT, DAY, "Chest*").one()
    assert len(asked(node, lambda catalogue: catalogue.instances(row))) == 12

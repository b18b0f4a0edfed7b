"""From criteria to one series, on archives that tell everything and on archives that do not."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any, cast

import pytest
from pydicom.dataset import Dataset

from itkdicomqr import (
    AmbiguousSeriesError,
    Client,
    ConnectError,
    CriteriaError,
    Instance,
    Limits,
    Node,
    NoMatchError,
    Row,
    SeriesTable,
    StatusError,
    UnverifiedMatchError,
    find_series,
    load_series,
)
from itkdicomqr.archive import matching
from itkdicomqr.archive.index import Index
from itkdicomqr.association import Association
from itkdicomqr.query.c_find import FindService
from itkdicomqr.query.catalogue import Catalogue
from itkdicomqr.query.criteria import Criteria
from itkdicomqr.query.search import search
from itkdicomqr.testing import Archive
from tests.synthetic import ROOT, series

NODE = Node("double.example", 104, "DOUBLE")
THORAX = ["Scout", "AX 3.0 Soft Tissue", "AX 3.0 Lung", "COR 3.0", "AX 5.0 Contrast", "AX 5.0 Contrast", "AX 3.0 Gap"]
THORAX += ["AX 4D", "AX 3.0 Tilt"]


def descriptions(rows: Sequence[Row]) -> list[str | None]:
    return [row.SeriesDescription for row in rows]


@pytest.fixture(scope="module")
def client(demo_archive: Archive) -> Client:
    return Client(demo_archive.url)


@pytest.fixture(scope="module")
def peculiar() -> Iterator[Client]:
    """Descriptions that are missing, empty, hold a wildcard or an umlaut; and one ID of two issuers."""
    made = [
        ("", {}),
        (None, {}),
        ("T2*", {}),
        ("T2 TSE", {}),
        ("Übersicht", {"SpecificCharacterSet": "ISO_IR 192"}),
        ("Shared", {"PatientID": "7", "IssuerOfPatientID": "NORTH", "StudyInstanceUID": f"{ROOT}.1.7"}),
        ("Shared too", {"PatientID": "7", "IssuerOfPatientID": "SOUTH", "StudyInstanceUID": f"{ROOT}.1.8"}),
        ("Case", {"PatientID": "abc", "StudyInstanceUID": f"{ROOT}.1.9"}),
    ]
    datasets = [
        dataset
        for number, (description, others) in enumerate(made, 1)
        for dataset in series("MR", 2, number=number, SeriesDescription=description, **cast(dict[str, Any], others))
    ]
    with Archive(datasets) as archive:
        yield Client(archive.url)


@pytest.mark.parametrize(
    ("words", "lost_by", "told"),
    [
        ({"patient_id": "099999"}, "patient_id", "no study has patient_id '099999': it is compared literally"),
        ({"patient_id": "9999"}, "patient_id", "leading zeros and the issuer's prefix"),
        ({"patient_id": "99999", "date": "1999"}, "date", "'20000307', '20000322', '20050106', '20210503', '20220214'"),
        ({"patient_id": "99999", "study_description": "Knee"}, "study_description", "'CT Thorax', 'Chest-- PA & L"),
        (
            {"patient_id": "99999", "accession_number": "X"},
            "accession_number",
            "but no study with accession_number 'X'",
        ),
        (
            {"patient_id": "99999", "date": "2005-01-06", "description": "Chest"},
            "description",
            "1 study in question, but no series with description 'Chest'; there are: 'Chest-- PA & Lateral'",
        ),
        ({"patient_id": "99999", "date": "2021", "description": ""}, "description", "'AX 3.0 Gap'"),
        ({"patient_id": "99999", "date": "2021", "modality": ["US", "MR"]}, "modality", "there are: 'CT'"),
        ({"patient_id": "99999", "date": "2021", "series_number": 10}, "series_number", "'1', '2'"),
        ({"patient_id": "99999", "series_date": "1999"}, "series_date", "'20050106'"),
        ({"patient_id": "99999", "keys": {"BodyPartExamined": "HEAD"}}, "keys['BodyPartExamined']", "'CHEST'"),
        ({"study_uid": "1.2.3"}, "study_uid", "no study has study_uid '1.2.3'"),
        ({"patient_id": "99999", "series_uid": "1.2.3"}, "series_uid", "5 studies in question, but no series with"),
        ({"date": "1999"}, "date", "no study has date 1999-01-01 to 1999-12-31"),
    ],
)
def test_the_criterion_that_lost_the_match_is_named_with_what_is_there_instead(
    client: Client, words: dict[str, Any], lost_by: str, told: str
) -> None:
    table = client.find_series(**words)
    assert not table
    with pytest.raises(NoMatchError) as caught:
        table.one()
    assert caught.value.lost_by == lost_by
    assert told in str(caught.value)


@pytest.mark.parametrize(
    "words", [{"patient_name": "Nobody*"}, {"keys": {"PatientBirthDate": "19000101"}}, {"keys": {"PatientSex": "M"}}]
)
def test_a_loss_never_tells_who_the_patients_are(client: Client, words: dict[str, Any]) -> None:
    searches: list[dict[str, Any]] = [{"patient_id": "99999"}, {"date": "2021-05-03"}]
    for known in searches:
        table = client.find_series(**known, **words)
        assert table.lost is not None
        assert not any(secret in str(table.lost) for secret in ("Demo", "Patience", "1948", "'F'"))


@pytest.mark.parametrize(
    ("description", "expected"),
    [
        ("Chest-- PA & Lateral", ["Chest-- PA & Lateral"]),
        ("hip 3+vw tha series (post op)", ["Hip 3+vw THA Series (Post Op)"]),
        ("AX 3.0*", ["AX 3.0 Soft Tissue", "AX 3.0 Lung", "AX 3.0 Gap", "AX 3.0 Tilt"]),
        ("?X 5.0 contrast ", ["AX 5.0 Contrast", "AX 5.0 Contrast"]),
        ("*", None),
        (None, None),
    ],
)
def test_descriptions_match_by_wildcards_and_without_case(
    client: Client, description: str | None, expected: list[str] | None
) -> None:
    table = client.find_series("99999", description=description)
    assert len(table) == 18 if expected is None else descriptions(table) == expected


def test_a_row_tells_the_study_the_series_and_how_many_instances(client: Client, demo_archive: Archive) -> None:
    row = client.find_series("99999", "2021-05-03", "AX 3.0 Soft*").one()
    told = {keyword: row.get(keyword) for keyword in ("PatientID", "StudyDate", "StudyDescription", "Modality")}
    assert told == {"PatientID": "99999", "StudyDate": "20210503", "StudyDescription": "CT Thorax", "Modality": "CT"}
    of_series = [each for each in demo_archive.instances if each.header.SeriesInstanceUID == row.SeriesInstanceUID]
    assert row.NumberOfSeriesRelatedInstances == str(len(of_series))
    assert row.node == client.nodes[0]


@pytest.mark.parametrize(
    ("words", "count"),
    [
        ({"modality": "CT"}, 9),
        ({"modality": ["CT", "mr"]}, 11),
        ({"series_number": 2, "date": "2021"}, 1),
        ({"patient_name": "demo^*"}, 18),
        ({"accession_number": "A202105034"}, 9),
        ({"study_description": "*picc"}, 2),
        ({"keys": {"BodyPartExamined": "HIP"}}, 3),
        ({"keys": {"BodyPartExamined": "HIP", "PatientSex": "F"}}, 3),
        ({"date": ("2000-03", "2005")}, 7),
        ({"date": "20220214-"}, 2),
    ],
)
def test_every_criterion_narrows_the_search(client: Client, words: dict[str, Any], count: int) -> None:
    assert len(client.find_series("99999", **words)) == count


def test_an_attribute_that_the_archive_does_not_tell_is_read_from_an_instance(client: Client) -> None:
    row = client.find_series("99999", "2022", keys={"EchoTime": "98"}).one()
    assert row.SeriesDescription == "T2 TRA"


def test_several_series_are_ambiguous_and_nothing_is_loaded(client: Client) -> None:
    with pytest.raises(AmbiguousSeriesError, match="2 series for") as caught:
        client.load_series("99999", "2021-05-03", "AX 5.0 Contrast")
    assert caught.value.candidates is not None
    assert [row.SeriesNumber for row in caught.value.candidates] == ["5", "6"]


def test_another_patient_s_series_are_not_mixed_in(client: Client) -> None:
    same_words = client.find_series(date="2021-05-03", description="AX 3.0 Soft Tissue")
    assert sorted(str(row.PatientID) for row in same_words) == ["99998", "99999"]
    for patient in ("99998", "99999"):
        row = client.find_series(patient, "2021-05-03", "AX 3.0 Soft Tissue").one()
        assert row.PatientID == patient


def test_a_name_in_any_script_is_found(client: Client) -> None:
    for name in ("démo^ünïcode", "見本^患者", "みほん*"):
        assert {row.PatientID for row in client.find_series(patient_name=name)} == {"88888"}
    assert descriptions(client.find_series("88888", description="t1 sag ÜBERSICHT")) == ["T1 SAG Übersicht"]


def test_a_series_uid_finds_its_series_in_a_known_study(client: Client) -> None:
    row = client.find_series("99999", "2005-01-06").one()
    assert client.find_series("99999", series_uid=row.SeriesInstanceUID).one() == row
    assert client.find_series(series_uid=row.SeriesInstanceUID, study_uid=row.StudyInstanceUID).one() == row


@pytest.mark.parametrize(
    ("description", "numbers"),
    [
        ("", ["1", "2"]),
        ("T2*", ["3"]),
        ("T2?TSE", ["4"]),
        ("t2 *", ["4"]),
        ("über*", ["5"]),
        ("U\u0308bersicht", ["5"]),
    ],
)
def test_odd_descriptions_are_found(peculiar: Client, description: str, numbers: list[str]) -> None:
    table = peculiar.find_series("SYN-1", description=description)
    assert [row.SeriesNumber for row in table] == numbers


def test_one_id_of_two_issuers_is_ambiguous_until_the_issuer_is_given(peculiar: Client) -> None:
    table = peculiar.find_series("7")
    assert table.issuers == ("NORTH", "SOUTH")
    with pytest.raises(AmbiguousSeriesError, match="issued by 'NORTH', 'SOUTH'"):
        table.one()
    assert peculiar.find_series("7", issuer_of_patient_id="SOUTH").one().SeriesDescription == "Shared too"


def test_a_patient_id_counts_case(peculiar: Client) -> None:
    assert len(peculiar.find_series("abc")) == 1
    assert not peculiar.find_series("ABC")


def test_patients_studies_and_instances_are_listed(client: Client) -> None:
    (patient,) = client.find_patients("99999")
    assert patient.PatientName == "Demo^Patient"
    assert {row.PatientID for row in client.find_patients(patient_name="demo*")} == {"99999", "99998"}
    assert {row.StudyDescription for row in client.find_studies("99999", "2021")} == {"CT Thorax"}
    row = client.find_series("99999", "2022", "T2*").one()
    instances = client.find_instances(row)
    count = int(row.NumberOfSeriesRelatedInstances or 0)
    assert sorted(int(instance.InstanceNumber or 0) for instance in instances) == [*range(1, count + 1)]
    assert len({instance.SOPInstanceUID for instance in instances}) == count > 1


def test_several_archives_answer_as_one(demo_archive: Archive, peculiar: Client) -> None:
    both = Client([demo_archive.url, peculiar.nodes[0]])
    alone = Client(demo_archive.url).find_series("99999")
    assert both.find_series("99999") == alone
    assert Client([demo_archive.url, demo_archive.url]).find_series("99999") == alone
    assert {str(row.node) for row in both.find_series(modality="MR")} == {str(node) for node in both.nodes}
    with pytest.raises(NoMatchError, match=r"(?s)DEMO@.*\n.*DEMO@"):
        both.find_series("0").one()


@pytest.fixture
def closed() -> Iterator[Node]:
    """A port that is taken but never listened at."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        yield Node("127.0.0.1", holder.getsockname()[1], "CLOSED")


def test_an_archive_that_fails_is_an_error_unless_any_will_do(demo_archive: Archive, closed: Node) -> None:
    pacs: list[str | Node] = [closed, demo_archive.url]
    with pytest.raises(ConnectError):
        find_series("99999", "2005", pacs=pacs)
    assert Client(pacs, any_archive=True).find_series("99999", "2005").one().SeriesNumber == "1"
    assert load_series("99999", "2005", pacs=pacs, any_archive=True, toolkit="volume").array.shape[0] == 1
    with pytest.raises(ConnectError):
        Client([closed, closed], any_archive=True).find_series("99999")


class Reticent:
    """An association with an archive that matches and returns no attribute of ``hidden``."""

    def __init__(self, datasets: Sequence[Dataset], hidden: Sequence[str] = ()) -> None:
        self.instances = [Instance.from_dataset(dataset) for dataset in datasets]
        self.index = Index(self.instances)
        self.hidden = hidden
        self.fetched: list[str] = []

    def find(self, query: Dataset, model: str) -> list[Dataset]:
        asked = Dataset({element.tag: element for element in query if element.keyword not in self.hidden})
        return [answer.identifier for answer in matching.find(self.index, asked, self._model(model))]

    def fetch_one(self, row: Row) -> Instance:
        self.fetched.append(str(row.SeriesInstanceUID))
        return next(each for each in self.instances if each.header.SeriesInstanceUID == row.SeriesInstanceUID)

    def search(self, limits: Limits | None = None, **words: Any) -> SeriesTable:
        node = Node(NODE.host, NODE.port, NODE.ae_title, limits=limits or Limits())
        catalogue = Catalogue(FindService(cast(Association, self), node))
        return search(catalogue, Criteria.from_words(**words), self.fetch_one, node)

    def _model(self, name: str) -> matching.Model:
        return {"study": matching.Model.STUDY_ROOT, "patient": matching.Model.PATIENT_ROOT}[name]


def numbered(count: int, **overrides: Any) -> list[Dataset]:
    """As many series of two slices, described by their numbers."""
    return [
        dataset
        for number in range(1, count + 1)
        for dataset in series("CT", 2, number=number, **{"SeriesDescription": f"AX {number}", **overrides})
    ]


def test_what_an_archive_hides_is_decided_by_one_instance_of_each_candidate() -> None:
    archive = Reticent(numbered(3), hidden=["SeriesDescription"])
    row = archive.search(patient_id="SYN-1", description="ax 2").one()
    assert (row.SeriesNumber, row.SeriesDescription) == ("2", "AX 2")
    assert sorted(archive.fetched) == sorted({f"{ROOT}.2.{number}" for number in (1, 2, 3)})


def test_only_candidates_that_could_still_match_are_looked_into() -> None:
    archive = Reticent(numbered(3), hidden=["SeriesDescription"])
    assert archive.search(series_number=2, description="AX 2").one().SeriesNumber == "2"
    assert archive.fetched == [f"{ROOT}.2.2"]


@pytest.mark.parametrize("hidden", [["SeriesDescription"], []])
def test_series_without_a_description_are_found_whether_it_is_hidden_or_not(hidden: list[str]) -> None:
    nameless = series("CT", 2, number=9, SeriesDescription=None)
    table = Reticent([*numbered(2), *nameless], hidden).search(patient_id="SYN-1", description="")
    assert [row.SeriesNumber for row in table] == ["9"]


def test_a_description_in_an_unknown_character_set_matches_nothing() -> None:
    (dataset,) = series("CT", 1, SeriesDescription="Übersicht", SpecificCharacterSet="ISO_IR 192")
    whole = Instance.from_dataset(dataset)
    archive = Reticent([])
    archive.instances = [replace(whole, encoded=bytes(whole.encoded).replace(b"ISO_IR 192", b"ISO_IR 6  "))]
    archive.index = Index(archive.instances)
    for description in ("Übersicht", ""):
        assert not archive.search(patient_id="SYN-1", description=description)


def test_too_many_candidates_to_look_into_are_refused_with_the_remedy() -> None:
    archive = Reticent(numbered(3), hidden=["SeriesDescription"])
    with pytest.raises(UnverifiedMatchError, match=r"no SeriesDescription, and 3 candidates .*Limits\(max_verified"):
        archive.search(Limits(max_verified=2), patient_id="SYN-1", description="AX 2")
    assert archive.fetched == []
    assert archive.search(Limits(max_verified=3), patient_id="SYN-1", description="AX 2").one()


def test_a_description_that_no_instance_comes_to_tell_is_refused(dicom_archive: Callable[..., Archive]) -> None:
    archive = dicom_archive(numbered(1), quirks="ignores-description, lies-about-success")
    with pytest.raises(UnverifiedMatchError, match="returns no SeriesDescription, and no instance came to read it"):
        find_series("SYN-1", description="AX 2", pacs=archive.url)


def test_an_archive_that_ignores_a_criterion_is_not_believed() -> None:
    class Careless(Reticent):
        def find(self, query: Dataset, model: str) -> list[Dataset]:
            for keyword in ("PatientID", "StudyDate", "Modality"):
                if keyword in query:
                    setattr(query, keyword, "")
            return super().find(query, model)

    other = series("CT", 2, number=8, PatientID="OTHER", StudyInstanceUID=f"{ROOT}.1.8", SeriesDescription="AX 1")
    old = series("CT", 2, number=9, StudyDate="19990101", StudyInstanceUID=f"{ROOT}.1.9", SeriesDescription="AX 1")
    archive = Careless([*numbered(2), *other, *old])
    assert archive.search(patient_id="SYN-1", date="2005-01-06", description="AX 1").one().SeriesNumber == "1"
    assert not archive.search(patient_id="SYN-1", modality="MR")


def test_an_archive_that_sends_rows_twice_or_of_other_studies_confuses_nobody() -> None:
    class Chatty(Reticent):
        def find(self, query: Dataset, model: str) -> list[Dataset]:
            if query.QueryRetrieveLevel == "SERIES":
                answers = [each for uid in (f"{ROOT}.1", f"{ROOT}.1.8") for each in self._of_study(query, model, uid)]
                return answers * 2
            return super().find(query, model) * 2

        def _of_study(self, query: Dataset, model: str, uid: str) -> list[Dataset]:
            query.StudyInstanceUID = uid
            return super().find(query, model)

    other = series("CT", 2, number=8, PatientID="OTHER", StudyInstanceUID=f"{ROOT}.1.8")
    table = Chatty([*numbered(2), *other]).search(patient_id="SYN-1")
    assert [row.SeriesNumber for row in table] == ["1", "2"]


@pytest.mark.parametrize(("uid", "numbers"), [(f"{ROOT}.2.2", ["2"]), ("1.2.3", [])])
def test_a_series_uid_alone_is_enough_where_the_archive_tells_its_study(uid: str, numbers: list[str]) -> None:
    class Relational(Reticent):
        def find(self, query: Dataset, model: str) -> list[Dataset]:
            if query.QueryRetrieveLevel == "SERIES" and not query.get("StudyInstanceUID"):
                query.StudyInstanceUID = f"{ROOT}.1"
            return super().find(query, model)

    table = Relational(numbered(3)).search(series_uid=uid)
    assert [row.SeriesNumber for row in table] == numbers
    assert numbers or (table.lost and "every digit" in str(table.lost))


@pytest.mark.parametrize("hidden", [["StudyInstanceUID"], []])
def test_an_archive_that_needs_the_study_of_a_series_uid_is_said_to(hidden: list[str]) -> None:
    class Strict(Reticent):
        def find(self, query: Dataset, model: str) -> list[Dataset]:
            if query.QueryRetrieveLevel == "SERIES" and not query.get("StudyInstanceUID"):
                if not hidden:
                    raise StatusError("identifier does not match", status=0xA900)
                answer = Dataset()
                answer.SeriesInstanceUID = query.SeriesInstanceUID
                return [answer]
            return super().find(query, model)

    archive = Strict(numbered(2))
    with pytest.raises(CriteriaError, match="finds no series by its UID alone: give study_uid= or patient_id= too"):
        archive.search(series_uid=f"{ROOT}.2.2")
    assert archive.search(series_uid=f"{ROOT}.2.2", patient_id="SYN-1").one().SeriesNumber == "2"


def test_an_archive_that_ignores_a_series_uid_does_not_lead_to_the_study_of_another() -> None:
    class Deaf(Reticent):
        def find(self, query: Dataset, model: str) -> list[Dataset]:
            if query.QueryRetrieveLevel == "SERIES" and not query.get("StudyInstanceUID"):
                query.StudyInstanceUID, query.SeriesInstanceUID = f"{ROOT}.1", ""
            return super().find(query, model)

    assert Deaf(numbered(3)).search(series_uid=f"{ROOT}.2.2").one().SeriesNumber == "2"
    assert not Deaf(numbered(3)).search(series_uid="1.2.3")

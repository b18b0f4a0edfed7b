"""What the doctor finds: of real archives, and of each quirk by its own examination."""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from itkdicomqr import Node, errors
from itkdicomqr.doctor import Diagnosis, Verdict, examine
from itkdicomqr.node import Timeouts
from itkdicomqr.testing import Archive
from tests.authorities import Authority
from tests.servers import HOST, dcmqrscp, free_port, orthanc, require_dicomweb, secured_orthanc
from tests.synthetic import ROOT, series

AE_TITLE = "ITKDICOMQR"
BRISK = Timeouts(connect=5, first_response=5, idle=5, late=0.5, total=30)
SECRETS: dict[str, Any] = {
    "PatientName": "Mustermann^Erika",
    "PatientID": "QX-48151623",
    "PatientBirthDate": "19640229",
    "AccessionNumber": "ACC7719",
    "StudyDescription": "Secret study",
}
FIRST_DAY = {**SECRETS, "StudyDate": "20050106"}
DATASETS = [
    *series("CT", 4, SeriesDescription="Secret Axial", **FIRST_DAY),
    *series("CT", 7, number=2, SeriesDescription="Secret Lung", **FIRST_DAY),
    *series("MR", 3, number=3, StudyInstanceUID=f"{ROOT}.8.1", **{**SECRETS, "StudyDate": "20050108"}),
    *series("MR", 3, number=4, StudyInstanceUID=f"{ROOT}.8.2", **{**SECRETS, "StudyDate": "20050110"}),
]
"""Three studies of three days; that of the first day has two series."""

WAYS = ("C-GET", "C-MOVE", "WADO-RS")


def node_of(archive: Archive, **settings: Any) -> Node:
    return replace(Node.parse(archive.url), timeouts=BRISK, **settings)


def verdicts(diagnosis: Diagnosis, *names: str) -> list[str]:
    return [diagnosis[name].verdict.value for name in names]


@pytest.fixture
def receiver() -> str:
    return f"{HOST}:{free_port()}"


def examined(quirks: str, **settings: Any) -> Diagnosis:
    with Archive(DATASETS, quirks=quirks) as archive:
        return examine(node_of(archive, **settings))


def test_an_archive_by_the_standard_has_nothing_to_cure_but_the_missing_tls() -> None:
    diagnosis = examined("")
    odd = {each.name for each in diagnosis.findings if each.verdict in (Verdict.BAD, Verdict.NOTABLE)}
    assert odd == {"TLS"}
    assert diagnosis.settings == {"model": "study", "associations": 4, "transports": ["get", "move", "dicomweb"]}
    assert diagnosis.obstacle is None


@pytest.mark.parametrize(
    ("quirks", "name", "words"),
    [
        ("accepts-any-ae", "called AE title", "a misspelt one is not noticed"),
        ("no-patient-root", "information models", "patient root: nothing"),
        ("no-study-root", "information models", "study root: nothing"),
        ("rejects-second-association", "simultaneous associations", "one association at a time"),
        ("implicit-only", "storage contexts", "1 of 11 lossless transfer syntaxes"),
        ("row-per-instance", "rows", "of 11 rows, 9 are doubles"),
        ("ignores-description", "descriptions", "it is not returned"),
        ("empties-description", "descriptions", "it is empty in all 2 series"),
        ("ignores-description", "matching descriptions", "it gives 2 series for a description that nothing has"),
        ("extra-rows", "matching descriptions", "it gives 1 series"),
        ("case-insensitive", "case", "in any case"),
        ("no-wildcards", "wildcards", "does not understand"),
        ("refuses-uid-lists", "UID lists", "0xC320"),
        ("drops-at-uid-lists", "UID lists", "aborted"),
        ("ignores-uid-lists", "UID lists", "gives 0 studies"),
        ("needs-study-uid", "series UID alone", "0xA900"),
        ("silent-without-study-uid", "series UID alone", "does not find"),
        ("no-counts", "counts", "tells no number"),
        ("wrong-counts", "counts", "it tells 5 instances of a series of which it lists 4"),
        ("counts-collapse-rows", "counts", "1 of 2 rows"),
        ("caps-at-2", "limit of studies", "stops at 2 studies, and says so"),
        ("caps-with-b001-at-2", "limit of studies", "stops at 2 studies, and says so"),
        ("caps-instances-at-5", "limit of instances", "stops at 5 instances"),
        ("caps-instances-silently-at-5", "limit of instances", "5 of 7 instances"),
        ("no-image-level", "limit of instances", "lists no instances"),
    ],
)
def test_a_quirk_with_which_we_cope_is_notable(quirks: str, name: str, words: str) -> None:
    diagnosis = examined(quirks)
    assert diagnosis[name].verdict is Verdict.NOTABLE
    assert words in diagnosis[name].words
    assert diagnosis.obstacle is None
    assert diagnosis["C-GET"].verdict is Verdict.GOOD


def test_a_rejection_for_now_is_told_and_waited_out() -> None:
    diagnosis = examined("rejects-transiently-1")
    assert diagnosis["association"].verdict is Verdict.NOTABLE
    assert (
        "after a first association was rejected for now (result 2, source 2, reason 1)"
        in diagnosis["association"].words
    )
    assert "allow more associations" in diagnosis["association"].cure
    assert diagnosis.obstacle is None


def test_a_rejection_that_lasts_is_told_with_what_it_may_be() -> None:
    diagnosis = examined("rejects-transiently-99")
    assert "rejected for now" in diagnosis["association"].words
    assert "try again, or ask the archive's administrator to allow more associations" in diagnosis["association"].cure
    assert isinstance(diagnosis.obstacle, errors.AssociationRejectedError)


def test_an_association_too_many_is_rejected_for_now_or_for_good() -> None:
    words = examined("rejects-second-association")["simultaneous associations"].words
    assert words == "it takes one association at a time; one more is rejected for now, so it is waited for"


GERMAN = {
    **FIRST_DAY,
    "SpecificCharacterSet": "ISO_IR 192",
    "PatientName": "Müller^Jürgen",
    "SeriesDescription": "Schädel",
}


@pytest.mark.parametrize(
    ("quirks", "verdict", "words", "settings"),
    [
        ("", Verdict.GOOD, "text beyond ASCII can be read: it comes in ISO_IR 192", {}),
        ("upper-cases-text", Verdict.GOOD, "it comes in ISO_IR 192", {}),
        ("no-charset", Verdict.NOTABLE, "it is ISO_IR 192, as an instance shows", {"character_set": "ISO_IR 192"}),
        (
            "invalid-charset",
            Verdict.NOTABLE,
            "in ISO-IR 6, which it is not; it is ISO_IR 192",
            {"character_set": "ISO_IR 192"},
        ),
        ("no-charset, no-cget", Verdict.BAD, "names no character set; what it tells decides nothing", {}),
        ("wrong-charset", Verdict.NOTABLE, "another PatientName, SeriesDescription than an instance has", {}),
        ("loses-utf8", Verdict.NOTABLE, "another PatientName, SeriesDescription than an instance has", {}),
        ("questions-utf8", Verdict.NOTABLE, "another PatientName, SeriesDescription than an instance has", {}),
        ("loses-utf8, no-cget", Verdict.UNKNOWN, "no text that was looked at goes beyond ASCII", {}),
    ],
)
def test_text_beyond_ascii_is_compared_with_an_instance(
    quirks: str, verdict: Verdict, words: str, settings: dict[str, str]
) -> None:
    with Archive(series("CT", 2, **GERMAN), quirks=quirks) as archive:
        finding = examine(node_of(archive))["character sets"]
    assert finding.verdict is verdict
    assert words in finding.words
    assert finding.settings == settings
    assert not any(secret in f"{finding.words} {finding.cure}" for secret in ("Müller", "Schädel"))


@pytest.mark.parametrize(
    ("quirks", "verdict", "words"),
    [
        ("", Verdict.GOOD, "finds a series by a description beyond ASCII"),
        ("ignores-description", Verdict.UNKNOWN, "no series tells a description beyond ASCII"),
        ("no-charset", Verdict.UNKNOWN, "no series tells a description beyond ASCII"),
    ],
)
def test_text_beyond_ascii_is_asked_for(quirks: str, verdict: Verdict, words: str) -> None:
    with Archive(series("CT", 2, **GERMAN), quirks=quirks) as archive:
        finding = examine(node_of(archive))["matching characters"]
    assert (finding.verdict, words in finding.words) == (verdict, True)


def test_rows_in_place_of_others_show_when_one_is_asked_for_alone() -> None:
    datasets = [each for number in (1, 2) for each in series("CT", 2, number=number)]
    with Archive(datasets, quirks="overwrites-rows") as archive:
        finding = examine(node_of(archive))["rows"]
    assert finding.verdict is Verdict.BAD
    assert "2 rows, but only 1 different: it sends some in place of others" in finding.words
    assert "dicomweb=" in finding.cure


def test_a_limit_without_a_word_shows_when_halves_are_asked_for() -> None:
    finding = examined("caps-silently-at-2")["limit of studies"]
    assert finding.verdict is Verdict.BAD
    assert "2 studies in all, but 1 and 2 by halves" in finding.words
    assert "narrow" in finding.cure


@pytest.mark.parametrize(
    ("quirks", "words", "kind"),
    [
        ("no-cget", "no presentation context", errors.NoPresentationContextError),
        ("lies-about-success", "the archive said: success", errors.IncompleteSeriesError),
        ("unsendable-by-cget-1", "0xA702", errors.IncompleteSeriesError),
    ],
)
def test_without_any_way_for_instances_the_archive_cannot_be_used(quirks: str, words: str, kind: type) -> None:
    diagnosis = examined(quirks)
    assert words in diagnosis["C-GET"].words
    assert "receiver=" in diagnosis["C-GET"].cure
    assert "transports" not in diagnosis.settings
    assert isinstance(diagnosis.obstacle, kind)


def test_without_any_query_the_archive_cannot_be_used() -> None:
    diagnosis = examined("no-study-root, no-patient-root")
    assert [finding.name for finding in diagnosis.findings] == ["association", "information models"]
    assert isinstance(diagnosis.obstacle, errors.NoPresentationContextError)


def test_an_archive_of_patient_root_alone_is_asked_so() -> None:
    diagnosis = examined("no-study-root")
    assert diagnosis.settings["model"] == "patient"
    assert verdicts(diagnosis, "studies", "counts", "date ranges", "C-GET") == ["good"] * 4


def test_an_archive_that_needs_a_patient_is_examined_about_one() -> None:
    with Archive(DATASETS, quirks="needs-patient-id, no-study-root") as archive:
        lost = examine(node_of(archive))
        helped = examine(node_of(archive), patient_id=SECRETS["PatientID"])
    assert "--patient-id" in lost["studies"].cure
    assert "by our AE title 'ITKDICOMQR'" in lost["studies"].cure
    assert isinstance(lost.obstacle, errors.StatusError)
    assert helped.obstacle is None
    assert helped["C-GET"].verdict is Verdict.GOOD


def test_one_study_may_be_asked_about() -> None:
    with Archive(DATASETS) as archive:
        diagnosis = examine(node_of(archive), study_uid=f"{ROOT}.8.2")
    assert diagnosis["studies"].words == "the newest 1 found, one of them with 1 series"


def test_an_empty_archive_may_be_usable() -> None:
    with Archive([]) as archive:
        diagnosis = examine(node_of(archive))
    assert diagnosis["studies"].verdict is Verdict.UNKNOWN
    assert diagnosis.obstacle is None
    assert "transports" not in diagnosis.settings
    assert not {"C-GET", "rows"} & {finding.name for finding in diagnosis.findings}


def test_a_move_that_arrives_is_the_way_when_c_get_is_not(receiver: str) -> None:
    port = int(receiver.rpartition(":")[2])
    with Archive(DATASETS, quirks="no-cget", destinations={AE_TITLE: (HOST, port)}) as archive:
        diagnosis = examine(node_of(archive, receiver=receiver))
    assert verdicts(diagnosis, *WAYS) == ["bad", "good", "unknown"]
    assert diagnosis.settings["transports"] == ["move", "dicomweb"]
    assert diagnosis.obstacle is None


def test_a_move_that_brings_nothing_is_told(receiver: str) -> None:
    diagnosis = examined("move-unknown-destination", receiver=receiver)
    assert verdicts(diagnosis, *WAYS) == ["good", "bad", "unknown"]
    assert diagnosis.settings["transports"] == ["get", "dicomweb"]
    assert diagnosis.obstacle is None


@pytest.mark.parametrize(
    "preset", ["like-orthanc", "like-dcmqrscp", "like-qrscp", "like-tiny-pacs", "like-pixelmed", "like-ctn"]
)
def test_every_archive_that_was_looked_at_can_be_used(preset: str) -> None:
    assert examined(preset).obstacle is None


def test_orthanc_offers_every_way(tmp_path: Path, receiver: str) -> None:
    web, port = free_port(), int(receiver.rpartition(":")[2])
    settings = {
        "HttpPort": web,
        "Plugins": [require_dicomweb()],
        "DicomWeb": {"Enable": True, "Root": "/dicom-web/"},
        "DicomModalities": {"us": [AE_TITLE, HOST, port]},
        "LimitFindResults": 2,
    }
    url = f"http://{HOST}:{web}/dicom-web"
    with orthanc(tmp_path, DATASETS, **settings) as archive:
        diagnosis = examine(replace(archive.node, receiver=receiver, dicomweb=url, timeouts=BRISK))
        by_web = examine(replace(archive.node, ae_title="", dicomweb=url, transports=("dicomweb",), timeouts=BRISK))
    assert verdicts(diagnosis, *WAYS, "QIDO-RS", "C-GET by UID list") == ["good"] * 5
    assert "stops at 2 studies" in diagnosis["limit of studies"].words
    assert "(not )" not in diagnosis["storage contexts"].words
    assert diagnosis.settings["transports"] == ["get", "move", "dicomweb"]
    assert [(each.name, each.verdict) for each in by_web.findings] == [
        (name, "good") for name in ("studies", "QIDO-RS", "WADO-RS")
    ]
    assert by_web.settings == {"transports": ["dicomweb"]}


def test_dcmqrscp_hides_descriptions_and_counts(tmp_path: Path, receiver: str) -> None:
    destinations = {AE_TITLE: (HOST, int(receiver.rpartition(":")[2]))}
    with dcmqrscp(tmp_path, DATASETS, destinations) as archive:
        diagnosis = examine(replace(archive.node, receiver=receiver, timeouts=BRISK))
        lost = examine(replace(archive.node, receiver=f"{HOST}:{free_port()}", timeouts=BRISK))
    assert verdicts(diagnosis, "descriptions", "matching descriptions", "counts") == ["notable"] * 3
    assert verdicts(diagnosis, "C-GET", "C-MOVE", "called AE title") == ["good"] * 3
    assert "nobody connected to our receiver" in lost["C-MOVE"].words
    assert AE_TITLE in lost["C-MOVE"].words


def test_secured_channels_are_told_there_and_back(tmp_path: Path, authority: Authority, receiver: str) -> None:
    us: dict[str, Any] = {"Host": HOST, "Port": int(receiver.rpartition(":")[2])}
    known = {
        "secured": {**us, "AET": AE_TITLE, "UseDicomTls": True},
        "plain": {**us, "AET": "PLAIN", "UseDicomTls": False},
    }
    settings = {**authority.orthanc(), "DicomModalities": known}
    with secured_orthanc(tmp_path, DATASETS, authority.trusted(authority.issue(HOST)), settings) as archive:
        node = replace(archive.node, receiver=receiver, timeouts=BRISK)
        secured = examine(node)
        plain = examine(replace(node, receiver_tls=False, calling_ae_title="PLAIN"))
    assert verdicts(secured, "TLS", "C-MOVE") == ["good", "good"]
    assert secured["TLS"].words.startswith("TLSv1.")
    assert secured["C-MOVE"].words.endswith(f"to our receiver at {receiver}, by TLS")
    assert verdicts(plain, "TLS", "C-MOVE") == ["good", "notable"]
    assert "not encrypted" in plain["C-MOVE"].words
    assert "receiver_tls=TLS(certificate=" in plain["C-MOVE"].cure


def test_a_wrong_ae_title_is_told_with_its_cure(demo_archive: Archive) -> None:
    diagnosis = examine(replace(node_of(demo_archive), ae_title="WRONG"))
    (finding,) = diagnosis.findings
    assert (finding.name, finding.verdict) == ("association", "bad")
    assert "it is not called 'WRONG'" in finding.words
    assert isinstance(diagnosis.obstacle, errors.AssociationRejectedError)


def test_where_nobody_listens_is_told() -> None:
    diagnosis = examine(Node(HOST, free_port(), "NOBODY", timeouts=BRISK))
    assert "check host and port" in diagnosis["association"].words
    assert isinstance(diagnosis.obstacle, errors.ConnectError)


@pytest.fixture
def web_server() -> Iterator[int]:
    """A server that takes whatever is said for a bad HTTP request."""
    with socket.create_server((HOST, 0)) as listener:

        def answer() -> None:
            with closing(listener.accept()[0]) as connection:
                connection.recv(1 << 16)
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")

        thread = threading.Thread(target=answer)
        thread.start()
        yield listener.getsockname()[1]
        thread.join()


def test_a_port_of_another_protocol_is_told(web_server: int) -> None:
    diagnosis = examine(Node(HOST, web_server, "WEB", timeouts=BRISK))
    assert diagnosis["association"].verdict is Verdict.BAD
    assert isinstance(diagnosis.obstacle, errors.NetworkError)


def test_it_ends_in_time() -> None:
    with Archive(DATASETS, quirks="slow-first-response=0.4") as archive:
        diagnosis = examine(node_of(archive), seconds=2)
    late = [each for each in diagnosis.findings if each.words == "there was no time left"]
    assert late
    assert {each.verdict for each in late} == {Verdict.UNKNOWN}
    assert isinstance(diagnosis.obstacle, errors.DeadlineError)


def test_an_archive_that_never_answers_is_not_waited_for() -> None:
    with socket.create_server((HOST, 0)) as silent:
        diagnosis = examine(Node(HOST, silent.getsockname()[1], "SILENT", timeouts=BRISK), seconds=0.3)
    assert [finding.name for finding in diagnosis.findings] == ["association"]
    assert isinstance(diagnosis.obstacle, errors.DeadlineError)


@pytest.mark.parametrize("quirks", ["", "like-qrscp", "upper-cases-text", "extra-rows", "lies-about-success"])
def test_no_patient_data_is_told(
    quirks: str, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    with caplog.at_level(logging.DEBUG):
        diagnosis = examined(quirks)
    told = f"{diagnosis!r}{diagnosis.to_dict()}{diagnosis.obstacle!r}".upper() + str(capfd.readouterr()).upper()
    ours = "".join(record.getMessage() for record in caplog.records if record.name.startswith("itkdicomqr")).upper()
    for secret in (*SECRETS.values(), "Secret Axial", "20050106", "20050110"):
        assert secret.upper() not in told + ours


def test_nothing_is_changed() -> None:
    with Archive(DATASETS) as archive:
        before = [instance.encoded for instance in archive.instances]
        examine(node_of(archive))
        assert [instance.encoded for instance in archive.instances] == before

"""Patient data stays out of logs, warnings, streams and the texts of errors."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import repeat
from pathlib import Path
from typing import Any

import pytest

from itkdicomqr import (
    Client,
    ConnectError,
    CriteriaError,
    DICOMQRError,
    Node,
    NoMatchError,
    StatusError,
    TruncatedMatchesError,
    read_volumes,
)
from itkdicomqr.association.dimse import Field
from itkdicomqr.node import TRANSPORTS
from tests.faults import COMMENT, HEAR, INSTANCES, PATIENT, acceptance, playing, response
from tests.retrieval.coming import brought
from tests.scenes import FAULTS, LIMITS
from tests.servers import HOST, RunningArchive, free_port
from tests.synthetic import series
from tests.test_archives import STARTS
from tests.test_table_of_archives import web_orthanc

SECRETS: dict[str, Any] = {
    "PatientName": "Mustermann^Erika",
    "PatientID": "QX-48151623",
    "PatientBirthDate": "19640229",
    "AccessionNumber": "ACC7719",
    "ReferringPhysicianName": "Semmelweis^I",
    "StudyDescription": "Secret study",
    "SeriesDescription": "Secret series",
}
MALFORMED: dict[str, Any] = {
    "PatientName": "Mustermann^Erika" + "^x" * 40,
    "StudyTime": "99-secret-99",
    "AccessionNumber": "ACC7719" * 4,
}
"""Values over which pydicom warns when it converts them."""
COMMENTED = ("Doe", "Jane", "forged line")
"""Words of the Error Comment that a server of faults may send."""

assert all(words in COMMENT for words in COMMENTED)

OF_FAULTS = (
    *(str(INSTANCES[0].dataset[keyword].value) for keyword in ("PatientName", "SeriesDescription")),
    *COMMENTED,
)
"""What a server of faults may tell."""


@pytest.fixture(scope="module", params=STARTS)
def archive(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningArchive]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        good = series("CT", 3, number=80, **SECRETS)
        bad = series("CT", 3, number=81, **{**SECRETS, **MALFORMED, "SeriesDescription": "Secret other"})
        folder = tmp_path_factory.mktemp(request.param)
        with STARTS[request.param](folder, [*good, *bad]) as running:
            yield running


CALLS: dict[str, tuple[Callable[[Client], Any], type[DICOMQRError] | None]] = {
    "find": (lambda client: repr(client.find_series(SECRETS["PatientID"])) and None, None),
    "load": (lambda client: client.load_series(SECRETS["PatientID"], series_number=80), None),
    "load malformed": (lambda client: client.load_series(SECRETS["PatientID"], series_number=81), None),
    "no match": (lambda client: client.load_series("another", series_number=80), NoMatchError),
    "bad criterion": (lambda client: client.load_series("another*"), CriteriaError),
    "wrong port": (lambda _: Client(Node("127.0.0.1", 1, "NOBODY")).find_series("another"), ConnectError),
    "echo": (lambda client: client.echo(), None),
}
"""What is called, and the error in which it ends."""


@pytest.fixture
def leaked(caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> Callable[..., list[str]]:
    """Do something, and tell which secrets it told to a log, a warning, a stream, a result or an error."""

    def secrets_of(call: Callable[[], Any], kind: type[DICOMQRError] | None = None) -> list[str]:
        caplog.set_level(logging.DEBUG)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            told = repr(call()) if kind is None else _error_of(call, kind)
        printed = "".join(capfd.readouterr())
        said = "\n".join([caplog.text, *(str(each.message) for each in caught), printed, told])
        return [secret for secret in secrets() if secret in said]

    return secrets_of


def _error_of(call: Callable[[], Any], kind: type[DICOMQRError]) -> str:
    with pytest.raises(kind) as caught:
        call()
    return f"{caught.value} {caught.value!r}"


@pytest.mark.parametrize("call", CALLS)
def test_no_patient_data_reaches_a_log_a_warning_a_stream_or_an_error(
    archive: RunningArchive, call: str, leaked: Callable[..., list[str]]
) -> None:
    made, kind = CALLS[call]

    assert leaked(lambda: made(Client(archive.node)), kind) == []


def failing(kind: type[DICOMQRError], call: Callable[[], Any], leaked: Callable[..., list[str]]) -> Any:
    """Expect an error, and that no secret reaches anything else; give it."""
    errors = []

    def fails() -> None:
        with pytest.raises(DICOMQRError) as caught:
            call()
        errors.append(caught.value)

    assert leaked(fails) == []
    (error,) = errors
    assert isinstance(error, kind)
    return error


def secrets_in(error: DICOMQRError) -> set[str]:
    return {secret for secret in secrets() if secret in f"{error} {error!r}"}


def test_a_search_that_fails_tells_what_is_there_instead_and_nobody(
    archive: RunningArchive, leaked: Callable[..., list[str]]
) -> None:
    client = Client(archive.node)
    error = failing(
        NoMatchError, lambda: client.load_series(SECRETS["PatientID"], description="no such series"), leaked
    )
    assert error.lost_by == "description"
    assert secrets_in(error) - {SECRETS["PatientID"]} == {SECRETS["SeriesDescription"]}


@pytest.mark.parametrize("words", [{"date": "1999"}, {"accession_number": "none"}, {"patient_name": "Nobody*"}])
def test_a_study_that_is_not_found_tells_dates_and_nobody(
    archive: RunningArchive, words: dict[str, Any], leaked: Callable[..., list[str]]
) -> None:
    client = Client(archive.node)
    error = failing(NoMatchError, lambda: client.load_series(SECRETS["PatientID"], **words), leaked)
    assert [error.lost_by] == [*words]
    assert secrets_in(error) <= {SECRETS["PatientID"]}


@pytest.mark.parametrize(
    "tell", [print, logging.getLogger("other").debug, warnings.warn, str], ids=["print", "log", "warn", "give"]
)
def test_what_is_told_is_seen(tell: Callable[[str], Any], leaked: Callable[..., list[str]]) -> None:
    assert leaked(lambda: tell("ACC7719")) == ["ACC7719"]


@pytest.fixture(scope="module")
def every_way(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    """An archive that offers every transport."""
    port = free_port()
    with web_orthanc(tmp_path_factory.mktemp("web"), series("CT", 3, number=80, **SECRETS), port) as running:
        yield replace(running.node, receiver=f"{HOST}:{port}")


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_no_transport_tells_patient_data(every_way: Node, transport: str, leaked: Callable[..., list[str]]) -> None:
    client = Client(every_way, transport=transport)

    assert leaked(lambda: client.load_series(SECRETS["PatientID"], toolkit="volume")) == []


def test_dicomweb_alone_tells_no_patient_data(every_way: Node, leaked: Callable[..., list[str]]) -> None:
    client = Client(Node.parse(every_way.dicomweb))

    assert leaked(lambda: client.load_series(SECRETS["PatientID"], toolkit="volume")) == []
    assert leaked(lambda: client.load_series("another", series_number=80), NoMatchError) == []


@pytest.mark.parametrize("fault", [name for name, (_, _, timeouts) in FAULTS.items() if timeouts is PATIENT])
def test_no_fault_tells_patient_data(fault: str, leaked: Callable[..., list[str]]) -> None:
    scene, kind, timeouts = FAULTS[fault]

    with playing(scene) as stage:
        node = stage.node(timeouts, LIMITS)
        assert leaked(lambda: read_volumes(brought(node, heal=False)), kind) == []


@pytest.mark.parametrize(("status", "kind"), [(0xA700, StatusError), (0xB001, TruncatedMatchesError)])
def test_no_comment_on_a_query_is_told(status: int, kind: type[DICOMQRError], leaked: Callable[..., list[str]]) -> None:
    commenting = (HEAR, acceptance(), repeat((HEAR, response(Field.C_FIND_RSP, status, ERROR_COMMENT=COMMENT))))
    with playing(commenting) as stage:
        error = failing(kind, lambda: Client(stage.node()).find_series("another"), leaked)
    assert secrets_in(error) == set()
    assert all(words in error.server_comment for words in COMMENTED)


def test_a_representation_shows_no_name(archive: RunningArchive) -> None:
    client = Client(archive.node)
    table = client.find_series(SECRETS["PatientID"])
    instances = client.retrieve(table[0])

    assert table[0].PatientName is not None
    for shown in (repr(table), table._repr_html_(), repr(table[0]), repr(instances), str(table.to_dicts())):
        assert "Mustermann" not in shown


def secrets() -> list[str]:
    """Every value, and the parts of names."""
    values = [*SECRETS.values(), *MALFORMED.values()]
    return [*values, *OF_FAULTS, "Mustermann", "Erika", "Semmelweis", "99-secret-99"]


def test_no_file_of_the_package_configures_logging() -> None:
    package = Path(__file__).parent.parent / "itkdicomqr"

    for source in package.rglob("*.py"):
        assert "basicConfig" not in source.read_text(), source

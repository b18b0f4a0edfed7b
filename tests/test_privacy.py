"""Patient data stays out of logs, warnings, streams and the texts of errors."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from itkdicomqr import Client, DICOMQRError, Node
from tests.servers import RunningArchive
from tests.synthetic import series
from tests.test_archives import STARTS

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


@pytest.fixture(scope="module", params=STARTS)
def archive(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningArchive]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        good = series("CT", 3, number=80, **SECRETS)
        bad = series("CT", 3, number=81, **{**SECRETS, **MALFORMED, "SeriesDescription": "Secret other"})
        folder = tmp_path_factory.mktemp(request.param)
        with STARTS[request.param](folder, [*good, *bad]) as running:
            yield running


CALLS: dict[str, Callable[[Client], Any]] = {
    "find": lambda client: repr(client.find_series(SECRETS["PatientID"])) and None,
    "load": lambda client: client.load_series(SECRETS["PatientID"], series_number=80),
    "load malformed": lambda client: client.load_series(SECRETS["PatientID"], series_number=81),
    "no match": lambda client: client.load_series("another", series_number=80),
    "bad criterion": lambda client: client.load_series("another*"),
    "wrong port": lambda _: Client(Node("127.0.0.1", 1, "NOBODY")).find_series("another"),
    "echo": lambda client: client.echo(),
}


@pytest.mark.parametrize("call", CALLS)
def test_no_patient_data_reaches_a_log_a_warning_a_stream_or_an_error(
    archive: RunningArchive, call: str, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            result = CALLS[call](Client(archive.node))
            told = repr(result) if "load" in call else ""
        except DICOMQRError as error:
            told = f"{error} {error!r} {error.server_comment}"

    printed = "".join(capfd.readouterr())
    said = "\n".join([caplog.text, *(str(each.message) for each in caught), printed, told])
    assert [secret for secret in secrets() if secret in said] == []


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
    return [*values, "Mustermann", "Erika", "Semmelweis", "99-secret-99"]


def test_no_file_of_the_package_configures_logging() -> None:
    package = Path(__file__).parent.parent / "itkdicomqr"

    for source in package.rglob("*.py"):
        assert "basicConfig" not in source.read_text(), source

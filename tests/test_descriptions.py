"""One description, every archive: the right series or none, whatever the archive matches, hides or loses."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path

import pytest
from pydicom.dataset import Dataset

from itkdicomqr import Client, NoMatchError
from tests.rare_servers import ctn, nightly, orthanc_on_postgresql, pixelmed, tiny_pacs
from tests.servers import RunningArchive, dcmqrscp, embedded, orthanc, qrscp
from tests.synthetic import ROOT, series

Start = Callable[[Path, Sequence[Dataset]], AbstractContextManager[RunningArchive]]


def imitated(quirks: str, _: Path, datasets: Sequence[Dataset]) -> AbstractContextManager[RunningArchive]:
    return embedded(datasets, quirks=quirks)


LIKE = ("like-orthanc", "like-dcmqrscp", "like-qrscp", "like-tiny-pacs", "like-pixelmed", "like-ctn")
ARCHIVES: dict[str, Start] = {
    "Orthanc": orthanc,
    "Orthanc, Latin-1": partial(orthanc, DefaultEncoding="Latin1"),
    "Orthanc, ASCII": partial(orthanc, DefaultEncoding="Ascii"),
    "dcmqrscp": dcmqrscp,
    "qrscp": qrscp,
    **{name: partial(imitated, name) for name in ("", *LIKE)},
}
RARE: dict[str, Start] = {
    "Orthanc, PostgreSQL": orthanc_on_postgresql,
    "tiny-pacs": tiny_pacs,
    "pixelmed": pixelmed,
    "CTN": ctn,
}

UTF_8 = "ISO_IR 192"
DESCRIPTIONS = {
    1: "Chest-- PA & Lateral",
    2: "AX T1 POST",
    3: "AX T1",
    4: "T2* map",
    5: "T2 map",
    6: "Why? (repeat)",
    7: "Übersicht",
    8: "",
    9: "肺部",
}
"""By series number; some differ only where a wildcard, or a lost character, would not tell them apart."""

PATTERNS = {
    "Chest-- PA & Lateral": 1,  # exact
    "AX T1": 3,  # the beginning of another
    "chest-- pa & LATERAL": 1,  # other case
    "  AX T1 ": 3,  # spaces around it
    "chest*": 1,
    "*POST": 2,
    "A? ?1": 3,
    "Wh??(repeat)": None,  # one character too few
    "T2* map": 4,  # literal, though it would match another
    "Why? (repeat)": 6,
    "übersicht": 7,
    "?bersicht": 7,
    "肺部": 9,
    "": 8,
    "Chest": None,
    "NOSUCH": None,
    "[A]X T1": None,
}


def holding() -> list[Dataset]:
    return [
        dataset
        for number, text in DESCRIPTIONS.items()
        for dataset in series(
            "MR", 1, number=number, SeriesDescription=text, SpecificCharacterSet=UTF_8, StudyDescription="Knee"
        )
    ] + series(
        "MR",
        1,
        number=20,
        PatientID="SYN-2",
        StudyInstanceUID=f"{ROOT}.1.20",
        SeriesDescription="NOSUCH",
        AccessionNumber="2",
    )


@pytest.fixture(scope="module", params=[*ARCHIVES, *nightly(*RARE)])
def client(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """A client of an archive that holds the nine series of one study, and another patient's."""
    with (ARCHIVES | RARE)[request.param](tmp_path_factory.mktemp("archive"), holding()) as archive:
        yield Client(archive.node)


@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_description_finds_the_right_series_or_none(client: Client, pattern: str) -> None:
    wanted = PATTERNS[pattern]
    table = client.find_series("SYN-1", "2005-01-06", pattern)

    if wanted is None:
        with pytest.raises(NoMatchError):
            table.one()
    else:
        assert table.one().SeriesInstanceUID == f"{ROOT}.2.{wanted}"

"""Cohorts: an image or an error a row, in order, a few at a time, by whatever loads."""

from __future__ import annotations

import csv
import multiprocessing
import signal
import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import replace
from multiprocessing.pool import ThreadPool
from typing import Any

import itk
import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813

from itkdicomqr import (
    AmbiguousSeriesError,
    ConnectError,
    CriteriaError,
    DICOMQRError,
    DICOMQRWarning,
    IncompleteSeriesError,
    InputError,
    LimitExceededError,
    Limits,
    MultipleVolumesError,
    Node,
    NodeError,
    NoMatchError,
    Row,
    Volume,
    find_series,
    load_cohort,
    load_series,
)
from itkdicomqr.association.turns import HAS_TURNS
from itkdicomqr.cohort import LOOK_AHEAD
from itkdicomqr.node import DEFAULT_CALLING_AE_TITLE
from itkdicomqr.testing import Archive
from tests.servers import HOST, free_port

NOBODY = "NOBODY@127.0.0.1:1"
CHEST = {"patient_id": "99999", "date": "2005", "description": "Chest-- PA & Lateral"}
SAGITTAL = {"patient_id": "99999", "date": "2022", "description": "T1 SAG"}
PHASES = {"patient_id": "99999", "date": "2021", "description": "AX 4D"}
SEVERAL = {"patient_id": "99999", "date": "2021", "description": None}
ABSENT = {"patient_id": "00000", "date": None, "description": "T1 SAG"}
MIXED: list[dict[str, Any]] = [SAGITTAL, ABSENT, CHEST, SEVERAL, PHASES]
KINDS = [Volume, NoMatchError, Volume, AmbiguousSeriesError, MultipleVolumesError]


def in_processes(count: int = 1) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(count, multiprocessing.get_context("spawn"))


def kinds(loaded: Iterable[tuple[Any, Any]]) -> list[type]:
    return [type(image) for _, image in loaded]


def test_each_row_gives_its_image_or_its_error_in_order(demo_archive: Archive) -> None:
    loaded = list(load_cohort(MIXED, pacs=demo_archive.url, toolkit="volume"))
    assert [row for row, _ in loaded] == MIXED
    assert kinds(loaded) == KINDS


def test_threads_give_the_same(demo_archive: Archive) -> None:
    with ThreadPoolExecutor(3) as executor:
        loaded = list(load_cohort(MIXED, pacs=demo_archive.url, toolkit="volume", executor=executor))
    assert [row for row, _ in loaded] == MIXED
    assert kinds(loaded) == KINDS


def test_processes_give_the_same_and_the_toolkit_s_images_are_made_here(demo_archive: Archive) -> None:
    with in_processes() as executor:
        loaded = list(load_cohort(MIXED, pacs=demo_archive.url, executor=executor))
    expected: Any = load_series(*SAGITTAL.values(), pacs=demo_archive.url)
    image = loaded[0][1]
    assert isinstance(image, itk.Image[itk.US, 3])
    assert np.array_equal(itk.array_from_image(image), itk.array_from_image(expected))
    assert image.GetMetaDataDictionary().GetKeys() == expected.GetMetaDataDictionary().GetKeys()
    assert itk.spacing(image) == itk.spacing(expected)
    assert kinds(loaded)[1::2] == KINDS[1::2]
    ambiguous = loaded[3][1]
    assert len(ambiguous.candidates) > 1
    assert loaded[4][1].volumes


@pytest.mark.parametrize("toolkit", ["itk", "simpleitk", "volume"])
def test_rows_of_a_search_go_in(demo_archive: Archive, toolkit: str) -> None:
    table = find_series("99999", "2022", pacs=demo_archive.url)
    types = {"itk": itk.Image[itk.US, 3], "simpleitk": sitk.Image, "volume": Volume}
    loaded = list(load_cohort(table, toolkit=toolkit))
    assert [row for row, _ in loaded] == [*table]
    assert isinstance(loaded[0][1], types[toolkit])


def test_rows_of_a_data_frame_go_in(demo_archive: Archive) -> None:
    table = find_series("99999", "2022", pacs=demo_archive.url)
    rows: list[dict[str, Any]] = [
        table.to_dicts()[0],
        {"PatientID": "99999", "StudyDate": "2022", "SeriesNumber": float(table[0].SeriesNumber or "nan")},
        {"patient_id": "99999", "date": "2022", "series_number": float(table[0].SeriesNumber or "nan")},
        {"patient_id": "99999", "date": "2022", "BodyPartExamined": float("nan"), "SeriesDescription": "T1 SAG"},
    ]
    loaded = [image for _, image in load_cohort(rows, pacs=demo_archive.url, toolkit="volume")]
    expected = load_series(series=table[0], toolkit="volume")
    assert [np.array_equal(np.asarray(image), expected.array) for image in loaded] == [True] * 4


def mapped_by_threads(load: Callable[[Any], Any], rows: Iterable[Any]) -> Iterator[Any]:
    with ThreadPool(2) as pool:
        yield from pool.imap(load, rows)


@pytest.mark.parametrize("by", [map, mapped_by_threads])
def test_anything_called_like_map_may_load(demo_archive: Archive, by: Any) -> None:
    loaded = load_cohort(iter(MIXED), pacs=demo_archive.url, map=by, toolkit="simpleitk")
    assert kinds(loaded) == [sitk.Image if kind is Volume else kind for kind in KINDS]


def test_rows_of_a_csv_file_go_in(demo_archive: Archive) -> None:
    rows = csv.DictReader(["patient_id,date,series_number", "99999,2005-01-06,1"])
    assert kinds(load_cohort(rows, pacs=demo_archive.url, toolkit="volume")) == [Volume]


def test_an_empty_cell_is_an_empty_value_unless_it_is_left_out(demo_archive: Archive) -> None:
    rows = [*csv.DictReader(["patient_id,date,description", "99999,2005,", ",2005,Chest*"])]
    loaded = kinds(load_cohort(rows, pacs=demo_archive.url, toolkit="volume"))
    without = ({name: cell or None for name, cell in row.items()} for row in rows)
    assert loaded == [NoMatchError, CriteriaError]
    assert kinds(load_cohort(without, pacs=demo_archive.url, toolkit="volume")) == [Volume, Volume]


def test_options_are_of_all_rows_or_of_one(demo_archive: Archive) -> None:
    rows: list[dict[str, Any]] = [{**PHASES, "volume": 1}, PHASES, {**PHASES, "stack": True}]
    loaded = [image for _, image in load_cohort(rows, pacs=demo_archive.url, toolkit="volume", volume=0)]
    whole = load_cohort(rows[1:2], pacs=demo_archive.url, toolkit="volume", stack=True, dtype="float32")
    ((_, stacked),) = whole
    first, second = loaded[1], loaded[0]
    assert np.array_equal(stacked.array, [first.array, second.array])
    assert loaded[2].dimension == 4


@pytest.mark.parametrize(
    "choice", [{"heal": False}, {"partial": True}, {"allow_lossy": True}, {"transport": "get"}, {"associations": 2}]
)
def test_how_a_series_may_come_is_chosen_for_all_rows(demo_archive: Archive, choice: dict[str, Any]) -> None:
    assert kinds(load_cohort([SAGITTAL], pacs=demo_archive.url, toolkit="volume", **choice)) == [Volume]


def test_a_row_may_come_in_part() -> None:
    with Archive(quirks="unsendable-by-cget=1") as archive:
        rows = [SAGITTAL, SAGITTAL | {"partial": True}]
        with pytest.warns(DICOMQRWarning) as told:
            loaded = kinds(load_cohort(rows, pacs=archive.url, toolkit="volume", gaps="pad"))
    assert loaded == [IncompleteSeriesError, Volume]
    assert any("1 of 40 listed instances did not come" in str(each.message) for each in told)


def counted(rows: Iterable[Any], taken: list[Any]) -> Iterator[Any]:
    for row in rows:
        taken.append(row)
        yield row


def test_one_row_at_a_time_is_loaded_by_default() -> None:
    taken: list[Any] = []
    loaded = load_cohort(counted([CHEST] * 9, taken), pacs=NOBODY)
    assert taken == []
    next(loaded)
    assert len(taken) == 1


@pytest.mark.parametrize("look_ahead", [1, 3])
def test_an_executor_has_few_rows_in_hand(look_ahead: int) -> None:
    taken: list[Any] = []
    with ThreadPoolExecutor(8) as executor:
        loaded = load_cohort(counted([CHEST] * 9, taken), pacs=NOBODY, executor=executor, look_ahead=look_ahead)
        for count, (_, error) in enumerate(loaded, 1):
            assert isinstance(error, ConnectError)
            assert len(taken) == min(9, count + look_ahead - 1)
        assert count == 9


class Idle(ThreadPoolExecutor):
    """Begins nothing."""

    def __init__(self) -> None:
        super().__init__(1)
        self.given: list[Future[Any]] = []

    def submit(self, *_: Any, **__: Any) -> Future[Any]:
        self.given.append(Future())
        if len(self.given) == 1:
            self.given[0].set_result((CHEST, DICOMQRError("first")))
        return self.given[-1]


def test_what_has_not_begun_when_the_loop_ends_is_cancelled() -> None:
    with Idle() as executor:
        for _ in load_cohort([CHEST] * 9, pacs=NOBODY, executor=executor, look_ahead=3):
            break
        assert [future.cancelled() for future in executor.given] == [False, True, True]


@pytest.fixture
def interrupting() -> Iterator[str]:
    """An archive that never answers, and interrupts this process when it is asked."""
    main_thread = threading.get_ident()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def interrupt() -> None:
            with server.accept()[0] as connection:
                connection.recv(1)
                signal.pthread_kill(main_thread, signal.SIGINT)
                while connection.recv(4096):
                    pass

        thread = threading.Thread(target=interrupt)
        thread.start()
        yield f"STALLED@127.0.0.1:{server.getsockname()[1]}"
        thread.join()


@pytest.mark.parametrize("workers", [0, 1])
def test_an_interruption_ends_it_all(interrupting: str, workers: int) -> None:
    taken: list[Any] = []
    with ThreadPoolExecutor(1) as pool:
        rows = counted([CHEST] * 9, taken)
        loaded = load_cohort(rows, pacs=interrupting, executor=pool if workers else None, connect_timeout=5)
        with pytest.raises(KeyboardInterrupt):
            next(loaded)
        assert next(loaded, None) is None
    assert 1 <= len(taken) <= (LOOK_AHEAD if workers else 1)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"patient_id": "99*"}, "wildcard"),
        ({}, "no criterion was given"),
        (("99999", "2005"), "type tuple is neither of find_series nor a mapping"),
        (CHEST | {"toolkit": "vtk"}, "there are 'itk'"),
        (CHEST | {None: ["more"]}, "cells without a column"),
        (CHEST | {"volume": "1"}, "neither an index nor a mapping"),
    ],
)
def test_a_row_that_cannot_be_meant_gives_its_error(row: Any, reason: str) -> None:
    ((given, error),) = load_cohort([row], pacs=NOBODY)
    assert given is row
    assert isinstance(error, InputError)
    assert reason in str(error)


@pytest.mark.parametrize(
    ("words", "error", "reason"),
    [
        ({"pacs": "nowhere:"}, NodeError, "names no archive"),
        ({"toolkit": "vtk"}, InputError, "there are 'itk'"),
        ({"gaps": "ignore"}, InputError, "gaps='ignore' is not among"),
        ({"look_ahead": 0}, InputError, "give a whole number, at least 1"),
        ({"map": map, "executor": Idle()}, InputError, "give one of them"),
        ({"volume": "1"}, InputError, "volume='1' is neither an index nor a mapping"),
        ({"connect_timeout": -1}, NodeError, "connect=-1: a timeout is in seconds"),
        ({"total_timeout": float("inf")}, NodeError, "total=inf: a timeout is in seconds"),
        ({"transport": "fax"}, InputError, "transport='fax' is not among"),
        ({"modalty": "CT"}, TypeError, "did you mean 'modality'"),
        ({"idle_time": 5}, TypeError, "did you mean 'idle_timeout'"),
    ],
)
def test_what_no_row_could_do_with_is_refused_at_once(words: dict[str, Any], error: type, reason: str) -> None:
    with pytest.raises(error, match=reason):
        load_cohort([CHEST], **{"pacs": NOBODY, **words})


def test_a_misspelt_criterion_of_a_row_is_a_mistake_of_the_program() -> None:
    with pytest.raises(TypeError, match="did you mean 'description'"):
        next(load_cohort([{"descripton": "T1"}], pacs=NOBODY))


def test_a_row_and_common_criteria_contradict_each_other(demo_archive: Archive) -> None:
    row = find_series("99999", "2005", pacs=demo_archive.url).one()
    ((_, error),) = load_cohort([row], modality="CR")
    assert isinstance(row, Row)
    assert isinstance(error, CriteriaError)


@pytest.mark.parametrize(
    "workers",
    [
        lambda: ThreadPoolExecutor(3),
        pytest.param(
            lambda: in_processes(3),
            marks=pytest.mark.skipif(not HAS_TURNS, reason="processes do not wait for each other here"),
        ),
    ],
    ids=["threads", "processes"],
)
def test_workers_share_the_receiver_of_a_c_move(workers: Callable[[], Executor]) -> None:
    receiver = free_port()
    destinations = {DEFAULT_CALLING_AE_TITLE: (HOST, receiver)}
    with Archive(destinations=destinations, quirks="no-cget") as archive, workers() as pool:
        node = replace(Node.parse(archive.url), receiver=f"{HOST}:{receiver}", transports=("move",))
        loaded = list(load_cohort([SAGITTAL, CHEST, SAGITTAL, CHEST], pacs=node, executor=pool, toolkit="volume"))
    assert [image.report.origins.keys() for _, image in loaded] == [{"C-MOVE"}] * 4


def test_a_row_is_loaded_from_the_archive_where_it_was_found() -> None:
    with Archive() as one, Archive([]) as other:
        row = find_series("99999", "2022", "T1 SAG", pacs=one.url).one()
        ((_, loaded),) = load_cohort([row], pacs=other.url, toolkit="volume")
    assert isinstance(loaded, Volume)


def test_settings_of_its_archive_hold_for_a_row() -> None:
    with Archive() as archive:
        row = find_series("99999", "2022", "T1 SAG", pacs=archive.url).one()
        strict = replace(Node.parse(archive.url), limits=Limits(max_instances=2))
        ((_, refused),) = load_cohort([row], pacs=strict)
    assert isinstance(refused, LimitExceededError)
    assert "more than 2 instances came: raise Limits(max_instances=...)" in str(refused)


def test_what_pandas_calls_nan_is_no_criterion(demo_archive: Archive) -> None:
    ((_, image),) = load_cohort([SAGITTAL | {"series_number": float("nan")}], pacs=demo_archive.url, toolkit="volume")
    assert isinstance(image, Volume)

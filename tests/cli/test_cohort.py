"""Cohorts from the command line: an image a row, a report, and no row done twice."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813

from itkdicomqr import load_series
from itkdicomqr.cli.cohort import wanted_images
from itkdicomqr.testing import Archive
from tests.cli.running import Outcome, Run

TABLE = """patient_id,date,description,volume,name
99999,2005,"Chest-- PA & Lateral",,chest
00000,2005,Chest,,
99999,2021,AX 4D,,
99999,2021-05,AX 4D,1,
"""


def report(outcome: Outcome) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads(outcome.out)
    return rows


def table(folder: Path, text: str = TABLE) -> Path:
    path = folder / "cohort.csv"
    path.write_text(text, encoding="utf-8")
    return path


def names(path: Path) -> list[str]:
    return [each.path.name for each in wanted_images(path, Path("images"), ".nii.gz", {})]


@pytest.mark.parametrize("workers", [1, 3])
def test_each_row_is_written_or_reported(run: Run, demo_archive: Archive, tmp_path: Path, workers: int) -> None:
    images = tmp_path / "new" / "images"
    outcome = run("cohort", table(tmp_path), "-o", images, "--format", ".nrrd", "--workers", workers, "--json")
    rows = report(outcome)
    assert outcome.code == 9
    assert [(row["row"], row["outcome"], row["code"]) for row in rows] == [
        (1, "written", 0),
        (2, "failed", 3),
        (3, "failed", 4),
        (4, "written", 0),
    ]
    assert [row["error"] for row in rows] == ["", "NoMatchError", "MultipleVolumesError", ""]
    assert sorted(map(str, images.iterdir())) == sorted(row["file"] for row in rows if row["outcome"] == "written")
    expected: Any = load_series("99999", "2021", "AX 4D", volume=1, pacs=demo_archive.url, toolkit="volume")
    assert np.array_equal(sitk.GetArrayFromImage(sitk.ReadImage(rows[3]["file"])), expected.array)


def test_an_archive_that_fails_may_be_passed_over(run: Run, demo_archive: Archive, tmp_path: Path) -> None:
    words = ["cohort", table(tmp_path, "patient_id,date\n99999,2005\n"), "-o", tmp_path / "images", "--json"]
    archives = ["-c", demo_archive.url, "-c", "NOBODY@127.0.0.1:1"]
    assert [row["error"] for row in report(run(*words, *archives))] == ["ConnectError"]
    assert run(*words, *archives, "--any-archive").code == 0


def test_rows_may_come_in_part(run: Run, tmp_path: Path) -> None:
    with Archive(quirks="unsendable-by-cget=1") as archive:
        words = ["cohort", table(tmp_path, "patient_id,description\n99999,T1 SAG\n"), "-c", archive.url, "--json"]
        assert [row["error"] for row in report(run(*words, "-o", tmp_path / "whole"))] == ["IncompleteSeriesError"]
        (taken,) = report(run(*words, "-o", tmp_path / "part", "--partial", "--gaps", "pad", "--transport", "get"))
    assert taken["outcome"] == "written"
    assert any("1 of 40 listed instances did not come" in warning for warning in taken["warnings"])


def test_what_is_there_is_skipped_unless_it_is_to_be_overwritten(run: Run, tmp_path: Path) -> None:
    path, images = table(tmp_path, "".join(TABLE.splitlines(keepends=True)[:2])), tmp_path / "images"
    assert run("cohort", path, "-o", images).code == 0
    before = (images / "chest.nii.gz").stat().st_mtime_ns
    again = run("cohort", path, "-o", images, "-c", "NOBODY@127.0.0.1:1", "--json")
    assert again.code == 0
    assert [(row["outcome"], row["message"]) for row in report(again)] == [
        ("skipped", "it is there already; --overwrite replaces it")
    ]
    assert (images / "chest.nii.gz").stat().st_mtime_ns == before
    assert run("cohort", path, "-o", images, "--overwrite").code == 0
    assert (images / "chest.nii.gz").stat().st_mtime_ns > before


def test_the_report_is_a_table_for_people(run: Run, tmp_path: Path) -> None:
    outcome = run("cohort", table(tmp_path), "-o", tmp_path / "images")
    heading, *lines = outcome.out.splitlines()
    assert heading.split() == ["row", "outcome", "file", "why"]
    assert [line.split()[:2] for line in lines] == [
        ["1", "written"],
        ["2", "failed"],
        ["3", "failed"],
        ["4", "written"],
    ]
    assert "no study has patient_id '00000'" in lines[1]


def test_a_changed_row_is_another_file(tmp_path: Path) -> None:
    rows = "patient_id,date\n99999,2005\n99999,2021\n"
    first, second = names(table(tmp_path, rows))
    changed, same = names(table(tmp_path, rows.replace("2005", "2022")))
    assert second == same
    assert first.startswith("0001-")
    assert changed.startswith("0001-")
    assert changed != first
    assert [*wanted_images(table(tmp_path, rows), Path(), ".mha", {"gaps": "pad"})][1].path.stem != second[:-7]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("patient_id;date\n00099;2005\n", {"patient_id": "00099", "date": "2005"}),
        ("\ufeffpatient_id\tseries_number\n1\t 2 \n", {"patient_id": "1", "series_number": "2"}),
        ("patient_id,description\n1,\n\n", {"patient_id": "1"}),
        ("patient_id,BodyPartExamined\n1,CHEST\n", {"patient_id": "1", "BodyPartExamined": "CHEST"}),
        ('patient_id,volume\n1,"EchoTime=4.6,AcquisitionNumber=2"\n', None),
        ("patient_id,volume\n1,2\n", {"patient_id": "1", "volume": 2}),
    ],
)
def test_tables_of_several_kinds_are_read(tmp_path: Path, text: str, words: dict[str, Any] | None) -> None:
    (wanted,) = wanted_images(table(tmp_path, text), Path(), ".nii", {})
    picked = {"patient_id": "1", "volume": {"EchoTime": "4.6", "AcquisitionNumber": "2"}}
    assert wanted.words == (words or picked)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "its columns are none"),
        ("patient_id,descripton\n1,x\n", "its columns are 'patient_id', 'descripton'; they may be, once each, acc"),
        ("patient_id,patient_id\n1,2\n", "once each"),
        ("patient_id,date\n1\n", "a row has 1 cells, and there are 2 columns"),
        ("patient_id,date\n1,2,3\n", "a row has 3 cells"),
        ("patient_id,name\n1,a\n2,a\n", "several rows are called a.nii.gz"),
        ("patient_id,name\n1,../a\n", "name '../a'"),
        ("patient_id,name\n1,.a\n", "name '.a'"),
        ("patient_id,volume\n1,first\n", "--volume 'first'"),
        ("patient_id,volume\n1,EchTime=4.6\n", "'EchTime' is no keyword of DICOM"),
        ('patient_id\n"1', "cannot be read: unexpected end of data"),
    ],
)
def test_a_table_that_cannot_be_meant_is_refused_before_anything_is_asked(
    run: Run, tmp_path: Path, text: str, reason: str
) -> None:
    outcome = run("cohort", table(tmp_path, text), "-o", tmp_path / "images", "-c", "NOBODY@127.0.0.1:1")
    assert (outcome.code, outcome.out) == (2, "")
    assert reason in outcome.err
    assert not (tmp_path / "images").exists()


def test_a_table_of_bytes_is_refused(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "cohort.xlsx"
    path.write_bytes(b"PK\x03\x04\xff\xfe")
    outcome = run("cohort", path, "-o", tmp_path / "images")
    assert outcome.code == 2
    assert "cannot be read" in outcome.err


def test_where_nothing_can_be_written_nothing_is_asked(run: Run, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    outcome = run("cohort", table(tmp_path), "-o", tmp_path / "file" / "images", "-c", "NOBODY@127.0.0.1:1")
    assert outcome.code == 2
    assert "nothing can be written there" in outcome.err


def test_an_option_that_cannot_be_meant_is_bad_input(run: Run, tmp_path: Path) -> None:
    outcome = run("cohort", table(tmp_path), "-o", tmp_path / "images", "--gaps", "ignore")
    assert (outcome.code, outcome.out) == (2, "")
    assert "gaps='ignore' is not among" in outcome.err

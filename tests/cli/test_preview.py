"""A look at a series: one slice, of which no other is retrieved."""

from __future__ import annotations

import os
import pty
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest

from itkdicomqr import Client, IncompleteSeriesError, Row, read_volumes
from itkdicomqr.cli.drawing import drawn
from itkdicomqr.cli.preview import middle_instance, slice_and_window
from itkdicomqr.testing import Archive
from tests.cli.running import SECONDS, Run, all_shown, start
from tests.synthetic import series

SOFT = ("99999", "2021-05-03", "AX 3.0 Soft*")


def test_the_middle_instance_alone_is_retrieved() -> None:
    slices = series("CT", 7)
    with Archive(slices) as archive:
        client = Client(archive.url)
        volume = middle_instance(client, client.find_series("SYN-1").one())
    assert volume.report.sop_instance_uids == (slices[3].SOPInstanceUID,)
    assert volume.report.origins == {"C-GET": 1}


def test_a_series_without_instances_has_no_middle() -> None:
    class Empty(Client):
        def find_instances(self, _: Row) -> list[Row]:
            return []

    with Archive(series("CT", 1)) as archive:
        client = Empty(archive.url)
        row = client.find_series("SYN-1").one()
        with pytest.raises(IncompleteSeriesError, match="is listed"):
            middle_instance(client, row)


@pytest.mark.parametrize(
    ("told", "window"),
    [
        ({"WindowCenter": "40", "WindowWidth": "400"}, (-160.0, 239.0)),
        ({"WindowCenter": ["40", "-600"], "WindowWidth": ["400", "1500"]}, (-160.0, 239.0)),
    ],
)
def test_the_window_is_that_of_the_header(told: dict[str, Any], window: tuple[float, float]) -> None:
    (volume,) = read_volumes(series("CT", 1, **told))
    assert slice_and_window(volume)[1] == window


@pytest.mark.parametrize("told", [{}, {"WindowCenter": "40", "WindowWidth": "0"}, {"WindowCenter": "40"}])
def test_without_one_the_values_decide(told: dict[str, Any]) -> None:
    (volume,) = read_volumes(series("CT", 1, **told))
    low, high = slice_and_window(volume)[1]
    assert volume.array.min() <= low < high <= volume.array.max()


def test_monochrome1_is_drawn_with_its_least_value_white() -> None:
    pixels = np.arange(42, dtype=np.uint16).reshape(6, 7)
    slices = series("CR", 1, dtype="uint16", pixels=lambda _: pixels, PhotometricInterpretation="MONOCHROME1")
    with Archive(slices) as archive:
        client = Client(archive.url)
        plane, window = slice_and_window(middle_instance(client, client.find_series("SYN-1").one()))
    picture = drawn(plane, plane.steps, window)
    assert picture[0, 0] == 255
    assert picture[-1, -1] == 0


def test_it_is_drawn_in_letters_where_there_are_no_colours(run: Run) -> None:
    outcome = run("preview", *SOFT)
    *lines, caption = outcome.out.splitlines()
    assert (outcome.code, outcome.err) == (0, "")
    assert {len(line) for line in lines} == {80}
    assert {" ", "@"} <= {*"".join(lines)}
    assert caption == "160 x 160 pixels, 352 x 352 mm, left R, right L, up A"


def test_it_is_drawn_in_colours_on_a_terminal(demo_archive: Archive) -> None:
    ours, theirs = pty.openpty()
    with start("preview", *SOFT, "-c", demo_archive.url, stdout=theirs) as process:
        os.close(theirs)
        shown = all_shown(ours)
        process.communicate(timeout=SECONDS)
    assert process.returncode == 0
    assert shown.count("▀") > 500
    assert "352 x 352 mm" in shown


def test_it_is_written_as_a_png_if_asked_for(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "slice.png"
    outcome = run("preview", *SOFT, "--png", path)
    assert outcome.out.count("\n") == 1
    assert imagecodecs.png_decode(path.read_bytes()).ndim == 2
    assert run("preview", *SOFT, "--png", path).code == 2
    assert run("preview", *SOFT, "--png", path, "--overwrite").code == 0
    assert [*tmp_path.iterdir()] == [path]


def test_the_cure_of_a_failed_preview_is_one_of_its_options(run: Run) -> None:
    with Archive(series("CT", 3, rows=32, columns=32), quirks="lossy-only") as archive:
        refused = run("preview", "SYN-1", "-c", archive.url)
        drawn_nevertheless = run("preview", "SYN-1", "-c", archive.url, "--allow-lossy")
    assert (refused.code, refused.err.splitlines()[-1]) == (5, "On the command line: --allow-lossy")
    assert drawn_nevertheless.code == 0
    assert "compressed on the way" in drawn_nevertheless.err

"""Pictures and descriptions of volumes of every kind."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest

from itkdicomqr import Volume, read_volumes
from itkdicomqr.cli.drawing import MARGIN
from itkdicomqr.cli.picture import LONGEST, middle_planes, middle_slice, write_picture
from itkdicomqr.cli.show import show_json, show_summary, summary
from itkdicomqr.volume.stacking import stacked
from tests.cli.running import Run
from tests.synthetic import OBLIQUE, series

SIDE = LONGEST + 2 * MARGIN
"""Pixels from a plane to the next."""

CORONAL = (1.0, 0.0, 0.0, 0.0, 0.0, -1.0)
SAGITTAL = (0.0, 1.0, 0.0, 0.0, 0.0, -1.0)


def a_volume(modality: str = "CT", slices: int = 5, **words: Any) -> Volume:
    (volume,) = read_volumes(series(modality, slices, **words))
    return volume


def coloured(_: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
    return np.arange(6 * 7 * 3, dtype=np.uint8).reshape(6, 7, 3)


def constant(_: int) -> np.ndarray[Any, np.dtype[np.int16]]:
    return np.full((6, 7), 5, np.int16)


VOLUMES: dict[str, Callable[[], Volume]] = {
    "of several slices": a_volume,
    "of one slice": lambda: a_volume(slices=1),
    "of one pixel": lambda: a_volume(slices=1, rows=1, columns=1),
    "oblique": lambda: a_volume("MR", orientation=OBLIQUE),
    "coronal": lambda: a_volume("MR", orientation=CORONAL),
    "projection": lambda: a_volume("CR", 1, dtype="uint16"),
    "coloured": lambda: a_volume("US", 1, pixels=coloured),
    "constant": lambda: a_volume(pixels=constant),
    "of floats": lambda: a_volume("PT", RescaleSlope="0.37", RescaleIntercept="0"),
    "of 32 bits": lambda: a_volume(dtype="int32"),
    "of four dimensions": lambda: stacked([a_volume(), a_volume()])[0],
}


@pytest.mark.parametrize("kind", VOLUMES)
def test_any_volume_is_described(kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    volume = VOLUMES[kind]()
    told = summary(volume)
    assert told["size"] == [*volume.array.shape[volume.dimension - 1 :: -1]]
    assert told["components"] == (3 if kind == "coloured" else 1)
    assert told["minimum"] <= told["maximum"]
    show_summary(volume)
    show_json(told)
    assert told["pixel_type"] in capsys.readouterr().out


@pytest.mark.parametrize("kind", VOLUMES)
def test_any_volume_is_drawn(kind: str, tmp_path: Path) -> None:
    volume = VOLUMES[kind]()
    picture = middle_planes(volume)
    assert picture.dtype == np.uint8
    assert max(picture.shape) >= LONGEST
    path = tmp_path / "planes.png"
    write_picture(volume, path)
    assert np.array_equal(imagecodecs.png_decode(path.read_bytes()), picture)


@pytest.mark.parametrize("orientation", [(1.0, 0.0, 0.0, 0.0, 1.0, 0.0), CORONAL, SAGITTAL])
def test_the_head_is_up_whatever_the_slices_are(orientation: tuple[float, ...]) -> None:
    """A block of 16 mm whose upper half is bright is drawn so, in the coronal and the sagittal plane."""
    steps = np.arange(16.0)
    row, column = np.array(orientation[:3]), np.array(orientation[3:])
    normal = np.cross(row, column)

    def pixels(index: int) -> np.ndarray[Any, np.dtype[np.int16]]:
        height = index * normal[2] + steps[:, None] * column[2] + steps[None, :] * row[2]
        middle = 7.5 if (normal + column + row)[2] > 0 else -7.5
        return np.where(height > middle, 1000, 0).astype(np.int16)

    volume = a_volume("MR", 16, orientation=orientation, step=1.0, pixels=pixels, PixelSpacing=["1", "1"])
    picture = middle_planes(volume)
    assert picture.shape == (LONGEST + 3 * MARGIN, 3 * SIDE)
    half = LONGEST // 2
    for place in (1, 2):
        plane = picture[MARGIN:, place * SIDE + MARGIN :][:LONGEST, :LONGEST]
        assert plane[:half].min() == 255
        assert plane[half:].max() == 0


def test_pixels_are_square_in_the_body() -> None:
    """20 mm in each direction."""
    volume = a_volume(slices=4, rows=10, columns=20, step=5.0, PixelSpacing=["2", "1"])
    assert middle_planes(volume).shape == (LONGEST + 3 * MARGIN, 3 * SIDE)


@pytest.mark.parametrize(
    ("orientation", "edges"),
    [
        ((1.0, 0.0, 0.0, 0.0, 1.0, 0.0), "RLAP"),
        (CORONAL, "RLSI"),
        (SAGITTAL, "APSI"),
        ((-1.0, 0, 0, 0, -1.0, 0), "LRPA"),
    ],
)
def test_the_letters_of_a_slice_are_those_of_its_directions(orientation: tuple[float, ...], edges: str) -> None:
    assert middle_slice(a_volume("MR", 1, orientation=orientation)).edges == edges


def test_a_projection_has_no_letters_but_a_ruler() -> None:
    volume = a_volume("CR", 1, dtype="uint16", pixels=lambda _: np.zeros((6, 7), np.uint16))
    picture = middle_planes(volume)
    assert middle_slice(volume).edges == ""
    assert not picture[: -2 * MARGIN].any()
    assert picture[-MARGIN:].any()


def test_the_demo_shows_a_search_and_a_volume_and_writes_nothing(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    outcome = run("demo")
    assert outcome.code == 0
    assert "AX 3.0 Soft Tissue" in outcome.out
    assert "by C-GET" in outcome.out
    assert "Demo^Patient" not in outcome.out
    assert [*tmp_path.iterdir()] == []


def test_the_demo_s_picture_shows_a_body_in_the_air(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "demo.png"
    assert run("demo", "--picture", path).code == 0
    picture = imagecodecs.png_decode(path.read_bytes())
    assert picture.shape == (LONGEST + 3 * MARGIN, 3 * SIDE)
    axial, middle = picture[MARGIN:, MARGIN:][:LONGEST, :LONGEST], slice(LONGEST // 3, 2 * LONGEST // 3)
    assert {0, 255} <= {*np.unique(axial)}
    assert axial[: LONGEST // 8, : LONGEST // 8].mean() < 30 < axial[middle, middle].mean()
    assert [*tmp_path.iterdir()] == [path]

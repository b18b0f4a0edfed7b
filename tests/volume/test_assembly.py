"""Slices become voxels as they come, into memory of the toolkit's, whatever comes in between."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import numpy as np
import pytest
from pydicom.dataset import Dataset

from itkdicomqr import ConflictingInstancesError, InputError, LimitExceededError
from itkdicomqr.volume import all_volumes, assemble, read_volumes
from itkdicomqr.volume.options import Options
from itkdicomqr.volume.toolkits import IntoITK, IntoVolume
from tests.reference import voxels
from tests.synthetic import part10, series

SLICES = series("CT", 6)
SCOUT = series("CT", 1, rows=9, columns=4, number=2)
WIDER = series("CT", 6, RescaleSlope=lambda index: "1.5" if index == 3 else "1", RescaleIntercept="0")

CASES: dict[str, list[Dataset]] = {
    "plain": SLICES,
    "a scout in between": [*SLICES[:3], *SCOUT, *SLICES[3:]],
    "a wider type in between": WIDER,
    "a duplicate": [*SLICES, SLICES[2]],
    "backwards": SLICES[::-1],
}


@pytest.mark.parametrize("expected", [0, 3, 6, 50])
@pytest.mark.parametrize("case", CASES)
def test_the_memory_of_itk_holds_what_numpys_does(case: str, expected: int) -> None:
    target = IntoITK()
    volumes = all_volumes(assemble(map(part10, CASES[case]), Options(), expected, target.allocate))
    images = [target.image(volume) for volume in volumes]
    overwritten = [np.ones(1 << 20) for _ in range(8)]

    for image, volume in zip(images, read_volumes(CASES[case]), strict=True):
        assert np.array_equal(voxels(image), volume.array)
    assert len(overwritten) == 8


@pytest.mark.parametrize(
    ("slices", "options"),
    [
        (SLICES, {}),
        (SLICES[:2] + SLICES[3:], {"gaps": "pad"}),
        (SLICES[:2] + SLICES[3:], {"gaps": "resample"}),
        (series("CT", 4, along=(0.2, 0, 0.98)), {"tilt": "resample"}),
    ],
)
def test_the_image_is_the_memory_that_was_filled(slices: list[Any], options: dict[str, Any]) -> None:
    target = IntoITK()
    (volume,) = all_volumes(assemble(slices, Options(**options), len(slices), target.allocate))
    address = volume.array.ctypes.data

    image = target.image(volume)

    import itk

    assert itk.array_view_from_image(image).ctypes.data == address


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_any_order_of_a_complete_instance_and_one_without_pixels_is_a_conflict(order: tuple[int, ...]) -> None:
    slices = series("CT", 2)
    (bare,) = series("CT", 1)
    del bare.PixelData
    sources = [*slices, bare]

    with pytest.raises(ConflictingInstancesError):
        read_volumes([sources[index] for index in order])


@pytest.mark.parametrize("as_generator", [False, True])
def test_the_limit_is_of_the_voxels_that_came(as_generator: bool) -> None:
    shapes = [series("CT", 1, rows=3 + index, columns=5, number=index + 1)[0] for index in range(20)]
    needed = sum(dataset.Rows * 5 * 2 for dataset in shapes)
    sources: Any = iter(shapes) if as_generator else shapes

    assert len(read_volumes(sources, max_series_bytes=needed)) == 20
    with pytest.raises(LimitExceededError, match=f"need {needed} bytes"):
        read_volumes(iter(shapes), max_series_bytes=needed - 1)


def test_one_source_is_no_list_of_them(tmp_path: Any) -> None:
    for source in (str(tmp_path), part10(SLICES[0]), SLICES[0]):
        with pytest.raises(InputError, match="give a list"):
            read_volumes(source)  # type: ignore[arg-type]


def test_a_file_that_cannot_be_used_is_named(tmp_path: Any) -> None:
    (tmp_path / "notes.txt").write_text("no DICOM")

    for path in (tmp_path / "notes.txt", tmp_path / "missing.dcm", tmp_path):
        with pytest.raises(ValueError if path.name != "notes.txt" else Exception, match=path.name):
            read_volumes([path])


def test_numpys_memory_is_used_where_itk_has_no_such_image() -> None:
    assert type(IntoITK().allocate((1, 2, 3), np.dtype(np.int8))) is type(
        IntoVolume().allocate((1, 2, 3), np.dtype(np.int8))
    )

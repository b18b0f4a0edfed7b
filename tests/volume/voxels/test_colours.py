"""Colours become RGB as in ITK."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from itkdicomqr.errors import CorruptInstanceError, UnsupportedImageError
from itkdicomqr.volume import read_volumes
from tests.synthetic import noise, series, simpleitk
from tests.volume.reference import assert_same_voxels

if TYPE_CHECKING:
    from pathlib import Path

COLOURS = ("Red", "Green", "Blue")


def assert_voxels_equal(slices: list[Any], folder: Path) -> np.ndarray:
    (volume,) = read_volumes(slices)
    assert_same_voxels(volume, simpleitk(slices, folder))
    return volume.array


def rgb(index: int) -> np.ndarray:
    return noise((6, 8, 3), "uint8", seed=index)


def palette(bits: int, entries: int = 256, first: int = 0, **overrides: Any) -> list[Any]:
    """An image of all entries, with tables of noise."""
    tables: dict[str, Any] = {}
    for colour, name in enumerate(COLOURS):
        tables[f"{name}PaletteColorLookupTableDescriptor"] = [entries, first, bits]
        tables[f"{name}PaletteColorLookupTableData"] = noise((entries,), f"uint{bits}", seed=colour).tobytes()
    pixels = np.arange(256, dtype=np.uint8).reshape(16, 16)
    attributes: dict[str, Any] = (
        {"PhotometricInterpretation": "PALETTE COLOR", "pixels": lambda _: pixels} | tables | overrides
    )
    return series("OT", 1, **attributes)


def test_rgb_is_unchanged(tmp_path: Path) -> None:
    array = assert_voxels_equal(series("OT", 1, pixels=rgb), tmp_path)
    assert array.shape == (1, 6, 8, 3)


def test_planes_are_interleaved(tmp_path: Path) -> None:
    def planes(index: int) -> np.ndarray:
        return np.ascontiguousarray(np.moveaxis(rgb(index), 2, 0)).reshape(6, 8, 3)

    array = assert_voxels_equal(series("OT", 1, pixels=planes, PlanarConfiguration=1), tmp_path)
    assert np.array_equal(array[0], rgb(0))


def test_ybr_full_is_converted(tmp_path: Path) -> None:
    slices = series(
        "OT", 1, pixels=lambda _: noise((200, 200, 3), "uint8"), PhotometricInterpretation="YBR_FULL", SamplesPerPixel=3
    )
    assert_voxels_equal(slices, tmp_path)


def test_ybr_full_422_is_converted(tmp_path: Path) -> None:
    pixels = noise((6, 8, 2), "uint8")
    slices = series("OT", 1, pixels=lambda _: pixels, PhotometricInterpretation="YBR_FULL_422", SamplesPerPixel=3)
    assert_voxels_equal(slices, tmp_path)


@pytest.mark.parametrize("bits", [8, 16])
def test_a_palette_is_looked_up(tmp_path: Path, bits: int) -> None:
    array = assert_voxels_equal(palette(bits), tmp_path)
    assert array.shape == (1, 16, 16, 3)
    assert array.dtype == np.uint8


@pytest.mark.parametrize(("shift", "beyond"), [(0, 0x8000), (8, 0), (4, 0x900F)])
def test_the_stored_bits_alone_are_looked_up_in_a_palette(shift: int, beyond: int) -> None:
    indices = np.arange(256, dtype=np.uint16).reshape(16, 16)
    cell: dict[str, Any] = {"BitsStored": 8, "HighBit": 7 + shift}
    (expected,) = read_volumes(palette(16))
    (volume,) = read_volumes(palette(16, pixels=lambda _: indices << shift | beyond, **cell))
    assert (volume.array >> 8).tolist() == expected.array.tolist()


def test_values_beyond_a_palette_take_its_ends() -> None:
    (volume,) = read_volumes(palette(8, entries=100, first=50))
    table = noise((100,), "uint8", seed=0)
    red = volume.array[0, ..., 0].ravel()
    assert red[:51].tolist() == [table[0]] * 51
    assert red[50:150].tolist() == table.tolist()
    assert red[150:].tolist() == [table[-1]] * 106


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"RedPaletteColorLookupTableData": b"\0" * 10}, r"\(0028,1201\) has 10 bytes, too few for 256 entries"),
        ({"RedPaletteColorLookupTableDescriptor": None}, r"\(0028,1101\) is missing, damaged, or not equal"),
    ],
)
def test_a_damaged_palette_is_refused(overrides: dict[str, Any], message: str) -> None:
    with pytest.raises(CorruptInstanceError, match=message):
        read_volumes(palette(8, **overrides))


@pytest.mark.parametrize(("told", "count"), [(0, 65536), (65535, 65535)])
def test_a_palette_is_as_long_as_it_says(told: int, count: int) -> None:
    descriptors: dict[str, Any] = {f"{name}PaletteColorLookupTableDescriptor": [told, 0, 16] for name in COLOURS}
    with pytest.raises(CorruptInstanceError, match=rf"has 512 bytes, too few for {count} entries of 16 bits"):
        read_volumes(palette(16, **descriptors))


def segmented(*segments: int) -> list[Any]:
    """An image whose tables, of 16 bits and equal for the three colours, are written in segments."""
    data = np.array(segments, "<u2").tobytes()
    tables: dict[str, Any] = {f"Segmented{name}PaletteColorLookupTableData": data for name in COLOURS}
    (slice_,) = palette(16, **tables)
    for name in COLOURS:
        delattr(slice_, f"{name}PaletteColorLookupTableData")
    return [slice_]


@pytest.mark.parametrize(
    ("segments", "expected"),
    [
        ((0, 256, *range(0, 65536, 256)), [*range(256)]),
        ((0, 1, 200 << 8, 1, 255, 200 << 8), [200] * 256),
        ((0, 2, 100 << 8, 7 << 8, 1, 4, 9 << 8, 0, 250, *range(250)), [100, 7, 7, 8, 8, 9, *([0] * 250)]),
        ((0, 1, 255 << 8, 1, 255, 0), [*range(255, -1, -1)]),
    ],
)
def test_segments_make_the_entries_of_a_palette(segments: Any, expected: list[int]) -> None:
    """Of 16 bits, of which an image of 8 keeps the upper byte."""
    (volume,) = read_volumes(segmented(*segments))
    assert volume.array[0, ..., 0].ravel().tolist() == expected


@pytest.mark.parametrize(
    ("segments", "message"),
    [
        ((0, 10, *range(10)), r"\(0028,1221\) makes 10 entries, of which its descriptor says 256"),
        ((1, 256, 7), "has a segment of type 1 that cannot be there"),
        ((7, 256, 7), "has a segment of type 7 that cannot be there"),
    ],
)
def test_damaged_segments_are_refused(segments: Any, message: str) -> None:
    with pytest.raises(CorruptInstanceError, match=message):
        read_volumes(segmented(*segments))


def test_segments_that_name_others_are_refused() -> None:
    with pytest.raises(UnsupportedImageError, match=r"indirect segments \(0028,1221\)"):
        read_volumes(segmented(0, 1, 7, 2, 1, 0, 0))

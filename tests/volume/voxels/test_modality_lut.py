"""A modality lookup table is ignored as in ITK, and told, or applied on demand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pydicom.dataset import Dataset

from itkdicomqr.errors import CorruptInstanceError, DICOMQRWarning, UnsupportedImageError
from itkdicomqr.volume import read_volumes
from tests.synthetic import noise, series


def table(entries: np.ndarray, first: int, *, signed: bool = False, bits: int = 16) -> Dataset:
    item = Dataset()
    item.add_new(0x00283002, "SS" if signed else "US", [len(entries), first, bits])
    item.add_new(0x00283006, "OW", entries.tobytes())
    return item


def with_table(item: Dataset, **overrides: Any) -> list[Dataset]:
    return series("CR", 1, ModalityLUTSequence=[item], **overrides)


@pytest.mark.parametrize("dtype", ["uint16", "int16"])
def test_stored_values_are_looked_up(dtype: str) -> None:
    entries = noise((200,), "uint16")
    values = np.array([[0, 1, 99], [100, 199, 250]], dtype)
    item = table(entries, 0, signed=dtype == "int16")
    (volume,) = read_volumes(with_table(item, pixels=lambda _: values), modality_lut="apply")
    assert volume.array.dtype == np.uint16
    assert np.array_equal(volume.array[0], entries[np.minimum(values, 199)])


def test_values_below_the_first_entry_take_it() -> None:
    values = np.array([[-2000, -1000, -999]], np.int16)
    item = table(np.arange(5, dtype=np.uint16), -1000, signed=True)
    (volume,) = read_volumes(with_table(item, pixels=lambda _: values), modality_lut="apply")
    assert volume.array[0].tolist() == [[0, 0, 1]]


@pytest.mark.parametrize("width", ["uint8", "uint16"])
def test_entries_of_8_bits_may_be_stored_in_bytes_or_words(width: str) -> None:
    values = np.array([[0, 3], [2, 1]], np.uint8)
    item = table(np.array([9, 8, 7, 6], width), 0, bits=8)
    (volume,) = read_volumes(with_table(item, pixels=lambda _: values), modality_lut="apply")
    assert volume.array.dtype == np.uint8
    assert volume.array[0].tolist() == [[9, 6], [7, 8]]


def test_a_table_is_ignored_and_told_unless_it_is_to_be_applied() -> None:
    slices = with_table(table(np.zeros(4, np.uint16), 0), dtype="uint16")
    with pytest.warns(DICOMQRWarning, match="modality_lut='apply' does"):
        (volume,) = read_volumes(slices)
    assert np.array_equal(volume.array[0], slices[0].pixel_array)
    assert "ModalityLUTSequence (0028,3000) is not applied; modality_lut='apply' does" in volume.report.warnings
    (applied,) = read_volumes(slices, modality_lut="apply")
    assert not any("ModalityLUT" in warning for warning in applied.report.warnings)


def test_a_table_shorter_than_it_says_is_refused() -> None:
    item = table(np.zeros(4, np.uint16), 0)
    item[0x00283002].value = [5, 0, 16]
    with pytest.raises(CorruptInstanceError, match=r"LUTData \(0028,3006\) has 8 bytes, too few for 5 entries"):
        read_volumes(with_table(item), modality_lut="apply")


def test_a_table_without_a_descriptor_is_refused() -> None:
    item = table(np.zeros(4, np.uint16), 0)
    del item[0x00283002]
    with pytest.raises(CorruptInstanceError, match=r"LUTDescriptor \(0028,3002\) of the modality lookup table"):
        read_volumes(with_table(item), modality_lut="apply")


def test_an_inversion_before_the_table_is_refused() -> None:
    slices = with_table(table(np.arange(4, dtype=np.uint16), 0), dtype="uint8", PhotometricInterpretation="MONOCHROME1")
    with pytest.raises(UnsupportedImageError, match="take invert_monochrome1=False"):
        read_volumes(slices, modality_lut="apply")
    (volume,) = read_volumes(slices, modality_lut="apply", invert_monochrome1=False)
    assert volume.array.max() == 3

"""The walk over a data set finds what pydicom finds, and refuses what is damaged."""

from __future__ import annotations

import struct
import warnings
from pathlib import Path

import pydicom
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom import uid
from pydicom.dataset import Dataset

from itkdicomqr import CorruptInstanceError, Instance
from itkdicomqr.instance import SERIES_INSTANCE_UID
from itkdicomqr.scan import MAX_DEPTH, MAX_ELEMENTS, MAX_ITEMS, scan
from tests.synthetic import part10, series

FILES = sorted((Path(pydicom.__file__).parent / "data" / "test_files").glob("*.dcm"))
SYNTAXES = [uid.ImplicitVRLittleEndian, uid.ExplicitVRLittleEndian, uid.ExplicitVRBigEndian]


@pytest.mark.parametrize("file", FILES, ids=lambda path: path.name)
def test_it_finds_the_elements_that_pydicom_finds(file: Path) -> None:
    try:
        instance = Instance.from_part10(file.read_bytes())
        elements = instance.elements
    except CorruptInstanceError:
        pytest.skip("the file is refused")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        parsed = instance.header

    assert set(elements) == {int(tag) for tag in parsed.keys()}  # noqa: SIM118 a Dataset iterates over elements
    for tag, element in elements.items():
        raw = parsed.get_item(tag)
        assert not isinstance(raw.value, bytes) or raw.value == element.value


@pytest.mark.parametrize("syntax", SYNTAXES, ids=lambda syntax: syntax.name)
def test_nested_sequences_are_passed_over(syntax: uid.UID) -> None:
    dataset = nested(5)

    elements = encoded(dataset, syntax).elements

    assert elements.uid(SERIES_INSTANCE_UID) == dataset.SeriesInstanceUID
    assert 0x00081140 in elements
    assert encoded(dataset, syntax).pixels is not None


def test_sequences_nested_too_deep_are_refused() -> None:
    item = struct.pack("<HHI", 0xFFFE, 0xE000, 0xFFFFFFFF)
    sequence = struct.pack("<HHI", 0x0008, 0x1140, 0xFFFFFFFF)

    with pytest.raises(CorruptInstanceError, match=f"deeper than {MAX_DEPTH}"):
        scan(memoryview((sequence + item) * 10_000), uid.ImplicitVRLittleEndian)


def test_an_element_that_reaches_beyond_the_end_is_refused() -> None:
    content = struct.pack("<HHI", 0x0010, 0x0010, 4_000_000_000) + b"Doe^Jane"

    with pytest.raises(CorruptInstanceError, match=r"\(0010,0010\) reaches beyond its end"):
        scan(memoryview(content), uid.ImplicitVRLittleEndian)


@given(st.binary(max_size=200), st.sampled_from(SYNTAXES))
def test_any_bytes_give_elements_or_the_typed_error(content: bytes, syntax: uid.UID) -> None:
    try:
        elements = scan(memoryview(content), syntax)
    except CorruptInstanceError:
        return
    assert sum(len(element.value) for element in elements.values()) <= len(content)


@given(st.data())
def test_a_header_cut_anywhere_gives_elements_or_the_typed_error(data: st.DataObject) -> None:
    instance = encoded(nested(2), uid.ExplicitVRLittleEndian)
    end = data.draw(st.integers(0, instance.elements.end))
    try:
        elements = scan(memoryview(instance.encoded)[:end], uid.ExplicitVRLittleEndian)
    except CorruptInstanceError:
        return
    assert elements.end == end


def test_a_header_without_pixels_keeps_its_values() -> None:
    elements = encoded(nested(1), uid.ExplicitVRLittleEndian).elements

    bare = elements.without_pixels()

    assert dict(bare) == dict(elements)
    assert bare.following() is None


def test_a_header_does_not_keep_the_pixels_alive() -> None:
    content = bytearray(encoded(nested(1), uid.ExplicitVRLittleEndian).encoded)
    elements = scan(memoryview(content), uid.ExplicitVRLittleEndian)

    content.clear()  # which no view of it would allow

    assert elements.uid(0x0020000E)


def nested(depth: int) -> Dataset:
    """A slice with sequences within sequences, of defined and undefined length."""
    (dataset,) = series("CT", 1)
    inner = dataset
    for level in range(depth):
        item = Dataset()
        item.ReferencedSOPInstanceUID = f"1.2.{level + 1}"
        item.is_undefined_length_sequence_item = level % 2 == 0
        inner.ReferencedImageSequence = [item]
        inner["ReferencedImageSequence"].is_undefined_length = level % 2 == 1
        inner = item
    return dataset


def encoded(dataset: Dataset, syntax: uid.UID) -> Instance:
    dataset.file_meta.TransferSyntaxUID = syntax
    return Instance.from_part10(part10(dataset))


@pytest.mark.parametrize("syntax", SYNTAXES, ids=lambda syntax: syntax.name)
@pytest.mark.parametrize("undefined", [False, True])
def test_the_items_of_a_sequence_are_headers(syntax: uid.UID, undefined: bool) -> None:
    items = [Dataset(), Dataset()]
    items[0].CodeValue, items[1].CodeValue = "A", "B"
    items[1].ContentSequence = [Dataset()]
    items[1].ContentSequence[0].CodeValue = "C"
    for item in items:
        item.is_undefined_length_sequence_item = undefined
    (dataset,) = series("CT", 1, AnatomicRegionSequence=items)
    dataset["AnatomicRegionSequence"].is_undefined_length = undefined
    first, second = encoded(dataset, syntax).elements.items_of(0x00082218)
    assert (first.content(0x00080100), second.content(0x00080100)) == (b"A ", b"B ")
    assert [item.content(0x00080100) for item in second.items_of(0x0040A730)] == [b"C "]
    assert second.items_of(0x00082218) == []


def test_an_item_that_reaches_beyond_its_sequence_is_refused() -> None:
    content = b"\x08\0\x18\x22SQ\0\0\x08\0\0\0" + b"\xfe\xff\x00\xe0\xff\x00\x00\x00"
    header = scan(memoryview(content), uid.ExplicitVRLittleEndian)
    with pytest.raises(CorruptInstanceError, match="an item reaches beyond its sequence"):
        header.items_of(0x00082218)


EMPTY = {
    uid.ExplicitVRLittleEndian: lambda number: struct.pack("<HH2sH", number >> 16, number & 0xFFFF, b"LO", 0),
    uid.ImplicitVRLittleEndian: lambda number: struct.pack("<HHI", number >> 16, number & 0xFFFF, 0),
}


@pytest.mark.parametrize("syntax", EMPTY, ids=lambda syntax: syntax.name)
@pytest.mark.parametrize("more", [0, 1])
def test_more_elements_than_any_header_has_are_refused(syntax: uid.UID, more: int) -> None:
    content = memoryview(b"".join(map(EMPTY[syntax], range(0x00100000, 0x00100000 + MAX_ELEMENTS + more))))
    if more:
        with pytest.raises(CorruptInstanceError, match="more than 65536 elements"):
            scan(content, syntax)
    else:
        assert len(scan(content, syntax)) == MAX_ELEMENTS


def test_more_items_than_frames_can_be_are_refused() -> None:
    items = b"\xfe\xff\x00\xe0\x00\x00\x00\x00" * (MAX_ITEMS + 1)
    content = b"\x08\0\x18\x22SQ\0\0" + struct.pack("<I", len(items)) + items
    header = scan(memoryview(content), uid.ExplicitVRLittleEndian)
    with pytest.raises(CorruptInstanceError, match="more than 262144 items"):
        header.items_of(0x00082218)

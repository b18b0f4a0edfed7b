"""What was scanned before changes no result: an outline is used only where a walk would find it."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from pydicom import uid

from itkdicomqr import CorruptInstanceError, Instance
from itkdicomqr.outlines import MAX_OUTLINES, Outlines
from itkdicomqr.scan import FIRST_PIXEL_TAG, Header, scan
from tests.synthetic import series

EXPLICIT = uid.ExplicitVRLittleEndian
SYNTAXES = st.sampled_from([EXPLICIT, uid.ImplicitVRLittleEndian, uid.ExplicitVRBigEndian])
SEQUENCE_END = struct.pack("<HHI", 0xFFFE, 0xE0DD, 0)


@st.composite
def data_sets(draw: st.DrawFn) -> bytes:
    """A few elements, mostly alike: of two lengths, sometimes a sequence of undefined length, sometimes twice."""
    tags = draw(st.lists(st.sampled_from([0x00080018, 0x00080060, 0x00100020, 0x00200032]), max_size=5))
    content = b"".join(_element(tag, b"LO", draw(st.sampled_from([b"ab", b"cd", b"abcd"]))) for tag in tags)
    if draw(st.booleans()):
        content += _sequence(draw(st.sampled_from([b"", b"xy", b"z" * 8])))
    return content + draw(st.sampled_from([b"", _pixels(b"12"), _pixels(b"1234")]))


def _element(tag: int, vr: bytes, value: bytes) -> bytes:
    return struct.pack("<HH2sH", tag >> 16, tag & 0xFFFF, vr, len(value)) + value


def _sequence(value: bytes) -> bytes:
    item = _element(0x00080018, b"UI", value)
    return (
        struct.pack("<HH2sxxI", 0x0040, 0x0275, b"SQ", 0xFFFFFFFF)
        + (struct.pack("<HHI", 0xFFFE, 0xE000, len(item)) + item)
        + SEQUENCE_END
    )


def _pixels(value: bytes) -> bytes:
    return struct.pack("<HH2sxxI", 0x7FE0, 0x0010, b"OW", len(value)) + value


def found(find: Callable[[memoryview, uid.UID], Header], content: bytes, syntax: uid.UID) -> Any:
    """All that a scan tells; of damage, that it tells of it."""
    try:
        header = find(memoryview(content), syntax)
    except CorruptInstanceError:
        return None
    outline = header.outline
    return dict(header), header.data, header.following(), outline.end, outline.implicit, outline.byte_order


@given(st.lists(st.tuples(data_sets(), SYNTAXES), max_size=12))
def test_each_data_set_is_scanned_as_if_it_were_the_first(contents: list[tuple[bytes, uid.UID]]) -> None:
    outlines = Outlines()
    for content, syntax in contents:
        assert found(outlines.scan, content, syntax) == found(scan, content, syntax)


@given(data_sets(), st.data())
def test_a_damaged_data_set_is_scanned_as_if_it_were_the_first(content: bytes, data: st.DataObject) -> None:
    outlines = Outlines()
    found(outlines.scan, content, EXPLICIT)
    damaged = bytearray(content[: data.draw(st.integers(0, len(content)))])
    for at in data.draw(st.lists(st.integers(0, max(0, len(damaged) - 1)), max_size=2)):
        damaged[at : at + 1] = data.draw(st.binary(min_size=1, max_size=1))
    assert found(outlines.scan, bytes(damaged), EXPLICIT) == found(scan, bytes(damaged), EXPLICIT)


def test_whether_vrs_are_told_is_seen_even_if_pixels_come_first() -> None:
    content = _pixels(b"12")
    implicit = content[:4] + b"\0" + content[5:]
    outlines = Outlines()
    found(outlines.scan, content, EXPLICIT)
    assert found(outlines.scan, implicit, EXPLICIT) == found(scan, implicit, EXPLICIT)


def test_the_slices_of_a_series_share_their_outline() -> None:
    outlines = Outlines()
    headers = [
        outlines.scan(memoryview(Instance.from_dataset(dataset).encoded), EXPLICIT) for dataset in series("CT", 5)
    ]
    assert len({id(header.outline) for header in headers}) < len(headers)
    assert len({header.uid(0x00080018) for header in headers}) == len(headers)


def test_outlines_that_return_in_turn_are_remembered() -> None:
    contents = [_element(0x00100020, b"LO", b"x" * 2 * length) for length in range(MAX_OUTLINES)]
    outlines = Outlines()
    first = [outlines.scan(memoryview(content), EXPLICIT).outline for content in contents]
    assert [outlines.scan(memoryview(content), EXPLICIT).outline for content in contents] == first


def test_an_instance_is_scanned_once() -> None:
    instance = Instance.from_dataset(series("CT", 1)[0])
    instance.scan(Outlines())
    elements = instance.elements
    instance.scan(Outlines())
    assert instance.elements is elements
    assert max(elements) < FIRST_PIXEL_TAG

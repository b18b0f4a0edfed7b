"""One instance: encoded, split at its pixels, parsed when asked."""

from __future__ import annotations

import pickle
import zlib
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom import uid
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate

from itkdicomqr import CorruptInstanceError, Instance, LimitExceededError
from itkdicomqr.instance import MAX_INFLATE_RATIO, PixelElement
from tests.synthetic import part10, series

SYNTAXES = (
    uid.ImplicitVRLittleEndian,
    uid.ExplicitVRLittleEndian,
    uid.ExplicitVRBigEndian,
    uid.DeflatedExplicitVRLittleEndian,
)


def pixels_of(instance: Instance) -> PixelElement:
    assert instance.pixels is not None
    return instance.pixels


def a_dataset(syntax: str = uid.ExplicitVRLittleEndian, **overrides: Any) -> Dataset:
    return series("CT", 1, syntax=syntax, **overrides)[0]


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_a_data_set_a_file_and_an_instance_say_the_same(syntax):
    dataset = a_dataset(syntax)
    made, read = Instance.from_dataset(dataset), Instance.from_part10(part10(dataset), origin="file")
    for instance in (made, read):
        assert instance.sop_class_uid == uid.CTImageStorage
        assert instance.sop_instance_uid == dataset.SOPInstanceUID
        assert instance.transfer_syntax_uid == syntax
        assert instance.dataset == dataset
        assert instance.dataset.file_meta.TransferSyntaxUID == syntax
        assert bytes(pixels_of(instance).value) == dataset.PixelData
    assert (made.origin, read.origin) == ("memory", "file")


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_the_header_holds_no_pixels_and_stays_raw(syntax):
    instance = Instance.from_dataset(a_dataset(syntax))
    assert "PixelData" not in instance.header
    assert instance.header.get_item("Rows").is_raw
    assert not pixels_of(instance).encapsulated
    assert pixels_of(instance).tag == 0x7FE00010


def test_pixels_are_not_copied():
    instance = Instance.from_dataset(a_dataset())
    assert pixels_of(instance).value.obj is instance.encoded


def test_encapsulated_pixels_are_known_as_such():
    dataset = a_dataset(uid.RLELossless, compress=lambda _: b"\0" * 64)
    pixels = pixels_of(Instance.from_dataset(dataset))
    assert pixels.encapsulated
    assert bytes(pixels.value).startswith(encapsulate([b"\0" * 64]))


def test_an_instance_without_pixels_has_none():
    dataset = a_dataset()
    del dataset.PixelData
    assert Instance.from_dataset(dataset).pixels is None


@pytest.mark.parametrize(("keyword", "tag"), [("FloatPixelData", 0x7FE00008), ("DoubleFloatPixelData", 0x7FE00009)])
def test_floating_pixels_are_pixels(keyword, tag):
    dataset = a_dataset()
    del dataset.PixelData
    setattr(dataset, keyword, b"\0" * 336)
    assert pixels_of(Instance.from_dataset(dataset)).tag == tag


def test_the_repr_tells_nothing_but_uids():
    instance = Instance.from_dataset(a_dataset(PatientName="Secret^Name"))
    assert "Secret" not in repr(instance) + repr(instance.pixels)
    assert instance.sop_instance_uid in repr(instance)


def test_an_instance_survives_pickling():
    instance = Instance.from_dataset(a_dataset())
    assert instance.header.Rows
    back = pickle.loads(pickle.dumps(Instance.from_dataset(a_dataset())))  # noqa: S301 our own bytes
    assert bytes(back.encoded) == bytes(instance.encoded)
    assert back.dataset == instance.dataset


def test_a_file_whose_meta_information_leaves_out_the_uids_takes_those_of_the_data_set():
    dataset = a_dataset()
    meta = b"\x02\x00\x10\x00UI\x14\x001.2.840.10008.1.2.1\0"
    encoded = bytes(Instance.from_dataset(dataset).encoded)
    instance = Instance.from_part10(b"\0" * 128 + b"DICM" + meta + encoded)
    assert instance.sop_instance_uid == dataset.SOPInstanceUID
    assert instance.sop_class_uid == dataset.SOPClassUID


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "'DICM' is not at offset 128"),
        (b"\0" * 132, "'DICM' is not at offset 128"),
        (b"\0" * 128 + b"DICM", "TransferSyntaxUID"),
        (b"\0" * 128 + b"DICM\x02\x00\x10\x00UI", "cannot be parsed|cut short"),
        (b"%PDF-1.7" * 40, "'DICM' is not at offset 128"),
    ],
)
def test_what_is_no_file_is_refused_with_the_reason(content, reason):
    with pytest.raises(CorruptInstanceError, match=reason):
        Instance.from_part10(content)


def test_a_file_is_called_as_its_data_set_is_not_as_meta_information_that_was_copied():
    dataset = a_dataset()
    content = part10(dataset).replace(dataset.SOPInstanceUID.encode(), (dataset.SOPInstanceUID[:-1] + "8").encode(), 1)
    instance = Instance.from_part10(content)
    assert instance.dataset.SOPInstanceUID == instance.sop_instance_uid == dataset.SOPInstanceUID


@pytest.mark.parametrize(("pad", "is_known"), [(b"\0", True), (b" ", True), (b"\x1c", False), (b"\n", False)])
def test_a_transfer_syntax_is_padded_by_a_null_or_a_space_and_nothing_else(pad, is_known):
    syntax = uid.ExplicitVRLittleEndian.encode()
    content = part10(a_dataset()).replace(syntax + b"\0", syntax + pad, 1)
    if is_known:
        assert Instance.from_part10(content).elements
        return
    with pytest.raises(CorruptInstanceError, match=r"transfer syntax .* is not known"):
        _ = Instance.from_part10(content).elements


@pytest.mark.parametrize("keyword", ["SOPClassUID", "SOPInstanceUID"])
def test_a_data_set_without_a_uid_has_that_of_its_meta_information(keyword):
    dataset = a_dataset()
    told = dataset.file_meta[f"MediaStorage{keyword}"].value
    del dataset[keyword]
    instance = Instance.from_dataset(dataset)
    assert told in (instance.sop_class_uid, instance.sop_instance_uid)


@pytest.mark.parametrize("lacking", ["TransferSyntaxUID", "SOPClassUID", "SOPInstanceUID"])
def test_a_data_set_must_say_what_it_is(lacking):
    dataset = a_dataset()
    if lacking in dataset:
        del dataset[lacking]
    del dataset.file_meta[lacking if lacking in dataset.file_meta else f"MediaStorage{lacking}"]
    with pytest.raises(CorruptInstanceError, match=lacking):
        Instance.from_dataset(dataset)


def test_a_data_set_that_was_never_a_file_is_refused():
    with pytest.raises(CorruptInstanceError, match=r"no file_meta\.TransferSyntaxUID"):
        Instance.from_dataset(Dataset())


def test_pixels_that_are_cut_short_are_refused_with_both_lengths():
    whole = Instance.from_dataset(a_dataset())
    cut = Instance(whole.sop_class_uid, "1.2.3", whole.transfer_syntax_uid, whole.encoded[:-10])
    with pytest.raises(CorruptInstanceError, match=r"instance 1\.2\.3: .* 84 bytes, of which 74 are there"):
        _ = cut.pixels


@settings(max_examples=60)
@given(st.data())
@pytest.mark.parametrize("syntax", SYNTAXES)
def test_damaged_bytes_are_a_typed_error_or_a_data_set_never_more(syntax, data):
    encoded = bytearray(Instance.from_dataset(a_dataset(syntax)).encoded)
    for _ in range(data.draw(st.integers(1, 8))):
        encoded[data.draw(st.integers(0, len(encoded) - 1))] = data.draw(st.integers(0, 255))
    del encoded[data.draw(st.integers(0, len(encoded))) :]
    instance = Instance("1.2", "1.2.3", syntax, bytes(encoded))
    for ask in ("header", "pixels", "dataset"):
        with suppress(CorruptInstanceError):
            getattr(instance, ask)


def deflated(content: bytes) -> Instance:
    deflater = zlib.compressobj(9, wbits=-zlib.MAX_WBITS)
    encoded = deflater.compress(content) + deflater.flush()
    return Instance("1.2", "1.2.3", uid.DeflatedExplicitVRLittleEndian, encoded)


def test_a_deflated_bomb_is_refused_before_it_grows():
    bomb = deflated(b"\0" * (10 << 20))
    with pytest.raises(
        LimitExceededError, match=rf"inflates to more than {200 * len(bomb.encoded)}, more than 200 times"
    ) as error:
        _ = bomb.inflated
    assert "Limits(max_inflate_ratio=...) of the node, or Instance(max_inflate_ratio=...)" in str(error.value)
    assert bomb.sop_instance_uid in str(error.value)


def test_who_expects_much_may_allow_it():
    content = b"\0" * (1 << 20)
    assert bytes(replace(deflated(content), max_inflate_ratio=2000).inflated) == content


def test_no_ratio_allows_more_than_the_memory_should_hold(monkeypatch):
    monkeypatch.setattr("itkdicomqr.instance.MAX_INFLATED_BYTES", 1 << 20)
    with pytest.raises(LimitExceededError, match=r"more than 1048576.*: retrieve it in another transfer syntax"):
        _ = replace(deflated(b"\0" * (2 << 20)), max_inflate_ratio=10_000).inflated


def test_a_deflated_data_set_may_shrink_as_far_as_pixels_do():
    content = bytes(range(256)) * 40
    instance = deflated(content)
    assert len(content) < MAX_INFLATE_RATIO * len(instance.encoded)
    assert bytes(instance.inflated) == content


@pytest.mark.parametrize(("damage", "reason"), [(slice(0, -5), "cut short"), (slice(3, None), "damaged|cut short")])
def test_a_damaged_deflated_stream_is_refused(damage, reason):
    whole = Instance.from_dataset(a_dataset(uid.DeflatedExplicitVRLittleEndian))
    cut = Instance(whole.sop_class_uid, "1.2.3", whole.transfer_syntax_uid, bytes(whole.encoded)[damage])
    with pytest.raises(CorruptInstanceError, match=reason):
        _ = cut.inflated

"""Text attributes in every character set, without a warning that would hold their values."""

from __future__ import annotations

import struct
import warnings
from io import BytesIO

import pytest
from pydicom.datadict import tag_for_keyword
from pydicom.dataset import Dataset
from pydicom.filereader import read_dataset
from pydicom.uid import ImplicitVRLittleEndian

from itkdicomqr.scan import scan
from itkdicomqr.text import printable, text_of


def encoded(keyword: str, value: bytes, *character_sets: str) -> Dataset:
    """Parse an implicit VR data set that holds the bytes as they are; the parser warns of unknown character sets."""
    values = {keyword: value, "SpecificCharacterSet": "\\".join(character_sets).encode()}
    elements = sorted(
        (tag_for_keyword(name), content) for name, content in values.items() if content or name == keyword
    )
    content = b"".join(_element(tag, value) for tag, value in elements if tag is not None)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return read_dataset(BytesIO(content), is_implicit_VR=True, is_little_endian=True)


def _element(tag: int, value: bytes) -> bytes:
    value += b" " * (len(value) % 2)
    return struct.pack("<HHI", tag >> 16, tag & 0xFFFF, len(value)) + value


@pytest.mark.parametrize(
    ("text", "codec", "character_sets"),
    [
        ("MR Brain", "ascii", ()),
        ("Übersicht", "latin1", ("ISO_IR 100",)),
        ("Übersicht 見本", "utf8", ("ISO_IR 192",)),
        ("Тест", "iso8859_5", ("ISO_IR 144",)),
        ("Ελλάδα", "iso8859_7", ("ISO_IR 126",)),
        ("山田 太郎", "iso2022_jp", ("", "ISO 2022 IR 87")),
        ("山田 太郎", "iso2022_jp", ("ISO 2022 IR 6", "ISO 2022 IR 87")),
        ("肺部 平扫", "gb18030", ("GB18030",)),
        ("肺部", "gbk", ("GBK",)),
        ("テスト", "shift_jis", ("ISO_IR 13",)),
        ("山田 補", "iso2022_jp_2", ("", "ISO 2022 IR 87", "ISO 2022 IR 159")),
    ],
)
@pytest.mark.parametrize("keyword", ["SeriesDescription", "PatientName", "PatientID"])
def test_text_is_read_in_its_character_set(text, codec, character_sets, keyword):
    assert text_of(encoded(keyword, text.encode(codec), *character_sets), keyword) == text


@pytest.mark.parametrize(
    ("value", "character_sets", "name"),
    [
        (
            b"Hong^Gildong=\x1b$)C\xfb\xf3^\x1b$)C\xd1\xce\xd4\xd7=\x1b$)C\xc8\xab^\x1b$)C\xb1\xe6\xb5\xbf",
            ("", "ISO 2022 IR 149"),
            "Hong^Gildong=洪^吉洞=홍^길동",
        ),
        (
            b"Zhang^XiaoDong=\x1b$)A\xd5\xc5^\x1b$)A\xd0\xa1\xb6\xab=",
            ("", "ISO 2022 IR 58"),
            "Zhang^XiaoDong=张^小东=",
        ),
        (
            b"Yamada^Tarou=\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B=\x1b$B$d$^$@\x1b(B^\x1b$B$?$m$&\x1b(B",
            ("", "ISO 2022 IR 87"),
            "Yamada^Tarou=山田^太郎=やまだ^たろう",
        ),
        (
            b"Dionysios is \x1b-F\xc4\xe9\xef\xed\xf5\xf3\xe9\xef\xf2",
            ("ISO 2022 IR 100", "ISO 2022 IR 126"),
            "Dionysios is Διονυσιος",
        ),
    ],
)
def test_names_switch_between_character_sets(value, character_sets, name):
    assert text_of(encoded("PatientName", value, *character_sets), "PatientName") == name


@pytest.mark.parametrize(
    ("value", "character_sets"),
    [
        (b"\xdcbersicht", ()),
        (b"\xdcbersicht", ("ISO_IR 192",)),
        (b"\xdcbersicht", ("ISO_IR 6",)),
        (b"\xff\xff\xff", ("GB18030",)),
        (b"\xe8\xa6", ("ISO_IR 192",)),
        ("Übersicht".encode("latin1"), ("NO SUCH SET",)),
        (b"\x1b$B\xff\xff\x1b(B", ("", "ISO 2022 IR 87")),
    ],
)
def test_bytes_of_another_character_set_are_not_guessed_at(value, character_sets):
    assert text_of(encoded("SeriesDescription", value, *character_sets), "SeriesDescription") is None


def test_an_unknown_character_set_does_no_harm_to_ascii():
    assert text_of(encoded("SeriesDescription", b"AX 3.0", "NO SUCH SET"), "SeriesDescription") == "AX 3.0"


@pytest.mark.parametrize("value", [b"a\x1b[31mb", b"\x1b", b"a\x1b"])
def test_an_escape_that_no_character_set_knows_reaches_nobody_as_a_warning(value):
    for character_sets in ((), ("ISO_IR 100",), ("", "ISO 2022 IR 87")):
        found = text_of(encoded("SeriesDescription", value, *character_sets), "SeriesDescription")
        assert found is None or isinstance(found, str)


@pytest.mark.parametrize(
    ("keyword", "value", "text"),
    [
        ("PatientID", b"99999 \0", "99999"),
        ("SeriesDescription", b" AX", "AX"),
        ("SeriesDescription", b"", ""),
        ("ImageType", b"ORIGINAL\\PRIMARY", "ORIGINAL\\PRIMARY"),
        ("StudyDate", b"nonsense", "nonsense"),
        ("SeriesNumber", b"1.5x", "1.5x"),
        ("SeriesInstanceUID", b"1.2.x\0", "1.2.x"),
        ("PatientName", b"A^B=C=D", "A^B=C=D"),
        ("Modality", b"not a code, and too long for one", "not a code, and too long for one"),
    ],
)
def test_values_that_break_the_rules_are_read_without_a_warning(keyword, value, text):
    dataset = encoded(keyword, value)
    assert text_of(dataset, keyword) == text
    assert not value or dataset.get_item(keyword).is_raw


@pytest.mark.parametrize(
    ("keyword", "value", "text"),
    [
        ("PatientName", "A^B", "A^B"),
        ("ImageType", ["ORIGINAL", "PRIMARY"], "ORIGINAL\\PRIMARY"),
        ("SeriesNumber", "07", "07"),
        ("SliceThickness", "2.50", "2.50"),
        ("SeriesDescription", " Übersicht ", "Übersicht"),
        ("SeriesDescription", None, ""),
        ("SeriesInstanceUID", "1.2.3", "1.2.3"),
        ("StudyDate", "20050106", "20050106"),
    ],
)
def test_a_converted_element_reads_like_a_raw_one(keyword, value, text):
    dataset = Dataset()
    setattr(dataset, keyword, value)
    assert text_of(dataset, keyword) == text


@pytest.mark.parametrize("keyword", ["SeriesDescription", "NoSuchKeyword"])
def test_an_absent_attribute_is_none_not_empty(keyword):
    assert text_of(Dataset(), keyword) is None


def test_what_is_not_printable_is_escaped():
    assert printable("Übersicht 見本\n\x1b[31m\u202e") == r"Übersicht 見本\n\x1b[31m\u202e"


@pytest.mark.parametrize("named", ["", "ISO-IR 6", "NO SUCH SET"])
def test_text_of_no_known_character_set_is_read_in_the_node_s(named):
    dataset = encoded("SeriesDescription", "Übersicht".encode("latin1"), named)
    assert text_of(dataset, "SeriesDescription") is None
    assert text_of(dataset, "SeriesDescription", "ISO_IR 100") == "Übersicht"
    assert text_of(dataset, "SeriesDescription", "ISO_IR 192") is None


def test_a_named_character_set_comes_before_the_node_s():
    dataset = encoded("SeriesDescription", "Übersicht".encode(), "ISO_IR 192")
    assert text_of(dataset, "SeriesDescription", "ISO_IR 100") == "Übersicht"


@pytest.mark.parametrize("empty", [b"", b"  ", b"\0\0"], ids=["no bytes", "blanks", "zeros"])
@pytest.mark.parametrize("scanned", [False, True], ids=["parsed", "scanned"])
def test_a_character_set_that_is_present_but_empty_counts_as_absent(empty: bytes, scanned: bool) -> None:
    def read(value: bytes, character_set: str = "") -> str | None:
        content = _element(0x00080005, empty) + _element(0x0008103E, value)
        parsed = read_dataset(BytesIO(content), is_implicit_VR=True, is_little_endian=True)
        dataset = scan(memoryview(content), ImplicitVRLittleEndian) if scanned else parsed
        assert 0x00080005 in dataset
        return text_of(dataset, "SeriesDescription", character_set)

    assert read(b"AX 3.0") == "AX 3.0"
    assert read("Übersicht".encode("latin1")) is None
    assert read("Übersicht".encode("latin1"), "ISO_IR 100") == "Übersicht"
    assert read("Übersicht".encode(), "ISO_IR 192") == "Übersicht"

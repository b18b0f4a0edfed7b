"""Bytes in DICOM's character sets: what they mean to whoever shows them, and must mean to whoever decides by them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.charset import CODES_TO_ENCODINGS

from itkdicomqr.charsets import UNDECODABLE, decoded, encodable, encodings_of, is_known, strictly_decoded

JAPANESE = "\\ISO 2022 IR 87"
KOREAN = "\\ISO 2022 IR 149"
TERMS = ["", "ISO_IR 6", "ISO_IR 100", "ISO_IR 192", "GB18030", "ISO_IR 13", JAPANESE, KOREAN, "NO SUCH SET"]


@pytest.mark.parametrize("vr", ["LO", "PN"])
def test_a_caret_ends_the_character_set_of_a_part_of_a_name_alone(vr):
    content = b"\x1b$)C\xc8\xab^Hong\xc8\xab"
    shown = "홍^Hong" + ("È«" if vr == "PN" else "홍")
    assert decoded(content, KOREAN, vr) == shown
    assert strictly_decoded(content, KOREAN, vr) == (None if vr == "PN" else shown)


@pytest.mark.parametrize("decode", [decoded, strictly_decoded])
@pytest.mark.parametrize("vr", ["LO", "PN"])
def test_a_character_of_two_bytes_may_look_like_a_delimiter(decode, vr):
    assert decode(b"\x1b$B$d$^$@\x1b(B^\x1b$B$?$m$&\x1b(B", JAPANESE, vr) == "やまだ^たろう"


@pytest.mark.parametrize("delimiter", ["\\", "\r", "\n", "\t", "\f"])
@pytest.mark.parametrize("decode", [decoded, strictly_decoded])
def test_a_delimiter_brings_the_first_character_set_back(decode, delimiter):
    content = b"\x1b$)C\xc8\xab" + delimiter.encode() + b"Hong"
    assert decode(content, KOREAN, "LO") == f"홍{delimiter}Hong"


@pytest.mark.parametrize(
    ("content", "terms", "shown"),
    [
        (b"\xdcbersicht", "", "Übersicht"),
        (b"\xdcbersicht", "NO SUCH SET", "Übersicht"),
        (b"\xdcbersicht", "ISO_IR 6", "Übersicht"),
        (b"\x1b$)C\xc8\xab", "", "홍"),
        (b"\x1b[31m", "", "\x1b[31m"),
        (b"\xdc", "ISO_IR 192", UNDECODABLE),
        (b"\xc3\xa9\x1b(B\xc3\xa9", "ISO_IR 192", "é\x1b(Bé"),
    ],
)
def test_what_is_shown_decides_nothing_where_no_character_set_says_it(content, terms, shown):
    assert decoded(content, terms, "LO") == shown
    assert strictly_decoded(content, terms, "LO") is None


PARTS = st.one_of(st.binary(max_size=8), st.sampled_from([*CODES_TO_ENCODINGS, b"\x1b-b", b"\x1b"]))
"""Some bytes, or what begins with an escape."""


@given(st.lists(PARTS, max_size=6).map(b"".join), st.sampled_from(TERMS), st.sampled_from(["LO", "PN", "CS", "UT"]))
def test_what_must_be_meant_is_what_is_shown(content, terms, vr):
    meant = strictly_decoded(content, terms, vr)
    assert meant is None or meant == decoded(content, terms, vr)


def test_a_text_is_encodable_in_the_first_character_set_alone():
    assert encodable("Übersicht", "ISO_IR 100")
    assert not encodable("Übersicht", "")
    assert not encodable("山田", JAPANESE)


@pytest.mark.parametrize("decode", [decoded, strictly_decoded])
@pytest.mark.parametrize(
    ("content", "terms"), [(b"\xa4 1", "ISO_IR 203"), (b"\x1b-b\xa4 1", "\\ISO 2022 IR 203")], ids=["first", "escaped"]
)
def test_latin_9_has_the_euro(decode, content, terms):
    assert decode(content, terms, "LO") == "€ 1"


def test_terms_that_nobody_defined_count_as_absent():
    assert encodings_of("NO SUCH SET") == encodings_of("") == ["ascii"]
    assert not is_known("NO SUCH SET")
    assert is_known(JAPANESE)

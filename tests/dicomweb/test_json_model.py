"""What a value of the DICOM JSON model reads as."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from itkdicomqr.dicomweb.json_model import json_text_of, read_matches
from itkdicomqr.errors import ProtocolError

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["vr", "Value", "x"]), inner),
)


@pytest.mark.parametrize(
    ("keyword", "element", "text"),
    [
        ("SeriesDescription", {"vr": "LO", "Value": [" AX T1 "]}, "AX T1"),
        ("SeriesDescription", {"vr": "LO", "Value": ["Übersicht"]}, "Übersicht"),
        ("SeriesDescription", {"vr": "LO", "Value": [None]}, ""),
        ("SeriesDescription", {"vr": "LO", "Value": []}, ""),
        ("SeriesDescription", {"vr": "LO"}, ""),
        ("ModalitiesInStudy", {"vr": "CS", "Value": ["CT", "MR"]}, "CT\\MR"),
        ("ModalitiesInStudy", {"vr": "CS", "Value": ["CT", None, "MR"]}, "CT\\\\MR"),
        ("SeriesNumber", {"vr": "IS", "Value": [7]}, "7"),
        ("SeriesNumber", {"vr": "IS", "Value": [7.0]}, "7"),
        ("SeriesNumber", {"vr": "IS", "Value": ["7"]}, "7"),
        ("EchoTime", {"vr": "DS", "Value": [4.6]}, "4.6"),
        ("PatientName", {"vr": "PN", "Value": [{"Alphabetic": "Demo^Patient"}]}, "Demo^Patient"),
        ("PatientName", {"vr": "PN", "Value": [{"Alphabetic": "A^B", "Phonetic": "p"}]}, "A^B==p"),
        ("PatientName", {"vr": "PN", "Value": [{"Ideographic": "見本^患者"}]}, "=見本^患者"),
        ("PatientName", {"vr": "PN", "Value": [{}]}, ""),
        ("PatientName", {"vr": "PN", "Value": [{"Alphabetic": 5}]}, None),
        ("SeriesNumber", {"vr": "IS", "Value": [True]}, None),
        ("SeriesNumber", {"vr": "IS", "Value": 7}, None),
        ("SeriesDescription", {"vr": "LO", "InlineBinary": "QUI="}, None),
        ("RequestAttributesSequence", {"vr": "SQ", "Value": [{"00080005": {"vr": "CS"}}]}, None),
        ("SeriesDescription", {"vr": "LO", "Value": ["\N{REPLACEMENT CHARACTER}bersicht"]}, None),
        ("SeriesDescription", {"vr": "LO", "Value": ["\ud83d"]}, None),
        ("SeriesDescription", "AX", None),
        ("SeriesDescription", None, None),
    ],
)
def test_a_value_reads_as_the_encoded_one_would(keyword: str, element: Any, text: str | None) -> None:
    tags = {
        "SeriesDescription": "0008103E",
        "ModalitiesInStudy": "00080061",
        "SeriesNumber": "00200011",
        "EchoTime": "00180081",
        "PatientName": "00100010",
        "RequestAttributesSequence": "00400275",
    }
    assert json_text_of({tags[keyword]: element}, keyword) == text


def test_an_absent_attribute_was_not_told() -> None:
    assert json_text_of({}, "SeriesDescription") is None
    assert json_text_of({}, "NoSuchKeyword") is None


@given(JSON)
def test_any_json_is_text_or_was_not_told(element: Any) -> None:
    assert isinstance(json_text_of({"0008103E": element}, "SeriesDescription"), str | None)


@pytest.mark.parametrize(
    ("content", "matches"), [(b"", []), (b" \r\n", []), (b"[]", []), (b'[{"0020000D": {}}]', [{"0020000D": {}}])]
)
def test_an_array_of_data_sets_is_read(content: bytes, matches: list[Any]) -> None:
    assert read_matches(content) == matches


@pytest.mark.parametrize("content", [b"{}", b"[1]", b"null", b"[", b"\xff", b"[" * 100_000, b"<html>"])
def test_anything_else_breaks_the_protocol(content: bytes) -> None:
    with pytest.raises(ProtocolError, match="the answer is no"):
        read_matches(content)

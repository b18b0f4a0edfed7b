"""Quirks of C-FIND, as an independent client meets them."""

from __future__ import annotations

import time

import pytest

from tests.archive.quirks.asking import FIND, NAME, PATIENT_FIND, find, get, identifier, one_series

ALL_SERIES = {"StudyInstanceUID": "", "SeriesInstanceUID": ""}
IMAGES = {"StudyInstanceUID": "1.2.1", "SeriesInstanceUID": "1.2.1.1", "SOPInstanceUID": ""}
PENDING = 0xFF00


@pytest.mark.parametrize(
    ("quirks", "level", "rows", "final"),
    [
        ("", "SERIES", 4, 0x0000),
        ("caps-at-3", "SERIES", 3, 0xFE00),
        ("caps-at-4", "SERIES", 4, 0x0000),
        ("caps-at-2", "IMAGE", 2, 0xFE00),
        ("caps-with-b001-at-3", "SERIES", 3, 0xB001),
        ("caps-silently-at-3", "SERIES", 3, 0x0000),
        ("caps-silently-at-2", "IMAGE", 2, 0x0000),
        ("caps-instances-at-2", "IMAGE", 2, 0xFE00),
        ("caps-instances-silently-at-2", "IMAGE", 2, 0x0000),
        ("caps-instances-at-2", "SERIES", 4, 0x0000),
        ("row-per-instance", "SERIES", 12, 0x0000),
        ("no-image-level", "IMAGE", 0, 0xA900),
        ("no-image-level=C000", "IMAGE", 0, 0xC000),
    ],
)
def test_a_list_of_rows_is_cut_or_lengthened(quirks, level, rows, final):
    reply = find(quirks, identifier(level, **(IMAGES if level == "IMAGE" else ALL_SERIES)))
    assert (len(reply.rows), reply.final) == (rows, final)
    assert len(reply.statuses) == rows + 1


@pytest.mark.parametrize(
    ("quirks", "syntax", "lossy"),
    [
        ("", "1.2.840.10008.1.2.1", None),
        ("lossy-only", "1.2.840.10008.1.2.1", None),
        ("lossy-originals", "1.2.840.10008.1.2.4.91", "01"),
        ("j2k-only", "1.2.840.10008.1.2.4.90", None),
        ("rle-only", "1.2.840.10008.1.2.5", None),
        ("implicit-only", "1.2.840.10008.1.2", None),
    ],
)
def test_rows_tell_the_form_in_which_instances_are_kept(quirks, syntax, lossy):
    asked = identifier("IMAGE", **IMAGES, AvailableTransferSyntaxUID="", LossyImageCompression="")
    rows = find(quirks, asked).rows
    assert [str(row.AvailableTransferSyntaxUID) for row in rows] == [syntax] * 3
    assert [row.LossyImageCompression or None for row in rows] == [lossy] * 3


@pytest.mark.parametrize(
    ("quirks", "keyword", "value", "rows", "returned"),
    [
        ("", "SeriesDescription", "AX*", 2, "AX Soft"),
        ("ignores-description", "SeriesDescription", "AX*", 4, None),
        ("empties-description", "SeriesDescription", "AX*", 4, ""),
        ("ignores-modality", "Modality", "MR", 4, None),
        ("ignores=Modality", "Modality", "MR", 4, None),
        ("case-insensitive", "SeriesDescription", "AX*", 4, "AX Soft"),
        ("", "PatientName", "yamada*", 4, NAME),
        ("case-sensitive", "PatientName", "yamada*", 0, ""),
        ("case-sensitive", "PatientName", "Yamada*", 4, NAME),
        ("no-wildcards", "SeriesDescription", "AX*", 0, ""),
        ("no-wildcards", "SeriesDescription", "AX Soft", 2, "AX Soft"),
        ("no-counts", "NumberOfSeriesRelatedInstances", "", 4, None),
        ("wrong-counts", "NumberOfSeriesRelatedInstances", "", 4, "4"),
        ("counts-collapse-rows", "NumberOfSeriesRelatedInstances", "", 1, "3"),
        ("counts-collapse-rows", "Modality", "", 4, "CT"),
    ],
)
def test_a_key_is_matched_or_returned_otherwise(quirks, keyword, value, rows, returned):
    reply = find(quirks, identifier("SERIES", **ALL_SERIES, **{keyword: value}))
    assert len(reply.rows) == rows
    for row in reply.rows[:1]:
        assert (None if keyword not in row else str(row[keyword].value or "")) == returned


def test_modalities_in_study_are_ignored():
    reply = find("ignores-modalities-in-study", identifier("STUDY", StudyInstanceUID="", ModalitiesInStudy="MR"))
    assert reply.values("StudyInstanceUID") == ["1.2.1", "1.2.2"]


@pytest.mark.parametrize(("name", "rows"), [("AX Soft", 3), ("*", 4)])
def test_a_row_that_does_not_match_is_added_where_there_is_one(name, rows):
    reply = find("extra-rows", identifier("SERIES", **ALL_SERIES, SeriesDescription=name))
    assert len(set(reply.values("SeriesInstanceUID"))) == len(reply.rows) == rows


def test_the_last_row_takes_the_place_of_others():
    reply = find("overwrites-rows", identifier("SERIES", **ALL_SERIES))
    assert reply.values("SeriesInstanceUID") == ["1.2.2.2"] * 4
    assert find("overwrites-rows", identifier("STUDY", StudyInstanceUID="1.2.9")).statuses == [0]


def test_every_row_says_that_keys_are_missing():
    assert find("status-ff01", identifier("STUDY", StudyInstanceUID="")).statuses == [0xFF01, 0xFF01, 0]


LIST = identifier("STUDY", StudyInstanceUID=["1.2.1", "1.2.2"])


@pytest.mark.parametrize(
    ("quirks", "statuses"),
    [
        ("", [PENDING, PENDING, 0]),
        ("refuses-uid-lists", [0xC320]),
        ("refuses-uid-lists=A900", [0xA900]),
        ("ignores-uid-lists", [0]),
        ("drops-at-uid-lists", [None]),
    ],
)
def test_a_list_of_uids_is_answered_otherwise(quirks, statuses):
    assert find(quirks, LIST).statuses == statuses


RELATIONAL = identifier("SERIES", SeriesInstanceUID="1.2.1.1")


@pytest.mark.parametrize(
    ("quirks", "found", "retrieved"),
    [
        ("", [PENDING, 0], 0),
        ("needs-study-uid", [0xA900], 0xA900),
        ("silent-without-study-uid", [0], 0),
        ("retrieve-silent-without-study-uid", [PENDING, 0], 0),
        ("retrieve-needs-study-uid", [PENDING, 0], 0xC413),
    ],
)
def test_a_request_without_its_study_is_answered_otherwise(quirks, found, retrieved):
    assert find(quirks, RELATIONAL).statuses == found
    reply = get(quirks, RELATIONAL)
    assert reply.final == retrieved
    assert len(reply.instances) == (0 if quirks else 3)
    assert len(find(quirks, one_series()).rows) == 1


@pytest.mark.parametrize(
    ("quirks", "final"), [("", 0), ("needs-patient-id", 0xA900), ("needs-patient-id=C000", 0xC000)]
)
def test_the_patient_root_model_may_need_its_patient(quirks, final):
    assert find(quirks, identifier("STUDY", StudyInstanceUID=""), PATIENT_FIND).final == final
    assert find(quirks, identifier("STUDY", StudyInstanceUID="", PatientID="SYN-1"), PATIENT_FIND).final == 0
    assert find(quirks, identifier("STUDY", StudyInstanceUID=""), FIND).final == 0


@pytest.mark.parametrize(
    ("quirks", "character_set", "name"),
    [
        ("", "ISO_IR 192", NAME.encode()),
        ("loses-utf8", None, b"Yamada^Tarou=^"),
        ("questions-utf8", None, b"Yamada^Tarou=??^??"),
        ("no-charset", None, NAME.encode()),
        ("wrong-charset", "ISO_IR 100", NAME.encode()),
        ("invalid-charset", "ISO-IR 6", NAME.encode()),
        ("upper-cases-text", "ISO_IR 192", NAME.upper().encode()),
    ],
)
@pytest.mark.filterwarnings("ignore:Incorrect value for Specific Character Set")  # of the client's pydicom
def test_text_comes_back_in_another_character_set(quirks, character_set, name):
    reply = find(quirks, identifier("STUDY", StudyInstanceUID="1.2.1", PatientName=""))
    (row,) = reply.rows
    assert row.get("SpecificCharacterSet") == character_set
    assert name + b" " * (len(name) % 2) in reply.raw[0]


def test_the_first_response_takes_its_time():
    begun = time.monotonic()
    find("slow-first-response=0.7", LIST)
    assert time.monotonic() - begun > 0.7

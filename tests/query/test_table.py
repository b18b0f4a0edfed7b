"""Rows and tables: values that travel, pick and show without a patient's name."""

from __future__ import annotations

import pickle
import re
from dataclasses import FrozenInstanceError
from html import unescape
from typing import Any

import pytest

from itkdicomqr import AmbiguousSeriesError, Client, Node, NoMatchError, Row, SeriesTable
from itkdicomqr.levels import Level
from itkdicomqr.query.table import MAX_SHOWN, merged

NODE = Node("h.example", 104, "MAIN")


def a_row(number: int = 1, **values: str | None) -> Row:
    attributes: dict[str, str | None] = {
        "SeriesInstanceUID": f"1.2.{number}",
        "StudyInstanceUID": "1.1",
        "SeriesNumber": str(number),
        "SeriesDescription": f"Series {number}",
        "PatientID": "4711",
        "PatientName": "Secret^Name",
        "StudyDate": "20050106",
    }
    return Row(Level.SERIES, tuple({**attributes, **values}.items()), NODE)


def a_table(*rows: Row, **settings: Any) -> SeriesTable:
    return SeriesTable(rows, "description 'Series*'", **settings)


def test_a_row_has_its_attributes_by_their_keywords():
    row = a_row(2, Modality="CT", ProtocolName=None, StudyDescription="")
    assert (row.Modality, row.SeriesNumber, row.StudyDescription) == ("CT", "2", "")
    assert row.ProtocolName is None
    assert row.get("BodyPartExamined") is None
    with pytest.raises(AttributeError, match="BodyPartExamined"):
        _ = row.BodyPartExamined


def test_a_row_is_frozen():
    with pytest.raises(FrozenInstanceError):
        a_row().level = Level.IMAGE  # type: ignore[misc]
    changed = a_row().with_values({"Modality": "MR"})
    assert changed.Modality == "MR"
    assert a_row().get("Modality") is None


def test_a_row_takes_what_it_lacks_from_above():
    study = Row(Level.STUDY, (("StudyDescription", "Thorax"), ("SeriesDescription", "of the study")))
    assert a_row(1).joined(study).StudyDescription == "Thorax"
    assert a_row(1).joined(study).SeriesDescription == "Series 1"


@pytest.mark.parametrize(
    ("told", "number"),
    [("12", 12), (" 007 ", 7), ("", None), (None, None), ("-1", None), ("x", None), ("1" * 13, None)],
)
def test_a_count_is_read_as_an_archive_writes_it(told: str | None, number: int | None) -> None:
    assert a_row(NumberOfSeriesRelatedInstances=told).number("NumberOfSeriesRelatedInstances") == number


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_rows_and_tables_survive_pickling(protocol):
    table = a_table(a_row(1), a_row(2), lost=NoMatchError("lost", lost_by="date"), issuers=("A",))
    back = pickle.loads(pickle.dumps(table, protocol))  # noqa: S301 our own bytes
    assert back == table
    assert back[0].node == NODE
    assert back.lost.lost_by == "date"


def test_rows_are_equal_by_what_they_say_not_by_who_said_it():
    assert a_row(1) == Row(Level.SERIES, a_row(1).attributes, Node("other", 1, "B"))
    assert len({a_row(1), a_row(1), a_row(2)}) == 2


def test_a_table_is_a_sequence_of_rows():
    table = a_table(a_row(1), a_row(2), a_row(3))
    assert len(table) == 3
    assert table[1] == a_row(2)
    assert table[-2:] == (a_row(2), a_row(3))
    assert a_row(3) in table


def test_the_only_row_is_the_one():
    assert a_table(a_row(5)).one() == a_row(5)


def test_no_row_is_an_error_that_tells_what_lost_it():
    with pytest.raises(NoMatchError) as caught:
        a_table(lost=NoMatchError("nothing of that date", lost_by="date")).one()
    assert caught.value.lost_by == "date"
    with pytest.raises(NoMatchError, match=r"no series for description 'Series\*'"):
        a_table().one()


def test_several_rows_are_an_error_whose_message_is_the_table():
    table = a_table(a_row(1), a_row(2))
    with pytest.raises(AmbiguousSeriesError) as caught:
        table.one()
    message = str(caught.value)
    assert message.splitlines()[0] == "2 series for description 'Series*'; pick one by its keyword:"
    assert table.listing() in message
    assert caught.value.candidates is table
    assert "Secret" not in message


def test_a_patient_id_of_two_issuers_is_ambiguous_even_with_one_series():
    with pytest.raises(AmbiguousSeriesError, match=r"issued by 'A', 'B'.*several patients; give issuer_of_patient_id="):
        a_table(a_row(1), issuers=("A", "B")).one()


@pytest.mark.parametrize(
    ("rows", "picks"),
    [
        ((a_row(1), a_row(2)), [{"series_number": 1}, {"series_number": 2}]),
        (
            (a_row(1), a_row(1, StudyDate="20060106")),
            [{"date": "20050106", "series_number": 1}, {"date": "20060106", "series_number": 1}],
        ),
        (
            (a_row(1), a_row(2, SeriesNumber="01")),
            [{"series_uid": "1.2.1"}, {"series_uid": "1.2.2"}],
        ),
        ((a_row(1, SeriesNumber=None),), [{"series_uid": "1.2.1"}]),
        ((a_row(1, SeriesNumber="one"), a_row(2)), [{"series_uid": "1.2.1"}, {"series_number": 2}]),
        (
            (a_row(1, StudyDate="2005.01.06"), a_row(2, SeriesNumber="1", StudyDate="20060106")),
            [{"series_uid": "1.2.1"}, {"date": "20060106", "series_number": 1}],
        ),
    ],
)
def test_each_row_is_picked_by_the_fewest_words(rows, picks):
    assert a_table(*rows).picks() == picks


def test_a_listing_spells_the_picks_as_keyword_arguments():
    listing = a_table(a_row(1), a_row(1, StudyDate="20060106"), a_row(3)).listing().splitlines()
    assert [line.split()[-1] for line in listing[1:]] == ["series_number=1", "series_number=1", "series_number=3"]
    assert 'date="20060106", series_number=1' in listing[2]


def test_every_pick_of_a_search_really_picks_its_row(demo_archive):
    client = Client(demo_archive.url)
    searches: list[dict[str, Any]] = [{"patient_id": "99999"}, {"patient_name": "*"}]
    for known in searches:
        table = client.find_series(**known)
        for row, pick in zip(table, table.picks(), strict=True):
            assert list(client.find_series(**{**known, **pick})) == [row]


def test_a_table_shows_no_patient_s_name_unless_asked():
    table = a_table(a_row(1), a_row(2))
    shown = [repr(table), table.listing(), table._repr_html_(), str(table.to_dicts()), repr(table[0]), str(table[0])]
    assert not any("Secret" in text for text in shown)
    assert table.to_dicts(names=True)[0]["PatientName"] == "Secret^Name"
    assert table.columns(names=True)["PatientName"] == "name"


def test_columns_are_those_of_which_any_row_has_a_value():
    columns = a_table(a_row(1, Modality=None), a_row(2, Modality="CT", StudyDescription="")).columns()
    assert "Modality" in columns
    assert "StudyDescription" not in columns


@pytest.mark.parametrize("count", [MAX_SHOWN, MAX_SHOWN + 1, MAX_SHOWN + 30])
def test_a_long_table_is_elided(count):
    table = a_table(*map(a_row, range(1, count + 1)))
    hidden = count - MAX_SHOWN
    for text in (repr(table), table.listing(), table._repr_html_()):
        assert f"Series {MAX_SHOWN}" in text
        assert f"Series {MAX_SHOWN + 1}" not in text
        assert (f"... and {hidden} more" in text) == (hidden > 0)
    assert len(table.to_dicts()) == count


def test_html_escapes_what_an_archive_sent():
    hostile = '<script>alert(1)</script> & "quotes"'
    drawn = a_table(a_row(1, SeriesDescription=hostile))._repr_html_()
    assert "<script>" not in drawn
    assert hostile in unescape(drawn)


def test_what_an_archive_sent_can_forge_no_line():
    listing = a_table(a_row(1, SeriesDescription="one\nseries_number=9 \x1b[31m")).listing()
    assert len(listing.splitlines()) == 2
    assert r"one\nseries_number=9 \x1b[31m" in listing


def test_an_empty_table_is_false_and_says_so():
    assert not a_table()
    assert repr(a_table()) == "<SeriesTable, empty>"
    assert a_table().picks() == a_table().to_dicts() == []


def test_tables_of_several_archives_merge_into_one():
    first = a_table(a_row(2), a_row(1))
    second = SeriesTable((Row(Level.SERIES, a_row(2).attributes, Node("other", 1, "B")), a_row(10)), first.criteria)
    table = merged([first, second])
    assert [row.SeriesNumber for row in table] == ["1", "2", "10"]
    assert {row.node for row in table} == {NODE}
    assert table.criteria == first.criteria


def test_a_loss_survives_merging_only_where_every_archive_lost():
    lost = [a_table(lost=NoMatchError(f"archive {name}", lost_by="date")) for name in "AB"]
    table = merged(lost)
    assert table.lost is not None
    assert (str(table.lost), table.lost.lost_by) == ("archive A\narchive B", "date")
    assert merged([lost[0], a_table(a_row(1))]).lost is None


def test_issuers_of_several_archives_are_told_apart():
    table = merged([a_table(a_row(1), issuers=("A",)), a_table(a_row(2), issuers=("B", "A"))])
    assert table.issuers == ("A", "B")


def test_html_has_the_columns_and_the_rows_of_the_listing():
    table = a_table(a_row(1, SeriesDescription="one \x1b[31m\u202e"), a_row(2, Modality="CT"))
    drawn = unescape(table._repr_html_())
    heading, *lines = table.listing().splitlines()
    assert re.split(r" {2,}", heading) == re.findall("<th>(.*?)</th>", drawn)
    assert len(lines) == drawn.count("<tr>") - 1
    assert all(pick in drawn for pick in ("series_number=1", "series_number=2"))
    assert drawn.isprintable()


def test_html_of_an_empty_table_says_so():
    assert unescape(a_table()._repr_html_()) == "<SeriesTable, empty>"

"""How values that an archive returned are compared with what is wanted."""

from __future__ import annotations

import calendar
import unicodedata
from datetime import UTC, date, datetime, timedelta
from fnmatch import fnmatchcase

import pytest
from hypothesis import given
from hypothesis import strategies as st

from itkdicomqr.errors import CriteriaError
from itkdicomqr.query.matchers import DateRange, Exactly, Number, OneOf, PersonName, TimeRange, Wording

DATES = st.dates(min_value=date(1000, 1, 1), max_value=date(9999, 12, 31))
TEXTS = st.text(alphabet="aAbÉé*? .", max_size=6)


def last_of_month(day: date) -> date:
    return day.replace(day=calendar.monthrange(day.year, day.month)[1])


@given(DATES)
def test_a_day_means_the_same_in_every_spelling(day):
    compact, hyphenated = f"{day:%Y%m%d}", day.isoformat()
    noon = datetime(day.year, day.month, day.day, 12)  # noqa: DTZ001 without a zone is the point
    for spelling in (day, noon, compact, hyphenated, f" {hyphenated} ", (day, day), [compact, hyphenated]):
        assert DateRange.parse(spelling) == DateRange(day, day)


@given(DATES, DATES)
def test_a_range_means_the_same_in_every_spelling(one, other):
    first, last = sorted((one, other))
    wanted = DateRange(first, last)
    begin, end = f"{first:%Y%m%d}", f"{last:%Y%m%d}"
    for spelling in (f"{begin}-{end}", f"{begin} - {end}", (first, last), (begin, last), (first, end)):
        assert DateRange.parse(spelling) == wanted


@given(DATES)
def test_an_open_range_means_the_same_in_every_spelling(day):
    for spelling in (f"{day:%Y%m%d}-", (day, None), [day.isoformat(), None]):
        assert DateRange.parse(spelling) == DateRange(day, None)
    for spelling in (f"-{day:%Y%m%d}", (None, day)):
        assert DateRange.parse(spelling) == DateRange(None, day)


@given(DATES)
def test_a_month_and_a_year_span_all_of_their_days(day):
    month = DateRange.parse(f"{day:%Y-%m}")
    year = DateRange.parse(f"{day:%Y}")
    assert month == DateRange(day.replace(day=1), last_of_month(day))
    assert year == DateRange(date(day.year, 1, 1), date(day.year, 12, 31))


@pytest.mark.parametrize(
    ("spelling", "last"),
    [
        ("2004-02", date(2004, 2, 29)),
        ("2005-02", date(2005, 2, 28)),
        ("1900-02", date(1900, 2, 28)),
        ("2000-02", date(2000, 2, 29)),
        (("2004-01", "2004-02"), date(2004, 2, 29)),
    ],
)
def test_leap_years_end_february(spelling, last):
    assert DateRange.parse(spelling).last == last


@given(DATES, DATES, DATES)
def test_a_day_is_within_a_range_as_the_calendar_says(day, one, other):
    first, last = sorted((one, other))
    wanted = DateRange(first, last)
    assert wanted.matches(f"{day:%Y%m%d}") == (first <= day <= last)
    assert DateRange(first, None).matches(f"{day:%Y%m%d} ") == (first <= day)
    assert DateRange(None, last).matches(f"{day:%Y.%m.%d}") == (day <= last)


@given(DATES, DATES)
def test_what_a_range_asks_an_archive_for_reads_back_as_the_range(one, other):
    first, last = sorted((one, other))
    for wanted in (DateRange(first, last), DateRange(first, None), DateRange(None, last), DateRange(first, first)):
        assert DateRange.parse(wanted.query) == wanted


@pytest.mark.parametrize(
    "value", ["", "20051301", "2005-13-01", "january", "0000", "2005010", "99999999", "20050106-2"]
)
def test_what_is_no_date_lies_in_no_range(value):
    assert not DateRange(date(1000, 1, 1), None).matches(value)


@pytest.mark.parametrize(
    "value",
    [
        "",
        "-",
        "200501",
        "2005-0106",
        "200501-06",
        "2005-02-29",
        "20051301",
        "0000",
        "06.01.2005",
        "2005-01-06T10:15",
        "yesterday",
        "٢٠٠٥",
        20050106,
        (None, None),
        ("2005",),
        ("2005", "2006", "2007"),
        timedelta(1),
    ],
)
def test_an_unreadable_date_is_refused_with_the_spellings_that_there_are(value):
    with pytest.raises(CriteriaError, match=r"is no date: give .*'2005-01-06'"):
        DateRange.parse(value)


def test_an_aware_datetime_is_refused_since_no_zone_is_converted():
    with pytest.raises(CriteriaError, match="time zone"):
        DateRange.parse(datetime(2005, 1, 6, 23, tzinfo=UTC))


@pytest.mark.parametrize("value", ["20050107-20050106", ("2005-02", "2005-01"), (date(2005, 1, 7), date(2005, 1, 6))])
def test_a_reversed_range_is_refused(value):
    with pytest.raises(CriteriaError, match="ends before it begins"):
        DateRange.parse(value)


def test_a_range_reads_as_words():
    assert [str(DateRange.parse(text)) for text in ("20050106", "2005", "20050106-", "-20050106")] == [
        "2005-01-06",
        "2005-01-01 to 2005-12-31",
        "2005-01-06 to …",
        "… to 2005-01-06",
    ]


@given(TEXTS, TEXTS)
def test_wildcards_match_as_a_shell_s_do(pattern, value):
    wanted, candidate = (text.casefold().strip() for text in (pattern, value))
    assert Wording(pattern).matches(value) == (wanted == candidate or fnmatchcase(candidate, wanted))


@given(st.text(max_size=12))
def test_every_text_matches_itself_whatever_it_holds(text):
    assert Wording(text).matches(text)
    assert Wording(text).matches_literally(f"  {text} ")


@given(st.text(max_size=12))
def test_case_normal_form_and_outer_spaces_do_not_count(text):
    decomposed = unicodedata.normalize("NFD", text)
    assert Wording(text).matches(decomposed)
    assert Wording(decomposed).matches(text)
    assert Wording(f" {text} ").matches(text)


@pytest.mark.parametrize(
    ("pattern", "value", "expected"),
    [
        ("Hip 3+vw THA Series (Post Op)", "HIP 3+VW THA series (post op)", True),
        ("Hip 3+vw*", "Hip 3+vw THA Series (Post Op)", True),
        ("T2*", "T2*", True),
        ("T2?", "T2*", True),
        ("[ab]", "a", False),
        ("a.c", "abc", False),
        ("STRASSE", "Straße", True),
        ("*", "", True),
        ("?", "", False),
        ("", "", True),
        ("", "anything", False),
        ("one*two", "one\ntwo", True),
    ],
)
def test_a_wording_reads_as_dicom_says(pattern, value, expected):
    assert Wording(pattern).matches(value) is expected


@pytest.mark.parametrize(("value", "literal"), [("t2*", True), ("T2 TSE", False)])
def test_a_wildcard_may_be_an_ordinary_character(value, literal):
    assert Wording("T2*").matches(value)
    assert Wording("T2*").matches_literally(value) is literal


@pytest.mark.parametrize(("value", "expected"), [("Ab1", True), ("Ab1  ", True), ("ab1", False), ("Ab10", False)])
def test_a_literal_counts_case_but_no_padding(value, expected):
    assert Exactly("Ab1").matches(value) is expected


@pytest.mark.parametrize(("value", "expected"), [("CT", True), ("ct ", True), ("CT\\SR", True), ("CTA", False)])
def test_one_of_several_codes_may_be_among_several_values(value, expected):
    assert OneOf(("CT", "PT")).matches(value) is expected


@pytest.mark.parametrize(("value", "expected"), [("5", True), ("005 ", True), ("+5", True), ("50", False), ("", False)])
def test_numbers_compare_as_numbers(value, expected):
    assert Number(5).matches(value) is expected


@pytest.mark.parametrize(
    ("pattern", "value", "expected"),
    [
        ("Demo^Patient", "DEMO^PATIENT", True),
        ("Demo^Patient", "Demo^Patient^^^", True),
        ("demo*", "Demo^Patience", True),
        ("見本^患者", "Démo^Ünïcode=見本^患者=みほん^かんじゃ", True),
        ("De\u0301mo*", "Démo^Ünïcode=見本^患者", True),
        ("Demo", "Demo^Patient", False),
    ],
)
def test_a_name_matches_whole_or_by_any_component_group(pattern, value, expected):
    assert PersonName(pattern).matches(value) is expected


@pytest.mark.parametrize(
    ("matcher", "query"),
    [(Exactly("1"), "1"), (OneOf(("CT",)), ""), (Number(2), ""), (Wording("a*"), ""), (PersonName("A*"), "A*")],
)
def test_an_archive_is_asked_only_for_what_it_can_be_trusted_with(matcher, query):
    assert matcher.query == query


CLOCK = st.times()


@given(CLOCK)
def test_a_time_means_the_same_in_every_spelling(time):
    wanted = TimeRange.parse(f"{time:%H%M%S}")
    for spelling in (f"{time:%H:%M:%S}", f" {time:%H%M%S} "):
        assert TimeRange.parse(spelling) == wanted
    assert wanted.matches(f"{time:%H%M%S.%f}")
    assert TimeRange.parse(f"{time:%H%M}").matches(f"{time:%H%M%S.%f} ")
    assert TimeRange.parse(f"{time:%H}").matches(f"{time:%H:%M:%S}")


@given(CLOCK, CLOCK, CLOCK)
def test_a_range_of_times_holds_what_lies_between_its_ends(one, other, time):
    first, last = sorted((one.replace(microsecond=0), other.replace(microsecond=0)))
    value = f"{time:%H%M%S}"
    moment = time.replace(microsecond=0)
    assert TimeRange.parse(f"{first:%H%M%S}-{last:%H%M%S}").matches(value) == (first <= moment <= last)
    assert TimeRange.parse(f"{first:%H:%M:%S}-").matches(value) == (first <= moment)
    assert TimeRange.parse(f"-{last:%H%M%S}").matches(value) == (moment <= last)


@pytest.mark.parametrize("value", ["", "-", "24", "1060", "101", "10:15-10:14", "noon", None, "1-2-3"])
def test_what_is_no_time_is_refused(value):
    with pytest.raises(CriteriaError, match="time"):
        TimeRange.parse(value)


@pytest.mark.parametrize("value", ["", "noon", "24", "1", "1015-1020"])
def test_what_is_no_time_lies_in_no_range(value):
    assert not TimeRange("000000.000000", None).matches(value)


@given(st.decimals(allow_nan=False, allow_infinity=False, places=3, min_value=-9999, max_value=9999))
def test_a_decimal_means_the_same_in_every_spelling(number):
    for spelling in (f"{number}", f" {number}0 ", f"{number:E}", f"7\\{number}"):
        assert Number(number).matches(spelling)
    assert not Number(number).matches(f"{number + 1}")


@pytest.mark.parametrize(
    ("pattern", "value", "expected"),
    [
        ("Demo^Patient=見本^患者", "DEMO^Patient=見本^患者=みほん^かんじゃ", True),
        ("=見本*", "Demo^Patient=見本^患者", True),
        ("Demo^Patient=見本^患者", "Demo^Patient", False),
        ("Demo^Patient==みほん*", "Demo^Patient=見本^患者=みほん^かんじゃ", True),
        ("見本*=Demo*", "Demo^Patient=見本^患者", False),
        ("=", "Demo^Patient", False),
    ],
)
def test_several_component_groups_match_each_in_its_place(pattern, value, expected):
    assert PersonName(pattern).matches(value) is expected

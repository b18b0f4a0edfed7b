"""How a key is compared with a value: PS3.4 C.2.2.2, case by case."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from itkdicomqr.archive.comparison import is_wild, matches

UNIVERSAL = [
    ("LO", [], ["anything"], True),
    ("LO", [], [], True),
    ("LO", [""], ["anything"], True),
    ("LO", ["*"], [], True),
    ("PN", ["*"], [], True),
    ("DA", [], [], True),
    ("UI", [], ["1.2"], True),
]

SINGLE = [
    ("LO", ["Chest-- PA & Lateral"], ["Chest-- PA & Lateral"], True),
    ("LO", ["Hip 3+vw THA Series (Post Op)"], ["Hip 3+vw THA Series (Post Op)"], True),
    ("LO", ["chest"], ["Chest"], False),
    ("LO", ["Chest"], ["Chest-PICC"], False),
    ("LO", ["Chest"], [], False),
    ("LO", ["a.c"], ["abc"], False),
    ("CS", ["CT"], ["MR", "CT"], True),
    ("CS", ["CT", "MR"], ["MR"], True),
    ("CS", ["ct"], ["CT"], False),
    ("IS", ["7"], ["007"], True),
    ("IS", ["7"], ["70"], False),
    ("DS", ["2.50"], ["2.5"], True),
    ("DS", ["thick"], ["2.5"], False),
    ("US", ["512"], ["512"], True),
    ("US", ["512"], ["256"], False),
]

UIDS = [
    ("UI", ["1.2"], ["1.2"], True),
    ("UI", ["1.2"], ["1.20"], False),
    ("UI", ["1.2", "1.3"], ["1.3"], True),
    ("UI", ["1.2", "1.3"], ["1.4"], False),
    ("UI", ["1.*"], ["1.2"], False),
    ("UI", ["*"], ["1.2"], False),
]

WILD = [
    ("LO", ["AX*"], ["AX 3.0"], True),
    ("LO", ["AX*"], ["COR AX"], False),
    ("LO", ["*AX"], ["COR AX"], True),
    ("LO", ["A?"], ["AX"], True),
    ("LO", ["A?"], ["A"], False),
    ("LO", ["A*X"], ["AX"], True),
    ("LO", ["*3*"], ["AX 3.0"], True),
    ("LO", ["?*"], [""], False),
    ("SH", ["[ab]*"], ["abc"], False),
    ("DA", ["2005*"], ["20050106"], False),
    ("IS", ["*"], ["3"], False),
]

DATES = [
    ("DA", ["20050106"], ["20050106"], True),
    ("DA", ["20050106"], ["20050107"], False),
    ("DA", ["20050106"], [], False),
    ("DA", ["20050101-20050131"], ["20050131"], True),
    ("DA", ["20050101-20050131"], ["20050201"], False),
    ("DA", ["20050101-"], ["20991231"], True),
    ("DA", ["20050101-"], ["20041231"], False),
    ("DA", ["-20050101"], ["20050101"], True),
    ("DA", ["-20050101"], ["20050102"], False),
    ("DA", ["20050106"], ["2005.01.06"], True),
    ("DA", ["20050101-20050131"], [], False),
]

TIMES = [
    ("TM", ["1015"], ["1015"], True),
    ("TM", ["1000-1030"], ["101500"], True),
    ("TM", ["1000-1030"], ["103059.999"], True),
    ("TM", ["1000-1030"], ["103100"], False),
    ("TM", ["1000-"], ["095959"], False),
    ("TM", ["1000-"], ["10"], True),
    ("TM", ["-10"], ["105959"], True),
    ("TM", ["101500.5-"], ["101500.4"], False),
    ("TM", ["101500.5-"], ["101500.50"], True),
    ("TM", ["1000-1030"], ["10:15:00"], True),
]

MOMENTS = [
    ("DT", ["20210503101500"], ["20210503101500"], True),
    ("DT", ["20210503"], ["20210503101500.25"], True),
    ("DT", ["20210503"], ["20210504"], False),
    ("DT", ["202105"], ["20210531235959"], True),
    ("DT", ["202012"], ["20201231"], True),
    ("DT", ["202012"], ["20210101"], False),
    ("DT", ["20210503-20210504"], ["20210504235959"], True),
    ("DT", ["20210503-20210504"], ["20210505"], False),
    ("DT", ["20210503-"], ["20210502"], False),
    ("DT", ["-2021"], ["20211231"], True),
    ("DT", ["-2021"], ["20220101"], False),
    ("DT", ["20210503120000+0200"], ["20210503100000+0000"], True),
    ("DT", ["20210503120000-0500"], ["20210503170000"], True),
    ("DT", ["20210503120000-0500-20210503130000-0500"], ["20210503173000"], True),
    ("DT", ["nonsense"], ["20210503"], False),
    ("DT", ["20210503"], ["nonsense"], False),
    ("DT", ["nonsense"], ["nonsense"], True),
    ("DT", ["20211503"], ["20210503"], False),
]

NAMES = [
    ("PN", ["Demo^Patient"], ["Demo^Patient"], True),
    ("PN", ["demo^PATIENT"], ["Demo^Patient"], True),
    ("PN", ["Demo"], ["Demo^Patient"], False),
    ("PN", ["Demo*"], ["Demo^Patient"], True),
    ("PN", ["D?mo^P*"], ["Demo^Patient"], True),
    ("PN", ["Demo^Patient^^^"], ["Demo^Patient"], True),
    ("PN", ["見本*"], ["Démo^Ünïcode=見本^患者"], True),
    ("PN", ["=見本^患者"], ["Démo^Ünïcode=見本^患者"], True),
    ("PN", ["=見本^患者"], ["見本^患者"], False),
    ("PN", ["Démo*=患者*"], ["Démo^Ünïcode=見本^患者"], False),
    ("PN", ["De\u0301MO*"], ["D\u00e9mo^Ünïcode"], True),
    ("PN", ["Demo*"], ["Démo^Ünïcode"], False),
]


@pytest.mark.parametrize(
    ("vr", "wanted", "values", "expected"),
    [*UNIVERSAL, *SINGLE, *UIDS, *WILD, *DATES, *TIMES, *MOMENTS, *NAMES],
)
def test_a_key_matches_as_the_standard_says(vr, wanted, values, expected):
    assert matches(vr, wanted, values) is expected


def plainly_wild(text: str, pattern: str) -> bool:
    if not pattern:
        return not text
    if pattern[0] == "*":
        return any(plainly_wild(text[cut:], pattern[1:]) for cut in range(len(text) + 1))
    return bool(text) and pattern[0] in ("?", text[0]) and plainly_wild(text[1:], pattern[1:])


@given(st.text("ab", max_size=9), st.text("ab*?", max_size=6))
def test_wildcards_match_as_their_definition(text, pattern):
    assert is_wild(text, pattern) == plainly_wild(text, pattern)


@given(st.text(max_size=20))
def test_a_text_without_wildcards_matches_only_itself(text):
    literal = text.replace("*", "").replace("?", "")
    assert is_wild(literal, literal)
    assert not is_wild(literal + "x", literal)


def test_a_pattern_of_many_stars_takes_no_time():
    assert not is_wild("a" * 5000, "*a" * 60 + "b")


@given(st.dates(), st.dates(), st.dates())
def test_a_range_of_dates_holds_the_days_between(first, last, day):
    wanted = f"{written(first)}-{written(last)}"
    assert matches("DA", [wanted], [written(day)]) == (written(first) <= written(day) <= written(last))


@given(st.dates(), st.dates())
def test_an_open_range_of_dates_has_one_bound(bound, day):
    assert matches("DA", [f"{written(bound)}-"], [written(day)]) == (day >= bound)
    assert matches("DA", [f"-{written(bound)}"], [written(day)]) == (day <= bound)


@given(st.times(), st.times(), st.times())
def test_a_range_of_times_holds_the_moments_between(first, last, moment):
    first_text, last_text, text = (f"{time:%H%M%S.%f}" for time in (first, last, moment))
    assert matches("TM", [f"{first_text}-{last_text}"], [text]) == (first <= moment <= last)


@given(st.datetimes(), st.datetimes(), st.datetimes())
def test_a_range_of_dates_and_times_holds_the_moments_between(first, last, moment):
    first_text, last_text, text = (f"{written(time.date())}{time:%H%M%S.%f}" for time in (first, last, moment))
    assert matches("DT", [f"{first_text}-{last_text}"], [text]) == (first <= moment <= last)


def written(day: date) -> str:
    return f"{day.year:04d}{day.month:02d}{day.day:02d}"

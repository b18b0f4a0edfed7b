"""A question in parts: which criteria it keeps, and which of its answers are believed."""

from __future__ import annotations

from typing import Any

import pytest

from itkdicomqr.errors import TruncatedMatchesError
from itkdicomqr.levels import Level
from itkdicomqr.query.criteria import Criteria, Criterion
from itkdicomqr.query.matchers import DateRange
from itkdicomqr.query.question import Question, dated
from itkdicomqr.query.table import Row
from itkdicomqr.query.truncation import Answer

ROWS = tuple(Row(Level.STUDY, (("StudyInstanceUID", f"1.{number}"),)) for number in range(4))
DAY = dated(DateRange.parse("2005-01-06"))


class Answering:
    """A catalogue that answers every question with some rows."""

    def __init__(self, count: int = 0) -> None:
        self.count = count
        self.asked: list[list[Criterion]] = []

    def ask(self, _level: Level, matched: list[Criterion], *, below: Row | None) -> Answer:
        assert below is None
        self.asked.append(matched)
        return Answer(ROWS[: self.count])


def question(catalogue: Any) -> Question:
    return Question(catalogue, Level.STUDY, Criteria.from_words("7", "2005").criteria)


def test_a_part_takes_the_place_of_the_criterion_of_its_attribute() -> None:
    catalogue = Answering()
    question(catalogue).ask(DAY)
    question(catalogue).ask()
    assert [[str(each) for each in asked] for asked in catalogue.asked] == [
        ["patient_id '7'", str(DAY)],
        ["patient_id '7'", "date 2005-01-01 to 2005-12-31"],
    ]


@pytest.mark.parametrize(
    ("whole", "is_believed"),
    [
        (Answer(ROWS[:3]), True),
        (Answer(ROWS[:2]), False),
        (Answer(ROWS[:1]), False),
        (Answer(()), True),
        (Answer(ROWS[:2], TruncatedMatchesError("cut"), admitted=True), True),
        (Answer(ROWS[:2], TruncatedMatchesError("cut"), matches=4), True),
    ],
)
def test_a_part_as_large_as_what_was_cut_in_silence_is_doubted(whole: Answer, is_believed: bool) -> None:
    part = question(Answering(2)).ask_part(whole, DAY)
    assert part.rows == ROWS[:2]
    assert (part.cut is None) is is_believed

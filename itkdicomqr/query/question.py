"""A question for the entities of one level, put as a whole or in parts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from itkdicomqr.levels import Level
from itkdicomqr.query.catalogue import Catalogue
from itkdicomqr.query.criteria import Criterion
from itkdicomqr.query.matchers import ALL_DAYS, DateRange, Exactly
from itkdicomqr.query.table import Row
from itkdicomqr.query.truncation import Answer, doubt


@dataclass(frozen=True)
class Question:
    """What is asked of an archive, and what is known of the answer.

    Attributes
    ----------
    catalogue : Catalogue
        The archive's queries.
    level : Level
        Of the rows.
    wanted : tuple of Criterion
        What the archive may match.
    below : Row, optional
        The study that series belong to.
    narrower : tuple of Criterion
        Any of these may be matched too; what fulfils one of them is enough.
    counted : tuple of Row
        Rows that came where counts were asked for.
    expected : int
        How many rows there are, as the archive counts; 0 where it does not tell.
    """

    catalogue: Catalogue
    level: Level
    wanted: tuple[Criterion, ...]
    below: Row | None = None
    narrower: tuple[Criterion, ...] = ()
    counted: tuple[Row, ...] = ()
    expected: int = 0

    def ask(self, *parts: Criterion) -> Answer:
        """Ask, with further criteria in place of those of the same attributes."""
        keywords = {each.keyword for each in parts}
        others = [each for each in self.wanted if each.keyword not in keywords]
        return self.catalogue.ask(self.level, [*others, *parts], below=self.below)

    def ask_part(self, whole: Answer, part: Criterion) -> Answer:
        """Ask for a part; it is doubted if it has as many rows as the whole, which the archive cut in silence."""
        answer = self.ask(part)
        has_limit = not whole.admitted and not whole.matches
        is_full = has_limit and 0 < len(whole.rows) <= len(answer.rows)
        return self.doubted(answer) if is_full and answer.cut is None else answer

    def doubted(self, answer: Answer) -> Answer:
        """Give an answer as one that may not be all."""
        return replace(answer, cut=doubt(str(self.catalogue), self.level, len(answer.rows)))


def span_of(wanted: Sequence[Criterion]) -> tuple[Criterion | None, DateRange]:
    """Give the criterion of the study's date, and its days; all days where there is none."""
    date = next((each for each in wanted if each.keyword == "StudyDate"), None)
    return date, date.matcher if date and isinstance(date.matcher, DateRange) else ALL_DAYS


def dated(days: DateRange) -> Criterion:
    """Ask for the studies of some days."""
    return Criterion("date", "StudyDate", days)


def coded(keyword: str, value: str) -> Criterion:
    """Ask for what has one value."""
    return Criterion(keyword, keyword, Exactly(value))

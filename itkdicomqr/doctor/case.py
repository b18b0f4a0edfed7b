"""The archive in question, what it is asked about, and how questions are put to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import islice

from itkdicomqr.association import Association, Deadline
from itkdicomqr.association.contexts import FIND, Proposal, service
from itkdicomqr.association.patience import BACK_OFF, open_patiently
from itkdicomqr.errors import NoMatchError, TruncatedMatchesError
from itkdicomqr.levels import UNIQUE_KEYS, Level
from itkdicomqr.node import Node
from itkdicomqr.query.identifiers import identifier, path_to
from itkdicomqr.query.matchers import DateRange
from itkdicomqr.query.table import Row
from itkdicomqr.scan import Header
from itkdicomqr.text import text_of

EXAMINATION_SECONDS = 30.0
"""How long one association of an examination may take."""

MAX_ROWS = 1000
"""Rows of a query that are read; then it is cancelled."""


@dataclass(frozen=True)
class Answer:
    """The rows of a query.

    Attributes
    ----------
    rows : tuple of Row
        At most `MAX_ROWS`.
    cut : bool
        Whether the archive said that it stopped at a limit of its own.
    more : bool
        Whether we stopped reading.
    """

    rows: tuple[Row, ...]
    cut: bool = False
    more: bool = False


@dataclass(frozen=True)
class Sample:
    """A little of what the archive holds, to ask about.

    Attributes
    ----------
    studies : tuple of Row
        The newest few.
    series : tuple of Row
        The series of whichever of these studies has most.
    listed : mapping of str to tuple of str
        SOP Instance UIDs by Series Instance UID, of a few series.
    """

    studies: tuple[Row, ...]
    series: tuple[Row, ...]
    listed: Mapping[str, tuple[str, ...]]

    @property
    def one(self) -> Row:
        """The smallest series of which instances are listed, else the first."""
        return self._extreme(smallest=True)

    @property
    def largest(self) -> Row:
        """The largest series of which instances are listed, else the last."""
        return self._extreme(smallest=False)

    @property
    def instance_uid(self) -> str:
        """The first instance of `one`; empty where none is listed."""
        return next(iter(self.uids(self.one)), "")

    def uids(self, series: Row) -> tuple[str, ...]:
        """The SOP Instance UIDs of a series, if they were asked for."""
        return self.listed.get(series.get(UNIQUE_KEYS[Level.SERIES]) or "", ())

    def _extreme(self, *, smallest: bool) -> Row:
        by_size = sorted((row for row in self.series if self.uids(row)), key=lambda row: len(self.uids(row)))
        return (by_size or self.series)[0 if smallest else -1]


@dataclass(frozen=True)
class Case:
    """One archive under examination.

    Attributes
    ----------
    node : Node
        The archive, with the information model that it offers.
    deadline : Deadline
        Of the whole examination.
    about : mapping of str to str
        Unique keys that the caller gave, to narrow every query.
    found : Sample, optional
        What there is to ask about.
    """

    node: Node
    deadline: Deadline
    about: Mapping[str, str]
    found: Sample | None = None

    @property
    def sample(self) -> Sample:
        """What there is to ask about, in the examinations that need it."""
        if self.found is None:
            raise NoMatchError("the archive shows us nothing to ask about")
        return self.found

    def until(self) -> Deadline:
        """Give the deadline of one examination."""
        return self.deadline.part(EXAMINATION_SECONDS, "total")

    def associate(
        self, *proposals: Proposal, as_node: Node | None = None, back_off: Sequence[float] = BACK_OFF
    ) -> Association:
        """Open an association, with the node or with what is given in its place; again if it is rejected for now."""
        return open_patiently(as_node or self.node, proposals, self.until(), back_off)

    def ask(self, level: Level, values: Mapping[str, str]) -> Answer:
        """Query by exactly these keys, of which the empty ones are universal; doubles stay."""
        matches, cut = self.matches(level, values)
        rows = [
            Row(
                level,
                tuple((keyword, text_of(match, keyword, self.node.character_set)) for keyword in values),
                self.node,
            )
            for match in matches
        ]
        return Answer(tuple(rows[:MAX_ROWS]), cut=cut, more=len(rows) > MAX_ROWS)

    def matches(self, level: Level, values: Mapping[str, str]) -> tuple[Sequence[Header], bool]:
        """Query as `ask` does, and give the matches as they are encoded, and whether they are cut."""
        model = self.node.model
        found: list[Header] = []
        with self.associate(service(FIND[model])) as association:
            try:
                asked = identifier(level, values, self.node.character_set)
                with closing(association.find(asked, model)) as answers:
                    found.extend(islice(answers, MAX_ROWS + 1))
            except TruncatedMatchesError:
                return found, True
        return found, False

    def ask_studies(self, dates: str = "") -> Answer:
        """Query the studies of a DICOM date range, and drop those of other dates."""
        answer = self.ask(Level.STUDY, {"StudyInstanceUID": "", "PatientID": "", **self.about, "StudyDate": dates})
        if not dates:
            return answer
        wanted = DateRange.parse(dates)
        return replace(answer, rows=tuple(row for row in answer.rows if wanted.matches(row.get("StudyDate") or "")))

    def ask_series(self, study: Row, **values: str) -> Answer:
        """Query the series of a study by further keys."""
        path = path_to(study, Level.STUDY, self.node.model)
        return self.ask(Level.SERIES, {"SeriesInstanceUID": "", **values, **path})

    def ask_instances(self, series: Row) -> Answer:
        """Query the instances of a series."""
        path = path_to(series, Level.SERIES, self.node.model)
        return self.ask(Level.IMAGE, {"SOPInstanceUID": "", **path})

"""Finding something to ask about: the newest few studies, and what they hold."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from itkdicomqr.doctor.case import Case, Sample
from itkdicomqr.errors import StatusError
from itkdicomqr.levels import Level
from itkdicomqr.query.candidates import candidate_series, candidate_studies
from itkdicomqr.query.catalogue import RETURN_KEYS, Catalogue
from itkdicomqr.query.criteria import Criteria
from itkdicomqr.query.table import Row, distinct

DAYS = (0, 7, 31, 366, 3660)
"""How far back studies are looked for, until there are some; then all dates."""

MAX_STUDIES = 3
MAX_LISTED = 4
"""Studies that are looked into, and series whose instances are listed."""

WITHOUT_PIXELS = frozenset({"AU", "DOC", "ECG", "KO", "PLAN", "PR", "REG", "RTPLAN", "RTRECORD", "RTSTRUCT", "SR"})
"""Modalities whose instances may need storage classes that we never ask for."""


class Source(Protocol):
    """What tells of studies, series and instances."""

    def studies(self, dates: str) -> Sequence[Row]:
        """Those of a DICOM date range; empty for all."""

    def series(self, study: Row) -> Sequence[Row]:
        """Those of a study."""

    def instances(self, series: Row) -> Sequence[Row]:
        """Those of a series."""


class Queries:
    """The source of an archive that is asked by C-FIND."""

    def __init__(self, case: Case) -> None:
        self._case = case

    def studies(self, dates: str) -> Sequence[Row]:
        """Those of a DICOM date range; empty for all."""
        return self._case.ask_studies(dates).rows

    def series(self, study: Row) -> Sequence[Row]:
        """Those of a study."""
        keys = dict.fromkeys(RETURN_KEYS[Level.SERIES], "")
        return [row.joined(study) for row in self._case.ask_series(study, **keys).rows]

    def instances(self, series: Row) -> Sequence[Row]:
        """Those of a series."""
        return self._case.ask_instances(series).rows


class Resources:
    """The source of an archive that is asked by QIDO-RS alone."""

    def __init__(self, catalogue: Catalogue, about: Mapping[str, str]) -> None:
        self._catalogue = catalogue
        names = {"PatientID": "patient_id", "StudyInstanceUID": "study_uid"}
        self._about = {names[keyword]: value for keyword, value in about.items()}

    def studies(self, dates: str) -> Sequence[Row]:
        """Those of a DICOM date range; empty for all."""
        criteria = Criteria.from_words(date=dates or None, **self._about) if dates or self._about else Criteria(())
        return candidate_studies(self._catalogue, criteria)

    def series(self, study: Row) -> Sequence[Row]:
        """Those of a study."""
        return candidate_series(self._catalogue, study, Criteria(()))

    def instances(self, series: Row) -> Sequence[Row]:
        """Those of a series."""
        return self._catalogue.instances(series)


def windows(about: Mapping[str, str]) -> Iterator[str]:
    """Give date ranges, each longer than the one before, up to all dates; at once all where a key narrows the query."""
    if not about:
        today = datetime.now().astimezone().date()
        for days in DAYS:
            yield f"{today - timedelta(days):%Y%m%d}-"
    yield ""


def sample_of(source: Source, about: Mapping[str, str]) -> Sample | None:
    """Look for the newest studies, take the one of most series, and list the instances of a few."""
    studies = next(filter(None, map(source.studies, windows(about))), ())
    newest = sorted(distinct(studies), key=lambda row: row.get("StudyDate") or "", reverse=True)[:MAX_STUDIES]
    series = max((_distinct_series(source, study) for study in newest), key=len, default=[])
    if not series:
        return None
    series.sort(key=lambda row: row.get("Modality") in WITHOUT_PIXELS)
    listed = {row.get("SeriesInstanceUID") or "": _listed(source.instances, row) for row in series[:MAX_LISTED]}
    return Sample(tuple(newest), tuple(series), listed)


def _distinct_series(source: Source, study: Row) -> list[Row]:
    """Give each series once, and none that belongs to another study."""
    own = study.get("StudyInstanceUID")
    return distinct(row for row in source.series(study) if row.get("StudyInstanceUID") in (None, "", own))


def _listed(instances: Callable[[Row], Sequence[Row]], series: Row) -> tuple[str, ...]:
    """List the SOP Instance UIDs of a series; an archive may not know the IMAGE level."""
    try:
        return tuple(dict.fromkeys(filter(None, (row.get("SOPInstanceUID") for row in instances(series)))))
    except StatusError:
        return ()

"""Queries by QIDO-RS, page by page (PS3.18 10.6)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar
from urllib.parse import quote

from itkdicomqr.dicomweb.json_model import JsonDataset, json_text_of, read_matches
from itkdicomqr.dicomweb.session import Session
from itkdicomqr.errors import LimitExceededError, StatusError, TruncatedMatchesError
from itkdicomqr.levels import UNIQUE_KEYS, Level
from itkdicomqr.query.table import Row
from itkdicomqr.query.truncation import ROUND, Answer

ACCEPT = "application/dicom+json, application/json;q=0.9"
PAGE = 1000
"""Matches that are asked for at a time; a service may give fewer."""

BEYOND_THE_END = frozenset({400, 404, 416})
"""How some services answer who asks for a page after the last."""

MAX_PAGE_BYTES = 1 << 26

MATCHED_THERE = frozenset({"StudyInstanceUID", "SeriesInstanceUID", "PatientID", "AccessionNumber", "StudyDate"})
"""Attributes that a service is asked to match; of all others it is asked for every value, and they are matched here:
services differ over case, wildcards and characters outside ASCII."""


class QidoService:
    """The QIDO-RS service of an archive.

    Parameters
    ----------
    session : Session
        Of its DICOMweb service.
    """

    step: ClassVar[str] = "QIDO-RS"
    plain_spoken: ClassVar[bool] = True
    patients_at: ClassVar[Level] = Level.STUDY

    def __init__(self, session: Session) -> None:
        self.node = session.node
        self._session = session

    def verify(self) -> None:
        """See that the service answers a query, of which one match at most is asked for.

        Raises
        ------
        NetworkError
            It does not.
        """
        with self._session.step(self.step):
            self._page("/studies", [("limit", "1")])

    def answer(self, level: Level, values: Mapping[str, str]) -> Answer:
        """Ask for the attributes of ``values``, of which the empty ones are universal."""
        resource, above = _resource(level, values)
        parameters = [(key, value) for key, value in values.items() if key not in above and _matched_there(key, value)]
        parameters += [("includefield", key) for key in values if key not in above]
        with self._session.step(self.step):
            matches = self._matches(resource, parameters, UNIQUE_KEYS[level])
        return Answer(
            tuple(Row(level, tuple((key, json_text_of(match, key)) for key in values), self.node) for match in matches)
        )

    def _matches(self, resource: str, parameters: Sequence[tuple[str, str]], key: str) -> list[JsonDataset]:
        """Ask page by page until one brings nothing new: neither its size nor its being the last is trusted."""
        found: dict[str, JsonDataset] = {}
        offset = 0
        while True:
            where = [("limit", str(PAGE)), *([("offset", str(offset))] if offset else [])]
            try:
                page = self._page(resource, [*parameters, *where])
            except StatusError as error:
                if not offset or error.status not in BEYOND_THE_END:
                    raise
                self._check_end(len(found), repeated=True)
                return list(found.values())
            known = len(found)
            for match in page:
                found.setdefault(json_text_of(match, key) or "", match)
            if len(found) == known:
                self._check_end(known, repeated=bool(page))
                return list(found.values())
            offset += len(page)
            self._check_number(len(found))

    def _page(self, resource: str, parameters: Sequence[tuple[str, str]]) -> list[JsonDataset]:
        response = self._session.get(resource, ACCEPT, parameters)
        content = response.read(MAX_PAGE_BYTES, "no page of matches needs so many")
        if content.strip():
            response.expect("application/dicom+json", "application/json")
        return read_matches(content)

    def _check_number(self, count: int) -> None:
        limit = self.node.limits.max_matches
        if count > limit:
            message = f"more than {limit} matches: narrow the search, or raise Limits(max_matches=...)"
            raise LimitExceededError(message)

    def _check_end(self, count: int, *, repeated: bool) -> None:
        """Refuse an answer that may have been cut, where the service knows no pages but repeats the first."""
        if repeated and count % ROUND == 0:
            message = (
                f"{self.node}: QIDO-RS: the service sent {count} matches, and the same again when it was asked for "
                "more: it may have cut them there; narrow the search by patient_id, date or accession_number"
            )
            raise TruncatedMatchesError(message)


def _resource(level: Level, values: Mapping[str, str]) -> tuple[str, frozenset[str]]:
    """Give the path of what is asked for, and the keys that it holds (PS3.18 table 10.6.1-1)."""
    above = frozenset(key for key in _PATHS[level] if values.get(key))
    collections = [f"/{_COLLECTIONS[key]}/{quote(values[key], safe='')}" for key in _PATHS[level] if key in above]
    return f"{''.join(collections)}/{_COLLECTIONS[UNIQUE_KEYS[level]]}", above


_COLLECTIONS = {"StudyInstanceUID": "studies", "SeriesInstanceUID": "series", "SOPInstanceUID": "instances"}
_PATHS: Mapping[Level, Sequence[str]] = {
    Level.STUDY: (),
    Level.SERIES: ("StudyInstanceUID",),
    Level.IMAGE: ("StudyInstanceUID", "SeriesInstanceUID"),
}


def _matched_there(key: str, value: str) -> bool:
    """Tell whether the service may match a value; a comma would make it a list (PS3.18 8.3.4.1)."""
    return key in MATCHED_THERE and bool(value) and value.isascii() and "," not in value

"""What the caller knows, normalised once: the criteria of a search."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import TypedDict
from unicodedata import category

from pydicom.datadict import dictionary_VR, tag_for_keyword

from itkdicomqr.checks import check_keywords
from itkdicomqr.errors import CriteriaError
from itkdicomqr.levels import Level, owner_of
from itkdicomqr.query.matchers import (
    DateRange,
    Exactly,
    Matcher,
    Number,
    OneOf,
    PersonName,
    TimeRange,
    Wording,
    decimal_of,
)
from itkdicomqr.text import TEXTS
from itkdicomqr.uids import MAX_UID_LENGTH

Day = date | str | tuple[date | str | None, date | str | None]

MAX_TEXT_LENGTH = 64
"""Characters of the VR LO (PS3.5 6.2)."""


class CriteriaWords(TypedDict, total=False):
    """The criteria that are given by keyword only.

    Attributes
    ----------
    modality : str or sequence of str
        One or several, matched on the series: ``"CT"``, ``["PT", "NM"]``.
    study_uid, series_uid : str
        Study and Series Instance UID.
    study_description, protocol_name, patient_name : str
        With the wildcards ``*`` and ``?``; case does not count.
    series_number : int
        Its Series Number.
    series_date : date or str
        Spelt like ``date``.
    accession_number, issuer_of_patient_id : str
        Literal, case-sensitive.
    keys : mapping of str to str
        Any other attribute by its DICOM keyword: ``{"BodyPartExamined": "CHEST"}``.
    """

    modality: str | Iterable[str] | None
    study_uid: str | None
    series_uid: str | None
    study_description: str | None
    series_number: int | None
    series_date: Day | None
    protocol_name: str | None
    accession_number: str | None
    patient_name: str | None
    issuer_of_patient_id: str | None
    keys: Mapping[str, str] | None


@dataclass(frozen=True)
class Criterion:
    """One attribute and what it must be.

    Attributes
    ----------
    name : str
        The keyword argument that gave it.
    keyword : str
        The DICOM keyword of the attribute.
    matcher : Matcher
        What it must be.
    """

    name: str
    keyword: str
    matcher: Matcher

    @property
    def level(self) -> Level:
        """The level at which it is asked for: a patient's with the studies, an instance's with the series."""
        return min(max(owner_of(self.keyword), Level.STUDY), Level.SERIES)

    def universal(self) -> Criterion:
        """Ask for every value of the attribute."""
        return replace(self, matcher=Wording(""))

    def __str__(self) -> str:
        return f"{self.name} {self.matcher}"


@dataclass(frozen=True)
class Criteria:
    """All that a series must fulfil, in the order of the levels."""

    criteria: tuple[Criterion, ...]

    @classmethod
    def from_words(
        cls,
        patient_id: str | None = None,
        date: Day | None = None,
        description: str | None = None,
        **words: object,
    ) -> Criteria:
        """Normalise what the caller gave; None stands for any value.

        Parameters
        ----------
        patient_id : str, optional
            Literal and case-sensitive; spaces at its end do not count.
        date : datetime.date, str or pair, optional
            The Study Date; see `DateRange.parse`.
        description : str, optional
            The Series Description, with ``*`` and ``?``; ``""`` for series without one.
        **words
            See `CriteriaWords`.

        Raises
        ------
        CriteriaError
            A value cannot be meant, or there is none at all.
        TypeError
            A keyword is not known.
        """
        given = {"patient_id": patient_id, "date": date, "description": description, **words}
        check_keywords(words, NAMES)
        keys = given.pop("keys", None) or {}
        criteria = [_SPELLINGS[name].criterion(name, value) for name, value in given.items() if value is not None]
        if not isinstance(keys, Mapping):
            message = f"keys={keys!r} is no mapping of DICOM keywords to values"
            raise CriteriaError(message)
        criteria += [_any_attribute(keyword, value) for keyword, value in keys.items()]
        if not criteria:
            message = "no criterion was given: give at least a patient_id, a date, a description or a UID"
            raise CriteriaError(message)
        return cls(tuple(sorted(criteria, key=lambda criterion: criterion.level)))

    def at(self, level: Level) -> tuple[Criterion, ...]:
        """The criteria of one level."""
        return tuple(criterion for criterion in self.criteria if criterion.level is level)

    def without(self, *dropped: Criterion) -> Criteria:
        """The same with some left out."""
        return Criteria(tuple(criterion for criterion in self.criteria if criterion not in dropped))

    def named(self, name: str) -> Criterion | None:
        """The criterion that a keyword argument gave."""
        return next((criterion for criterion in self.criteria if criterion.name == name), None)

    def __str__(self) -> str:
        return ", ".join(map(str, self.criteria))


_NO_TEXT = frozenset({"Cc", "Cs", "Zl", "Zp"})
"""Unicode categories of control characters, halves of characters, and ends of lines."""


def _text(name: str, value: object) -> str:
    """Refuse what no text attribute can hold (PS3.5 6.1.3, 6.2)."""
    if not isinstance(value, str):
        message = f"{name}={value!r} is no text: give it as a string, with its leading zeros"
        raise CriteriaError(message)
    if any(character == "\\" or category(character) in _NO_TEXT for character in value):
        message = f"{name}={value!r} holds a backslash or a control character, which no DICOM text of one value can"
        raise CriteriaError(message)
    return value.strip(" ")


def _literal(name: str, value: object) -> Exactly:
    text = _text(name, value)
    if not text:
        message = f"{name}='' would match every {name}; leave it out (None) if any is meant"
        raise CriteriaError(message)
    if set(text) & set("*?"):
        message = f"{name}={value!r} holds a wildcard (* or ?): it is taken literally, so give it in full"
        raise CriteriaError(message)
    if len(text) > MAX_TEXT_LENGTH:
        message = f"{name} has {len(text)} characters; DICOM allows {MAX_TEXT_LENGTH}"
        raise CriteriaError(message)
    return Exactly(text)


def _uid(name: str, value: object) -> Exactly:
    text = _text(name, value)
    if not re.fullmatch(r"[0-9]+(\.[0-9]+)*", text) or len(text) > MAX_UID_LENGTH:
        message = f"{name}={value!r} is no UID: digits and dots, at most {MAX_UID_LENGTH} (PS3.5 9.1)"
        raise CriteriaError(message)
    return Exactly(text)


def _wording(name: str, value: object) -> Wording:
    return Wording(_text(name, value))


def _name(name: str, value: object) -> PersonName:
    return PersonName(_text(name, value))


def _codes(name: str, value: object) -> OneOf:
    codes = [value] if isinstance(value, str) else value
    if not isinstance(codes, Iterable):
        message = f"{name}={value!r}: give one code or several, such as 'CT' or ['PT', 'NM']"
        raise CriteriaError(message)
    choices = tuple(_text(name, code).upper() for code in codes)
    if not choices or not all(re.fullmatch(r"[A-Z0-9_ ]{1,16}", choice) for choice in choices):
        message = f"{name}={value!r} is no code of at most 16 capital letters, digits, spaces and underscores"
        raise CriteriaError(message)
    return OneOf(choices)


def _number(name: str, value: object) -> Number:
    if isinstance(value, bool) or not isinstance(value, int | str):
        message = f"{name}={value!r} is no whole number"
        raise CriteriaError(message)
    try:
        return Number(int(value))
    except ValueError:
        message = f"{name}={value!r} is no whole number"
        raise CriteriaError(message) from None


def _decimal(name: str, value: object) -> Number:
    number = decimal_of(str(value)) if isinstance(value, int | float | str) and not isinstance(value, bool) else None
    if number is None:
        message = f"{name}={value!r} is no number"
        raise CriteriaError(message)
    return Number(number)


def _uids(name: str, value: object) -> Exactly | OneOf:
    """One UID is compared whole; of several, any may be among those of the attribute."""
    if isinstance(value, str) and "\\" not in value and not name.endswith("InStudy']"):
        return _uid(name, value)
    several = value.split("\\") if isinstance(value, str) else value
    if not isinstance(several, Iterable):
        message = f"{name}={value!r}: give one UID or several"
        raise CriteriaError(message)
    return OneOf(tuple(_uid(name, each).text for each in several))


def _time(name: str, value: object) -> TimeRange | Wording:
    return _wording(name, value) if isinstance(value, str) and set(value) & set("*?") else TimeRange.parse(value)


def _day(_name: str, value: object) -> DateRange:
    return DateRange.parse(value)


@dataclass(frozen=True)
class _Spelling:
    """What a keyword argument means."""

    keyword: str
    read: Callable[[str, object], Matcher]

    def criterion(self, name: str, value: object) -> Criterion:
        return Criterion(name, self.keyword, self.read(name, value))


_SPELLINGS: Mapping[str, _Spelling] = {
    "patient_id": _Spelling("PatientID", _literal),
    "issuer_of_patient_id": _Spelling("IssuerOfPatientID", _literal),
    "patient_name": _Spelling("PatientName", _name),
    "date": _Spelling("StudyDate", _day),
    "accession_number": _Spelling("AccessionNumber", _literal),
    "study_uid": _Spelling("StudyInstanceUID", _uid),
    "study_description": _Spelling("StudyDescription", _wording),
    "modality": _Spelling("Modality", _codes),
    "series_number": _Spelling("SeriesNumber", _number),
    "series_date": _Spelling("SeriesDate", _day),
    "protocol_name": _Spelling("ProtocolName", _wording),
    "description": _Spelling("SeriesDescription", _wording),
    "series_uid": _Spelling("SeriesInstanceUID", _uid),
}

NAMES = frozenset({*_SPELLINGS, "keys"})
"""The keyword arguments that select a series."""

NAME_OF: Mapping[str, str] = {spelling.keyword: name for name, spelling in _SPELLINGS.items()}
"""Those that have an argument of their own, by their DICOM keywords."""

_MATCHER_OF_VR: Mapping[str, Callable[[str, object], Matcher]] = {
    "DA": _day,
    "TM": _time,
    "IS": _decimal,
    "DS": _decimal,
    "UI": _uids,
    "PN": _name,
    "CS": _codes,
}


def _any_attribute(keyword: str, value: object) -> Criterion:
    tag = tag_for_keyword(keyword)
    if tag is None:
        message = f"keys: {keyword!r} is no DICOM keyword; they are spelt like 'BodyPartExamined'"
        raise CriteriaError(message)
    vr = dictionary_VR(tag)
    if vr not in TEXTS:
        message = f"keys: {keyword} is {'a sequence' if vr == 'SQ' else f'binary ({vr})'}, which cannot be matched"
        raise CriteriaError(message)
    if keyword in NAME_OF:
        message = f"keys: give {keyword} as {NAME_OF[keyword]}="
        raise CriteriaError(message)
    name = f"keys[{keyword!r}]"
    return Criterion(name, keyword, _MATCHER_OF_VR.get(vr, _wording)(name, value))

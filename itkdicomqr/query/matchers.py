r"""How a value that an archive returned is compared with what the caller wants.

One class a kind of criterion. Each knows the value to put into a query (``query``; empty asks
for all) and decides with ``matches`` about a value that came back, since an archive's own
matching is not trusted. ``str()`` is what the caller typed, for messages.
"""

from __future__ import annotations

import calendar
import re
import unicodedata
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cached_property
from itertools import zip_longest
from typing import Protocol, Self

from itkdicomqr.errors import CriteriaError

_SPELT_DATE = re.compile(r"(?P<year>[0-9]{4})(?:(?P<hyphen>-?)(?P<month>[0-9]{2})(?:(?P=hyphen)(?P<day>[0-9]{2}))?)?")


class Matcher(Protocol):
    """What a criterion asks of one attribute."""

    @property
    def query(self) -> str:
        """The value for the identifier of a C-FIND; empty for universal matching (PS3.4 C.2.2.2.3)."""

    def matches(self, value: str) -> bool:
        """Tell whether a returned value is wanted."""


@dataclass(frozen=True)
class Exactly:
    """One literal value, case-sensitive; spaces at its end are padding (PS3.5 6.2)."""

    text: str

    @property
    def query(self) -> str:
        """The value itself."""
        return self.text

    def matches(self, value: str) -> bool:
        """Compare without the padding."""
        return value.strip(" ") == self.text

    def __str__(self) -> str:
        return repr(self.text)


@dataclass(frozen=True)
class OneOf:
    """Any of several coded values (CS), of which the attribute may have several itself."""

    choices: tuple[str, ...]

    @property
    def query(self) -> str:
        """Universal: archives differ over lists of codes."""
        return ""

    def matches(self, value: str) -> bool:
        r"""Tell whether one of the values between the ``\`` is a choice."""
        return any(part.strip().upper() in self.choices for part in value.split("\\"))

    def __str__(self) -> str:
        return " or ".join(self.choices)


@dataclass(frozen=True)
class Number:
    """A number, of which ``5``, ``+05`` and ``5.0`` are spellings (IS, DS)."""

    number: int | Decimal

    @property
    def query(self) -> str:
        """Universal: an archive may compare the digits, not the number."""
        return ""

    def matches(self, value: str) -> bool:
        r"""Compare one of the values between the ``\`` as numbers."""
        return any(decimal_of(part) == self.number for part in value.split("\\"))

    def __str__(self) -> str:
        return str(self.number)


@dataclass(frozen=True)
class Wording:
    """A text with the wildcards ``*`` and ``?`` (PS3.4 C.2.2.2.4), compared without case in NFC.

    A text that holds a wildcard is first read literally: ``"Hip? *"`` may be a real description.
    Spaces at the ends do not count. The empty text matches only an empty value.
    """

    text: str

    @property
    def query(self) -> str:
        """Universal: most archives ignore such a key, and those that match it do so by case."""
        return ""

    def matches(self, value: str) -> bool:
        """Compare literally, then by wildcards."""
        candidate = _folded(value)
        return candidate == _folded(self.text) or self._pattern.fullmatch(candidate) is not None

    def matches_literally(self, value: str) -> bool:
        """Compare with the wildcards read as ordinary characters."""
        return _folded(value) == _folded(self.text)

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        return _wildcard_pattern(_folded(self.text))

    def __str__(self) -> str:
        return repr(self.text)


@dataclass(frozen=True)
class PersonName:
    """A person's name: wildcards, without case, any of the three component groups (PS3.5 6.2.1)."""

    text: str

    @property
    def query(self) -> str:
        """As given; an archive that knows no other case or character set loses it there."""
        return self.text

    def matches(self, value: str) -> bool:
        """Compare a wanted name of one component group with each group, of several with those in its place."""
        wanted, groups = self.text.split("="), value.split("=")
        if len(wanted) == 1:
            return any(_same_name(self.text, group) for group in (value, *groups))
        pairs = zip_longest(wanted, groups[: len(wanted)], fillvalue="")
        return any(wanted) and all(_same_name(one, other) for one, other in pairs if one)

    def __str__(self) -> str:
        return repr(self.text)


@dataclass(frozen=True)
class DateRange:
    """Days from ``first`` to ``last``, both included; None leaves an end open (PS3.4 C.2.2.2.5).

    Dates are those of the archive's local time; no zone is converted.
    """

    first: date | None
    last: date | None

    @classmethod
    def parse(cls, value: object) -> Self:
        """Read a date in any of the accepted spellings.

        Parameters
        ----------
        value : datetime.date, str or pair
            ``date(2005, 1, 6)``, ``"20050106"``, ``"2005-01-06"``, ``"2005-01"``, ``"2005"``,
            ``"20050101-20050131"``, ``"20050101-"``, ``"-20050131"``, or a pair of such days
            of which one may be None.

        Raises
        ------
        CriteriaError
            It is none of these, ends before it begins, or is a datetime with a zone.
        """
        if isinstance(value, tuple | list):
            first, last = _pair(value)
        elif isinstance(value, str) and (ends := _split_range(value.strip())):
            first, last = ends
        else:
            return cls(*_days(value))
        begin = _days(first)[0] if first is not None else None
        end = _days(last)[1] if last is not None else None
        if begin is None and end is None:
            raise _unreadable(value)
        if begin and end and end < begin:
            message = f"the date range {value!r} ends before it begins"
            raise CriteriaError(message)
        return cls(begin, end)

    @property
    def query(self) -> str:
        """A single date, or a range with ``-``."""
        if self.first is None and self.last is None:
            return ""
        first, last = (f"{day:%Y%m%d}" if day else "" for day in (self.first, self.last))
        return first if first == last else f"{first}-{last}"

    def matches(self, value: str) -> bool:
        """Tell whether the day is within; what is no date is not."""
        day = day_of(value)
        return day is not None and (self.first or day) <= day <= (self.last or day)

    def __str__(self) -> str:
        if self.first == self.last:
            return str(self.first)
        return f"{self.first or '…'} to {self.last or '…'}"


ALL_DAYS = DateRange(None, None)


@dataclass(frozen=True)
class TimeRange:
    """Times of a day from ``first`` to ``last``, both included; None leaves an end open (PS3.4 C.2.2.2.5).

    A value that tells no seconds, or no minutes, is its first moment. They are written in one
    spelling, ``HHMMSS.FFFFFF``, so that they compare as text.
    """

    first: str | None
    last: str | None

    @classmethod
    def parse(cls, value: object) -> Self:
        """Read a time, ``"10:15"``, ``"1015"``, ``"101500.5"``, or a range ``"1015-1130"``, ``"1015-"``.

        Raises
        ------
        CriteriaError
            It is none of these, or ends before it begins.
        """
        begin, hyphen, end = value.strip().partition("-") if isinstance(value, str) else ("", "", "")
        first = _time(begin, "000000.000000") if begin.strip() else None
        last = _time(end if hyphen else begin, "235959.999999") if (end if hyphen else begin).strip() else None
        if (first is None and begin.strip()) or (last is None and end.strip()) or (first is None and last is None):
            message = f"{value!r} is no time: give '10:15', '1015', '101530', or a range '1015-1130', '1015-'"
            raise CriteriaError(message)
        if first and last and last < first:
            message = f"the range of times {value!r} ends before it begins"
            raise CriteriaError(message)
        return cls(first, last)

    @property
    def query(self) -> str:
        """Universal: archives differ over ranges of times."""
        return ""

    def matches(self, value: str) -> bool:
        """Tell whether the time is within; what is no time is not."""
        time = _time(value, "000000.000000")
        return time is not None and (self.first or "") <= time <= (self.last or "24")

    def __str__(self) -> str:
        return f"{self.first or '…'} to {self.last or '…'}"


def day_of(value: str) -> date | None:
    """Read the value of a date (PS3.5 6.2, the retired spelling with points too); None where it is none."""
    try:
        return datetime.strptime(value.strip().replace(".", ""), "%Y%m%d").date()  # noqa: DTZ007 a day has no zone
    except ValueError:
        return None


_TIME = re.compile(r"(?:[01][0-9]|2[0-3])(?:[0-5][0-9](?:(?:[0-5][0-9]|60)(?:\.[0-9]{1,6})?)?)?")


def _time(text: str, rest: str) -> str | None:
    """Write a time in full, with ``rest`` for what it leaves out; None where it is none."""
    compact = text.strip().replace(":", "")
    return compact + rest[len(compact) :] if _TIME.fullmatch(compact) else None


def decimal_of(text: str) -> Decimal | None:
    """Read a number of the VRs IS and DS (PS3.5 6.2)."""
    spelt = re.fullmatch(r" *([+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?) *", text, re.ASCII)
    return Decimal(spelt[1]) if spelt else None


def _same_name(wanted: str, name: str) -> bool:
    return _wildcard_pattern(_canonical_name(wanted)).fullmatch(_canonical_name(name)) is not None


def _days(value: object) -> tuple[date, date]:
    """Give the first and the last day that a date, a month or a year spans."""
    if isinstance(value, datetime) and value.tzinfo is not None:
        message = f"{value!r} has a time zone: DICOM dates are local to the archive; give its .date()"
        raise CriteriaError(message)
    if isinstance(value, date):
        exact = date(value.year, value.month, value.day)
        return exact, exact
    found = isinstance(value, str) and _SPELT_DATE.fullmatch(value.strip())
    if not found or (found["month"] and not found["day"] and not found["hyphen"]):
        raise _unreadable(value)
    year, month, day = (int(part or 0) for part in found.group("year", "month", "day"))
    try:
        last_day = day or calendar.monthrange(year, month or 12)[1]
        return date(year, month or 1, day or 1), date(year, month or 12, last_day)
    except ValueError:
        raise _unreadable(value) from None


def _split_range(text: str) -> tuple[str | None, str | None] | None:
    """Cut a DICOM range at its hyphen; None where the text is no range."""
    found = re.fullmatch(r"(\d{8})?\s*-\s*(\d{8})?", text)
    return (found[1], found[2]) if found else None


def _pair(value: tuple[object, ...] | list[object]) -> tuple[object, object]:
    if len(value) != 2:
        raise _unreadable(value)
    return value[0], value[1]


def _unreadable(value: object) -> CriteriaError:
    return CriteriaError(
        f"{value!r} is no date: give a datetime.date, '20050106', '2005-01-06', '2005-01', '2005', "
        "a range '20050101-20050131', '20050101-' or a pair"
    )


def _folded(text: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold()).strip()


def _canonical_name(text: str) -> str:
    return _folded(text).rstrip("^ ")


def _wildcard_pattern(text: str) -> re.Pattern[str]:
    wild = {"*": ".*", "?": "."}
    return re.compile("".join(wild.get(character, re.escape(character)) for character in text), re.DOTALL)

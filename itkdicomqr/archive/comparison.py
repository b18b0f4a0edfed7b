"""How a key of a query is compared with a stored value, by VR (PS3.4 C.2.2.2)."""

from __future__ import annotations

import re
import unicodedata
from calendar import monthrange
from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_OFFSET = r"[+-](?:0\d|1[0-4])[0-5]\d"
_DATE_TIME = re.compile(rf"(\d{{4,14}})(?:\.(\d{{1,6}}))?({_OFFSET})?")
_DATE_TIME_RANGE = re.compile(rf"(?P<first>{_DATE_TIME.pattern})?-(?P<last>{_DATE_TIME.pattern})?")
_FIRST, _LAST = "00010101000000", "99991231235959"
_MONTH = len("YYYYMM")


def matches(vr: str, wanted: Sequence[str], values: Sequence[str]) -> bool:
    r"""Tell whether one of the stored values is what one of the values of a key asks for.

    An empty key, and a lone ``*``, match everything, also an attribute that is absent. Several
    values with ``\`` between them are a list, of UIDs (PS3.4 C.2.2.2.2) or of anything else.

    Parameters
    ----------
    vr : str
        The VR of the attribute, which decides the kind of matching.
    wanted : sequence of str
        The values of the key.
    values : sequence of str
        The stored values.
    """
    if not any(wanted) or (vr in _WILD and set(wanted) == {"*"}):
        return True
    compare = _COMPARISONS.get(vr, _is_same)
    return any(compare(want, value) for want in wanted for value in values if value)


def is_wild(text: str, pattern: str) -> bool:
    """Tell whether text is what a pattern of ``*`` (any characters, or none) and ``?`` (one) describes.

    In time proportional to the product of the lengths, whatever the pattern.
    """
    here, there, star, resume = 0, 0, -1, 0
    while here < len(text):
        if there < len(pattern) and pattern[there] == "*":
            star, resume, there = there, here, there + 1
        elif there < len(pattern) and pattern[there] in ("?", text[here]):
            here, there = here + 1, there + 1
        elif star >= 0:
            resume += 1
            here, there = resume, star + 1
        else:
            return False
    return not pattern[there:].strip("*")


def _is_same(wanted: str, value: str) -> bool:
    return wanted == value


def _is_same_number(wanted: str, value: str) -> bool:
    with suppress(ValueError):
        return float(wanted) == float(value)
    return wanted == value


def _is_like(wanted: str, value: str) -> bool:
    return is_wild(value, wanted)


def _is_named(wanted: str, value: str) -> bool:
    """Compare person names: any component group, or each that the key has; case does not count."""
    wants, groups = (_folded(name).split("=") for name in (wanted, value))
    if len(wants) == 1:
        return any(_is_group(wants[0], group) for group in groups if group)
    return len(groups) >= len(wants) and all(_is_group(w, g) for w, g in zip(wants, groups, strict=False) if w.strip())


def _is_group(wanted: str, group: str) -> bool:
    return is_wild(group.rstrip("^ "), wanted.rstrip("^ "))


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()


def _is_date(wanted: str, value: str) -> bool:
    return _is_between(wanted, value, lambda date: date.replace(".", ""))


def _is_time(wanted: str, value: str) -> bool:
    return _is_between(wanted, value, lambda time: time.replace(":", ""))


def _is_between(wanted: str, value: str, plain: Callable[[str], str]) -> bool:
    """Compare digits: a bound of less precision holds all that begins with it."""
    first, hyphen, last = (plain(part.strip()) for part in wanted.partition("-"))
    digits = plain(value)
    if not hyphen:
        return digits == first
    return _filled(digits) >= _filled(first) and (not last or digits[: len(last)] <= last)


def _filled(digits: str) -> str:
    whole, _, fraction = digits.partition(".")
    return f"{whole:0<8}.{fraction:0<6}"


def _is_date_time(wanted: str, value: str) -> bool:
    """Compare moments; without an offset from UTC they are taken as of one time zone."""
    stored, exact, between = _span(value), _span(wanted), _DATE_TIME_RANGE.fullmatch(wanted)
    if stored and exact:
        return exact[0] <= stored[0] <= exact[1]
    if not stored or not between:
        return wanted == value
    first, last = _span(between["first"] or ""), _span(between["last"] or "")
    return (not first or stored[0] >= first[0]) and (not last or stored[0] <= last[1])


def _span(text: str) -> tuple[datetime, datetime] | None:
    """Find the first and the last moment of a date and time of any precision; None if it is none."""
    found = _DATE_TIME.fullmatch(text)
    if not found:
        return None
    digits, fraction, offset = found.groups(default="")
    with suppress(ValueError):
        first = _moment(digits + _FIRST[len(digits) :], f"{fraction:0<6}", offset)
        days = monthrange(first.year, int(digits[4:6] or 12))[1]
        last = f"{digits}{_LAST[len(digits) :]}" if len(digits) != _MONTH else f"{digits}{days}{_LAST[8:]}"
        return first, _moment(last, f"{fraction:9<6}", offset)
    return None


def _moment(digits: str, microseconds: str, offset: str) -> datetime:
    return datetime.strptime(digits, "%Y%m%d%H%M%S").replace(microsecond=int(microseconds), tzinfo=_zone(offset))


def _zone(offset: str) -> timezone:
    if not offset:
        return UTC
    minutes = int(offset[1:3]) * 60 + int(offset[3:])
    return timezone(timedelta(minutes=-minutes if offset[0] == "-" else minutes))


_WILD = frozenset({"AE", "CS", "LO", "LT", "PN", "SH", "ST", "UC", "UT"})

_COMPARISONS: dict[str, Callable[[str, str], bool]] = {
    **dict.fromkeys(_WILD - {"PN"}, _is_like),
    "PN": _is_named,
    "DA": _is_date,
    "TM": _is_time,
    "DT": _is_date_time,
    "DS": _is_same_number,
    "IS": _is_same_number,
}
"""Of any other VR, UI among them, the value itself is wanted."""

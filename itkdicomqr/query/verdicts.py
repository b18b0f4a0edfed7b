"""What a returned value says of a criterion: that it is met, that it is not, or nothing.

Archives lose characters: they leave out what is not ASCII, or give ``?`` for it, or tell a wrong
character set. Such a value decides nothing.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence

from itkdicomqr.query.criteria import Criterion
from itkdicomqr.query.matchers import PersonName, Wording
from itkdicomqr.query.table import Row

_LOST_GROUP = re.compile(r"(?:^|=)\^+(?:=|$)")
"""A component group of a name that holds nothing but delimiters, as in ``=^=^``."""

_LOST_RUN = re.compile(r"( *[^\x00-\x7f]+(?: +[^\x00-\x7f]+)* *)")
"""Characters outside ASCII, with the spaces among and beside them."""

_LOST = {"*": ".*", "?": r"(?:.|\?*)"}


def verdict(criterion: Criterion, value: str | None) -> bool | None:
    """Tell whether a value meets a criterion.

    Parameters
    ----------
    criterion : Criterion
        What is wanted.
    value : str or None
        What the archive returned.

    Returns
    -------
    bool or None
        None where the value was not told, or may have lost the characters that would decide.
    """
    if value is None:
        return None
    wanted = criterion.matcher
    if wanted.matches(value):
        return True
    return None if value and isinstance(wanted, Wording | PersonName) and _may_be_lost(wanted, value) else False


def told(rows: Sequence[Row], criteria: Iterable[Criterion]) -> list[Row]:
    """Count an empty value as not told where the archive fills it in no row: it may not know the attribute."""
    hidden = [each.keyword for each in criteria if not any(row.get(each.keyword) for row in rows)]
    return [row.with_values(dict.fromkeys(hidden)) for row in rows]


def refusal(row: Row, criteria: Iterable[Criterion]) -> Criterion | None:
    """Give the first criterion that a told value fails."""
    return next((each for each in criteria if verdict(each, row.get(each.keyword)) is False), None)


def untold(row: Row, criteria: Iterable[Criterion]) -> list[Criterion]:
    """Give the criteria that the row does not decide."""
    return [each for each in criteria if verdict(each, row.get(each.keyword)) is None]


def fulfils(row: Row, criteria: Iterable[Criterion]) -> bool:
    """Tell whether a row meets all criteria as it stands."""
    values = ((each, row.get(each.keyword)) for each in criteria)
    return all(value is not None and each.matcher.matches(value) for each, value in values)


def may_be_lost_whole(criterion: Criterion) -> bool:
    """Tell whether an empty value may be all that is left of a text that meets, or misses, the criterion."""
    wanted = criterion.matcher
    if not isinstance(wanted, Wording) or (wanted.text and not wanted.text.strip("*")):
        return False
    return _remains(wanted.text).fullmatch("") is not None


def may_be_left_of(value: str, text: str) -> bool:
    """Tell whether a value is what an archive may have left of a text, characters of which it lost."""
    return not text.isascii() and _remains(text).fullmatch(value.casefold().strip()) is not None


def _may_be_lost(wanted: Wording | PersonName, value: str) -> bool:
    if isinstance(wanted, PersonName) and ("?" in value or _LOST_GROUP.search(value)):
        return True
    if any(wanted.matches(reading) for reading in _other_readings(value)):
        return True
    groups = [value, *value.split("=")] if isinstance(wanted, PersonName) else [value]
    return value.isascii() and any(_remains(wanted.text).fullmatch(group.casefold().strip()) for group in groups)


def _other_readings(value: str) -> Iterator[str]:
    """Read UTF-8 that was called Latin-1."""
    try:
        yield value.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return


def _remains(text: str) -> re.Pattern[str]:
    """Match what is left of a text whose characters outside ASCII were dropped or became question marks.

    Of a letter with an accent of its own its base may be left, and the spaces beside what is lost may go with it.
    """
    characters = unicodedata.normalize("NFC", text).strip()
    parts = (_remain_of(part) for part in re.split(_LOST_RUN, characters))
    return re.compile("".join(parts))


def _remain_of(part: str) -> str:
    if part.isascii():
        return "".join(_LOST.get(each) or re.escape(each.casefold()) for each in part)
    return "[ ?]*" + "".join(f"{_base_of(each)}[ ?]*" for each in part if each != " ")


def _base_of(character: str) -> str:
    """Give the letter that stands below an accent, as it may be left."""
    base = unicodedata.normalize("NFD", character)[0]
    return f"(?:{re.escape(base.casefold())})?" if base.isascii() else ""

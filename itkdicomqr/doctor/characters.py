"""Examinations of text beyond ASCII: whether it can be read, is told as instances have it, and is matched.

None of them shows a value.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from pydicom.datadict import tag_for_keyword

from itkdicomqr.doctor.case import Case
from itkdicomqr.doctor.diagnosis import Finding, bad, good, notable, unknown
from itkdicomqr.doctor.retrieving import got
from itkdicomqr.errors import DICOMQRError
from itkdicomqr.levels import UNIQUE_KEYS, Level
from itkdicomqr.query.identifiers import path_to
from itkdicomqr.scan import Header
from itkdicomqr.text import text_of

TEXTS: Mapping[Level, Sequence[str]] = {
    Level.STUDY: ("PatientName", "StudyDescription"),
    Level.SERIES: ("SeriesDescription", "ProtocolName"),
}
"""The attributes that are looked at, by the level whose rows have them."""

CHARACTER_SET = "SpecificCharacterSet"
UTF_8 = "ISO_IR 192"
ESC = b"\x1b"

UNREADABLE = "what it tells decides nothing: leave such text out of searches, or give '?' for each such character"
NAMELESS = "give character_set= of the node, as the archive's administrator knows it ('ISO_IR 192' is UTF-8)"
WRONG = "have the archive's character set configured (Orthanc: DefaultEncoding)"


@dataclass(frozen=True)
class Text:
    """One attribute of one row, which is beyond ASCII there or in an instance.

    Attributes
    ----------
    keyword : str
        Of the attribute.
    row : Header
        What the archive answered.
    instance : Header, optional
        What it keeps, as far as that is known.
    """

    keyword: str
    row: Header
    instance: Header | None

    def told(self, character_set: str) -> str | None:
        """Read it from the row; None where that cannot be done."""
        return text_of(self.row, self.keyword, character_set)

    def agrees(self, character_set: str) -> bool:
        """Tell whether row and instance say the same, but for case and empty components."""
        ours = text_of(self.instance, self.keyword) if self.instance is not None else None
        told = self.told(character_set)
        return ours is None or (told is not None and _bare(told) == _bare(ours))


def tells_characters(case: Case) -> Finding:
    """Ask for the text of a study and its series, and compare it with that of an instance."""
    texts = [*_texts(case)]
    own = case.node.character_set
    unread = [each for each in texts if each.told(own) is None]
    if unread:
        return _unreadable(unread)
    if not all(each.agrees(own) for each in texts):
        keywords = ", ".join(sorted({each.keyword for each in texts if not each.agrees(own)}))
        return notable(
            f"its rows tell another {keywords} than an instance has: characters get lost; {UNREADABLE}", WRONG
        )
    if not texts:
        return unknown("no text that was looked at goes beyond ASCII")
    return good(f"text beyond ASCII can be read: it comes in {_names(texts) or own}")


def matches_characters(case: Case) -> Finding:
    """Ask for a Series Description beyond ASCII."""
    wanted = next((row for row in case.sample.series if _can_be_asked(row.get("SeriesDescription") or "")), None)
    if wanted is None:
        return unknown("no series tells a description beyond ASCII that could be asked for")
    key = UNIQUE_KEYS[Level.SERIES]
    rows = case.ask_series(case.sample.one, SeriesDescription=wanted.get("SeriesDescription") or "").rows
    if wanted.get(key) in {row.get(key) for row in rows}:
        return good("it finds a series by a description beyond ASCII")
    return notable("it does not find a series by a description beyond ASCII; it is matched here")


def _unreadable(unread: Sequence[Text]) -> Finding:
    """Say what the text is, if an instance proves it."""
    named = _names(unread)
    words = (
        f"text beyond ASCII comes in {named}, which it is not" if named else "text beyond ASCII names no character set"
    )
    candidates = dict.fromkeys(
        (UTF_8, *(text_of(each.instance, CHARACTER_SET) or "" for each in unread if each.instance))
    )
    for candidate in filter(None, candidates):
        if all(each.instance and each.told(candidate) and each.agrees(candidate) for each in unread):
            return notable(f"{words}; it is {candidate}, as an instance shows", character_set=candidate)
    return bad(f"{words}; {UNREADABLE}", WRONG if named else NAMELESS)


def _texts(case: Case) -> Iterator[Text]:
    """Ask for the study and its series, and give what goes beyond ASCII in them, or in an instance of one of them."""
    one = case.sample.one
    instance = _instance(case)
    for level, keywords in TEXTS.items():
        keys = {**path_to(one, Level.STUDY, case.node.model), **dict.fromkeys(keywords, "")}
        rows, _ = case.matches(level, keys if level is Level.STUDY else {UNIQUE_KEYS[level]: "", **keys})
        for row in rows:
            is_its = level is Level.STUDY or text_of(row, UNIQUE_KEYS[level]) == one.get(UNIQUE_KEYS[level])
            for keyword in keywords:
                known = instance if is_its else None
                if any(_is_beyond_ascii(header, keyword) for header in (row, known) if header is not None):
                    yield Text(keyword, row, known)


def _instance(case: Case) -> Header | None:
    """Bring an instance, for what it says; none if C-GET brings none."""
    try:
        instance, _ = got(case, [case.sample.instance_uid])
        return instance.elements if instance is not None else None
    except DICOMQRError:
        return None


def _is_beyond_ascii(header: Header, keyword: str) -> bool:
    content = header.content(tag_for_keyword(keyword) or 0)
    return not content.isascii() or ESC in content


def _can_be_asked(text: str) -> bool:
    return not text.isascii() and text.isprintable() and not set(text) & set("*?\\")


def _names(texts: Iterable[Text]) -> str:
    """The character sets that the rows name."""
    return ", ".join(dict.fromkeys(filter(None, (text_of(each.row, CHARACTER_SET) for each in texts))))


def _bare(text: str) -> str:
    return text.casefold().rstrip("^= ")

"""Every quirk by its name: what real archives were seen to do, for tests to meet it again."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from itkdicomqr.archive.quirks import encodings, keys, moves, negotiation, requests, retrievals, rows, texts
from itkdicomqr.archive.quirks.named import PARAMETERS, Named
from itkdicomqr.archive.seams import Quirk, combined
from itkdicomqr.errors import InputError

_FAMILIES = (rows, keys, requests, texts, negotiation, retrievals, encodings, moves)
_NAMED: tuple[Named, ...] = tuple(named for family in _FAMILIES for named in family.NAMED)


PRESETS: Mapping[str, str] = MappingProxyType(
    {
        "like-orthanc": "loses-utf8, stops-at-unsendable, no-failed-list, fails-when-unknown, never-decompresses-j2k, "
        "unknown-destination-status=C000, closed-destination-status=C000",
        "like-dcmqrscp": "ignores-description, ignores-modalities-in-study, case-sensitive, no-counts, "
        "retrieve-silent-without-study-uid, needs-patient-id=C000, first-context-only, never-decompresses, "
        "closed-destination-status=A702",
        "like-qrscp": "accepts-any-ae, ignores-description, ignores-modalities-in-study, case-sensitive, no-counts, "
        "row-per-instance, refuses-uid-lists, retrieve-needs-study-uid, needs-patient-id, questions-utf8, "
        "never-decompresses, names-itself-originator",
        "like-tiny-pacs": "empties-description, case-insensitive, wrong-counts, counts-collapse-rows, "
        "drops-at-uid-lists, questions-utf8, invalid-charset, never-decompresses, drops-at-unsendable, drops-at-move",
        "like-pixelmed": "extra-rows, status-ff01, ignores-uid-lists, needs-study-uid, fails-when-unknown, "
        "counts-unsendable-completed, uncompressed-only, closed-destination-status=B000",
        "like-ctn": "ignores-description, ignores-modalities-in-study, case-insensitive, no-counts, ignores-uid-lists, "
        "needs-patient-id=C000, questions-utf8, upper-cases-text, implicit-only, unknown-destination-status=B000, "
        "closed-destination-status=B000",
    }
)
"""Archives that were looked at, as lists of quirks: what each answered, not all that it is."""

QUIRKS: Mapping[str, str] = MappingProxyType({**{each.spelling: each.line for each in _NAMED}, **PRESETS})
"""What every quirk, and every archive's set of them, does: a line for each name."""

_BY_NAME = {each.name: each for each in _NAMED}
_NUMBERED = re.compile(r"(?P<name>.*[a-z])-(?P<parameter>\d+(?:\.\d+)?)")


def quirk_of(quirks: str | Iterable[str]) -> Quirk:
    """Make the one quirk that several names describe.

    Parameters
    ----------
    quirks : str or iterable of str
        Names, in a text with commas between them; with a parameter as ``name=value``, or ``name-7``.

    Raises
    ------
    InputError
        A name is unknown, or a parameter is missing or of another kind.
    """
    names = quirks.split(",") if isinstance(quirks, str) else quirks
    return combined([quirk for name in names if name.strip() for quirk in _quirks_of(name.strip())])


def _quirks_of(name: str) -> list[Quirk]:
    if name in PRESETS:
        return [_quirk_of(each.strip()) for each in PRESETS[name].split(",")]
    return [_quirk_of(name)]


def _quirk_of(text: str) -> Quirk:
    name, parameter = _divided(text)
    named = _BY_NAME.get(name)
    if named is None:
        message = f"no quirk is called {text!r}; there are {', '.join(QUIRKS)}"
        raise InputError(message)
    if not named.parameter and not parameter:
        return named.make()
    if not parameter and named.default is not None:
        return named.make(named.default)
    try:
        return named.make(PARAMETERS[named.parameter](parameter))
    except (KeyError, ValueError):
        message = f"quirk {text!r} does not fit: write {named.spelling}"
        raise InputError(message) from None


def _divided(text: str) -> tuple[str, str]:
    if text in _BY_NAME:
        return text, ""
    found = _NUMBERED.fullmatch(text)
    if found:
        return found["name"], found["parameter"]
    name, _, parameter = text.partition("=")
    return name.strip(), parameter.strip()

"""Exactly one volume, or all, or an error that says how to pick one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from copy import copy
from typing import TYPE_CHECKING, Any

from pydicom.datadict import tag_for_keyword

from itkdicomqr.errors import InputError, MultipleVolumesError
from itkdicomqr.prose import listed
from itkdicomqr.volume.elements import number_or_text
from itkdicomqr.volume.metadata import as_text
from itkdicomqr.volume.outcomes import Outcome, Refused
from itkdicomqr.volume.separating.by_order import REPETITION
from itkdicomqr.volume.separating.splitting import PART
from itkdicomqr.volume.stacking import stacked
from itkdicomqr.volume.volume import Volume

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Equal = Callable[[Any, Any], bool]

Pick = int | Mapping[str, Any] | None
"""What ``volume=`` takes."""

NEAR_FRACTION, NEAR = 1e-3, 0.01
"""How near a number must be to the wanted one if none equals it, relatively and absolutely; both must hold."""

MOST_LISTED = 50
"""How many volumes a table lists."""

LONGEST_SHOWN = 60
"""How many characters of a value a table shows."""


def check_pick(pick: Pick) -> None:
    """Refuse now what picks no volume of any series.

    Raises
    ------
    InputError
        It is neither an index nor a mapping, or counts from the end, or a keyword is misspelt.
    """
    if isinstance(pick, bool) or not isinstance(pick, int | Mapping | None):
        message = f"volume={pick!r} is neither an index nor a mapping such as {{'EchoTime': 4.6}}"
        raise InputError(message)
    if isinstance(pick, int) and pick < 0:
        message = f"volume={pick}: volumes are counted from 0"
        raise InputError(message)
    unknown = [keyword for keyword in pick if not _is_known(keyword)] if isinstance(pick, Mapping) else []
    if unknown:
        message = f"volume={pick!r}: {', '.join(map(repr, unknown))} is no keyword of DICOM, such as 'EchoTime'"
        raise InputError(message)


def one_volume(outcomes: Sequence[Outcome], pick: Pick = None, *, stack: bool = False) -> Volume:
    """Return the one volume, or the one that is picked, also where others of the series are refused.

    Parameters
    ----------
    outcomes : sequence of Volume or Refused
        Of one series.
    pick : int or mapping, optional
        Its index, or values of attributes that tell it apart, as in ``Volume.key``. Numbers may be
        given as text; if none equals the wanted one, one nearly equal does (4.6 for 4.604).
    stack : bool
        Whether the volumes of one grid become one that is four-dimensional: all, or those that have
        the picked values. An index picks from what the stacking gives, and from what is refused after it.

    Raises
    ------
    InputError
        There is no such volume, or `check_pick` refuses the pick.
    MultipleVolumesError
        There are several; the message is their table.
    DICOMQRError
        Why the picked volume is refused.
    """
    check_pick(pick)
    if isinstance(pick, int):
        return _right(_at(_stacked(outcomes) if stack else outcomes, pick))
    matching = _matching(outcomes, pick or {})
    chosen = [outcomes[index] for index in matching]
    if stack:
        chosen = _stacked(chosen)
    if len(chosen) == 1:
        return _right(chosen[0])
    raise _refusal(chosen if stack else outcomes, range(len(chosen)) if stack else matching, stack=stack)


def all_volumes(outcomes: Sequence[Outcome]) -> list[Volume]:
    """Return the volumes, of which none may be refused.

    Raises
    ------
    DICOMQRError
        Why the first refused volume is refused; where there are others, the message is also their table.
    """
    refused = next((outcome for outcome in outcomes if isinstance(outcome, Refused)), None)
    if refused is not None and len(outcomes) > 1:
        error = copy(refused.error)
        others = f"load_series takes another of these with volume=\n{table_of(outcomes)}"
        error.args = (f"{error.args[0]}; {others}", *error.args[1:])
        raise error
    return [_right(outcome) for outcome in outcomes]


def table_of(outcomes: Sequence[Outcome], indices: Sequence[int] | None = None) -> str:
    """Return a line for each volume, or for some: the ``volume=`` that picks it, size, spacing, what differs."""
    indices = indices or range(len(outcomes))
    lines = (_line(index, outcomes[index]) for index in indices)
    return listed(lines, MOST_LISTED, between="\n", rest="\n  and {} more")


def _is_known(keyword: object) -> bool:
    return keyword in {PART, REPETITION} or (isinstance(keyword, str) and tag_for_keyword(keyword) is not None)


def _right(outcome: Outcome) -> Volume:
    if isinstance(outcome, Refused):
        raise outcome.error
    return outcome


def _stacked(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """Stack what is right; what is refused comes after it."""
    return [
        *stacked(outcome for outcome in outcomes if isinstance(outcome, Volume)),
        *(outcome for outcome in outcomes if isinstance(outcome, Refused)),
    ]


def _line(index: int, outcome: Outcome) -> str:
    differs = (f"{keyword} {_shown(value)}" for keyword, value in outcome.key.items())
    return ", ".join([f"  volume={index}: {_size_of(outcome)}", *differs])


def _size_of(outcome: Outcome) -> str:
    if isinstance(outcome, Refused):
        return f"{'×'.join(map(str, outcome.size))} voxels, refused ({type(outcome.error).__name__})"
    size = "×".join(map(str, reversed(outcome.array.shape[: outcome.dimension])))
    spacing = "×".join(f"{step:.4g}" for step in outcome.spacing[:3])
    return f"{size} voxels, {spacing} mm"


def _at(outcomes: Sequence[Outcome], index: int) -> Outcome:
    if index >= len(outcomes):
        message = f"volume={index}: there are {len(outcomes)}, counted from 0:\n{table_of(outcomes)}"
        raise InputError(message)
    return outcomes[index]


def _matching(outcomes: Sequence[Outcome], pick: Mapping[str, Any]) -> list[int]:
    """Return which volumes have the wanted values, or else nearly so.

    Raises
    ------
    InputError
        None has; the message also names attributes in which they do not differ at all.
    """
    for equal in (_equal, _near):
        matching = [index for index, outcome in enumerate(outcomes) if _matches(outcome, pick, equal)]
        if matching:
            return matching
    known = dict.fromkeys(keyword for outcome in outcomes for keyword in outcome.key)
    unknown = [keyword for keyword in pick if keyword not in known]
    differ = f"; they do not differ in {', '.join(unknown)}, but in {', '.join(known) or 'nothing'}" if unknown else ""
    message = f"volume={pick!r} picks none of these{differ}:\n{table_of(outcomes)}"
    raise InputError(message)


def _refusal(outcomes: Sequence[Outcome], indices: Sequence[int], *, stack: bool) -> MultipleVolumesError:
    candidates = [outcomes[index] for index in indices]
    example = next(({keyword: value} for keyword, value in candidates[0].key.items()), None)
    by_value = f" (an index, or values such as {example})" if example and not stack else ""
    grids = " of different grids" if stack else ""
    refused = next((each.error for each in candidates if isinstance(each, Refused)), None)
    otherwise = f"; one is refused: {refused}" if refused else ", or take all with load_volumes or read_volumes"
    message = f"{len(candidates)} volumes{grids}; pick one with volume={by_value}{otherwise}\n"
    return MultipleVolumesError(message + table_of(outcomes, indices), volumes=[dict(each.key) for each in candidates])


def _matches(outcome: Outcome, pick: Mapping[str, Any], equal: Equal) -> bool:
    """Tell whether each attribute has the wanted value, or has it among several."""
    return all(keyword in outcome.key and _has(outcome.key[keyword], wanted, equal) for keyword, wanted in pick.items())


def _has(value: Any, wanted: Any, equal: Equal) -> bool:
    values = value if isinstance(value, tuple) else (value,)
    several = _values(wanted)
    if len(several) == len(values):
        return all(map(equal, values, several))
    return len(several) == 1 and any(equal(each, several[0]) for each in values)


def _values(wanted: Any) -> list[Any]:
    """Read text as DICOM writes it: several values with backslashes between, numbers as such."""
    parts = wanted.split("\\") if isinstance(wanted, str) else wanted if isinstance(wanted, Iterable) else [wanted]
    return [number_or_text(part.strip()) if isinstance(part, str) else part for part in parts]


def _equal(value: Any, wanted: Any) -> bool:
    return bool(value == wanted)


def _near(value: Any, wanted: Any) -> bool:
    if isinstance(value, str) or not isinstance(wanted, int | float):
        return _equal(value, wanted)
    return bool(abs(value - wanted) <= min(NEAR_FRACTION * abs(wanted), NEAR))


def _shown(value: Any) -> str:
    text = as_text(value)
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}…"

"""Exactly one volume, or an error that says how to pick one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from itkdicomqr.errors import InputError, MultipleVolumesError
from itkdicomqr.volume.elements import number_or_text
from itkdicomqr.volume.metadata import as_text
from itkdicomqr.volume.stacking import stacked

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from itkdicomqr.volume.volume import Volume

    Equal = Callable[[Any, Any], bool]

Pick = int | Mapping[str, Any] | None
"""What ``volume=`` takes."""

NEAR_FRACTION, NEAR = 1e-3, 0.01
"""How near a number must be to the wanted one if none equals it: both as a fraction of it and at all."""

MOST_LISTED = 50
"""How many volumes a table lists."""

LONGEST_SHOWN = 60
"""How many characters of a value a table shows."""


def one_volume(volumes: Sequence[Volume], pick: Pick = None, *, stack: bool = False) -> Volume:
    """Return the one volume, or the one that is picked.

    Parameters
    ----------
    volumes : sequence of Volume
        Of one series.
    pick : int or mapping, optional
        Its index, or values of attributes that tell it apart, as in ``Volume.key``. Numbers may be
        given as text; if none equals the wanted one, one nearly equal does (4.6 for 4.604).
    stack : bool
        Whether the volumes of one grid become one that is four-dimensional: all, or those that have
        the picked values. An index picks from what the stacking gives.

    Raises
    ------
    InputError
        There is no such volume.
    MultipleVolumesError
        There are several; the message is their table.
    """
    if isinstance(pick, bool) or not isinstance(pick, int | Mapping | None):
        message = f"volume={pick!r} is neither an index nor a mapping such as {{'EchoTime': 4.6}}"
        raise InputError(message)
    if isinstance(pick, int):
        return _at(stacked(volumes) if stack else volumes, pick)
    matching = _matching(volumes, pick or {})
    chosen = stacked(volumes[index] for index in matching) if stack else [volumes[index] for index in matching]
    if len(chosen) == 1:
        return chosen[0]
    raise _refusal(chosen if stack else volumes, range(len(chosen)) if stack else matching, stack=stack)


def table_of(volumes: Sequence[Volume], indices: Sequence[int] | None = None) -> str:
    """Return a line for each volume, or for some: the ``volume=`` that picks it, size, spacing, what differs."""
    indices = indices or range(len(volumes))
    lines = [_line(index, volumes[index]) for index in indices[:MOST_LISTED]]
    more = [f"  and {len(indices) - MOST_LISTED} more"] if len(indices) > MOST_LISTED else []
    return "\n".join(lines + more)


def _line(index: int, volume: Volume) -> str:
    size = "×".join(map(str, reversed(volume.array.shape[: len(volume.spacing)])))
    spacing = "×".join(f"{step:.4g}" for step in volume.spacing[:3])
    differs = (f"{keyword} {_shown(value)}" for keyword, value in volume.key.items())
    return ", ".join([f"  volume={index}: {size} voxels", f"{spacing} mm", *differs])


def _at(volumes: Sequence[Volume], index: int) -> Volume:
    if not 0 <= index < len(volumes):
        message = f"volume={index}: there are {len(volumes)}, counted from 0:\n{table_of(volumes)}"
        raise InputError(message)
    return volumes[index]


def _matching(volumes: Sequence[Volume], pick: Mapping[str, Any]) -> list[int]:
    """Return which volumes have the wanted values, or else nearly so.

    Raises
    ------
    InputError
        None has; the message also names attributes in which they do not differ at all.
    """
    for equal in (_equal, _near):
        matching = [index for index, volume in enumerate(volumes) if _matches(volume, pick, equal)]
        if matching:
            return matching
    known = dict.fromkeys(keyword for volume in volumes for keyword in volume.key)
    unknown = [keyword for keyword in pick if keyword not in known]
    differ = f"; they do not differ in {', '.join(unknown)}, but in {', '.join(known) or 'nothing'}" if unknown else ""
    message = f"volume={pick!r} picks none of these{differ}:\n{table_of(volumes)}"
    raise InputError(message)


def _refusal(volumes: Sequence[Volume], indices: Sequence[int], *, stack: bool) -> MultipleVolumesError:
    example = next(({keyword: value} for keyword, value in volumes[indices[0]].key.items()), None)
    by_value = f" (an index, or values such as {example})" if example and not stack else ""
    grids = " of different grids" if stack else ""
    message = (
        f"{len(indices)} volumes{grids}; pick one with volume={by_value}, or take all with load_volumes or "
        f"read_volumes\n{table_of(volumes, indices)}"
    )
    return MultipleVolumesError(message, volumes=[dict(volumes[index].key) for index in indices])


def _matches(volume: Volume, pick: Mapping[str, Any], equal: Equal) -> bool:
    """Tell whether each attribute has the wanted value, or has it among several."""
    return all(keyword in volume.key and _has(volume.key[keyword], wanted, equal) for keyword, wanted in pick.items())


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

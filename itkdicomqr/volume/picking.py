"""Exactly one volume, or an error that says how to pick one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from itkdicomqr.errors import InputError, MultipleVolumesError
from itkdicomqr.volume.elements import number_or_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from itkdicomqr.volume.volume import Volume


def one_volume(volumes: Sequence[Volume], pick: int | Mapping[str, Any] | None = None) -> Volume:
    """Return the one volume, or the one that is picked.

    Parameters
    ----------
    volumes : sequence of Volume
        Of one series.
    pick : int or mapping, optional
        Its index, or values of attributes that tell it apart, as in ``Volume.key``.

    Raises
    ------
    InputError
        There is no such volume.
    MultipleVolumesError
        There are several; the message is their table.
    """
    if isinstance(pick, int):
        if not 0 <= pick < len(volumes):
            message = f"volume={pick}: there are {len(volumes)}, counted from 0"
            raise InputError(message)
        return volumes[pick]
    chosen = [volume for volume in volumes if _matches(volume, pick or {})]
    if len(chosen) == 1:
        return chosen[0]
    if not chosen:
        message = f"volume={pick!r} picks none of these:\n{table_of(volumes)}"
        raise InputError(message)
    message = f"{len(chosen)} volumes; pick one with volume=, or take all with load_volumes or read_volumes\n"
    raise MultipleVolumesError(message + table_of(volumes), volumes=[dict(volume.key) for volume in volumes])


def table_of(volumes: Sequence[Volume]) -> str:
    """Return a line for each volume: the ``volume=`` that picks it, size, spacing, what differs."""
    lines = []
    for index, volume in enumerate(volumes):
        size = "×".join(map(str, reversed(volume.array.shape[:3])))
        spacing = "×".join(f"{step:.4g}" for step in volume.spacing)
        differs = ", ".join(f"{keyword} {_shown(value)}" for keyword, value in volume.key.items())
        lines.append(f"  volume={index}: {size} voxels, {spacing} mm, {differs}")
    return "\n".join(lines)


def _matches(volume: Volume, pick: Mapping[str, Any]) -> bool:
    """Tell whether each attribute has the wanted value, or has it among several."""
    return all(keyword in volume.key and _has(volume.key[keyword], wanted) for keyword, wanted in pick.items())


def _has(value: Any, wanted: Any) -> bool:
    number = number_or_text(wanted) if isinstance(wanted, str) else wanted
    return wanted == value or number == value or (isinstance(value, tuple) and number in value)


def _shown(value: Any) -> str:
    return (
        "\\".join(map(_shown, value))
        if isinstance(value, tuple)
        else f"{value:g}"
        if isinstance(value, float)
        else str(value)
    )

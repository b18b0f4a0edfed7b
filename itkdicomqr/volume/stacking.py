"""Volumes of one grid as one four-dimensional volume: echoes, time points, phases, diffusion."""

from __future__ import annotations

import math
from dataclasses import fields, replace
from datetime import date
from itertools import chain, pairwise, product
from numbers import Real
from typing import TYPE_CHECKING, Any

import numpy as np

from itkdicomqr.volume.metadata import SliceMetadata
from itkdicomqr.volume.separating.by_order import REPETITION
from itkdicomqr.volume.separating.grouping import SPLITS
from itkdicomqr.volume.volume import Volume
from itkdicomqr.volume.voxels.pixels import common_dtype

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from itkdicomqr.volume.report import Report
    from itkdicomqr.volume.vectors import Vector

ONE_GRID = 0.01
"""How far the corners of volumes of one grid may be apart, mm."""

OF_SEGMENTS = frozenset({"SegmentNumber", "SegmentLabel"})
"""What tells volumes of one grid apart that are nevertheless of one kind."""

EVEN_TIMES = 0.01
"""Largest deviation of a step in time from the mean one, as a fraction of it, that makes an axis of time."""

UNKNOWN_STEP = 1.0
"""The spacing of volumes that no even time tells apart."""


def stacked(volumes: Iterable[Volume]) -> list[Volume]:
    """Make volumes of one grid four-dimensional, in the order in which they are; also one alone.

    Volumes are of one grid if they are of one series, kind and frame of reference, of one size, and
    their corners within ``ONE_GRID``. Those that lie one after the other in memory, as the volumes of
    one series mostly do, are not copied. Integers and floats together get the type that holds all.

    The fourth axis is at right angles to the others, its origin 0. Its spacing is in seconds where times
    in even steps tell the volumes apart, and nothing but times and their order does, else 1. Each value
    of ``key`` that differs is a tuple, in the order of the volumes, and also in ``metadata``.
    """
    grids: list[list[Volume]] = []
    for volume in volumes:
        grid = next((grid for grid in grids if _is_one_grid(grid[0], volume)), None)
        if grid is None:
            grids.append(grid := [])
        grid.append(volume)
    return [_stack(grid) for grid in grids]


def _is_one_grid(a: Volume, b: Volume) -> bool:
    return (
        a.array.shape == b.array.shape
        and all(a.key.get(keyword) == b.key.get(keyword) for keyword in SPLITS.keys() - OF_SEGMENTS)
        and _distance(a, b) <= ONE_GRID
    )


def _distance(a: Volume, b: Volume) -> float:
    """Return the largest distance between corresponding corners, mm."""
    return float(np.linalg.norm(_corners(a) - _corners(b), axis=1).max())


def _corners(volume: Volume) -> NDArray[np.float64]:
    slices, rows, columns = volume.array.shape[:3]
    ends = np.array([*product((0, columns - 1), (0, rows - 1), (0, slices - 1))])
    return np.array(ends @ (volume.direction * volume.spacing).T + volume.origin)


def _stack(volumes: Sequence[Volume]) -> Volume:
    first = volumes[0]
    key = {keyword: _value([volume.key.get(keyword) for volume in volumes]) for keyword in first.key}
    varying = [keyword for keyword in key if len({volume.key.get(keyword) for volume in volumes}) > 1]
    step = _step_of_time(varying, key)
    direction = np.eye(4)
    direction[:3, :3] = first.direction
    return Volume(
        array=_one_array([volume.array for volume in volumes]),
        origin=(*first.origin, 0.0),
        spacing=(*first.spacing, UNKNOWN_STEP if step is None else step),
        direction=direction,
        key=key,
        slices=SliceMetadata.joined([volume.slices for volume in volumes]),
        report=_report(volumes, _notices(varying, step)),
    )


def _value(values: Sequence[Any]) -> Any:
    """Return the one value that volumes share, or all."""
    return values[0] if len(set(values)) == 1 else tuple(values)


def _one_array(arrays: Sequence[NDArray[Any]]) -> NDArray[Any]:
    """Join arrays along a new first axis, by a copy only where they do not lie together."""
    joined = _in_one_memory(arrays)
    return np.stack(arrays, dtype=common_dtype(array.dtype for array in arrays)) if joined is None else joined


def _in_one_memory(arrays: Sequence[NDArray[Any]]) -> NDArray[Any] | None:
    """View arrays as one if they begin a memory one after the other."""
    first, count = arrays[0], len(arrays)
    if count == 1:
        return first[np.newaxis]
    memory = first.base
    if not isinstance(memory, np.ndarray) or memory.shape[1:] != first.shape[1:] or len(memory) < count * len(first):
        return None
    joined = memory[: count * len(first)].reshape(count, *first.shape)
    together = all(part.ctypes.data == array.ctypes.data for part, array in zip(joined, arrays, strict=True))
    return joined if together else None


def _step_of_time(varying: Sequence[str], key: Mapping[str, Any]) -> float | None:
    """Return the step in seconds, None where anything but even times tells the volumes apart."""
    if not IN_TIME.issuperset(varying):
        return None
    timed = ((_times(keyword, varying, key), read) for keyword, read in SECONDS.items() if keyword in varying)
    return next((_even_step(times, read) for times, read in timed), None)


def _times(keyword: str, varying: Sequence[str], key: Mapping[str, Any]) -> list[Any]:
    """Give the times of the volumes; of days that differ, too, the day and the time as one number."""
    day = _DAY_OF.get(keyword, "")
    if day not in varying or not all(isinstance(each, Real) for each in (*key[day], *key[keyword])):
        return list(key[keyword])
    return [first * _TIMES_OF_A_DAY + then for first, then in zip(key[day], key[keyword], strict=True)]


def _even_step(times: Sequence[Any], read: Callable[[float], float]) -> float | None:
    if not all(isinstance(time, Real) for time in times):
        return None
    seconds = list(map(read, times))
    mean = (seconds[-1] - seconds[0]) / (len(seconds) - 1)
    even = all(abs(after - before - mean) <= EVEN_TIMES * mean for before, after in pairwise(seconds))
    return mean if even else None


def _notices(varying: Sequence[str], step: float | None) -> tuple[str, ...]:
    if not varying or step is not None:
        return ()
    return (
        f"the volumes are told apart by {', '.join(varying)}, not by times in even steps: their spacing along the "
        "fourth axis is 1",
    )


def _report(volumes: Sequence[Volume], notices: tuple[str, ...]) -> Report:
    """Merge reports: what any says, the largest of each number, and counts as they are, of the whole input."""
    reports = [volume.report for volume in volumes]
    merged: dict[str, Any] = {}
    for field in fields(reports[0]):
        values = [value for report in reports if (value := getattr(report, field.name)) is not None] or [None]
        merge = next((merge for kind, merge in _MERGES.items() if isinstance(values[0], kind)), _first)
        merged[field.name] = merge(values)
    merged["padded"] = _all_padded(volumes)
    merged["max_corner_error_mm"] += max(_distance(volumes[0], volume) for volume in volumes)
    return replace(reports[0], **{**merged, "warnings": (*merged["warnings"], *notices)})


def _all_padded(volumes: Sequence[Volume]) -> dict[int, Vector]:
    """Count the padded slices of one volume after those of the other, as the metadata of slices does."""
    return {
        len(volume.array) * before + index: position
        for before, volume in enumerate(volumes)
        for index, position in volume.report.padded.items()
    }


def _first(values: Sequence[Any]) -> Any:
    return values[0]


def _union(values: Sequence[tuple[Any, ...]]) -> tuple[Any, ...]:
    return tuple(dict.fromkeys(chain.from_iterable(values)))


_MERGES: Mapping[type, Callable[[Sequence[Any]], Any]] = {bool: any, float: max, int: max, tuple: _union}


def _from_milliseconds(time: float) -> float:
    return time / 1000


def _of_day(time: float) -> float:
    """Return the seconds since midnight of a TM, HHMMSS.FFFFFF."""
    minutes, seconds = divmod(time, 100)
    hours, minutes = divmod(minutes, 100)
    return (hours * 60 + minutes) * 60 + seconds


def _of_moment(moment: float) -> float:
    """Return the seconds of a TM, or of a DT, YYYYMMDDHHMMSS.FFFFFF, since the first day of the calendar."""
    day, time = divmod(moment, _TIMES_OF_A_DAY)
    try:
        days = date(int(day // 10_000), int(day // 100 % 100), int(day % 100)).toordinal() if day else 0
    except ValueError:
        return math.nan
    return days * _SECONDS_OF_A_DAY + _of_day(time)


_TIMES_OF_A_DAY = 1e6
"""What a day adds to a time where both are one number, HHMMSS being six digits."""

_SECONDS_OF_A_DAY = 86_400

_DAY_OF: Mapping[str, str] = {"AcquisitionTime": "AcquisitionDate", "ContentTime": "ContentDate"}

SECONDS: Mapping[str, Callable[[float], float]] = {
    "TriggerTime": _from_milliseconds,
    "NominalCardiacTriggerDelayTime": _from_milliseconds,
    "FrameReferenceTime": _from_milliseconds,
    "TemporalPositionTimeOffset": float,
    "AcquisitionTime": _of_moment,
    "ContentTime": _of_moment,
    "AcquisitionDateTime": _of_moment,
}
"""The attributes whose even steps make an axis of time, and how each is read in seconds."""

IN_TIME = SECONDS.keys() | {
    "TemporalPositionIdentifier",
    "NominalPercentageOfCardiacPhase",
    "AcquisitionNumber",
    "AcquisitionDate",
    "ContentDate",
    "ActualFrameDuration",
    REPETITION,
}
"""The attributes of volumes that follow each other in time."""

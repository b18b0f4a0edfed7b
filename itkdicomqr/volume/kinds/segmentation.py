"""Segmentations: which segment a frame belongs to, and the planes that are not stored (PS3.3 C.8.20).

A segmentation stores no frame where a segment has no voxel. Here each segment gets every plane of
the grid that all segments span together, so that all have the size that a mask of the image has.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

from itkdicomqr.charsets import decoded
from itkdicomqr.errors import LimitExceededError
from itkdicomqr.prose import counted
from itkdicomqr.text import SPECIFIC_CHARACTER_SET
from itkdicomqr.uids import LABEL_MAP_SEGMENTATION_STORAGE
from itkdicomqr.volume.headers import Segment, checked_orientation
from itkdicomqr.volume.tags import PIXEL_PADDING_VALUE, SPACING_BETWEEN_SLICES
from itkdicomqr.volume.vectors import difference, dot, length, normal, scaled, sum_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from itkdicomqr.volume.elements import Elements
    from itkdicomqr.volume.headers import SliceHeader
    from itkdicomqr.volume.vectors import Vector

SEGMENTATION = "1.2.840.10008.5.1.4.1.1.66.4"
SEGMENTATIONS = frozenset({SEGMENTATION, LABEL_MAP_SEGMENTATION_STORAGE})

SAME_PLANE = 1e-3
"""Frames nearer than this along the normal are on one plane, mm."""

WHOLE_STEPS = 0.02
"""How near to a whole number of steps a gap is that planes were left out of."""

MOST_PLANES = 1 << 16
"""A limit of the planes of a grid: a spacing of 1e-9 mm must not fill the memory."""

MOST_SLICES = 1 << 18
"""A limit of the planes of all segments together, whether they are stored or not."""

_SEGMENT_SEQUENCE = 0x00620002
_SEGMENT_NUMBER = 0x00620004
_SEGMENT_LABEL = 0x00620005
_REFERENCED_SEGMENT_NUMBER = 0x0062000B


def segmented(headers: Sequence[SliceHeader]) -> list[SliceHeader]:
    """Tell the segment of each frame, and add the planes that are not stored.

    What is not stored is 0, and in a label map PixelPaddingValue where there is one.

    Raises
    ------
    CorruptInstanceError
        A frame of a segmentation that is no label map names no segment, or the grid has too many planes.
    LimitExceededError
        Its segments and planes would make too many slices.
    """
    top = headers[0].top
    if headers[0].sop_class_uid == LABEL_MAP_SEGMENTATION_STORAGE:
        padding = top.integers(PIXEL_PADDING_VALUE)
        return _completed(_as_labels(headers), [None], padding[0] if padding else 0)
    segments = _described_segments(top)
    named = [replace(header, segment=_segment_of(header, segments)) for header in headers]
    all_segments = {header.segment for header in named} | set(segments.values())
    return _completed(named, sorted(all_segments, key=_number), 0)


def _as_labels(headers: Sequence[SliceHeader]) -> list[SliceHeader]:
    """Take the numbers of segments as they are, also where a palette gives them colours."""
    layout = replace(headers[0].layout, photometric="MONOCHROME2")
    source = replace(headers[0].source, layout=layout)
    return [replace(header, source=source, layout=layout) for header in headers]


def _number(segment: Segment | None) -> int:
    return segment.number if segment else 0


def _described_segments(top: Elements) -> dict[int, Segment]:
    """Return the segments of SegmentSequence by their numbers."""
    character_set = top.text(SPECIFIC_CHARACTER_SET)
    described = {}
    for item in top.items(_SEGMENT_SEQUENCE):
        number = item.unsigned(_SEGMENT_NUMBER) or 0
        label = decoded(item.content(_SEGMENT_LABEL), character_set, "LO").strip(" \0")
        described[number] = Segment(number, label)
    return described


def _segment_of(header: SliceHeader, segments: Mapping[int, Segment]) -> Segment:
    number = header.elements.unsigned(_REFERENCED_SEGMENT_NUMBER)
    if number is None:
        raise header.elements.corrupt(_REFERENCED_SEGMENT_NUMBER, f"is missing in frame {header.frame}")
    return segments.get(number, Segment(number, ""))


def _completed(headers: Sequence[SliceHeader], segments: Iterable[Segment | None], constant: int) -> list[SliceHeader]:
    """Add a constant slice for each plane that a segment lacks, and rank all slices of each segment alike."""
    if any(header.position is None or header.orientation != headers[0].orientation for header in headers):
        return list(headers)
    towards = normal(checked_orientation(headers[0]))
    planes = _planes(headers, towards)
    stored_of: dict[Segment | None, list[SliceHeader]] = {segment: [] for segment in segments}
    _check_count(headers, len(planes), len(stored_of))
    for header in headers:
        stored_of[header.segment].append(header)

    def height(header: SliceHeader) -> float:
        return dot(header.position or (), towards)

    heights_of = {segment: list(map(height, stored)) for segment, stored in stored_of.items()}
    descending = _are_descending(heights_of.values())
    completed: list[SliceHeader] = []
    for segment, stored in stored_of.items():
        heights = sorted(heights_of[segment])
        absent = (plane for plane in planes if not _is_among(dot(plane, towards), heights))
        made = [replace(headers[0], position=plane, segment=segment, constant=constant) for plane in absent]
        completed += sorted(stored + made, key=height, reverse=descending)
    ranked = [replace(header, rank=rank) for rank, header in enumerate(completed)]
    return sorted(ranked, key=lambda header: (header.constant is not None, header.frame))


def _are_descending(heights_of_segments: Iterable[Sequence[float]]) -> bool:
    """Tell whether the frames of every segment that has several go against the normal; then all segments do."""
    several = [heights for heights in heights_of_segments if len(heights) > 1]
    return bool(several) and all(after < before for heights in several for before, after in pairwise(heights))


def _check_count(headers: Sequence[SliceHeader], planes: int, segments: int) -> None:
    """Refuse more slices than any grid of segments has, before they are made."""
    if planes * segments > MOST_SLICES:
        message = (
            f"instance {headers[0].sop_instance_uid}: {counted(segments, 'segment')} of {planes} planes each "
            f"(SegmentSequence (0062,0002), SpacingBetweenSlices (0018,0088)) are more than {MOST_SLICES} slices"
        )
        raise LimitExceededError(message)


def _planes(headers: Sequence[SliceHeader], towards: Vector) -> list[Vector]:
    """Return the planes of all frames, and those that gaps of whole steps between them leave room for.

    A step is SpacingBetweenSlices, or without it the smallest gap.
    """
    positions = sorted((header.position for header in headers if header.position), key=lambda at: dot(at, towards))
    planes = positions[:1]
    for position in positions[1:]:
        if dot(difference(position, planes[-1]), towards) > SAME_PLANE:
            planes.append(position)
    gaps = [length(difference(after, before)) for before, after in pairwise(planes)]
    if not gaps:
        return planes
    step = abs(headers[0].spacing_between_slices or 0) or min(gaps)
    counts = [_steps(gap, step) for gap in gaps]
    if sum(counts) > MOST_PLANES:
        reason = f"is {step:g}, which makes {sum(counts)} planes of the segmentation"
        raise headers[0].elements.corrupt(SPACING_BETWEEN_SLICES, reason)
    between = [
        sum_of(before, scaled(difference(after, before), index / count))
        for (before, after), count in zip(pairwise(planes), counts, strict=True)
        for index in range(1, count)
    ]
    return sorted(planes + between, key=lambda at: dot(at, towards))


def _steps(gap: float, step: float) -> int:
    """Return how many steps a gap is, 1 where it is no whole number of them."""
    count = round(gap / step)
    return count if count and abs(gap / step - count) <= WHOLE_STEPS * count else 1


def _is_among(height: float, heights: Sequence[float]) -> bool:
    """Tell whether one of ascending heights is that of a plane."""
    after = bisect_left(heights, height)
    return any(abs(height - other) <= SAME_PLANE for other in heights[max(0, after - 1) : after + 1])

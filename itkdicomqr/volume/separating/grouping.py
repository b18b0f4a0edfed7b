"""From slices in any order to stacks, each of which is to become one volume.

A stack holds slices of one series, size, kind and orientation, in order along their normal. The
result depends on the slices alone, never on the order in which they came.
"""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from itkdicomqr.volume.headers import checked_orientation
from itkdicomqr.volume.kinds.segmentation import SEGMENTATIONS
from itkdicomqr.volume.separating.nearness import nearby
from itkdicomqr.volume.stack import Stack
from itkdicomqr.volume.vectors import dot, normal

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence

    from itkdicomqr.volume.headers import SliceHeader

    Group = tuple[dict[str, Any], list[SliceHeader]]
    ValuesOf = Callable[[list[SliceHeader]], Sequence[Hashable]]

SAME_ORIENTATION = 1e-4
"""Largest difference of a component of ImageOrientationPatient within a stack."""

SAME_SPACING = 1e-4
"""Largest difference of PixelSpacing within a stack, mm."""

ALWAYS_TOLD = frozenset({"SegmentNumber", "SegmentLabel"})
"""What a stack's key has even where it is the only one."""

SAME_POSITION = 1e-3
"""Two slices nearer than this along the normal are at one position, mm."""


def stacks_of(headers: Iterable[SliceHeader]) -> list[Stack]:
    """Split slices into stacks and put each in order.

    Returns
    -------
    list of Stack
        By the InstanceNumber of their first slices.
    """
    groups: list[Group] = [({}, sorted(headers, key=by_number))]
    for keyword, values_of in SPLITS.items():
        groups = _split(groups, keyword, values_of)
    varying = {keyword for keyword in SPLITS if _tells(keyword, {key[keyword] for key, _ in groups})}
    stacks = [
        Stack(in_order(members), {keyword: key[keyword] for keyword in key if keyword in varying})
        for key, members in groups
    ]
    return sorted(stacks, key=lambda stack: min(map(by_number, stack.slices)))


def in_order(slices: Sequence[SliceHeader]) -> tuple[SliceHeader, ...]:
    """Sort the slices of a stack along their normal, or by InstanceNumber where they have no position.

    The frames of one instance keep their order where it descends, as ITK does.
    """
    numbered = sorted(slices, key=by_number)
    if numbered[0].orientation is None:
        return tuple(numbered)
    towards = normal(checked_orientation(numbered[0]))
    heights = {id(header): dot(header.position or (), towards) for header in numbered}
    one_instance = len({id(header.source) for header in numbered}) == 1
    if one_instance and all(heights[id(after)] < heights[id(before)] for before, after in pairwise(numbered)):
        return tuple(numbered)
    return tuple(sorted(numbered, key=lambda header: heights[id(header)]))


def repeats(slices: Sequence[SliceHeader]) -> list[list[SliceHeader]]:
    """Gather slices in order into runs at one position each."""
    if slices[0].orientation is None:
        return [[header] for header in slices]
    towards = normal(slices[0].orientation)
    runs = [[slices[0]]]
    for before, after in pairwise(slices):
        if abs(dot(after.position or (), towards) - dot(before.position or (), towards)) > SAME_POSITION:
            runs.append([])
        runs[-1].append(after)
    return runs


def by_number(header: SliceHeader) -> tuple[bool, int, str, int, int]:
    """Return what sorts slices by InstanceNumber, then by SOP Instance UID, then by segment, then by frame."""
    number = header.instance_number
    segment = 0 if header.segment is None else header.segment.number
    rank = header.frame if header.rank is None else header.rank
    return number is None, number or 0, header.sop_instance_uid, segment, rank


def _split(
    groups: list[Group],
    keyword: str,
    values_of: ValuesOf,
) -> list[Group]:
    """Split each group by the value that its members get among each other."""
    split = []
    for key, members in groups:
        parts: dict[Hashable, list[SliceHeader]] = defaultdict(list)
        for member, value in zip(members, values_of(members), strict=True):
            parts[value].append(member)
        split += [({**key, keyword: value}, part) for value, part in parts.items()]
    return split


def _tells(keyword: str, values: set[Any]) -> bool:
    """Tell whether an attribute names stacks: it differs among them, or is what they are asked for by."""
    return len(values) > 1 or (keyword in ALWAYS_TOLD and values != {None})


def _is_apart(header: SliceHeader) -> bool:
    """Tell whether instances are never put together: segmentations, and frames that follow each other in time."""
    return header.sop_class_uid in SEGMENTATIONS or (header.frames > 1 and header.position is None)


def _frames_of_reference(members: Sequence[SliceHeader]) -> list[str]:
    """A missing FrameOfReferenceUID agrees with the only one that there is."""
    known = {member.frame_of_reference_uid for member in members} - {""}
    only = next(iter(known), "") if len(known) <= 1 else ""
    return [member.frame_of_reference_uid or only for member in members]


def _each(value_of: Callable[[SliceHeader], Hashable]) -> ValuesOf:
    """Split by a value that is equal in all slices of a stack."""
    return lambda members: [value_of(member) for member in members]


def _near_each(vector_of: Callable[[SliceHeader], tuple[float, ...] | None], tolerance: float) -> ValuesOf:
    """Split by a vector that is nearly equal in all slices of a stack."""
    return lambda members: nearby([vector_of(member) or () for member in members], tolerance)


SPLITS: Mapping[str, ValuesOf] = {
    "SeriesInstanceUID": _each(lambda header: header.series_instance_uid),
    "SOPClassUID": _each(lambda header: header.sop_class_uid),
    "Rows": _each(lambda header: header.layout.rows),
    "Columns": _each(lambda header: header.layout.columns),
    "SamplesPerPixel": _each(lambda header: header.layout.samples),
    "PhotometricInterpretation": _each(lambda header: header.layout.photometric),
    "SOPInstanceUID": _each(lambda header: header.sop_instance_uid if _is_apart(header) else ""),
    "SegmentNumber": _each(lambda header: header.segment and header.segment.number),
    "SegmentLabel": _each(lambda header: header.segment and header.segment.label),
    "FrameOfReferenceUID": _frames_of_reference,
    "ImageOrientationPatient": _near_each(lambda header: header.orientation, SAME_ORIENTATION),
    "PixelSpacing": _near_each(lambda header: header.pixel_spacing, SAME_SPACING),
    "ImagerPixelSpacing": _near_each(lambda header: header.imager_pixel_spacing, SAME_SPACING),
}
"""By what slices are split into stacks, in this order."""

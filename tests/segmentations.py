"""Synthetic segmentations: masks by segment number and plane, of which only those with voxels are stored."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from pydicom import uid
from pydicom.dataset import Dataset

from tests.synthetic import series

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

SEGMENTATION = uid.SegmentationStorage
LABEL_MAP = uid.UID("1.2.840.10008.5.1.4.1.1.66.7")

Masks = dict[int, "NDArray[Any]"]


def masks(*, rows: int = 5, columns: int = 7, planes: int = 6) -> Masks:
    """Make two overlapping segments: the first on planes 1, 2 and 4, the second on planes 0 and 5."""
    made = {number: np.zeros((planes, rows, columns), np.uint8) for number in (1, 2)}
    for number, plane in ((1, 1), (1, 2), (1, 4), (2, 0), (2, 5)):
        made[number][plane] = np.random.default_rng(10 * number + plane).integers(0, 2, (rows, columns))
        made[number][plane, 0, 0] = 1
    return made


def segmentation(of: Mapping[int, NDArray[Any]], *, bits: int = 1, syntax: str = uid.ExplicitVRLittleEndian) -> Dataset:
    """Make a segmentation of the planes that have voxels, segment by segment.

    Parameters
    ----------
    of : mapping
        Segment number to (planes, rows, columns).
    bits : int
        1 for binary segments, packed across frames; 8 for fractions.
    syntax : str
        The transfer syntax.
    """
    frames = [(number, plane) for number, mask in of.items() for plane in range(len(mask)) if mask[plane].any()]
    instance = _bare(frames, next(iter(of.values())).shape, syntax)
    instance.SOPClassUID = instance.file_meta.MediaStorageSOPClassUID = SEGMENTATION
    instance.SegmentationType = "BINARY" if bits == 1 else "FRACTIONAL"
    instance.SegmentSequence = [_described(number) for number in of]
    instance.BitsAllocated = instance.BitsStored = bits
    instance.HighBit = bits - 1
    voxels = np.concatenate([of[number][plane].ravel() for number, plane in frames])
    content = (np.packbits(voxels, bitorder="little") if bits == 1 else voxels).tobytes()
    instance.PixelData = content + b"\0" * (len(content) % 2)
    if bits != 1:
        instance.MaximumFractionalValue = 255
    for groups, (number, _) in zip(instance.PerFrameFunctionalGroupsSequence, frames, strict=True):
        groups.SegmentIdentificationSequence = [_item(ReferencedSegmentNumber=number)]
    return instance


def label_map(labels: NDArray[Any], **overrides: Any) -> Dataset:
    """Make a label map of the planes that have a label."""
    frames = [(0, plane) for plane in range(len(labels)) if labels[plane].any()]
    instance = _bare(frames, labels.shape, uid.ExplicitVRLittleEndian)
    instance.SOPClassUID = instance.file_meta.MediaStorageSOPClassUID = LABEL_MAP
    instance.SegmentationType = "LABELMAP"
    content = b"".join(labels[plane].tobytes() for _, plane in frames)
    instance.PixelData = content + b"\0" * (len(content) % 2)
    for keyword, value in overrides.items():
        setattr(instance, keyword, value)
    return instance


def _bare(frames: list[tuple[int, int]], shape: tuple[int, ...], syntax: str) -> Dataset:
    """Make everything but the pixels and their segments."""
    planes = series("MR", shape[0], pixels=lambda _: np.zeros(shape[1:], np.uint8), syntax=syntax, Modality="SEG")
    instance = planes[0]
    shared = _item(
        PlaneOrientationSequence=[_item(ImageOrientationPatient=instance.ImageOrientationPatient)],
        PixelMeasuresSequence=[_item(PixelSpacing=instance.PixelSpacing, SpacingBetweenSlices="2.5")],
    )
    instance.SharedFunctionalGroupsSequence = [shared]
    instance.NumberOfFrames = len(frames)
    instance.PerFrameFunctionalGroupsSequence = [
        _item(PlanePositionSequence=[_item(ImagePositionPatient=planes[plane].ImagePositionPatient)])
        for _, plane in frames
    ]
    for keyword in ("ImageOrientationPatient", "ImagePositionPatient", "PixelSpacing"):
        delattr(instance, keyword)
    return instance


def _described(number: int) -> Dataset:
    return _item(SegmentNumber=number, SegmentLabel=f"Segment {number}")


def _item(**attributes: Any) -> Dataset:
    item = Dataset()
    for keyword, value in attributes.items():
        setattr(item, keyword, value)
    return item

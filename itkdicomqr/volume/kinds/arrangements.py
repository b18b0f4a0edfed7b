"""The slices of an instance, arranged as its kind demands."""

from __future__ import annotations

from typing import TYPE_CHECKING

from itkdicomqr.uids import LABEL_MAP_SEGMENTATION_STORAGE
from itkdicomqr.volume.headers import RT_DOSE, read_headers
from itkdicomqr.volume.kinds.captures import MULTI_FRAME_CAPTURES, pages_of
from itkdicomqr.volume.kinds.doses import placed_doses
from itkdicomqr.volume.kinds.mosaic import is_mosaic, tiles_of
from itkdicomqr.volume.kinds.nuclear import NUCLEAR_MEDICINE, placed_by_detector
from itkdicomqr.volume.kinds.segmentation import SEGMENTATION, segmented
from itkdicomqr.volume.kinds.ultrasound import ULTRASOUND_VOLUME, placed_in_volume
from itkdicomqr.volume.multiframe import is_tiled

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from itkdicomqr.instance import Instance
    from itkdicomqr.volume.headers import SliceHeader
    from itkdicomqr.volume.options import Options

ARRANGEMENTS: Mapping[str, Callable[[Sequence[SliceHeader]], list[SliceHeader]]] = {
    RT_DOSE: placed_doses,
    SEGMENTATION: segmented,
    LABEL_MAP_SEGMENTATION_STORAGE: segmented,
    NUCLEAR_MEDICINE: placed_by_detector,
    ULTRASOUND_VOLUME: placed_in_volume,
    **dict.fromkeys(MULTI_FRAME_CAPTURES, pages_of),
}
"""By SOP class, what is said of its frames elsewhere than in their own attributes."""

NEVER_PLACED_AT_ONCE = ARRANGEMENTS.keys() - {ULTRASOUND_VOLUME}
"""The SOP classes whose arrangement never takes one position at the top level for that of every frame."""


def slices_of(instance: Instance, options: Options) -> list[SliceHeader]:
    """Read the slices of an instance.

    Raises
    ------
    CorruptInstanceError
        An attribute is missing, is no number, or contradicts another.
    MosaicError
        A mosaic that is to be taken apart cannot be.
    UnsupportedImageError
        It is of a kind that is refused.
    """
    headers = read_headers(instance)
    first = headers[0]
    if first.sop_class_uid in ARRANGEMENTS and not is_tiled(first.top):  # tiles are refused, whatever their class
        return ARRANGEMENTS[first.sop_class_uid](headers)
    if options.mosaic == "volume" and len(headers) == 1 and is_mosaic(first):
        return tiles_of(first)
    return headers

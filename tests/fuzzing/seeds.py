"""The sound series that are damaged: each kind, each codec."""

from __future__ import annotations

from functools import cache, partial
from typing import TYPE_CHECKING, Any

import numpy as np
from pydicom import uid
from pydicom.dataset import Dataset

from itkdicomqr.volume.kinds.nuclear import NUCLEAR_MEDICINE
from tests.mosaics import grid, mosaic
from tests.segmentations import label_map, masks, segmentation
from tests.synthetic import OBLIQUE, multiframe, noise, part10, series
from tests.volume.decoding.test_codecs import LOSSLESS, jp2_file, jpeg, rle, smooth
from tests.volume.kinds.test_captures import capture
from tests.volume.kinds.test_nuclear import SLICE_VECTOR, frames
from tests.volume.kinds.test_segmentation import compressed
from tests.volume.kinds.test_ultrasound import ultrasound
from tests.volume.repeating import of_volume, repeated
from tests.volume.test_parametric_maps import float_map
from tests.volume.test_real_world import mapping
from tests.volume.test_regions import region
from tests.volume.voxels.test_colours import palette
from tests.volume.voxels.test_modality_lut import table

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

HOUNSFIELD: Mapping[str, Any] = {"RescaleSlope": "1", "RescaleIntercept": "-1024", "PixelPaddingValue": -2000}
NATIVE = {
    "implicit": uid.ImplicitVRLittleEndian,
    "big endian": uid.ExplicitVRBigEndian,
    "deflated": uid.DeflatedExplicitVRLittleEndian,
}


def _colours(interpretation: str, **attributes: Any) -> list[Dataset]:
    values = noise((6, 8, 3), "uint8")
    return series("US", 1, pixels=lambda _: values, PhotometricInterpretation=interpretation, **attributes)


def _subsampled() -> list[Dataset]:
    (image,) = _colours("YBR_FULL_422")
    image.PixelData = image.PixelData[: 6 * 8 * 2]
    return [image]


def _diffusion() -> list[Dataset]:
    return repeated(3, DiffusionBValue=of_volume([0.0, 500.0, 1000.0]), EchoTime="80")


def _cine() -> list[Dataset]:
    return [multiframe(series("US", 4, dtype="uint8", FrameTime="33"), functional_groups=False)]


def _dose() -> list[Dataset]:
    planes = series("RTDOSE", 3, dtype="uint32", DoseGridScaling="0.001")
    return [multiframe(planes, functional_groups=False, GridFrameOffsetVector=["0", "2", "4"])]


def _nuclear() -> list[Dataset]:
    sliced = frames(4, FrameIncrementPointer=SLICE_VECTOR, SliceVector=[1, 2, 3, 4], SpacingBetweenSlices="3")
    assert sliced.SOPClassUID == NUCLEAR_MEDICINE
    return [sliced]


def _echoes() -> list[Dataset]:
    slices = repeated(2, EffectiveEchoTime=of_volume([4.6, 9.2]), dtype="uint16")
    return [multiframe(slices)]


def _compressed_frames() -> list[Dataset]:
    syntax, compress = LOSSLESS[0]
    return [multiframe(series("MR", 3, pixels=smooth, syntax=syntax, compress=compress))]


def _labels() -> list[Dataset]:
    return [label_map(np.maximum.reduce([mask * np.uint8(number) for number, mask in masks().items()]))]


def _mapped() -> list[Dataset]:
    instance = multiframe(series("MR", 3, dtype="uint16"))
    for index, groups in enumerate(instance.PerFrameFunctionalGroupsSequence):
        groups.RealWorldValueMappingSequence = [mapping(float(index))]
    return [instance]


KINDS: Mapping[str, Callable[[], Sequence[Dataset]]] = {
    "CT": lambda: series("CT", 4, **HOUNSFIELD),
    "tilted CT": lambda: series("CT", 4, along=(0.0, 0.2, 1.0), dtype="uint16", RescaleSlope="0.5"),
    "CT with a gap": lambda: [each for index, each in enumerate(series("CT", 6)) if index != 2],
    "MR of 12 bits": lambda: series("MR", 3, orientation=OBLIQUE, BitsStored=12, HighBit=11, dtype="uint16"),
    "PET": lambda: series("PT", 3, dtype="int16", RescaleSlope=lambda index: f"{index + 0.25}"),
    "diffusion": _diffusion,
    "CR": lambda: series("CR", 1, dtype="uint16", PhotometricInterpretation="MONOCHROME1", ImagerPixelSpacing=[1, 1]),
    "lookup table": lambda: series("CR", 1, ModalityLUTSequence=[table(np.arange(99, dtype=np.uint16), 0)]),
    "US": lambda: _colours("RGB", SequenceOfUltrasoundRegions=[region()]),
    "planes of colour": lambda: _colours("RGB", PlanarConfiguration=1),
    "YBR": lambda: _colours("YBR_FULL"),
    "YBR 4:2:2": _subsampled,
    "palette": lambda: palette(16),
    "cine": _cine,
    "dose": _dose,
    "nuclear": _nuclear,
    "enhanced MR": lambda: [multiframe(series("MR", 4, RescaleSlope="2", RescaleIntercept="1"))],
    "enhanced echoes": _echoes,
    "segmentation": lambda: [segmentation(masks())],
    "fractional segmentation": lambda: [segmentation(masks(), bits=8)],
    "label map": _labels,
    "float map": lambda: [float_map(noise((2, 6, 7), "int16").astype(np.float32))],
    "double map": lambda: [float_map(noise((2, 6, 7), "int16").astype(np.float64))],
    "mosaic": lambda: [mosaic(series("MR", 5, dtype="uint16"))],
    "grid": lambda: [grid(series("MR", 5, dtype="uint16"))],
    "ultrasound volume": lambda: [ultrasound()],
    "capture": lambda: [capture("1.2.840.10008.5.1.4.1.1.7.2", orientation=OBLIQUE)],
    "real world values": _mapped,
    "run lengths of bits": lambda: [compressed(masks(), uid.RLELossless, rle)],
    "compressed frames": _compressed_frames,
    **{name: partial(series, "CT", 3, syntax=syntax, **HOUNSFIELD) for name, syntax in NATIVE.items()},
    **{
        f"{uid.UID(syntax).name} {dtype}": partial(
            series, "MR", 2, pixels=partial(smooth, dtype=dtype), syntax=syntax, compress=compress
        )
        for syntax, compress in LOSSLESS
        for dtype in ("uint8", "uint16")
    },
    "JP2": lambda: series("MR", 1, pixels=smooth, syntax=uid.JPEG2000, compress=jp2_file),
    "JPEG": lambda: series("CR", 1, pixels=lambda _: smooth(0, "uint8"), syntax=uid.JPEGBaseline8Bit, compress=jpeg),
}
"""What makes each series, by a name."""


@cache
def sound(name: str) -> tuple[bytes, ...]:
    """Give a series as encoded files."""
    return tuple(map(part10, KINDS[name]()))

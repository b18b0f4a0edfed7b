"""What one instance says of its pixels and of its place, read once."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from pydicom import uid

from itkdicomqr.instance import SERIES_INSTANCE_UID, SOP_CLASS_UID, Instance
from itkdicomqr.prose import counted
from itkdicomqr.volume.decoding.codecs import as_encoded, check_expansion
from itkdicomqr.volume.decoding.layout import layout_of, required
from itkdicomqr.volume.decoding.stored import PixelSource
from itkdicomqr.volume.elements import Elements, shown
from itkdicomqr.volume.multiframe import frames_of
from itkdicomqr.volume.regions import calibrated_spacing
from itkdicomqr.volume.tags import (
    BITS_ALLOCATED,
    COLUMNS,
    IMAGE_ORIENTATION_PATIENT,
    IMAGE_POSITION_PATIENT,
    RESCALE_INTERCEPT,
    RESCALE_SLOPE,
    ROWS,
    SPACING_BETWEEN_SLICES,
)
from itkdicomqr.volume.vectors import dot, length

if TYPE_CHECKING:
    from collections.abc import Sequence

    from itkdicomqr.volume.decoding.layout import PixelLayout
    from itkdicomqr.volume.vectors import Vector

PROJECTION_MODALITIES = frozenset({"CR", "DX", "MG", "RF", "XA", "IO", "PX"})
"""Where PixelSpacing may be calibrated and ImagerPixelSpacing is measured at the detector (PS3.3 10.7.1.3)."""

PROJECTIONS = frozenset(
    {
        uid.ComputedRadiographyImageStorage,
        uid.DigitalXRayImageStorageForPresentation,
        uid.DigitalXRayImageStorageForProcessing,
        uid.DigitalMammographyXRayImageStorageForPresentation,
        uid.DigitalMammographyXRayImageStorageForProcessing,
        uid.DigitalIntraOralXRayImageStorageForPresentation,
        uid.DigitalIntraOralXRayImageStorageForProcessing,
        uid.XRayAngiographicImageStorage,
        uid.XRayRadiofluoroscopicImageStorage,
    }
)
"""The SOP classes of which ITK takes ImagerPixelSpacing alone."""

ORTHONORMAL = 1e-3
"""How far ImageOrientationPatient may be from two orthogonal unit vectors."""

LARGEST_RESCALE = 1e290
"""Slopes and intercepts beyond are mistakes: with stored values of 32 bits they overflow."""

UNKNOWN_SPACING = 1.0
"""ITK's spacing where the header tells none, mm."""

RT_DOSE = "1.2.840.10008.5.1.4.1.1.481.2"

_MODALITY = 0x00080060
_IMAGE_TYPE = 0x00080008
_IMAGER_PIXEL_SPACING = 0x00181164
_NOMINAL_SCANNED_PIXEL_SPACING = 0x00182010
_IMAGE_PLANE_PIXEL_SPACING = 0x30020011
_INSTANCE_NUMBER = 0x00200013
_FRAME_OF_REFERENCE_UID = 0x00200052
_NUMBER_OF_FRAMES = 0x00280008
_PIXEL_SPACING = 0x00280030
_DOSE_GRID_SCALING = 0x3004000E


@dataclass(frozen=True)
class Segment:
    """What the voxels of a frame of a segmentation belong to (PS3.3 C.8.20.4).

    Attributes
    ----------
    number : int
        SegmentNumber.
    label : str
        SegmentLabel, empty where the segment is not described.
    """

    number: int
    label: str


@dataclass(frozen=True, eq=False)
class SliceHeader:
    """One slice of an instance, with what decides where it goes and how its pixels are read.

    A slice is a frame; a tile of one, in a mosaic; or a plane that a segmentation does not store.

    Attributes
    ----------
    source : PixelSource
        Where the pixels are.
    frame : int
        Which of its slices, from 0.
    top : Elements
        The top level of its header.
    elements : Elements
        The same overlaid by what is said of this frame, for what is asked rarely.
    layout : PixelLayout
        How the pixels are stored, and how many make the slice.
    slope, intercept : float
        From stored values to output units; of an RT Dose, DoseGridScaling and 0; of colours 1 and 0.
    position : tuple of float or None
        ImagePositionPatient, LPS, mm.
    orientation : tuple of float or None
        ImageOrientationPatient: the row's direction, then the column's.
    pixel_spacing, imager_pixel_spacing : tuple of float or None
        Between rows, then between columns, mm; the first as ultrasound regions, the plane of an RT Image
        or a scanner of films tell it where they do.
    spacing_between_slices : float or None
        mm, with the sign that some vendors give it.
    segment : Segment or None
        Of a segmentation with one frame for each segment.
    tile : tuple of int or None
        The first row and column within the one frame of a mosaic.
    constant : int or None
        The value of all voxels, where no frame is stored.
    told_step : float or None
        How far the next slice is, mm, where positions follow from what the header says of it.
    rank : int or None
        Its number among the slices of the instance, where that is not the frame's.
    """

    source: PixelSource = field(repr=False)
    frame: int
    top: Elements = field(repr=False)
    elements: Elements = field(repr=False)
    sop_instance_uid: str
    sop_class_uid: str
    series_instance_uid: str
    frame_of_reference_uid: str
    modality: str
    image_type: tuple[str, ...]
    instance_number: int | None
    layout: PixelLayout
    slope: float
    intercept: float
    position: Vector | None
    orientation: tuple[float, ...] | None
    pixel_spacing: tuple[float, ...] | None
    imager_pixel_spacing: tuple[float, ...] | None
    spacing_between_slices: float | None
    segment: Segment | None = None
    tile: tuple[int, int] | None = None
    constant: int | None = None
    told_step: float | None = None
    rank: int | None = None

    @property
    def instance(self) -> Instance:
        """The instance that holds the pixels."""
        return self.source.instance

    @property
    def frames(self) -> int:
        """NumberOfFrames of the instance."""
        return self.source.count

    @property
    def is_dose(self) -> bool:
        """Whether the pixels are doses, scaled by DoseGridScaling (PS3.3 C.8.8.3)."""
        return self.sop_class_uid == RT_DOSE

    @property
    def is_projection(self) -> bool:
        """Whether the spacing at the detector is not that in the patient."""
        return self.modality in PROJECTION_MODALITIES

    @property
    def is_measured_at_detector(self) -> bool:
        """Whether ITK takes the spacing at the detector, and no other."""
        return self.sop_class_uid in PROJECTIONS


def has_rows(instance: Instance) -> bool:
    """Tell whether an instance calls itself an image."""
    return bool(Elements.of(instance).unsigned(ROWS))


def frame_size(instance: Instance) -> tuple[int, int]:
    """Tell Columns and Rows of an image, 0 where they are missing."""
    top = Elements.of(instance)
    return top.unsigned(COLUMNS) or 0, top.unsigned(ROWS) or 0


def read_headers(instance: Instance) -> list[SliceHeader]:
    """Read what places each frame of an instance and how its pixels are stored; what its SOP class changes comes later.

    Raises
    ------
    CorruptInstanceError
        An attribute is missing, is no number, or contradicts another or the pixel data.
    """
    top = Elements.of(instance)
    count = _frames(top, instance)
    layout = layout_of(top, None if instance.pixels is None else instance.pixels.tag)
    source = PixelSource(instance, count, as_encoded(layout, instance))
    check_expansion(source)
    frames = frames_of(top, count)
    if frames[0] is top:
        alike = _header(source, top, top, 0)
        return [alike, *(replace(alike, frame=index) for index in range(1, count))]
    return [_header(source, top, elements, index) for index, elements in enumerate(frames)]


def detached(headers: Sequence[SliceHeader]) -> list[SliceHeader]:
    """Give the headers of all frames of an instance anew, without its pixel data."""
    first = headers[0]
    instance = first.instance.without_pixels()
    source = PixelSource(instance, first.frames, first.source.layout)
    top = Elements.of(instance)
    return [
        replace(
            header,
            source=source,
            top=top,
            elements=top if header.elements is header.top else replace(header.elements, instance=instance),
        )
        for header in headers
    ]


def _header(source: PixelSource, top: Elements, elements: Elements, frame: int) -> SliceHeader:
    sop_class_uid = top.text(SOP_CLASS_UID) or source.instance.sop_class_uid
    slope, intercept = _rescale(elements, sop_class_uid) if source.layout.samples == 1 else (1.0, 0.0)
    position, orientation = place_of(elements)
    return SliceHeader(
        source=source,
        frame=frame,
        top=top,
        elements=elements,
        sop_instance_uid=source.instance.sop_instance_uid,
        sop_class_uid=sop_class_uid,
        series_instance_uid=top.text(SERIES_INSTANCE_UID),
        frame_of_reference_uid=top.text(_FRAME_OF_REFERENCE_UID),
        modality=top.text(_MODALITY),
        image_type=top.texts(_IMAGE_TYPE),
        instance_number=_instance_number(top),
        layout=source.layout,
        slope=slope,
        intercept=intercept,
        position=position,
        orientation=orientation,
        pixel_spacing=_pixel_spacing(elements),
        imager_pixel_spacing=_spacing(elements, _IMAGER_PIXEL_SPACING),
        spacing_between_slices=(elements.spacing(SPACING_BETWEEN_SLICES, 1) or (None,))[0],
    )


def _frames(elements: Elements, instance: Instance) -> int:
    """Return NumberOfFrames, which must not exceed what the pixel data can hold."""
    frames = elements.integer(_NUMBER_OF_FRAMES)
    if frames is None or frames == 1:
        return 1
    if frames < 1:
        raise elements.corrupt(_NUMBER_OF_FRAMES, f"is {frames}")
    size = 0 if instance.pixels is None else len(instance.pixels.value)
    if frames * _least_frame_bytes(elements, instance) > size:
        raise elements.corrupt(_NUMBER_OF_FRAMES, f"is {frames}, but the pixel data has {counted(size, 'byte')}")
    return frames


def _least_frame_bytes(elements: Elements, instance: Instance) -> int:
    """Return how short a frame can be: an item's header where it is compressed."""
    if instance.pixels is not None and instance.pixels.encapsulated:
        return 8
    return required(elements, ROWS) * required(elements, COLUMNS) * required(elements, BITS_ALLOCATED) // 8


def _instance_number(elements: Elements) -> int | None:
    """Return InstanceNumber, None where it is no integer: it only orders slices that have no position."""
    values = elements.values(_INSTANCE_NUMBER)
    number = values[0] if len(values) == 1 else None
    return int(number) if isinstance(number, float) and number.is_integer() else None


def _rescale(elements: Elements, sop_class_uid: str) -> tuple[float, float]:
    """Return slope and intercept; a slope of 0 means 1, as in GDCM."""
    if sop_class_uid == RT_DOSE:
        scaling = elements.number(_DOSE_GRID_SCALING)
        if not scaling:
            raise elements.corrupt(_DOSE_GRID_SCALING, "is missing or zero: the dose is unknown")
        return _held(elements, _DOSE_GRID_SCALING, scaling), 0.0
    slope, intercept = elements.number(RESCALE_SLOPE) or 1.0, elements.number(RESCALE_INTERCEPT) or 0.0
    return _held(elements, RESCALE_SLOPE, slope), _held(elements, RESCALE_INTERCEPT, intercept)


def _held(elements: Elements, tag: int, factor: float) -> float:
    if abs(factor) > LARGEST_RESCALE:
        raise elements.corrupt(tag, f"is {factor:g}, with which voxels overflow")
    return factor


def place_of(elements: Elements) -> tuple[Vector | None, tuple[float, ...] | None]:
    """Read ImagePositionPatient and ImageOrientationPatient; one without the other tells no place.

    Raises
    ------
    CorruptInstanceError
        One of them is no numbers.
    """
    position = elements.lengths(IMAGE_POSITION_PATIENT, 3)
    orientation = elements.numbers(IMAGE_ORIENTATION_PATIENT, 6)
    if position is None or orientation is None:
        return None, None
    return (position[0], position[1], position[2]), orientation


def checked_orientation(header: SliceHeader) -> tuple[float, ...]:
    """Return a slice's ImageOrientationPatient.

    Raises
    ------
    CorruptInstanceError
        It is not two orthogonal unit vectors.
    """
    orientation = header.orientation or ()
    row, column = orientation[:3], orientation[3:]
    worst = max(abs(length(row) - 1), abs(length(column) - 1), abs(dot(row, column)))
    if worst > ORTHONORMAL:
        reason = f"{shown(orientation)} is not two orthogonal unit vectors"
        raise header.elements.corrupt(IMAGE_ORIENTATION_PATIENT, reason)
    return orientation


def _pixel_spacing(elements: Elements) -> tuple[float, ...] | None:
    """Return the spacing of pixels: of ultrasound that of its regions, of an RT Image that of its plane."""
    return (
        calibrated_spacing(elements)
        or _spacing(elements, _IMAGE_PLANE_PIXEL_SPACING)
        or _spacing(elements, _PIXEL_SPACING, needed=elements.content(IMAGE_ORIENTATION_PATIENT) != b"")
        or _spacing(elements, _NOMINAL_SCANNED_PIXEL_SPACING)
    )


def _spacing(elements: Elements, tag: int, *, needed: bool = False) -> tuple[float, ...] | None:
    """Read a spacing; two zeros mean none, as of a projection that is not calibrated, unless one is needed."""
    spacing = elements.spacing(tag, 2)
    if spacing is None or (not any(spacing) and not needed):
        return None
    if min(spacing) <= 0:
        raise elements.corrupt(tag, f"is {shown(spacing)}; a spacing is positive")
    return spacing

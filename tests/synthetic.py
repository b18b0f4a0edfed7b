"""Synthetic single-frame series: well-formed CT, MR, CR and others, every attribute overridable.

``series("MR", 5, EchoTime="4.6", PatientName=None)`` makes five pydicom data sets with ``file_meta``. A
keyword of DICOM sets that attribute in every slice; ``None`` deletes it; a callable is called with the
index of the slice. ``syntax`` chooses the transfer syntax of uncompressed pixels; for compressed ones
pass ``compress``. ``multiframe`` makes one instance of several slices. ``part10`` encodes a data set as
a file, ``write`` writes files, and ``simpleitk`` reads them.
"""

from __future__ import annotations

from copy import deepcopy
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from pydicom import uid
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.encaps import encapsulate, generate_frames
from pydicom.filewriter import dcmwrite

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

ROOT = "1.2.826.0.1.3680043.10.1234"
"""Prefix of the UIDs, which are made from numbers and equal in every run."""

AXIAL = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
OBLIQUE = (0.96, 0.28, 0.0, -0.168, 0.576, 0.8)
"""An orientation whose normal has no zero."""

SOP_CLASSES = {
    "CT": uid.CTImageStorage,
    "MR": uid.MRImageStorage,
    "PT": uid.PositronEmissionTomographyImageStorage,
    "CR": uid.ComputedRadiographyImageStorage,
    "DX": uid.DigitalXRayImageStorageForPresentation,
    "US": uid.UltrasoundImageStorage,
    "OT": uid.SecondaryCaptureImageStorage,
    "RTDOSE": uid.RTDoseStorage,
}
PROJECTIONS = frozenset({"CR", "DX", "US", "OT"})
"""Modalities whose slices get no position."""


def series(
    modality: str = "CT",
    slices: int = 5,
    *,
    rows: int = 6,
    columns: int = 7,
    dtype: str = "int16",
    orientation: Sequence[float] = AXIAL,
    origin: Sequence[float] = (-120.5, -98.25, 33.7),
    step: float = 2.5,
    along: Sequence[float] | None = None,
    pixels: Callable[[int], NDArray[Any]] | None = None,
    syntax: str = uid.ExplicitVRLittleEndian,
    compress: Callable[[NDArray[Any]], bytes] | None = None,
    number: int = 1,
    **overrides: Any,
) -> list[Dataset]:
    """Make a series.

    Parameters
    ----------
    modality : str
        A key of ``SOP_CLASSES``.
    slices, rows, columns : int
        The size.
    dtype : str
        Of the stored values, from which BitsAllocated and PixelRepresentation follow.
    orientation, origin : sequence of float
        ImageOrientationPatient, and ImagePositionPatient of the first slice.
    step : float
        From slice to slice along ``along``, mm.
    along : sequence of float, optional
        The direction of the steps; the normal unless given.
    pixels : callable, optional
        From the index of a slice to its stored values; noise over the whole range unless given.
    syntax : str
        The transfer syntax.
    compress : callable, optional
        From stored values to a compressed frame, where the transfer syntax is encapsulated.
    number : int
        Makes the UIDs of the series and of its instances.
    overrides
        Attributes by keyword: a value, None to delete it, or a callable of the index.
    """
    place = {} if modality in PROJECTIONS else _place(orientation, origin, step, along)
    made: list[Dataset] = []
    for index in range(slices):
        values = pixels(index) if pixels else noise((rows, columns), dtype, seed=1000 * number + index)
        chosen = {**_attributes(modality, number, index), **place, **_described(values), **overrides}
        made.append(_data_set({key: value(index) if callable(value) else value for key, value in chosen.items()}))
        _set_pixels(made[-1], values, syntax, compress)
    return made


def multiframe(frames: Sequence[Dataset], *, functional_groups: bool = True, **overrides: Any) -> Dataset:
    """Put the slices of a series into one multi-frame instance, in their order.

    Parameters
    ----------
    frames : sequence of Dataset
        Uncompressed, or each one frame; of one size.
    functional_groups : bool
        Whether position, orientation, spacing, rescale and echo time go into functional groups, as in the
        enhanced classes; without them, the attributes of the first slice stay at the top.
    overrides
        Attributes by keyword.
    """
    merged = deepcopy(frames[0])
    merged.NumberOfFrames = len(frames)
    if merged.file_meta.TransferSyntaxUID.is_encapsulated:
        compressed = [next(generate_frames(frame.PixelData, number_of_frames=1)) for frame in frames]
        merged.PixelData = encapsulate(compressed)
        merged["PixelData"].is_undefined_length = True
    else:
        merged.PixelData = b"".join(frame.PixelData for frame in frames)
    if functional_groups:
        merged.SOPClassUID = merged.file_meta.MediaStorageSOPClassUID = uid.EnhancedMRImageStorage
        merged.PerFrameFunctionalGroupsSequence = [_functional_groups(frame) for frame in frames]
        for keyword in sum(_MACROS.values(), ()):
            if keyword in merged:
                delattr(merged, keyword)
    for keyword, value in overrides.items():
        setattr(merged, keyword, value)
    return merged


_MACROS: dict[str, tuple[str, ...]] = {
    "PlanePositionSequence": ("ImagePositionPatient",),
    "PlaneOrientationSequence": ("ImageOrientationPatient",),
    "PixelMeasuresSequence": ("PixelSpacing", "SliceThickness"),
    "PixelValueTransformationSequence": ("RescaleSlope", "RescaleIntercept", "RescaleType"),
    "MREchoSequence": ("EffectiveEchoTime",),
    "FrameContentSequence": ("TemporalPositionIndex", "StackID"),
}


def _functional_groups(frame: Dataset) -> Dataset:
    groups = Dataset()
    for macro, keywords in _MACROS.items():
        item = Dataset()
        for keyword in keywords:
            if keyword in frame:
                setattr(item, keyword, frame[keyword].value)
        if len(item):
            setattr(groups, macro, [item])
    return groups


def noise(shape: tuple[int, ...], dtype: str, seed: int = 0) -> NDArray[Any]:
    """Make values over the whole range of an integer type, its limits among them."""
    limits = np.iinfo(dtype)
    values = np.random.default_rng(seed).integers(limits.min, limits.max, shape, dtype, endpoint=True)
    values.flat[0], values.flat[-1] = limits.min, limits.max
    return values


def part10(dataset: Dataset) -> bytes:
    """Encode a data set as a DICOM file."""
    buffer = BytesIO()
    dcmwrite(buffer, dataset, enforce_file_format=True)
    return buffer.getvalue()


def write(datasets: Sequence[Dataset], folder: Path) -> list[Path]:
    """Write data sets as files named by their order."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{index:04}.dcm" for index in range(len(datasets))]
    for path, dataset in zip(paths, datasets, strict=True):
        path.write_bytes(part10(dataset))
    return paths


def simpleitk(datasets: Sequence[Dataset], folder: Path) -> Any:
    """Write a series and read it with SimpleITK's own reader of series, for comparison."""
    import SimpleITK as sitk  # noqa: N813

    write(datasets, folder)
    reader = sitk.ImageSeriesReader()
    reader.SetImageIO("GDCMImageIO")
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(folder)))
    reader.MetaDataDictionaryArrayUpdateOn()
    return reader.Execute()


def _attributes(modality: str, number: int, index: int) -> dict[str, Any]:
    return {
        "SpecificCharacterSet": "ISO_IR 100",
        "ImageType": ["ORIGINAL", "PRIMARY", "AXIAL"],
        "SOPClassUID": SOP_CLASSES[modality],
        "SOPInstanceUID": f"{ROOT}.3.{number}.{index + 1}",
        "StudyDate": "20050106",
        "StudyTime": "101500",
        "Modality": modality,
        "Manufacturer": "Synthetic",
        "SeriesDescription": "Synthetic series",
        "PatientName": "Sample^Patient",
        "PatientID": "SYN-1",
        "StudyInstanceUID": f"{ROOT}.1",
        "SeriesInstanceUID": f"{ROOT}.2.{number}",
        "FrameOfReferenceUID": f"{ROOT}.4",
        "SeriesNumber": str(number),
        "InstanceNumber": str(index + 1),
        "PixelSpacing": ["0.75", "0.5"],
    }


def _place(
    orientation: Sequence[float], origin: Sequence[float], step: float, along: Sequence[float] | None
) -> dict[str, Any]:
    direction = np.cross(orientation[:3], orientation[3:]) if along is None else np.asarray(along)

    def position(index: int) -> list[str]:
        return [_decimal(axis) for axis in np.asarray(origin) + direction * (step * index)]

    return {"ImageOrientationPatient": list(map(_decimal, orientation)), "ImagePositionPatient": position}


def _decimal(number: float) -> str:
    return f"{float(number):.10g}"


def _described(values: NDArray[Any]) -> dict[str, Any]:
    bits = values.dtype.itemsize * 8
    return {
        "SamplesPerPixel": 1 if values.ndim == 2 else values.shape[2],
        "PhotometricInterpretation": "MONOCHROME2" if values.ndim == 2 else "RGB",
        "PlanarConfiguration": None if values.ndim == 2 else 0,
        "Rows": values.shape[0],
        "Columns": values.shape[1],
        "BitsAllocated": bits,
        "BitsStored": bits,
        "HighBit": bits - 1,
        "PixelRepresentation": int(values.dtype.kind == "i"),
    }


def _data_set(attributes: dict[str, Any]) -> FileDataset:
    dataset = FileDataset(None, {}, file_meta=FileMetaDataset(), preamble=b"\0" * 128)  # type: ignore[arg-type]
    for keyword, value in attributes.items():
        if value is not None:
            setattr(dataset, keyword, value)
    return dataset


def _set_pixels(
    dataset: Dataset, values: NDArray[Any], syntax: str, compress: Callable[[NDArray[Any]], bytes] | None
) -> None:
    dataset.file_meta.TransferSyntaxUID = uid.UID(syntax)
    dataset.file_meta.MediaStorageSOPClassUID = dataset.get("SOPClassUID", uid.CTImageStorage)
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.get("SOPInstanceUID", f"{ROOT}.3")
    if compress:
        dataset.PixelData = encapsulate([compress(values)])
        dataset["PixelData"].is_undefined_length = True
    else:
        order: Literal["<", ">"] = "<" if uid.UID(syntax).is_little_endian else ">"
        content = values.astype(values.dtype.newbyteorder(order)).tobytes()
        dataset.PixelData = content + b"\0" * (len(content) % 2)
    dataset["PixelData"].VR = "OB" if compress or values.dtype.itemsize == 1 else "OW"

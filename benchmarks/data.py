"""Series of a real scanner's size: 512 x 512 slices with headers of 200 elements, private ones among them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
from numpy.typing import NDArray
from pydicom import uid
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.pixels.encoders.base import RLELosslessEncoder

from tests.synthetic import part10

SIZE = 512
ROOT = "1.2.826.0.1.3680043.10.1235"
PATIENT_ID = "BENCH"
STUDY_DATE = "20260101"
INTERCEPT = -1024
PRIVATE_ELEMENTS = 110
FILLER = (
    "InstitutionName StationName ProtocolName BodyPartExamined KVP DataCollectionDiameter SoftwareVersions "
    "ReconstructionDiameter DistanceSourceToDetector DistanceSourceToPatient GantryDetectorTilt TableHeight "
    "RotationDirection ExposureTime XRayTubeCurrent Exposure FilterType GeneratorPower FocalSpots "
    "ConvolutionKernel PatientPosition WindowCenter WindowWidth DeviceSerialNumber OperatorsName "
    "RequestedProcedureDescription PerformedProcedureStepDescription PerformedProcedureStepID StudyID"
)

Stored = NDArray[np.uint16]


def _rle(stored: Stored) -> bytes:
    described: dict[str, Any] = {
        "rows": SIZE,
        "columns": SIZE,
        "samples_per_pixel": 1,
        "number_of_frames": 1,
        "bits_allocated": 16,
        "bits_stored": 12,
        "pixel_representation": 0,
        "photometric_interpretation": "MONOCHROME2",
    }
    return RLELosslessEncoder.encode(stored.tobytes(), index=0, encoding_plugin="pydicom", **described)


@dataclass(frozen=True)
class Coding:
    """A transfer syntax, and how a frame is compressed in it."""

    syntax: uid.UID
    encode: Callable[[Stored], bytes] | None = None


PLAIN = "uncompressed"
CODINGS: Mapping[str, Coding] = {
    PLAIN: Coding(uid.ExplicitVRLittleEndian),
    "JPEG 2000": Coding(
        uid.JPEG2000Lossless,
        lambda stored: bytes(imagecodecs.jpeg2k_encode(stored, codecformat="j2k", reversible=True, level=0)),
    ),
    "JPEG-LS": Coding(uid.JPEGLSLossless, lambda stored: bytes(imagecodecs.jpegls_encode(stored))),
    "JPEG lossless": Coding(
        uid.JPEGLosslessSV1, lambda stored: bytes(imagecodecs.jpeg8_encode(stored, lossless=True, predictor=1))
    ),
    "RLE": Coding(uid.RLELossless, _rle),
}


@dataclass(frozen=True)
class Series:
    """Which series: how many slices, and one of `CODINGS`."""

    slices: int
    coding: str = PLAIN

    @property
    def study_uid(self) -> str:
        return f"{ROOT}.{self.slices}.{list(CODINGS).index(self.coding) + 1}"

    @property
    def series_uid(self) -> str:
        return f"{self.study_uid}.1"

    @property
    def description(self) -> str:
        return f"CT of {self.slices}, {self.coding}"

    @property
    def volume_bytes(self) -> int:
        return self.slices * SIZE * SIZE * 2

    def write(self, folder: Path) -> str:
        """Write its files, and give the checksum of the voxels that they hold."""
        folder.mkdir(parents=True)

        def write_slice(index: int) -> NDArray[np.int32]:
            stored = _anatomy(index)
            (folder / f"{index:04}.dcm").write_bytes(part10(_data_set(self, index, stored)))
            return stored.astype(np.int32) + INTERCEPT

        with ThreadPoolExecutor() as executor:
            return checksum(executor.map(write_slice, range(self.slices)))


def checksum(planes: Iterable[NDArray[Any]]) -> str:
    """Digest voxels, of whichever type; what an integer cannot hold is an error."""
    digest = hashlib.sha256()
    for plane in planes:
        whole = np.ascontiguousarray(plane, np.int32)
        assert np.array_equal(whole, plane)
        digest.update(whole.data)
    return digest.hexdigest()


def files(folder: Path) -> Iterator[Path]:
    """Give the files of a series in their order."""
    return iter(sorted(folder.glob("*.dcm")))


def _anatomy(index: int) -> Stored:
    """Make voxels that compress as real ones do."""
    rows, columns = np.ogrid[:SIZE, :SIZE]
    radius = np.hypot(rows - SIZE / 2, columns - SIZE / 2)
    tissue = np.where(radius < 200, 1024 + 200 * np.sin(radius / 9 + index / 20), 0.0)
    noise = np.random.default_rng(index).normal(0, 12, tissue.shape)
    return (tissue + noise).clip(0, 4095).astype(np.uint16)


def _data_set(series: Series, index: int, stored: Stored) -> Dataset:
    coding = CODINGS[series.coding]
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = coding.syntax
    meta.MediaStorageSOPClassUID = uid.CTImageStorage
    meta.MediaStorageSOPInstanceUID = uid.UID(f"{series.series_uid}.{index + 1}")
    dataset = Dataset()
    dataset.file_meta = meta
    for keyword in FILLER.split():
        setattr(dataset, keyword, "1")
    for keyword, value in _attributes(series, index).items():
        setattr(dataset, keyword, value)
    block = dataset.private_block(0x0031, "BENCHMARK", create=True)
    for number in range(PRIVATE_ELEMENTS):
        block.add_new(number, "LO", f"private value {number}")
    dataset.PixelData = encapsulate([coding.encode(stored)]) if coding.encode else stored.tobytes()
    dataset["PixelData"].VR = "OB" if coding.encode else "OW"
    dataset["PixelData"].is_undefined_length = coding.encode is not None
    return dataset


def _attributes(series: Series, index: int) -> dict[str, object]:
    return {
        "SOPClassUID": uid.CTImageStorage,
        "SOPInstanceUID": f"{series.series_uid}.{index + 1}",
        "StudyInstanceUID": series.study_uid,
        "SeriesInstanceUID": series.series_uid,
        "FrameOfReferenceUID": f"{series.study_uid}.2",
        "PatientID": PATIENT_ID,
        "PatientName": "Bench^Mark",
        "StudyDate": STUDY_DATE,
        "StudyTime": "120000",
        "Modality": "CT",
        "SeriesDescription": series.description,
        "SeriesNumber": 1,
        "InstanceNumber": index + 1,
        "ImageType": ["ORIGINAL", "PRIMARY", "AXIAL"],
        "ImagePositionPatient": [-180.0, -180.0, 0.75 * index],
        "ImageOrientationPatient": [1, 0, 0, 0, 1, 0],
        "PixelSpacing": [0.703125, 0.703125],
        "SliceThickness": 0.75,
        "SamplesPerPixel": 1,
        "PhotometricInterpretation": "MONOCHROME2",
        "Rows": SIZE,
        "Columns": SIZE,
        "BitsAllocated": 16,
        "BitsStored": 12,
        "HighBit": 11,
        "PixelRepresentation": 0,
        "RescaleIntercept": INTERCEPT,
        "RescaleSlope": 1,
    }

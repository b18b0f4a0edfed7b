"""Series of a real scanner's size: 512 x 512 slices with headers of 200 elements, private ones among them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from pydicom import uid
from pydicom.dataset import Dataset, FileMetaDataset

SIZE = 512
ROOT = "1.2.826.0.1.3680043.10.1235"
PATIENT_ID = "BENCH"
STUDY_DATE = "20260101"
PRIVATE_ELEMENTS = 110
FILLER = (
    "InstitutionName StationName ProtocolName BodyPartExamined KVP DataCollectionDiameter SoftwareVersions "
    "ReconstructionDiameter DistanceSourceToDetector DistanceSourceToPatient GantryDetectorTilt TableHeight "
    "RotationDirection ExposureTime XRayTubeCurrent Exposure FilterType GeneratorPower FocalSpots "
    "ConvolutionKernel PatientPosition WindowCenter WindowWidth DeviceSerialNumber OperatorsName "
    "RequestedProcedureDescription PerformedProcedureStepDescription PerformedProcedureStepID StudyID"
)


def series(slices: int) -> Iterator[Dataset]:
    """Make a CT series whose anatomy-like voxels compress as real ones do."""
    rows, columns = np.mgrid[:SIZE, :SIZE]
    radius = np.hypot(rows - SIZE / 2, columns - SIZE / 2)
    generator = np.random.default_rng(7)
    for index in range(slices):
        tissue = np.where(radius < 200, 1024 + 200 * np.sin(radius / 9 + index / 20), 0.0)
        stored = (tissue + generator.normal(0, 12, tissue.shape)).clip(0, 4095).astype(np.uint16)
        yield _data_set(slices, index, stored)


def description(slices: int) -> str:
    """Name the series of a size."""
    return f"CT of {slices}"


def _data_set(slices: int, index: int, stored: NDArray[np.uint16]) -> Dataset:
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = uid.ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = uid.CTImageStorage
    meta.MediaStorageSOPInstanceUID = uid.UID(f"{ROOT}.{slices}.1.{index + 1}")
    dataset = Dataset()
    dataset.file_meta = meta
    for keyword in FILLER.split():
        setattr(dataset, keyword, "1")
    for keyword, value in _attributes(slices, index).items():
        setattr(dataset, keyword, value)
    block = dataset.private_block(0x0031, "BENCHMARK", create=True)
    for number in range(PRIVATE_ELEMENTS):
        block.add_new(number, "LO", f"private value {number}")
    dataset.PixelData = stored.tobytes()
    dataset["PixelData"].VR = "OW"
    return dataset


def _attributes(slices: int, index: int) -> dict[str, object]:
    return {
        "SOPClassUID": uid.CTImageStorage,
        "SOPInstanceUID": f"{ROOT}.{slices}.1.{index + 1}",
        "StudyInstanceUID": f"{ROOT}.{slices}",
        "SeriesInstanceUID": f"{ROOT}.{slices}.1",
        "FrameOfReferenceUID": f"{ROOT}.{slices}.2",
        "PatientID": PATIENT_ID,
        "PatientName": "Bench^Mark",
        "StudyDate": STUDY_DATE,
        "StudyTime": "120000",
        "Modality": "CT",
        "SeriesDescription": description(slices),
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
        "RescaleIntercept": -1024,
        "RescaleSlope": 1,
    }

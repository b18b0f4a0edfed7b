"""The attributes of the demo instances: the modules of CR, CT and MR images (PS3.3 A.2 to A.4)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_data_element
from pydicom.pixels.encoders.base import RLELosslessEncoder
from pydicom.uid import (
    UID,
    ComputedRadiographyImageStorage,
    CTImageStorage,
    ExplicitVRLittleEndian,
    MRImageStorage,
    generate_uid,
)

from itkdicomqr.instance import Instance

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import numpy as np
    from numpy.typing import NDArray

_PIXEL_DATA = 0x7FE00010

SOP_CLASSES = {"CR": ComputedRadiographyImageStorage, "CT": CTImageStorage, "MR": MRImageStorage}

_EQUIPMENT = {
    "Manufacturer": "itkdicomqr",
    "InstitutionName": "Demonstration",
    "ManufacturerModelName": "Phantom",
    "SoftwareVersions": "1",
}

_MODALITY_ATTRIBUTES: dict[str, dict[str, Any]] = {
    "CR": {
        "ImageType": ["ORIGINAL", "PRIMARY"],
        "PatientOrientation": "",
        "Laterality": "",
        "KVP": "110",
        "PresentationLUTShape": "IDENTITY",
        "LossyImageCompression": "00",
    },
    "CT": {
        "ImageType": ["ORIGINAL", "PRIMARY", "AXIAL"],
        "KVP": "120",
        "PatientPosition": "HFS",
        "GantryDetectorTilt": "0",
        "AcquisitionNumber": "1",
        "RescaleIntercept": "-1024",
        "RescaleSlope": "1",
        "RescaleType": "HU",
        "PositionReferenceIndicator": "",
    },
    "MR": {
        "ImageType": ["ORIGINAL", "PRIMARY", "M", "SE"],
        "PatientPosition": "HFS",
        "ScanningSequence": "SE",
        "SequenceVariant": "NONE",
        "ScanOptions": "",
        "MRAcquisitionType": "2D",
        "EchoTrainLength": "1",
        "InversionTime": None,
        "AcquisitionNumber": "1",
        "MagneticFieldStrength": "1.5",
        "PositionReferenceIndicator": "",
    },
}


_PIXEL_ATTRIBUTES = {
    "SamplesPerPixel": 1,
    "PhotometricInterpretation": "MONOCHROME2",
    "BitsAllocated": 16,
    "BitsStored": 12,
    "HighBit": 11,
    "PixelRepresentation": 0,
}


@dataclass(frozen=True)
class Patient:
    """Whose images they are."""

    patient_id: str
    name: str
    birth_date: str
    sex: str


@dataclass(frozen=True)
class Study:
    """One visit of a patient."""

    patient: Patient
    date: str
    description: str
    modality: str
    number: int


@dataclass(frozen=True)
class Series:
    """One series of a study.

    Attributes
    ----------
    study : Study
        Where it belongs.
    number : int
        Its Series Number, which with the study makes its UID.
    description : str
        Its Series Description.
    attributes : mapping of str to object
        What it has beside the rest of its modality, by keyword.
    transfer_syntax : str
        How its instances are encoded.
    """

    study: Study
    number: int
    description: str
    attributes: Mapping[str, Any] = field(default_factory=dict)
    transfer_syntax: str = ExplicitVRLittleEndian

    def uid(self, *names: object) -> UID:
        """Make a UID that is always the same for the same names."""
        sources = [self.study.patient.patient_id, self.study.date, self.study.description, *map(str, names)]
        return generate_uid(entropy_srcs=["itkdicomqr demo", *sources])

    def instances(self, shared: Mapping[str, Any], own: Iterable[Mapping[str, Any]]) -> list[Instance]:
        """Make its instances from what all share, and what each has of its own; numbered as they come.

        Each needs ``PixelData`` as an array of 12-bit numbers; an ``InstanceNumber`` of its own goes first.
        """
        common = _patient_and_study(self) | _EQUIPMENT | _MODALITY_ATTRIBUTES[self.study.modality] | _PIXEL_ATTRIBUTES
        template = self._encoded({**common, **self.attributes, **shared})
        return [self._instance(template, {"InstanceNumber": str(n)} | dict(each)) for n, each in enumerate(own, 1)]

    def _instance(self, template: dict[int, bytes], own: dict[str, Any]) -> Instance:
        uid = self.uid("instance", self.number, own["InstanceNumber"])
        pixels = own.pop("PixelData")
        rows, columns = pixels.shape
        elements = template | self._encoded({**own, "SOPInstanceUID": uid, "Rows": rows, "Columns": columns})
        elements[_PIXEL_DATA] = self._encoded_pixels(pixels)
        encoded = b"".join(elements[tag] for tag in sorted(elements))
        return Instance(str(SOP_CLASSES[self.study.modality]), str(uid), str(self.transfer_syntax), encoded)

    def _encoded(self, attributes: Mapping[str, Any]) -> dict[int, bytes]:
        dataset = Dataset()
        for keyword, value in attributes.items():
            setattr(dataset, keyword, value)
        return {element.tag: self._encoded_element(element) for element in dataset}

    def _encoded_element(self, element: DataElement) -> bytes:
        buffer = DicomBytesIO()
        buffer.is_little_endian, buffer.is_implicit_VR = True, UID(self.transfer_syntax).is_implicit_VR
        write_data_element(buffer, element, "utf8")
        return bytes(buffer.getvalue())

    def _encoded_pixels(self, pixels: NDArray[np.uint16]) -> bytes:
        if not UID(self.transfer_syntax).is_compressed:
            return self._encoded_element(DataElement(_PIXEL_DATA, "OW", pixels.astype("<u2").tobytes()))
        described: dict[str, Any] = {
            "rows": pixels.shape[0],
            "columns": pixels.shape[1],
            "photometric_interpretation": "MONOCHROME2",
        }
        numbers: dict[str, Any] = {
            "samples_per_pixel": 1,
            "bits_allocated": 16,
            "bits_stored": 12,
            "pixel_representation": 0,
        }
        frame = RLELosslessEncoder.encode(pixels, encoding_plugin="pydicom", number_of_frames=1, **described, **numbers)
        element = DataElement(_PIXEL_DATA, "OB", encapsulate([frame]))
        element.is_undefined_length = True
        return self._encoded_element(element)


def _patient_and_study(series: Series) -> dict[str, Any]:
    study, patient = series.study, series.study.patient
    return {
        "SpecificCharacterSet": None if patient.name.isascii() and series.description.isascii() else "ISO_IR 192",
        "SOPClassUID": SOP_CLASSES[study.modality],
        "PatientName": patient.name,
        "PatientID": patient.patient_id,
        "PatientBirthDate": patient.birth_date,
        "PatientSex": patient.sex,
        "StudyInstanceUID": series.uid("study"),
        "StudyDate": study.date,
        "StudyTime": "101500",
        "StudyID": str(study.number),
        "AccessionNumber": f"A{study.date}{study.number}",
        "ReferringPhysicianName": "",
        "StudyDescription": study.description,
        "Modality": study.modality,
        "SeriesInstanceUID": series.uid("series", series.number),
        "SeriesNumber": str(series.number),
        "SeriesDate": study.date,
        "SeriesTime": f"1020{series.number:02d}",
        "SeriesDescription": series.description,
        "FrameOfReferenceUID": series.uid("frame of reference"),
        "AcquisitionDate": study.date,
        "AcquisitionTime": f"1020{series.number:02d}",
        "ContentDate": study.date,
        "ContentTime": f"1025{series.number:02d}",
    }

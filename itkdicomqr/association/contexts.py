"""Which presentation contexts to propose (PS3.7 D.3.2, PS3.8 9.3.2)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from pydicom import uid

from itkdicomqr.uids import LABEL_MAP_SEGMENTATION_STORAGE

MAX_CONTEXTS = 128
"""Their identifiers are the odd numbers of one byte."""

VERIFICATION = "1.2.840.10008.1.1"
FIND = {"study": "1.2.840.10008.5.1.4.1.2.2.1", "patient": "1.2.840.10008.5.1.4.1.2.1.1"}
GET = {"study": "1.2.840.10008.5.1.4.1.2.2.3", "patient": "1.2.840.10008.5.1.4.1.2.1.3"}
MOVE = {"study": "1.2.840.10008.5.1.4.1.2.2.2", "patient": "1.2.840.10008.5.1.4.1.2.1.2"}
PATIENT_STUDY_ONLY = "1.2.840.10008.5.1.4.1.2.3.1"
"""The query of the Patient/Study Only model, which knows no series (PS3.4 of 2004, C.6.3; retired in 2006)."""

UNCOMPRESSED: tuple[str, ...] = (uid.ExplicitVRLittleEndian, uid.ImplicitVRLittleEndian)
LOSSLESS: tuple[str, ...] = (
    *UNCOMPRESSED,
    uid.DeflatedExplicitVRLittleEndian,
    uid.ExplicitVRBigEndian,
    uid.RLELossless,
    uid.JPEGLosslessSV1,
    uid.JPEGLossless,
    uid.JPEGLSLossless,
    uid.JPEG2000Lossless,
    uid.HTJ2KLossless,
    uid.HTJ2KLosslessRPCL,
)
"""What an archive may send: no lossy syntax, since one that is offered it may compress to it."""

LOSSY: tuple[str, ...] = (
    uid.JPEGBaseline8Bit,
    uid.JPEGExtended12Bit,
    uid.JPEGLSNearLossless,
    uid.JPEG2000,
    uid.HTJ2K,
)

_CLASSES_OF_MODALITY: Mapping[str, tuple[str, ...]] = {
    "CT": (
        uid.CTImageStorage,
        uid.EnhancedCTImageStorage,
        uid.LegacyConvertedEnhancedCTImageStorage,
        uid.ParametricMapStorage,
    ),
    "MR": (
        uid.MRImageStorage,
        uid.EnhancedMRImageStorage,
        uid.EnhancedMRColorImageStorage,
        uid.LegacyConvertedEnhancedMRImageStorage,
        uid.ParametricMapStorage,
    ),
    "PT": (
        uid.PositronEmissionTomographyImageStorage,
        uid.EnhancedPETImageStorage,
        uid.LegacyConvertedEnhancedPETImageStorage,
        uid.ParametricMapStorage,
    ),
    "NM": (uid.NuclearMedicineImageStorage,),
    "CR": (uid.ComputedRadiographyImageStorage,),
    "DX": (uid.DigitalXRayImageStorageForPresentation, uid.DigitalXRayImageStorageForProcessing),
    "MG": (
        uid.DigitalMammographyXRayImageStorageForPresentation,
        uid.DigitalMammographyXRayImageStorageForProcessing,
        uid.BreastTomosynthesisImageStorage,
    ),
    "US": (uid.UltrasoundImageStorage, uid.UltrasoundMultiFrameImageStorage, uid.EnhancedUSVolumeStorage),
    "XA": (uid.XRayAngiographicImageStorage, uid.EnhancedXAImageStorage),
    "RF": (uid.XRayRadiofluoroscopicImageStorage, uid.EnhancedXRFImageStorage),
    "RTDOSE": (uid.RTDoseStorage,),
    "RTIMAGE": (uid.RTImageStorage,),
    "SEG": (uid.SegmentationStorage, LABEL_MAP_SEGMENTATION_STORAGE),
    "OT": (uid.SecondaryCaptureImageStorage, uid.ParametricMapStorage),
}

SECONDARY_CAPTURES: tuple[str, ...] = (
    uid.SecondaryCaptureImageStorage,
    uid.MultiFrameSingleBitSecondaryCaptureImageStorage,
    uid.MultiFrameGrayscaleByteSecondaryCaptureImageStorage,
    uid.MultiFrameGrayscaleWordSecondaryCaptureImageStorage,
    uid.MultiFrameTrueColorSecondaryCaptureImageStorage,
)


@dataclass(frozen=True)
class Proposal:
    """One presentation context to propose.

    Attributes
    ----------
    abstract_syntax : str
        The SOP class.
    transfer_syntaxes : tuple of str
        In the order of preference.
    as_scp : bool
        Whether we take the SCP's role, as C-GET's C-STORE needs (PS3.7 D.3.3.4).
    """

    abstract_syntax: str
    transfer_syntaxes: tuple[str, ...]
    as_scp: bool = False


def service(abstract_syntax: str) -> Proposal:
    """Propose a query or verification service."""
    return Proposal(abstract_syntax, UNCOMPRESSED)


def storage(sop_classes: Iterable[str], transfer_syntaxes: Sequence[str] = LOSSLESS) -> list[Proposal]:
    """Propose one context for each storage class and transfer syntax.

    So the archive can send each instance as it is stored; of a context with several syntaxes it
    would choose one for all instances of the class.
    """
    return [
        Proposal(sop_class, (syntax,), as_scp=True)
        for sop_class in dict.fromkeys(sop_classes)
        for syntax in transfer_syntaxes
    ]


def likely_classes(modality: str) -> tuple[str, ...]:
    """Give the storage classes of a modality; of an unknown one, all that there are."""
    return _CLASSES_OF_MODALITY.get(modality) or classes_of(modality)


def classes_of(modality: str) -> tuple[str, ...]:
    """Guess the storage classes of a series: its modality's, then secondary captures, then all others."""
    likely = _CLASSES_OF_MODALITY.get(modality, ())
    others = [each for classes in _CLASSES_OF_MODALITY.values() for each in classes]
    return tuple(dict.fromkeys([*likely, *SECONDARY_CAPTURES, *others]))

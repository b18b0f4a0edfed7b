"""The levels of the query/retrieve models, and what belongs to each (PS3.4 C.3.4, C.6.1.1, C.6.2.1)."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum


class Level(IntEnum):
    """From the patient down; the names are the terms of Query/Retrieve Level (0008,0052)."""

    PATIENT = 1
    STUDY = 2
    SERIES = 3
    IMAGE = 4


UNIQUE_KEYS: Mapping[Level, str] = {
    Level.PATIENT: "PatientID",
    Level.STUDY: "StudyInstanceUID",
    Level.SERIES: "SeriesInstanceUID",
    Level.IMAGE: "SOPInstanceUID",
}
"""What names an entity of each level."""

RELATED_STUDIES = "NumberOfPatientRelatedStudies"
RELATED_SERIES = "NumberOfStudyRelatedSeries"
RELATED_INSTANCES = "NumberOfSeriesRelatedInstances"

COUNTS: Mapping[str, tuple[Level, Level]] = {
    RELATED_STUDIES: (Level.PATIENT, Level.STUDY),
    "NumberOfPatientRelatedSeries": (Level.PATIENT, Level.SERIES),
    "NumberOfPatientRelatedInstances": (Level.PATIENT, Level.IMAGE),
    RELATED_SERIES: (Level.STUDY, Level.SERIES),
    "NumberOfStudyRelatedInstances": (Level.STUDY, Level.IMAGE),
    RELATED_INSTANCES: (Level.SERIES, Level.IMAGE),
}
"""The keys that ask for a number of related entities: who has them, and what they are."""

_ATTRIBUTES: Mapping[Level, tuple[str, ...]] = {
    Level.PATIENT: (
        "PatientID",
        "PatientName",
        "PatientBirthDate",
        "PatientBirthTime",
        "PatientSex",
        "PatientComments",
        "IssuerOfPatientID",
        "OtherPatientIDs",
        "EthnicGroup",
    ),
    Level.STUDY: (
        "StudyInstanceUID",
        "StudyDate",
        "StudyTime",
        "StudyID",
        "StudyDescription",
        "AccessionNumber",
        "ReferringPhysicianName",
        "NameOfPhysiciansReadingStudy",
        "AdmittingDiagnosesDescription",
        "AdditionalPatientHistory",
        "Occupation",
        "PatientAge",
        "PatientSize",
        "PatientWeight",
        "ModalitiesInStudy",
        "SOPClassesInStudy",
    ),
    Level.SERIES: (
        "SeriesInstanceUID",
        "SeriesNumber",
        "SeriesDate",
        "SeriesTime",
        "SeriesDescription",
        "Modality",
        "Laterality",
        "BodyPartExamined",
        "ProtocolName",
        "PatientPosition",
        "FrameOfReferenceUID",
        "Manufacturer",
        "ManufacturerModelName",
        "InstitutionName",
        "InstitutionalDepartmentName",
        "StationName",
        "OperatorsName",
        "PerformingPhysicianName",
        "PerformedProcedureStepStartDate",
        "PerformedProcedureStepStartTime",
        "PerformedProcedureStepDescription",
    ),
}
"""Those of PS3.4 tables C.6-1 to C.6-3, and of the modules of PS3.3 that all instances of an entity share.

InstitutionName is of the equipment (PS3.3 C.7.5.1), so of the series: of a study, Orthanc tells that of one series.
"""

_OWNERS: Mapping[str, Level] = {
    **{keyword: level for level, keywords in _ATTRIBUTES.items() for keyword in keywords},
    **{keyword: owner for keyword, (owner, _) in COUNTS.items()},
}


def owner_of(keyword: str) -> Level:
    """Give the level whose entities have an attribute; any that is not known as shared belongs to the instance."""
    return _OWNERS.get(keyword, Level.IMAGE)

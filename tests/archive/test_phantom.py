"""The demo patient: what is there, that it is regular where it should be, and always the same."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections import defaultdict

import numpy as np
import pytest
from pydicom import uid
from pydicom.dataset import Dataset

from itkdicomqr.archive.phantom import demo_patient
from itkdicomqr.instance import Instance

Key = tuple[str, str, str, str, int]
"""Patient ID, date and description of the study, description and number of the series."""

MAXIMUM_BYTES = 25_000_000

COUNTS = {
    ("99999", "20050106", "Chest-- PA & Lateral", "Chest-- PA & Lateral", 1): 1,
    ("99999", "20000322", "Chest-PICC", "AP Portable", 1): 1,
    ("99999", "20000322", "Chest-PICC", "PICC Tip", 2): 1,
    ("99999", "20000307", "Hip 3+vw THA Series (Post Op)", "AP Pelvis", 1): 1,
    ("99999", "20000307", "Hip 3+vw THA Series (Post Op)", "AP Right Hip", 2): 1,
    ("99999", "20000307", "Hip 3+vw THA Series (Post Op)", "Lateral Right Hip", 3): 1,
    ("99999", "20000307", "Hip 3+vw THA Series (Post Op)", "Hip 3+vw THA Series (Post Op)", 4): 1,
    ("99999", "20210503", "CT Thorax", "Scout", 1): 1,
    ("99999", "20210503", "CT Thorax", "AX 3.0 Soft Tissue", 2): 64,
    ("99999", "20210503", "CT Thorax", "AX 3.0 Lung", 3): 64,
    ("99999", "20210503", "CT Thorax", "COR 3.0", 4): 54,
    ("99999", "20210503", "CT Thorax", "AX 5.0 Contrast", 5): 38,
    ("99999", "20210503", "CT Thorax", "AX 5.0 Contrast", 6): 38,
    ("99999", "20210503", "CT Thorax", "AX 3.0 Gap", 7): 19,
    ("99999", "20210503", "CT Thorax", "AX 4D", 8): 40,
    ("99999", "20210503", "CT Thorax", "AX 3.0 Tilt", 9): 24,
    ("99999", "20220214", "MR Brain", "T1 SAG", 1): 40,
    ("99999", "20220214", "MR Brain", "T2 TRA", 2): 28,
    ("99998", "20210503", "CT Thorax", "AX 3.0 Soft Tissue", 2): 24,
    ("88888", "20220214", "MR Schädel", "T1 SAG Übersicht", 1): 14,
}

TYPE_1 = {
    "CR": ["PixelSpacing", "ImagerPixelSpacing"],
    "CT": ["ImageType", "RescaleIntercept", "RescaleSlope", "PixelSpacing", "FrameOfReferenceUID"],
    "MR": ["ImageType", "ScanningSequence", "SequenceVariant", "PixelSpacing", "FrameOfReferenceUID"],
}
TYPE_2 = {
    "CR": ["ViewPosition", "BodyPartExamined"],
    "CT": ["KVP", "AcquisitionNumber", "SliceThickness", "PositionReferenceIndicator", "PatientPosition"],
    "MR": ["ScanOptions", "MRAcquisitionType", "EchoTime", "EchoTrainLength", "RepetitionTime", "SliceThickness"],
}
COMMON_1 = ["SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID", "Modality", "Rows", "Columns"]
COMMON_2 = [
    "PatientName",
    "PatientID",
    "PatientBirthDate",
    "PatientSex",
    "StudyDate",
    "StudyTime",
    "StudyID",
    "AccessionNumber",
    "ReferringPhysicianName",
    "SeriesNumber",
    "InstanceNumber",
    "Manufacturer",
]


@pytest.fixture(scope="module")
def instances() -> list[Instance]:
    return demo_patient()


@pytest.fixture(scope="module")
def of_series(instances: list[Instance]) -> dict[Key, list[Dataset]]:
    grouped: dict[Key, list[Dataset]] = defaultdict(list)
    for instance in instances:
        data = instance.dataset
        key = (data.PatientID, data.StudyDate, data.StudyDescription, data.SeriesDescription, int(data.SeriesNumber))
        grouped[key].append(data)
    return grouped


def one(of_series: dict[Key, list[Dataset]], description: str, patient: str = "99999") -> list[Dataset]:
    (found,) = (group for key, group in of_series.items() if key[0] == patient and key[3] == description)
    return found


def positions(datasets: list[Dataset]) -> np.ndarray:
    first = datasets[0].ImageOrientationPatient
    normal = np.cross(first[:3], first[3:])
    return np.sort([normal @ np.array(each.ImagePositionPatient, float) for each in datasets])


def test_the_patients_have_these_series(of_series):
    assert {key: len(group) for key, group in of_series.items()} == COUNTS


def test_every_uid_is_there_once(instances):
    uids = [instance.sop_instance_uid for instance in instances]
    assert len(set(uids)) == len(uids)
    assert all(uid.UID(each).is_valid for each in uids)


def test_series_of_one_study_share_it_and_nothing_else(of_series):
    studies = {
        (data.PatientID, data.StudyDate, data.StudyInstanceUID) for group in of_series.values() for data in group
    }
    series = {(key, data.SeriesInstanceUID) for key, group in of_series.items() for data in group}
    assert len(studies) == 7
    assert len({each[1] for each in series}) == len(series) == len(COUNTS)


def test_all_is_small(instances):
    assert sum(len(instance.encoded) for instance in instances) < MAXIMUM_BYTES


def test_another_process_makes_the_same_bytes(instances):
    script = (
        "import hashlib; from itkdicomqr.archive.phantom import demo_patient;"
        "print(hashlib.sha256(b''.join(bytes(i.encoded) for i in demo_patient())).hexdigest())"
    )
    other = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=120)
    assert other.stdout.strip() == hashlib.sha256(b"".join(bytes(i.encoded) for i in instances)).hexdigest()


def test_attributes_of_type_1_have_values_and_those_of_type_2_are_there(instances):
    for instance in instances:
        data = instance.dataset
        for keyword in COMMON_1 + TYPE_1[data.Modality]:
            assert keyword in data, keyword
            assert not data[keyword].is_empty, keyword
        for keyword in COMMON_2 + TYPE_2[data.Modality]:
            assert keyword in data, keyword


@pytest.mark.parametrize(
    ("description", "step"),
    [
        ("AX 3.0 Soft Tissue", 3.0),
        ("AX 3.0 Lung", 3.0),
        ("COR 3.0", 3.0),
        ("AX 3.0 Tilt", 3.0 * np.cos(np.radians(15))),
        ("T1 SAG", 4.0),
        ("T2 TRA", 5.0),
    ],
)
def test_slices_are_evenly_spaced(of_series, description, step):
    group = one(of_series, description)
    np.testing.assert_allclose(np.diff(positions(group)), step, atol=1e-4)
    assert len({(tuple(d.ImageOrientationPatient), tuple(d.PixelSpacing), d.Rows, d.Columns) for d in group}) == 1


def test_slices_arrive_in_no_order_of_position(of_series):
    group = one(of_series, "AX 3.0 Soft Tissue")
    arrived = [float(data.ImagePositionPatient[2]) for data in group]
    assert arrived not in (sorted(arrived), sorted(arrived, reverse=True))


def test_the_gap_is_one_slice(of_series):
    gaps = np.diff(positions(one(of_series, "AX 3.0 Gap")))
    assert sorted(np.round(gaps, 3).tolist())[-2:] == [3.0, 6.0]


def test_the_phases_share_their_positions(of_series):
    group = one(of_series, "AX 4D")
    phases = [[d for d in group if d.TemporalPositionIdentifier == phase] for phase in (1, 2)]
    assert {int(d.AcquisitionNumber) for d in phases[1]} == {2}
    np.testing.assert_array_equal(positions(phases[0]), positions(phases[1]))


def test_the_tilted_slices_are_stacked_along_the_table(of_series):
    group = sorted(one(of_series, "AX 3.0 Tilt"), key=lambda data: data.ImagePositionPatient[2])
    steps = np.diff([np.array(data.ImagePositionPatient, float) for data in group], axis=0)
    np.testing.assert_allclose(steps, [[0, 0, 3]] * 23, atol=1e-6)
    assert float(group[0].GantryDetectorTilt) == 15


def test_ct_numbers_are_those_of_the_body(of_series):
    slices = sorted(one(of_series, "AX 3.0 Soft Tissue"), key=lambda data: data.ImagePositionPatient[2])
    volume = np.stack([data.pixel_array for data in slices]).astype(int) - 1024
    present = {
        "air": (-1060, -940),
        "lung": (-920, -780),
        "fat": (-150, -70),
        "organs": (20, 90),
        "bone": (500, 700),
    }
    shares = {name: np.mean((volume > low) & (volume < high)) for name, (low, high) in present.items()}
    assert shares["air"] > 0.3
    assert shares["organs"] > 0.15
    assert min(shares["lung"], shares["fat"]) > 0.03
    assert shares["bone"] > 0.002


def test_the_left_is_on_the_left(of_series):
    slices = sorted(one(of_series, "AX 3.0 Soft Tissue"), key=lambda data: data.ImagePositionPatient[2])
    low = np.mean([data.pixel_array.astype(float) for data in slices[8:16]], axis=0)
    right, left = low[40:110, 20:75].mean(), low[40:110, 85:140].mean()
    assert right > left, "the liver is on the patient's right, which is at low columns"


def test_fluid_is_dark_in_t1_and_bright_in_t2(of_series):
    signals = {}
    for description in ("T1 SAG", "T2 TRA"):
        middle = min(one(of_series, description), key=lambda data: np.linalg.norm(np.mean(corners(data), axis=0)))
        pixels = middle.pixel_array
        signals[description] = (pixels > 900).mean()
    assert signals["T1 SAG"] < 0.01 < signals["T2 TRA"]


def corners(data: Dataset) -> np.ndarray:
    """Find the first and the last voxel of a slice."""
    across, down = np.reshape(np.array(data.ImageOrientationPatient, float), (2, 3))
    first = np.array(data.ImagePositionPatient, float)
    rows, columns = (data.Rows - 1) * float(data.PixelSpacing[0]), (data.Columns - 1) * float(data.PixelSpacing[1])
    return np.array([first, first + across * columns + down * rows])


@pytest.mark.parametrize("description", ["AX 3.0 Lung", "T2 TRA", "AX 3.0 Soft Tissue"])
def test_several_transfer_syntaxes_are_used(of_series, description):
    expected = {"AX 3.0 Lung": uid.ImplicitVRLittleEndian, "T2 TRA": uid.RLELossless}
    (syntax,) = {data.file_meta.TransferSyntaxUID for data in one(of_series, description)}
    assert syntax == expected.get(description, uid.ExplicitVRLittleEndian)


def test_a_plate_shows_both_views_side_by_side(of_series):
    (plate,) = one(of_series, "Chest-- PA & Lateral")
    assert (plate.Modality, plate.BitsStored, plate.PhotometricInterpretation) == ("CR", 12, "MONOCHROME2")
    assert plate.PixelSpacing == plate.ImagerPixelSpacing
    assert plate.Columns > plate.Rows
    assert plate.pixel_array.max() > 2000


def test_names_of_other_characters_survive(of_series):
    (data, *_) = one(of_series, "T1 SAG Übersicht", "88888")
    assert data.SpecificCharacterSet == "ISO_IR 192"
    assert data.PatientName.ideographic == "見本^患者"

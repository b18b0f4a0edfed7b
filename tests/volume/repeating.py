"""Series that take all positions several times over, one volume after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tests.synthetic import series

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pydicom.dataset import Dataset

SLICES = 3

TELLING: dict[str, list[Any]] = {
    "ReferencedSegmentNumber": [1, 2],
    "StackID": ["1", "2"],
    "TemporalPositionIdentifier": ["1", "2"],
    "ImageType": [["ORIGINAL", "PRIMARY", "W"], ["ORIGINAL", "PRIMARY", "F"]],
    "ComplexImageComponent": ["MAGNITUDE", "PHASE"],
    "DataType": ["MEAN_VELOCITY", "POWER"],
    "EchoTime": ["4.6", "9.2"],
    "EchoNumbers": ["1", "2"],
    "InversionTime": ["100", "900"],
    "FlipAngle": ["5", "20"],
    "DiffusionBValue": [0.0, 1000.0],
    "DiffusionGradientOrientation": [[0.0, 1.0, 0.0], [1.0, 0.0, 0.0]],
    "TriggerTime": ["0", "700"],
    "NominalPercentageOfCardiacPhase": [0.0, 50.0],
    "NominalCardiacTriggerDelayTime": [0.0, 300.0],
    "FrameReferenceTime": ["0", "60000"],
    "TemporalPositionTimeOffset": [0.0, 2.5],
    "EnergyWindowVector": [1, 2],
    "RRIntervalVector": [1, 2],
    "TimeSlotVector": [1, 2],
    "AcquisitionNumber": ["1", "2"],
    "AcquisitionDate": ["20050106", "20050107"],
    "AcquisitionTime": ["101500", "101520"],
    "ContentDate": ["20050106", "20050107"],
    "ContentTime": ["101500", "101520"],
    "AcquisitionDateTime": ["20050106101500", "20050106101520"],
    "ConvolutionKernel": ["B30f", "B70f"],
    "ReconstructionDiameter": ["350", "500"],
    "ReceiveCoilName": ["C1", "C2"],
    "KVP": ["80", "140"],
    "RepetitionTime": ["500", "800"],
    "SliceThickness": ["3", "5"],
    "SequenceName": ["*ep_b0", "*ep_b800"],
    "ActualFrameDuration": ["1000", "2000"],
}
"""Two values of each attribute that tells volumes apart."""


def repeated(volumes: int, slices: int = SLICES, modality: str = "MR", **overrides: Any) -> list[Dataset]:
    """Make volumes whose voxels are their number, 0 and up; a callable override gets the index of the slice."""
    chosen: dict[str, Any] = {
        "ImagePositionPatient": lambda index: ["0", "0", str(index % slices * 2)],
        "pixels": lambda index: np.full((6, 7), index // slices, np.int16),
    }
    return series(modality, volumes * slices, **{**chosen, **overrides})


def of_volume(values: Sequence[Any], slices: int = SLICES) -> Callable[[int], Any]:
    """Give each volume's value to its slices."""
    return lambda index: values[index // slices]


def values_of(volumes: Sequence[Any]) -> list[list[int]]:
    """Tell which voxels each volume has."""
    return [np.unique(volume.array).tolist() for volume in volumes]

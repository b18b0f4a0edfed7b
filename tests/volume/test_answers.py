"""Real series with known answers, where they are at hand: equal to the last bit, whatever the order of the files.

The environment variable ``ITKDICOMQR_SHARED_DATA`` names the folder of ``answers.json``.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from itkdicomqr.errors import DICOMQRWarning, MissingSlicesError
from itkdicomqr.volume import Volume, read_volumes

FOLDER = Path(os.environ.get("ITKDICOMQR_SHARED_DATA", Path(__file__).parents[2] / "../shared/data"))
ANSWERS: dict[str, Any] = (
    json.loads((FOLDER / "answers.json").read_text()) if (FOLDER / "answers.json").is_file() else {}
)
SHUFFLES = 10
REFUSED = {"d2n_sliceincr1": 1, "d2n_sliceincr2": 1}
"""Series of which a slice is missing, and how many; their answers are ITK's averages, and orthogonal axes."""

AS_ITK: dict[str, Any] = {"gaps": "average", "tilt": "itk"}

pytestmark = [
    pytest.mark.skipif(not ANSWERS, reason="no shared data: ITKDICOMQR_SHARED_DATA names no folder of answers.json"),
    pytest.mark.filterwarnings("ignore::itkdicomqr.DICOMQRWarning"),
]


def files_of(name: str) -> list[Path]:
    path = FOLDER / ANSWERS[name]["path"]
    return [path] if path.is_file() else sorted(each for each in path.rglob("*") if _is_dicom(each))


def _is_dicom(path: Path) -> bool:
    return path.is_file() and path.read_bytes()[128:132] == b"DICM"


def orders_of(name: str) -> list[list[Path]]:
    files = files_of(name)
    return [random.Random(seed).sample(files, len(files)) for seed in range(SHUFFLES if len(files) > 1 else 1)]  # noqa: S311


def told_by(volume: Volume) -> dict[str, Any]:
    return {
        "sha256": hashlib.sha256(volume.array.tobytes()).hexdigest(),
        "dtype": volume.array.dtype.name,
        "spacing": list(volume.spacing),
        "origin": list(volume.origin),
        "direction": volume.direction.ravel().tolist(),
    }


def assert_same(volumes: list[Volume], answers: list[dict[str, Any]]) -> None:
    """Compare volumes with answers whose order is their own."""
    told = sorted((told_by(volume) for volume in volumes), key=str)
    assert told == sorted(({key: answer[key] for key in told[0]} for answer in answers), key=str)


@pytest.mark.parametrize("name", ANSWERS)
def test_a_series_becomes_the_volumes_that_are_right(name: str) -> None:
    options = AS_ITK if name in REFUSED else {}
    for files in orders_of(name):
        assert_same(read_volumes(files, **options), ANSWERS[name]["expected"]["volumes"])


@pytest.mark.parametrize("name", [name for name, answer in ANSWERS.items() if answer["verdict"] == "agree_bit_exact"])
def test_a_series_that_itk_reads_rightly_is_the_same_image_in_silence(name: str) -> None:
    for files in orders_of(name):
        with warnings.catch_warnings():
            warnings.simplefilter("error", DICOMQRWarning)
            (volume,) = read_volumes(files)
        for reader in ("SimpleITK", "ITK"):
            assert_same([volume], [ANSWERS[name][reader]])
        assert volume.report.max_corner_error_mm < 1e-3


@pytest.mark.parametrize("name", [name for name in REFUSED if name in ANSWERS])
def test_a_series_without_a_slice_is_refused_or_filled(name: str) -> None:
    files = files_of(name)
    with pytest.raises(MissingSlicesError, match="slices are missing"):
        read_volumes(files)
    (padded,) = read_volumes(files, gaps="pad")
    (filled,) = read_volumes(files, gaps="resample")
    parts = read_volumes(files, gaps="split")
    assert len(padded.report.padded) == REFUSED[name]
    assert len(padded.array) == len(filled.array) == len(files) + REFUSED[name]
    came = [index for index in range(len(padded.array)) if index not in padded.report.padded]
    slices = np.concatenate([part.array for part in parts])
    assert padded.array[came].tobytes() == filled.array[came].tobytes() == slices.tobytes()
    assert max(volume.report.max_corner_error_mm for volume in (padded, filled, *parts)) < 1e-5

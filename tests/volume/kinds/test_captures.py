"""The frames of a multi-frame secondary capture are pages, unless each says where it lies."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pydicom import uid
from pydicom.dataset import Dataset

from itkdicomqr.errors import DICOMQRWarning
from itkdicomqr.volume import read_volumes
from itkdicomqr.volume.kinds.captures import MULTI_FRAME_CAPTURES
from tests.synthetic import OBLIQUE, multiframe, part10, series


def capture(sop_class_uid: str, *, functional_groups: bool = False, orientation: tuple[float, ...]) -> Dataset:
    frames = series("CT", 4, dtype="uint8", Modality="OT", orientation=orientation)
    made = multiframe(frames, functional_groups=functional_groups)
    made.SOPClassUID = made.file_meta.MediaStorageSOPClassUID = uid.UID(sop_class_uid)
    return made


@pytest.mark.parametrize("sop_class_uid", MULTI_FRAME_CAPTURES)
def test_one_place_for_all_frames_is_not_used_and_told(tmp_path: Path, sop_class_uid: str) -> None:
    import SimpleITK as sitk  # noqa: N813

    instance = capture(sop_class_uid, orientation=OBLIQUE)
    with pytest.warns(DICOMQRWarning, match="for all frames says nothing of theirs"):
        (volume,) = read_volumes([instance])
    path = tmp_path / "capture.dcm"
    path.write_bytes(part10(instance))
    image = sitk.ReadImage(str(path))
    assert np.array_equal(volume.array, instance.pixel_array)
    assert np.array_equal(volume.array, sitk.GetArrayFromImage(image))
    assert volume.origin == image.GetOrigin() == (0.0, 0.0, 0.0)
    assert volume.orientation == "LPS"
    assert volume.spacing == (0.5, 0.75, 1.0)
    assert any("the third axis is their order, 1 apart" in warning for warning in volume.report.warnings)


def test_frames_with_places_of_their_own_are_slices() -> None:
    (volume,) = read_volumes([capture(MULTI_FRAME_CAPTURES[1], functional_groups=True, orientation=OBLIQUE)])
    (expected,) = read_volumes(series("CT", 4, dtype="uint8", orientation=OBLIQUE))
    assert volume.array.tobytes() == expected.array.tobytes()
    assert volume.origin == expected.origin
    assert volume.spacing == pytest.approx(expected.spacing)

"""The metadata of slices lie at the planes of the array, also where some of these came from no slice."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest
from pydicom.dataset import Dataset

from itkdicomqr.volume import Volume, read_volumes
from tests.synthetic import OBLIQUE, multiframe, series
from tests.volume.repeating import of_volume, repeated

POSITION, NUMBER, DESCRIPTION = "0020|0032", "0020|0013", "0008|103e"

pytestmark = pytest.mark.filterwarnings("ignore::itkdicomqr.DICOMQRWarning")


def read(slices: list[Dataset], **options: Any) -> Volume:
    (volume,) = read_volumes(slices, **options)
    return volume


def without(slices: list[Dataset], *dropped: int) -> list[Dataset]:
    return [each for index, each in enumerate(slices) if index not in dropped]


def numbers(volume: Volume) -> list[str | None]:
    return [entries[NUMBER].strip() if entries else None for entries in volume.slices]


def assert_in_their_places(volume: Volume) -> None:
    """Compare the height of each plane with the ImagePositionPatient of its own entries."""
    towards = volume.direction[:, 2]
    for plane, entries in enumerate(volume.slices):
        if entries:
            position = np.array(entries[POSITION].split("\\"), dtype=float)
            assert (position - volume.origin) @ towards == pytest.approx(plane * volume.spacing[2], abs=1e-3)


@pytest.mark.parametrize("gaps", ["pad", "resample"])
def test_a_plane_that_no_slice_came_for_has_none(gaps: Any) -> None:
    volume = read(without(series("MR", 7, orientation=OBLIQUE), 2, 5), gaps=gaps)
    assert numbers(volume) == ["1", "2", None, "4", "5", None, "7"]
    assert len(volume.slices) == len(volume.array)
    assert volume.slices[2] == {}
    assert volume.slices[1:3] == [volume.slices[1], {}]
    assert_in_their_places(volume)


def test_slices_between_the_planes_are_among_those_that_came() -> None:
    heights = ("0", "2", "5.1", "7.1")
    volume = read(series("MR", 4, ImagePositionPatient=lambda index: ["0", "0", heights[index]]), gaps="resample")
    assert numbers(volume) == ["1", None, None, None, "4"]
    assert [entries[NUMBER].strip() for entries in volume.slices.came] == ["1", "2", "3", "4"]
    assert_in_their_places(volume)


@pytest.mark.parametrize("options", [{}, {"tilt": "resample"}, {"gaps": "pad"}])
def test_slices_that_stay_or_move_within_their_planes_keep_their_own(options: Any) -> None:
    volume = read(series("MR", 4, along=(0.2, 0, 0.98)), **options)
    assert numbers(volume) == ["1", "2", "3", "4"]
    assert list(volume.slices) == volume.slices.came


def test_the_image_has_what_all_slices_share_that_came() -> None:
    volume = read(without(series("CT", 5), 2), gaps="pad")
    assert volume.metadata[DESCRIPTION] == "Synthetic series"
    assert NUMBER not in volume.metadata
    image, other = volume.to_itk(), volume.to_simpleitk()
    assert image.GetMetaDataDictionary()[DESCRIPTION] == other.GetMetaData(DESCRIPTION) == "Synthetic series"


def test_frames_of_one_instance_have_its_header_where_they_came() -> None:
    volume = read([multiframe(without(series("MR", 6), 2))], gaps="pad")
    assert numbers(volume) == ["1", "1", None, "1", "1", "1"]


def test_stacked_volumes_go_on_one_after_the_other_each_with_its_gaps() -> None:
    slices = repeated(2, 5, EchoTime=of_volume(["4", "8"], 5))
    (stack,) = read_volumes(without(slices, 2, 6), gaps="pad", stack=True)
    assert numbers(stack) == ["1", "2", None, "4", "5", "6", None, "8", "9", "10"]
    assert list(stack.report.padded) == [2, 6]
    planes = stack.array.reshape(-1, *stack.array.shape[2:])
    assert len(planes) == len(stack.slices)


def test_they_are_pickled_with_their_gaps() -> None:
    volume = read(without(series("CT", 5), 2), gaps="pad")
    copy = pickle.loads(pickle.dumps(volume))  # noqa: S301
    assert list(copy.slices) == list(volume.slices)
    assert copy.slices.came == volume.slices.came
    assert copy.metadata == volume.metadata

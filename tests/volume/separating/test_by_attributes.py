"""Each attribute alone tells volumes apart, whatever the order of their slices."""

from __future__ import annotations

from typing import Any

import pytest
from pydicom.dataset import Dataset

from itkdicomqr.errors import MissingSlicesError, NonUniformSpacingError
from itkdicomqr.volume import read_volumes
from tests.volume.repeating import TELLING, of_volume, repeated, values_of


@pytest.mark.parametrize("keyword", TELLING)
def test_one_attribute_tells_volumes_whose_numbers_begin_anew(keyword: str) -> None:
    values: dict[str, Any] = {keyword: of_volume(TELLING[keyword])}
    volumes = read_volumes(repeated(2, InstanceNumber=lambda index: str(index % 3 + 1), **values))
    assert sorted(map(str, values_of(volumes))) == ["[0]", "[1]"]
    assert all(volume.key.keys() == {keyword} for volume in volumes)


def slabs(times: int) -> list[Dataset]:
    """Two slabs far apart that come twice, in parts of so many times."""
    heights = [0, 2, 4, 100, 102, 104]
    return repeated(
        2,
        6,
        ImagePositionPatient=lambda index: ["0", "0", str(heights[index % 6])],
        AcquisitionTime=lambda index: f"1015{index // (12 // times):02}",
    )


def test_times_may_be_half_as_many_again_as_repeats_and_one_more() -> None:
    assert [len(volume.array) for volume in read_volumes(slabs(4))] == [3, 3, 3, 3]


def test_more_times_tell_no_volumes() -> None:
    with pytest.raises((MissingSlicesError, NonUniformSpacingError)):
        read_volumes(slabs(6))

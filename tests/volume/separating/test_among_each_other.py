"""Volumes that lie among each other, though none of their slices share a position."""

from __future__ import annotations

from typing import Any

import pytest

from itkdicomqr.volume import read_volumes
from tests.synthetic import series


def at(*heights: float, **attributes: Any) -> list[Any]:
    return series("MR", len(heights), ImagePositionPatient=lambda index: ["0", "0", str(heights[index])], **attributes)


def test_volumes_of_two_slices_each_are_told_apart() -> None:
    volumes = read_volumes(at(0, 1, 2, 3, EchoTime=lambda index: ["4", "8"][index % 2]))
    assert [(volume.key, volume.origin[2], len(volume.array)) for volume in volumes] == [
        ({"EchoTime": 4}, 0, 2),
        ({"EchoTime": 8}, 1, 2),
    ]


def test_one_that_follows_those_is_told_apart_too() -> None:
    volumes = read_volumes(at(0, 1, 2, 3, 10, 12, EchoTime=lambda index: ["4", "8", "4", "8", "12", "12"][index]))
    assert [(volume.key["EchoTime"], volume.origin[2]) for volume in volumes] == [(4, 0), (8, 1), (12, 10)]


def test_numbers_come_before_names() -> None:
    volumes = read_volumes(at(0, 1, 2, 3, ConvolutionKernel=lambda index: ["B30f", "7"][index % 2]))
    assert [volume.key for volume in volumes] == [{"ConvolutionKernel": 7}, {"ConvolutionKernel": "B30f"}]


@pytest.mark.filterwarnings("ignore::itkdicomqr.DICOMQRWarning")
def test_slices_without_positions_lie_among_none() -> None:
    (volume,) = read_volumes(series("OT", 4, EchoTime=lambda index: ["4", "8"][index % 2]))
    assert len(volume.array) == 4

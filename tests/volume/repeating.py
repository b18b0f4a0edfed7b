"""Series that take all positions several times over, one volume after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tests.synthetic import series

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pydicom.dataset import Dataset

SLICES = 3


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

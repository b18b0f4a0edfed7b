"""From a volume in LPS to what Slicer's nodes take: voxels, and a matrix to RAS."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from itkdicomqr import Volume

LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])


def voxels_and_placement(volume: Volume) -> tuple[NDArray[Any], NDArray[np.float64]]:
    """Return the voxels, and the matrix from their indices to mm in RAS.

    Parameters
    ----------
    volume : Volume
        Of three dimensions.

    Returns
    -------
    array : ndarray
        (slices, rows, columns[, components]): Slicer's order, KJI.
    ijk_to_ras : ndarray
        (4, 4); it takes (column, row, slice, 1).
    """
    ijk_to_lps = np.eye(4)
    ijk_to_lps[:3, :3] = volume.direction * volume.spacing
    ijk_to_lps[:3, 3] = volume.origin
    return volume.array, LPS_TO_RAS @ ijk_to_lps

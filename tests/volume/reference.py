"""Comparison with what SimpleITK reads from the same files, to the last bit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import SimpleITK as sitk  # noqa: N813

if TYPE_CHECKING:
    from itkdicomqr.volume import Volume

sitk.ProcessObject.SetGlobalWarningDisplay(False)


def assert_same_voxels(volume: Volume, image: Any) -> None:
    """Check type, shape and values."""
    reference = sitk.GetArrayViewFromImage(image)
    assert volume.array.dtype == reference.dtype
    assert volume.array.shape == reference.shape
    assert volume.array.tobytes() == reference.tobytes()


def assert_same_geometry(volume: Volume, image: Any) -> None:
    """Check origin, spacing and direction as doubles."""
    assert volume.origin == image.GetOrigin()
    assert volume.spacing == image.GetSpacing()
    assert tuple(volume.direction.ravel().tolist()) == image.GetDirection()

"""What ITK itself reads from the same files, and the comparison with it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk  # noqa: N813


def read_file(path: Path) -> Any:
    """Read one file as a three-dimensional image."""
    reader = sitk.ImageFileReader()
    reader.SetImageIO("GDCMImageIO")
    reader.SetFileName(str(path))
    return reader.Execute()


def assert_equal(image: Any, reference: Any) -> None:
    """Compare voxels, pixel type, spacing, origin and direction, to the last bit."""
    assert voxels(image).dtype == voxels(reference).dtype
    assert np.array_equal(voxels(image), voxels(reference))
    assert tuple(image.GetSpacing()) == tuple(reference.GetSpacing())
    assert tuple(image.GetOrigin()) == tuple(reference.GetOrigin())
    assert direction(image) == direction(reference)


def voxels(image: Any) -> Any:
    """Give the voxels of an image of either toolkit as an array."""
    if isinstance(image, sitk.Image):
        return sitk.GetArrayFromImage(image)
    import itk

    return itk.array_from_image(image)


def direction(image: Any) -> tuple[float, ...]:
    """Give the direction of an image of either toolkit, row by row."""
    if isinstance(image, sitk.Image):
        return tuple(image.GetDirection())
    import itk

    return tuple(itk.array_from_matrix(image.GetDirection()).ravel().tolist())

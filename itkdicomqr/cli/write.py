"""The only writing there is: an image file that the caller asked for."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import numpy as np

from itkdicomqr.errors import InputError, UnsupportedImageError
from itkdicomqr.volume import Volume

SUFFIXES = (".nii.gz", ".nii", ".nrrd", ".mha")
SHEAR_TOLERANCE = 1e-6
"""Of the cosines between axes, beyond which NIfTI would lose the shear."""


def check_target(path: Path) -> str:
    """Refuse a file that could not be written, before anything is retrieved.

    Returns
    -------
    str
        Its suffix.

    Raises
    ------
    InputError
        The suffix is none of `SUFFIXES`, or there is no such folder.
    """
    suffix = next((each for each in SUFFIXES if path.name.lower().endswith(each)), None)
    if suffix is None:
        message = f"{path}: images are written as {', '.join(SUFFIXES)}"
        raise InputError(message)
    if not path.parent.is_dir():
        message = f"{path}: there is no folder {path.parent}"
        raise InputError(message)
    return suffix


def write_image(volume: Volume, path: Path, *, keep_metadata: bool = False) -> None:
    """Write a volume as an image file, whole or not at all.

    Parameters
    ----------
    volume : Volume
        What to write.
    path : Path
        Where; the suffix tells the format.
    keep_metadata : bool
        Whether the DICOM dictionary, with the patient's name, goes into the file.

    Raises
    ------
    UnsupportedImageError
        NIfTI cannot hold a sheared volume: it would be written rotated.
    """
    import itk

    suffix = check_target(path)
    if suffix.startswith(".nii") and _is_sheared(volume):
        message = f"{path}: NIfTI cannot hold the shear of a tilted gantry; write .nrrd or .mha"
        raise UnsupportedImageError(message)
    image = volume.to_itk()
    if not keep_metadata:
        image.SetMetaDataDictionary(itk.MetaDataDictionary())
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".itkdicomqr-") as folder:
        written = Path(folder) / f"image{suffix}"
        itk.imwrite(image, str(written), compression=True)
        os.replace(written, path)  # noqa: PTH105 the atomic one


def _is_sheared(volume: Volume) -> bool:
    cosines = volume.direction.T @ volume.direction
    return bool(np.abs(cosines - np.eye(3)).max() > SHEAR_TOLERANCE)

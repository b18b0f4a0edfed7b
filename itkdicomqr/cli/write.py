"""The only writing there is: an image file that the caller asked for."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from itkdicomqr.errors import InputError, UnsupportedImageError
from itkdicomqr.volume import Volume

SUFFIXES = (".nii.gz", ".nii", ".nrrd", ".mha")
PICTURE_SUFFIXES = (".png",)
SHEAR_TOLERANCE = 1e-6
"""Of the cosines between axes, beyond which NIfTI would lose the shear."""


def check_target(path: Path, suffixes: Sequence[str] = SUFFIXES) -> str:
    """Refuse a file that could not be written, before anything is retrieved.

    Returns
    -------
    str
        Its suffix.

    Raises
    ------
    InputError
        The suffix is none of ``suffixes``, the path is a folder, or nothing can be written beside it.
    """
    suffix = next((each for each in suffixes if path.name.lower().endswith(each)), None)
    if suffix is None or path.is_dir():
        message = f"{path}: give a file that ends with {', '.join(suffixes)}"
        raise InputError(message)
    try:
        with _folder_beside(path):
            return suffix
    except OSError as error:
        message = f"{path}: nothing can be written to {path.parent} ({error.strerror})"
        raise InputError(message) from None


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
    InputError
        The file cannot be written.
    """
    import itk

    suffix = check_target(path)
    if suffix.startswith(".nii") and _is_sheared(volume):
        message = (
            f"{path}: NIfTI cannot hold the shear of a tilted gantry; write .nrrd or .mha, "
            "or straighten it with --tilt resample"
        )
        raise UnsupportedImageError(message)
    image = volume.to_itk()
    if not keep_metadata:
        image.SetMetaDataDictionary(itk.MetaDataDictionary())
    try:
        with _folder_beside(path) as folder:
            written = Path(folder) / f"image{suffix}"
            itk.imwrite(image, str(written), compression=True)
            written.replace(path)
    except (OSError, RuntimeError) as error:
        message = f"{path} could not be written ({type(error).__name__})"
        raise InputError(message) from error


def _folder_beside(path: Path) -> tempfile.TemporaryDirectory[str]:
    """Make a folder on the file's own disk, from which it can be moved into place at once."""
    return tempfile.TemporaryDirectory(dir=path.parent, prefix=".itkdicomqr-")


def _is_sheared(volume: Volume) -> bool:
    cosines = volume.direction.T @ volume.direction
    return bool(np.abs(cosines - np.eye(3)).max() > SHEAR_TOLERANCE)

"""The only writing there is: an image file that the caller asked for."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from itkdicomqr.cli.options import IMAGE_SUFFIXES
from itkdicomqr.errors import InputError, UnsupportedImageError
from itkdicomqr.volume import Volume

PICTURE_SUFFIXES = (".png",)
SHEAR_TOLERANCE = 1e-6
"""Of the cosines between axes, beyond which NIfTI would lose the shear."""


def check_target(path: Path, suffixes: Sequence[str] = IMAGE_SUFFIXES, *, overwrite: bool = False) -> None:
    """Refuse a file that could not, or should not, be written, before anything is retrieved.

    Raises
    ------
    InputError
        The suffix is none of ``suffixes``, the path is a folder, nothing can be written beside it, or
        there is such a file already.
    """
    try:
        if not path.name.lower().endswith(tuple(suffixes)) or path.is_dir():
            message = f"{path}: give a file that ends with {', '.join(suffixes)}"
            raise InputError(message)
        if path.exists() and not overwrite:
            message = f"{path} exists already: choose another name, or --overwrite it"
            raise InputError(message)
        str(path).encode()
        with _folder_beside(path):
            pass
    except UnicodeEncodeError:
        message = f"{str(path)!r} is no text: the toolkits write only to files whose names are"
        raise InputError(message) from None
    except OSError as error:
        message = f"{path}: nothing can be written to {path.parent} ({error.strerror})"
        raise InputError(message) from None


def make_folder(folder: Path) -> None:
    """Make a folder for images, unless there is one.

    Raises
    ------
    InputError
        It cannot be made, or nothing can be written to it.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with _folder_beside(folder / "image"):
            return
    except OSError as error:
        message = f"{folder}: nothing can be written there ({error.strerror})"
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

    if path.name.lower().endswith((".nii", ".nii.gz")) and _is_sheared(volume):
        message = (
            f"{path}: NIfTI cannot hold the shear of a tilted gantry; write .nrrd or .mha, "
            "or straighten it with --tilt resample"
        )
        raise UnsupportedImageError(message)
    image = volume.to_itk()
    if not keep_metadata:
        image.SetMetaDataDictionary(itk.MetaDataDictionary())
    with written_whole(path) as draft:
        itk.imwrite(image, str(draft), compression=True)


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """Give a file to write to, which takes the place of ``path`` once it is whole.

    Raises
    ------
    InputError
        It cannot be written.
    """
    try:
        with _folder_beside(path) as folder:
            draft = Path(folder) / path.name.lower()
            yield draft
            draft.replace(path)
    except (OSError, RuntimeError) as error:
        message = f"{path} could not be written ({getattr(error, 'strerror', None) or type(error).__name__})"
        raise InputError(message) from error


def _folder_beside(path: Path) -> tempfile.TemporaryDirectory[str]:
    """Make a folder on the file's own disk, from which it can be moved into place at once."""
    return tempfile.TemporaryDirectory(dir=path.parent, prefix=".itkdicomqr-")


def _is_sheared(volume: Volume) -> bool:
    cosines = volume.direction.T @ volume.direction
    return bool(np.abs(cosines - np.eye(len(cosines))).max() > SHEAR_TOLERANCE)

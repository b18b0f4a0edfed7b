"""An instance whose pixels are compressed, as an archive does it that keeps all in one transfer syntax."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pydicom.encaps import encapsulate
from pydicom.uid import JPEG2000, UID, ExplicitVRLittleEndian, JPEG2000Lossless, JPEGBaseline8Bit, RLELossless

from itkdicomqr.archive.transcoding import acceptable
from itkdicomqr.instance import Instance

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray
    from pydicom.dataset import Dataset

_JPEG_QUALITY = 90
_J2K_DECIBELS = 50


def compressed(instance: Instance, syntax: str) -> Instance:
    """Compress the pixels of an instance, under its own UID; one without pixels stays as it is.

    Parameters
    ----------
    instance : Instance
        In any transfer syntax that can be decoded.
    syntax : str
        RLE Lossless, JPEG 2000 (lossless or not), or JPEG Baseline of 8-bit grey values.

    Raises
    ------
    UnsupportedImageError
        It cannot be decoded.
    """
    if instance.transfer_syntax_uid == syntax or "Rows" not in instance.header:
        return instance
    dataset = replace(acceptable(instance, [ExplicitVRLittleEndian])).dataset
    if syntax == RLELossless:
        dataset.compress(RLELossless, encoding_plugin="pydicom", generate_instance_uid=False)
        return Instance.from_dataset(dataset)
    encode = _ENCODERS[UID(syntax)]
    _set_frames(dataset, [encode(frame) for frame in _frames(dataset)], UID(syntax))
    if syntax != JPEG2000Lossless:
        dataset.LossyImageCompression = "01"
    return Instance.from_dataset(dataset)


def best_lossy_syntax(instance: Instance) -> UID:
    """Choose what an archive takes that compresses: JPEG Baseline for 8-bit grey values, else JPEG 2000."""
    grey = instance.header.get("BitsAllocated") == 8 and instance.header.get("SamplesPerPixel", 1) == 1
    return JPEGBaseline8Bit if grey else JPEG2000


def _frames(dataset: Dataset) -> list[NDArray[Any]]:
    pixels = dataset.pixel_array
    return list(pixels) if int(dataset.get("NumberOfFrames") or 1) > 1 else [pixels]


def _set_frames(dataset: Dataset, frames: list[bytes], syntax: UID) -> None:
    dataset.PixelData = encapsulate(frames)
    dataset["PixelData"].VR = "OB"
    dataset["PixelData"].is_undefined_length = True
    dataset.file_meta.TransferSyntaxUID = syntax
    if dataset.get("SamplesPerPixel", 1) > 1:
        dataset.PlanarConfiguration = 0


def _jpeg(frame: NDArray[Any]) -> bytes:
    import imagecodecs

    return bytes(imagecodecs.jpeg8_encode(frame, level=_JPEG_QUALITY))


def _j2k(frame: NDArray[Any]) -> bytes:
    import imagecodecs

    return bytes(imagecodecs.jpeg2k_encode(frame, level=_J2K_DECIBELS, codecformat="j2k", reversible=False, mct=False))


def _j2k_lossless(frame: NDArray[Any]) -> bytes:
    import imagecodecs

    return bytes(imagecodecs.jpeg2k_encode(frame, level=0, codecformat="j2k", reversible=True, mct=False))


_ENCODERS: dict[UID, Callable[[NDArray[Any]], bytes]] = {
    JPEGBaseline8Bit: _jpeg,
    JPEG2000: _j2k,
    JPEG2000Lossless: _j2k_lossless,
}

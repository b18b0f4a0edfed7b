"""Lossy JPEG by ITK's own decoder, for those who ask for it: python-gdcm, which need not be installed."""

from __future__ import annotations

from importlib import import_module
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from itkdicomqr.errors import CorruptInstanceError, ToolkitError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from itkdicomqr.volume.decoding.layout import PixelLayout

NAME = "gdcm"


def decode_by_gdcm(frame: memoryview, layout: PixelLayout, transfer_syntax_uid: str) -> NDArray[Any]:
    """Decode one JPEG frame whose size has been checked.

    Returns
    -------
    ndarray
        (rows, columns) or (rows, columns, samples), its colours as the header calls them.

    Raises
    ------
    ToolkitError
        python-gdcm is not installed.
    CorruptInstanceError
        GDCM cannot decode the frame.
    """
    gdcm = _gdcm()
    buffer = _image(gdcm, frame, layout, transfer_syntax_uid).GetBuffer()
    decoded = np.frombuffer(buffer.encode("utf-8", "surrogateescape"), layout.dtype)
    if decoded.size != prod(layout.shape):
        message = f"its pixel data decodes to {decoded.size} samples, but the header says {layout.shape}"
        raise CorruptInstanceError(message)
    return decoded.reshape(layout.shape)


def _image(gdcm: Any, frame: memoryview, layout: PixelLayout, transfer_syntax_uid: str) -> Any:
    """Describe one frame to GDCM."""
    fragment = gdcm.Fragment()
    fragment.SetByteStringValue(bytes(frame))
    fragments = gdcm.SequenceOfFragments.New()
    fragments.AddFragment(fragment)
    element = gdcm.DataElement(gdcm.Tag(0x7FE0, 0x0010))
    element.SetValue(fragments.__ref__())
    image = gdcm.Image()
    image.SetNumberOfDimensions(2)
    image.SetDimensions((layout.columns, layout.rows, 1))
    image.SetDataElement(element)
    colours = gdcm.PhotometricInterpretation.GetPIType(layout.photometric)
    image.SetPhotometricInterpretation(gdcm.PhotometricInterpretation(colours))
    image.SetTransferSyntax(gdcm.TransferSyntax(gdcm.TransferSyntax.GetTSType(transfer_syntax_uid)))
    bits = (layout.samples, layout.bits_allocated, layout.bits_stored, layout.high_bit, int(layout.signed))
    image.SetPixelFormat(gdcm.PixelFormat(*bits))
    return image


def _gdcm() -> Any:
    try:
        return import_module("gdcm")
    except ImportError:
        message = "jpeg='gdcm' needs python-gdcm, which is not installed: pip install 'itkdicomqr[gdcm]'"
        raise ToolkitError(message) from None

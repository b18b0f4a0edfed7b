"""An instance in a transfer syntax that a peer accepts: as it is stored if possible, else uncompressed.

Elements are moved as bytes, so that no value is checked, and none shows in a warning.
"""

from __future__ import annotations

from dataclasses import replace
from struct import pack
from typing import TYPE_CHECKING

import numpy as np
from pydicom.datadict import dictionary_VR
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_data_element
from pydicom.tag import Tag
from pydicom.uid import UID, ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from itkdicomqr.errors import UnsupportedImageError
from itkdicomqr.instance import Instance

if TYPE_CHECKING:
    from collections.abc import Collection

    from pydicom.dataset import Dataset
    from pydicom.tag import BaseTag

UNCOMPRESSED = (ExplicitVRLittleEndian, ImplicitVRLittleEndian)
"""What an instance may become, the better first."""

_WIDTHS = {
    2: {"AT", "OW", "SS", "US"},
    4: {"FL", "OF", "OL", "SL", "UL"},
    8: {"FD", "OD", "OV", "SV", "UV"},
}
"""Bytes of one number, by VR: what a change of byte order swaps."""

_PIXEL_REPRESENTATION = 0x00280103
_ITEM = Tag(0xFFFE, 0xE000)


def acceptable(instance: Instance, accepted: Collection[str]) -> Instance:
    """Give an instance the transfer syntax in which it can be sent.

    Parameters
    ----------
    instance : Instance
        As it is stored.
    accepted : collection of str
        The transfer syntaxes that the peer accepted for its class.

    Raises
    ------
    UnsupportedImageError
        None of them can be had.
    InstanceError
        It cannot be parsed.
    """
    if instance.transfer_syntax_uid in accepted:
        return instance
    target = next((syntax for syntax in UNCOMPRESSED if syntax in accepted), None)
    if target is None:
        message = f"transfer syntax {instance.transfer_syntax_uid} cannot become one of {', '.join(accepted) or 'none'}"
        raise UnsupportedImageError(message)
    plain = _decompressed(instance) if UID(instance.transfer_syntax_uid).is_encapsulated else instance
    return transcoded(plain, target)


def transcoded(instance: Instance, target: UID) -> Instance:
    """Encode an uncompressed instance in another uncompressed transfer syntax of little-endian order."""
    swap = instance.transfer_syntax_uid == ExplicitVRBigEndian
    whole = replace(instance).dataset
    encoded = _encoded(whole, target, swap=swap, signed=_is_signed(whole, swap=swap))
    return replace(instance, transfer_syntax_uid=str(target), encoded=encoded)


def _decompressed(instance: Instance) -> Instance:
    dataset = replace(instance).dataset
    try:
        dataset.decompress(generate_instance_uid=False)
    except Exception as error:
        message = f"transfer syntax {instance.transfer_syntax_uid} cannot be decoded here ({type(error).__name__})"
        raise UnsupportedImageError(message) from None
    return Instance.from_dataset(dataset)


def _encoded(dataset: Dataset, target: UID, *, swap: bool, signed: bool) -> bytes:
    buffer = DicomBytesIO()
    buffer.is_little_endian, buffer.is_implicit_VR = True, target.is_implicit_VR
    for tag in sorted(dataset.keys()):
        element: DataElement | RawDataElement = dataset.get_item(tag)
        vr = _vr_of(tag, element.VR, signed=signed)
        if vr == "SQ":
            items = (_encoded(item, target, swap=swap, signed=signed) for item in dataset[tag].value)
            element = _raw(tag, vr, b"".join(map(_item, items)))
        elif element.is_raw:
            value = element.value or b""
            element = _raw(tag, vr, _swapped(value, vr) if swap else value)
        write_data_element(buffer, element)
    return bytes(buffer.getvalue())


def _raw(tag: BaseTag, vr: str, value: bytes) -> RawDataElement:
    return RawDataElement(tag, vr, 0, value, 0, is_implicit_VR=False, is_little_endian=True)


def _item(content: bytes) -> bytes:
    return pack("<HHL", _ITEM.group, _ITEM.element, len(content)) + content


def _vr_of(tag: int, encoded: str | None, *, signed: bool) -> str:
    """Tell the VR to write; the dictionary names two where other attributes decide (PS3.5 A.1)."""
    if encoded:
        return encoded
    try:
        vr = dictionary_VR(tag)
    except KeyError:
        return "UN"
    if "OW" in vr:
        return "OW"
    return "SS" if vr == "US or SS" and signed else vr[:2]


def _is_signed(dataset: Dataset, *, swap: bool) -> bool:
    element = dataset.get_item(_PIXEL_REPRESENTATION)
    return element is not None and int.from_bytes(element.value or b"", "big" if swap else "little") == 1


def _swapped(value: bytes, vr: str) -> bytes:
    width = next((width for width, vrs in _WIDTHS.items() if vr in vrs), 1)
    return np.frombuffer(value[: len(value) // width * width], f"u{width}").byteswap().tobytes() if width > 1 else value

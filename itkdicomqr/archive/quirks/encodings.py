"""Quirks of transfer syntaxes: an archive that keeps and sends one kind, or compresses what it sends."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydicom.uid import (
    UID,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    RLELossless,
)

from itkdicomqr.archive.compression import best_lossy_syntax, compressed
from itkdicomqr.archive.quirks.named import Named
from itkdicomqr.archive.quirks.rows import each_row
from itkdicomqr.archive.seams import Quirk, combined
from itkdicomqr.archive.transcoding import acceptable
from itkdicomqr.archive.values import first_of
from itkdicomqr.errors import UnsupportedImageError
from itkdicomqr.levels import UNIQUE_KEYS, Level

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from pydicom.dataset import Dataset
    from pynetdicom.presentation import PresentationContext

    from itkdicomqr.archive.seams import Encode, Request
    from itkdicomqr.instance import Instance

UNCOMPRESSED = (ExplicitVRLittleEndian, ImplicitVRLittleEndian, ExplicitVRBigEndian)


def uncompressed(*syntaxes: str) -> Quirk:
    """Keep and send everything uncompressed, in one of some transfer syntaxes."""
    return _kept(syntaxes, lambda instance: acceptable(instance, syntaxes))


def compressed_as(syntax: str) -> Quirk:
    """Keep and send everything compressed in one transfer syntax."""
    return _kept([syntax], lambda instance: compressed(instance, syntax))


def compressing_lossily() -> Quirk:
    """Compress an instance anew for a peer that accepts a lossy transfer syntax."""

    def encode(encode: Encode) -> Encode:
        def as_small_as_accepted(instance: Instance, accepted: Collection[str]) -> Instance:
            lossy = best_lossy_syntax(instance)
            return compressed(instance, lossy) if lossy in accepted else encode(instance, accepted)

        return as_small_as_accepted

    return Quirk(encode=encode)


def lossy_originals() -> Quirk:
    """Keep everything lossily compressed."""
    return _keeping(_lossy)


def sending_only_lossily() -> Quirk:
    """Compress with loss whatever is sent, or send nothing."""

    def encode(encode: Encode) -> Encode:
        return lambda instance, accepted: never_decompressing(is_compressed).encode(encode)(_lossy(instance), accepted)

    return Quirk(encode=encode)


def never_decompressing(is_kept: Callable[[str], bool]) -> Quirk:
    """Send what is compressed as it is stored, or not at all."""

    def encode(encode: Encode) -> Encode:
        def as_stored(instance: Instance, accepted: Collection[str]) -> Instance:
            syntax = instance.transfer_syntax_uid
            if is_kept(syntax) and syntax not in accepted:
                message = f"transfer syntax {syntax} is not accepted, and is sent in no other"
                raise UnsupportedImageError(message)
            return encode(instance, accepted)

        return as_stored

    return Quirk(encode=encode)


def is_compressed(syntax: str) -> bool:
    """Tell whether a transfer syntax compresses pixels."""
    return UID(syntax).is_encapsulated


def is_jpeg_2000(syntax: str) -> bool:
    """Tell JPEG 2000, lossless or not."""
    return syntax in ("1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.4.91")


def _kept(syntaxes: Sequence[str], change: Callable[[Instance], Instance]) -> Quirk:
    def contexts(contexts: list[PresentationContext]) -> list[PresentationContext]:
        for context in contexts:
            if context.scu_role:  # only what is stored is sent
                context.transfer_syntax = list(map(UID, syntaxes))
        return contexts

    return combined([Quirk(contexts=contexts), _keeping(change)])


def _keeping(change: Callable[[Instance], Instance]) -> Quirk:
    """Keep instances in another form, of which the rows tell too."""

    def row(identifier: Dataset, request: Request) -> Dataset:
        told = [keyword for keyword in _OF_THE_ENCODING if keyword in identifier]
        if request.level is not Level.IMAGE or not told:
            return identifier
        uid = first_of(identifier, UNIQUE_KEYS[Level.IMAGE])
        kept = change(next(entry.instance for entry in request.index.entries() if entry.path[-1] == uid))
        known = {"AvailableTransferSyntaxUID": kept.transfer_syntax_uid}
        for keyword in told:
            setattr(identifier, keyword, known.get(keyword) or first_of(kept.header, keyword))
        return identifier

    return Quirk(kept=change, answers=each_row(row))


def _lossy(instance: Instance) -> Instance:
    return compressed(instance, best_lossy_syntax(instance))


_OF_THE_ENCODING = ("AvailableTransferSyntaxUID", "LossyImageCompression")
"""Keys of the IMAGE level whose values depend on the form in which an instance is kept."""


NAMED = (
    Named(
        "never-decompresses",
        "sends what is compressed as it is stored, or not at all",
        lambda: never_decompressing(is_compressed),
        seen="dcmqrscp, qrscp, tiny-pacs",
    ),
    Named(
        "never-decompresses-j2k",
        "sends JPEG 2000 as it is stored, or not at all",
        lambda: never_decompressing(is_jpeg_2000),
        seen="Orthanc",
    ),
    Named(
        "uncompressed-only",
        "stores and sends nothing compressed",
        lambda: uncompressed(*UNCOMPRESSED),
        seen="dcmqrscp, pixelmed",
    ),
    Named(
        "implicit-only",
        "stores and sends nothing but Implicit VR Little Endian",
        lambda: uncompressed(ImplicitVRLittleEndian),
        seen="CTN",
    ),
    Named("rle-only", "sends nothing but RLE Lossless", lambda: compressed_as(RLELossless)),
    Named("j2k-only", "sends nothing but JPEG 2000 Lossless", lambda: compressed_as(JPEG2000Lossless)),
    Named("compresses-lossily", "compresses anew where a lossy transfer syntax is accepted", compressing_lossily),
    Named("lossy-originals", "holds everything lossily compressed", lossy_originals),
    Named("lossy-only", "sends nothing but what it compresses with loss on the way", sending_only_lossily),
)

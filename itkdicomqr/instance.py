"""One DICOM instance in memory: its encoded data set, and how it came."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from io import BytesIO
from typing import TYPE_CHECKING, Self

from pydicom.config import IGNORE
from pydicom.filebase import DicomBytesIO
from pydicom.filereader import read_dataset
from pydicom.filewriter import write_dataset
from pydicom.uid import UID, DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian

from itkdicomqr.buffers import give_back
from itkdicomqr.errors import CorruptInstanceError, LimitExceededError
from itkdicomqr.outlines import Outlines
from itkdicomqr.scan import UNDEFINED_LENGTH, Header, scan

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

Bytes = bytes | bytearray | memoryview

MAX_INFLATED_BYTES = 2 << 30
MAX_INFLATE_RATIO = 200
"""How far a deflated data set is inflated: in bytes, and as the usual ratio. Pixels reach 20, a bomb 1000."""

SOP_CLASS_UID = 0x00080016
SOP_INSTANCE_UID = 0x00080018
SERIES_INSTANCE_UID = 0x0020000E

_PREAMBLE = 128
_MEDIA_STORAGE_SOP_CLASS_UID = 0x00020002
_MEDIA_STORAGE_SOP_INSTANCE_UID = 0x00020003
_TRANSFER_SYNTAX_UID = 0x00020010
_AFTER_META = 0x00030000


@dataclass(frozen=True)
class PixelElement:
    """A pixel data element as it is encoded (PS3.5 A.4, 8.2).

    Attributes
    ----------
    tag : int
        (7FE0,0008), (7FE0,0009) or (7FE0,0010).
    VR : str
        Empty where the encoding is implicit.
    value : memoryview
        The bytes of the value; of an encapsulated one, its items.
    encapsulated : bool
        Whether the items hold fragments of compressed frames.
    """

    tag: int
    VR: str
    value: memoryview = field(repr=False)
    encapsulated: bool


@dataclass(frozen=True, eq=False)
class Instance:
    """An encoded data set, with what the C-STORE request or the file said of it.

    Nothing is parsed before it is asked for, and no value but UIDs shows in the repr.

    Attributes
    ----------
    sop_class_uid, sop_instance_uid, transfer_syntax_uid : str
        As the command, or the file meta information, calls them.
    encoded : bytes, bytearray or memoryview
        The data set, without preamble and file meta information.
    origin : str
        How it came: ``"C-GET"``, ``"C-MOVE"``, ``"WADO-RS"``, ``"C-STORE"``, ``"memory"``, ``"file"``.
    max_inflate_ratio : int
        How much the data set may grow where its transfer syntax is deflated.
    """

    sop_class_uid: str
    sop_instance_uid: str
    transfer_syntax_uid: str
    encoded: Bytes = field(repr=False)
    origin: str = "memory"
    max_inflate_ratio: int = field(default=MAX_INFLATE_RATIO, repr=False)

    @classmethod
    def from_part10(cls, content: Bytes, *, origin: str = "memory", max_inflate_ratio: int = MAX_INFLATE_RATIO) -> Self:
        """Take the bytes of a DICOM file (PS3.10 7.1).

        Its UIDs are those of the data set, if it has them: who copies a file often forgets the file meta
        information.

        Raises
        ------
        CorruptInstanceError
            There is no preamble or file meta information, or it is damaged.
        LimitExceededError
            The data set is deflated, and inflates beyond the limit.
        """
        view = memoryview(content)
        if bytes(view[_PREAMBLE : _PREAMBLE + 4]) != b"DICM":
            message = "these bytes are no DICOM file (PS3.10): 'DICM' is not at offset 128"
            raise CorruptInstanceError(message)
        meta = scan(view[_PREAMBLE + 4 :], ExplicitVRLittleEndian, before=_AFTER_META)
        syntax = meta.uid(_TRANSFER_SYNTAX_UID)
        if not syntax:
            message = "the file meta information lacks TransferSyntaxUID (0002,0010): its pixels could mean anything"
            raise CorruptInstanceError(message)
        encoded = view[_PREAMBLE + 4 + meta.end :]
        unnamed = cls("", "", syntax, encoded, origin, max_inflate_ratio)
        sop_class = unnamed.elements.uid(SOP_CLASS_UID) or meta.uid(_MEDIA_STORAGE_SOP_CLASS_UID)
        sop_instance = unnamed.elements.uid(SOP_INSTANCE_UID) or meta.uid(_MEDIA_STORAGE_SOP_INSTANCE_UID)
        if not (sop_class and sop_instance):
            message = "neither the file meta information nor the data set has SOPClassUID and SOPInstanceUID"
            raise CorruptInstanceError(message)
        named = replace(unnamed, sop_class_uid=sop_class, sop_instance_uid=sop_instance)
        # The data set has been scanned, and inflated, by now.
        vars(named).update(elements=unnamed.elements, inflated=unnamed.inflated)
        return named

    @classmethod
    def from_dataset(cls, dataset: Dataset, *, origin: str = "memory") -> Self:
        """Encode a pydicom data set in the transfer syntax that its file meta information names.

        Raises
        ------
        CorruptInstanceError
            It names no transfer syntax, or cannot be encoded.
        """
        meta = getattr(dataset, "file_meta", None)
        if meta is None or "TransferSyntaxUID" not in meta:
            message = "the data set has no file_meta.TransferSyntaxUID: its pixels could mean anything"
            raise CorruptInstanceError(message, sop_instance_uid=str(dataset.get("SOPInstanceUID", "")))
        syntax = known_syntax(str(meta.TransferSyntaxUID))
        sop_class = dataset.get("SOPClassUID") or meta.get("MediaStorageSOPClassUID")
        sop_instance = dataset.get("SOPInstanceUID") or meta.get("MediaStorageSOPInstanceUID")
        if not (sop_class and sop_instance):
            message = "neither the data set nor its file_meta has SOPClassUID and SOPInstanceUID"
            raise CorruptInstanceError(message)
        if "PixelData" in dataset:
            # As pydicom does when it writes a file: one made in memory need not say it yet (PS3.5 A.4).
            dataset["PixelData"].is_undefined_length = syntax.is_encapsulated
        try:
            content = encoded(dataset, syntax)
        except Exception as error:
            message = f"the data set cannot be encoded ({type(error).__name__})"
            raise CorruptInstanceError(message, sop_instance_uid=str(sop_instance)) from error
        if syntax == DeflatedExplicitVRLittleEndian:
            deflater = zlib.compressobj(wbits=-zlib.MAX_WBITS)
            content = deflater.compress(content) + deflater.flush()
        return cls(str(sop_class), str(sop_instance), str(syntax), content, origin)

    @cached_property
    def dataset(self) -> Dataset:
        """The whole data set, with ``file_meta``, parsed by pydicom on first use.

        Raises
        ------
        CorruptInstanceError
            The bytes are no data set in this transfer syntax.
        """
        from pydicom.dataset import FileMetaDataset

        dataset = self._parsed(self.inflated)
        dataset.file_meta = FileMetaDataset()
        dataset.file_meta.TransferSyntaxUID = UID(self.transfer_syntax_uid, IGNORE)
        dataset.file_meta.MediaStorageSOPClassUID = UID(self.sop_class_uid, IGNORE)
        dataset.file_meta.MediaStorageSOPInstanceUID = UID(self.sop_instance_uid, IGNORE)
        return dataset

    @cached_property
    def header(self) -> Dataset:
        """The elements before the pixel data, parsed by pydicom on first use.

        Raises
        ------
        CorruptInstanceError
            The bytes are no data set in this transfer syntax.
        """
        return self._parsed(self.inflated[: self.elements.end])

    @cached_property
    def elements(self) -> Header:
        """The elements before the pixel data as they are encoded, found without pydicom.

        Raises
        ------
        CorruptInstanceError
            The bytes are no data set in this transfer syntax.
        """
        return self._scanned(Outlines())

    def scan(self, outlines: Outlines) -> None:
        """Find the elements now, with the help of what was scanned before.

        Raises
        ------
        CorruptInstanceError
            The bytes are no data set in this transfer syntax.
        """
        if "elements" not in vars(self):
            vars(self)["elements"] = self._scanned(outlines)

    def _scanned(self, outlines: Outlines) -> Header:
        try:
            return outlines.scan(self.inflated, known_syntax(self.transfer_syntax_uid))
        except CorruptInstanceError as error:
            raise self._corrupt(str(error.args[0])) from None

    @cached_property
    def pixels(self) -> PixelElement | None:
        """The pixel data element, or None where there is none; its bytes are not copied.

        Raises
        ------
        CorruptInstanceError
            The element is cut short.
        """
        found = self.elements.following()
        if found is None:
            return None
        tag, vr, start, length = found
        value = self.inflated[start:]
        if length == UNDEFINED_LENGTH:
            return PixelElement(tag, vr, value, encapsulated=True)
        if length > len(value):
            raise self._corrupt(f"its pixel data should have {length} bytes, of which {len(value)} are there")
        return PixelElement(tag, vr, value[:length], encapsulated=False)

    @cached_property
    def inflated(self) -> memoryview:
        """The encoded data set, inflated where the transfer syntax is deflated (PS3.5 A.5).

        Raises
        ------
        CorruptInstanceError
            The stream is damaged.
        LimitExceededError
            It inflates beyond ``max_inflate_ratio``, or beyond ``MAX_INFLATED_BYTES``.
        """
        if self.transfer_syntax_uid != DeflatedExplicitVRLittleEndian:
            return memoryview(self.encoded)
        limit = min(MAX_INFLATED_BYTES, self.max_inflate_ratio * len(self.encoded))
        inflater = zlib.decompressobj(-zlib.MAX_WBITS)
        try:
            content = inflater.decompress(self.encoded, limit)
        except zlib.error:
            raise self._corrupt("its deflated data set is damaged") from None
        if inflater.unconsumed_tail or (content and len(content) == limit and not inflater.eof):
            raise self._too_large(limit)
        if not inflater.eof:
            raise self._corrupt("its deflated data set is cut short")
        return memoryview(content)

    def give_back(self, first: int, size: int) -> None:
        """Let the system have the memory of native pixel data that was read; its bytes are lost.

        Nothing happens where the data set is deflated: what is encoded there is not the pixel data.

        Parameters
        ----------
        first, size : int
            The bytes of the pixel data, from its beginning.
        """
        found = self.elements.following()
        is_deflated = self.transfer_syntax_uid == DeflatedExplicitVRLittleEndian
        if found is not None and not is_deflated and isinstance(self.encoded, memoryview):
            start = found[2] + first
            give_back(self.encoded, start, start + size)

    def copied(self) -> Self:
        """Give the same instance in memory of its own."""
        return replace(self, encoded=bytes(self.encoded))

    def without_pixels(self) -> Self:
        """Give the same instance up to its pixel data, in memory of its own."""
        elements = self.elements.without_pixels()
        bare = replace(self, encoded=elements.data)
        # What was deflated is so no more.
        vars(bare).update(elements=elements, inflated=memoryview(elements.data))
        return bare

    def _parsed(self, encoded: memoryview) -> Dataset:
        """Have pydicom read a data set; what it raises over damaged bytes becomes our error, without values."""
        syntax = UID(self.transfer_syntax_uid, IGNORE)
        try:
            return read_dataset(BytesIO(encoded), syntax.is_implicit_VR, syntax.is_little_endian)
        except (Exception, RecursionError) as error:
            raise self._corrupt(f"its data set cannot be parsed ({type(error).__name__})") from None

    def _too_large(self, limit: int) -> LimitExceededError:
        """Make the error that says which limit of inflation is exceeded, and how to raise it."""
        whose = f"instance {self.sop_instance_uid}: " if self.sop_instance_uid else ""
        cure = (
            "no ratio allows more: retrieve it in another transfer syntax"
            if limit == MAX_INFLATED_BYTES
            else f"more than {self.max_inflate_ratio} times as many: raise Limits(max_inflate_ratio=...) of the node, "
            "or Instance(max_inflate_ratio=...)"
        )
        message = f"{whose}its deflated data set of {len(self.encoded)} bytes inflates to more than {limit}, {cure}"
        return LimitExceededError(message)

    def _corrupt(self, reason: str) -> CorruptInstanceError:
        return CorruptInstanceError(reason, sop_instance_uid=self.sop_instance_uid)


def encoded(dataset: Dataset, syntax: UID) -> bytes:
    """Encode a data set in a transfer syntax, without deflating it."""
    buffer = DicomBytesIO()
    buffer.is_implicit_VR, buffer.is_little_endian = syntax.is_implicit_VR, syntax.is_little_endian
    write_dataset(buffer, dataset)
    return buffer.getvalue()


@lru_cache
def known_syntax(uid: str) -> UID:
    """Give a transfer syntax that the standard names.

    Raises
    ------
    CorruptInstanceError
        It names none such, so the encoding is unknown.
    """
    syntax = UID(uid, IGNORE)
    if syntax != uid or not syntax.is_transfer_syntax or syntax.is_private:  # pydicom strips what it takes for spaces
        message = f"the transfer syntax {uid!r:.70} is not known"
        raise CorruptInstanceError(message)
    return syntax

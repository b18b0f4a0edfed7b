"""What may tell volumes at the same positions apart, and where each vendor writes it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

from itkdicomqr.volume.elements import NUMBER_FORMATS, vr_of
from itkdicomqr.volume.separating.nearness import nearby

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from types import UnionType

    from itkdicomqr.volume.elements import Elements, Value

    Values = tuple[Value, ...]

_MANUFACTURER = 0x00080070
_FIRST_BLOCK, _LAST_BLOCK = 0x10, 0xFF


@dataclass(frozen=True)
class Blocks:
    """Whose private elements are where (PS3.5 7.8.1).

    Attributes
    ----------
    reserved : mapping
        The private creator of each block, by group and number.
    manufacturer : str
        Who made the scanner.
    """

    reserved: Mapping[tuple[int, int], str]
    manufacturer: str

    @classmethod
    def of(cls, elements: Elements) -> Blocks:
        """Find the private creators of a header."""
        tags = (tag for tag in elements.raw if tag >> 16 & 1 and _FIRST_BLOCK <= tag & 0xFFFF <= _LAST_BLOCK)
        reserved = {(tag >> 16, tag & 0xFF): elements.text(tag) for tag in tags}
        return cls(reserved, elements.text(_MANUFACTURER).upper())

    def find(self, private: Private) -> int | None:
        """Return the block of some private elements; the first where the creator's name was removed."""
        for (group, block), creator in self.reserved.items():
            if (group, creator) == (private.group, private.creator):
                return block
        unnamed = (private.group, _FIRST_BLOCK) not in self.reserved
        return _FIRST_BLOCK if unnamed and self.manufacturer.startswith(private.manufacturer) else None


@dataclass(frozen=True)
class Standard:
    """A public element.

    Attributes
    ----------
    tag : int
        Its tag.
    meaning : callable, optional
        From what is written to what it means.
    """

    tag: int
    meaning: Callable[[Values], Values] | None = None

    @property
    def usual_tags(self) -> tuple[int, ...]:
        """Where it is."""
        return (self.tag,)

    def values(self, elements: Elements, _blocks: Blocks) -> Values:
        """Return its values, none where it is absent."""
        written = elements.values(self.tag) if self.tag in elements else ()
        return self.meaning(written) if self.meaning else written


@dataclass(frozen=True)
class Private:
    """Private elements of one creator, each the next values of the attribute.

    Attributes
    ----------
    manufacturer : str
        How Manufacturer begins, in capitals.
    creator : str
        Who reserved their block; the same elements mean other things in a block of somebody else's.
    group : int
        Their group.
    offsets : tuple of int
        The last bytes of their element numbers.
    vr : str
        For where the encoding does not tell it.
    meaning : callable, optional
        From what is written to what it means.
    """

    manufacturer: str
    creator: str
    group: int
    offsets: tuple[int, ...]
    vr: str
    meaning: Callable[[Values], Values] | None = None

    @property
    def usual_tags(self) -> tuple[int, ...]:
        """Where they are in the first block, which most creators reserve."""
        return self._tags_in(_FIRST_BLOCK)

    def values(self, elements: Elements, blocks: Blocks) -> Values:
        """Return their values, none where the creator has no block."""
        block = blocks.find(self)
        if block is None:
            return ()
        written = tuple(value for tag in self._tags_in(block) for value in self._values_at(tag, elements))
        return self.meaning(written) if self.meaning and written else written

    def _tags_in(self, block: int) -> tuple[int, ...]:
        return tuple(self.group << 16 | block << 8 | offset for offset in self.offsets)

    def _values_at(self, tag: int, elements: Elements) -> Values:
        if tag not in elements:
            return ()
        told = vr_of(elements.raw[tag])
        vr = self.vr if told == "UN" else told
        return elements.binary(tag, vr) if vr in NUMBER_FORMATS else elements.values(tag)


def read_discriminators(elements: Elements) -> dict[str, Values]:
    """Read every attribute that may tell volumes apart; where several elements have it, the first that is there.

    One that holds no number (NaN, which equals nothing, not even itself, or infinity) counts as absent.
    """
    blocks = Blocks.of(elements)
    read = {}
    for keyword, sources in SOURCES.items():
        found = (values for source in sources if (values := source.values(elements, blocks)))
        read[keyword] = next((values for values in found if not any(map(_is_no_number, values))), ())
    return read


def read_all(headers: Sequence[Elements]) -> list[dict[str, Values]]:
    """Read the same of each header; numbers that are measured, and differ by less than their noise, become one."""
    read = list(map(read_discriminators, headers))
    for keyword, noise in NOISE.items():
        numbers = list({numbers_in(values[keyword]) for values in read})
        alike = dict(zip(numbers, nearby(numbers, noise), strict=True)) if len(numbers) > 1 else {}
        for values in read if alike else ():
            values[keyword] = alike[numbers_in(values[keyword])] or values[keyword]
    return read


def numbers_in(values: Values) -> tuple[float, ...]:
    """Return values that are all numbers, else nothing."""
    numbers = tuple(value for value in values if not isinstance(value, str))
    return numbers if len(numbers) == len(values) else ()


def may_differ(headers: Sequence[Elements], keywords: Iterable[str], kinds: type | UnionType) -> bool:
    """Tell whether an element of some attributes differs; bytes are compared, since nearly always none does.

    Parameters
    ----------
    headers : sequence of Elements
        Of a stack.
    keywords : iterable of str
        The attributes.
    kinds : type
        Which of their elements count: `Standard`, `Private` or both.
    """
    sources = [source for keyword in keywords for source in SOURCES[keyword] if isinstance(source, kinds)]
    tags = [tag for source in sources for tag in source.usual_tags]
    return any(len({elements.content(tag) for elements in headers}) > 1 for tag in tags)


def _is_no_number(value: Value) -> bool:
    return isinstance(value, float) and not math.isfinite(value)


def _b_value_of_ge(written: Values) -> Values:
    """Take the first of the values, without the flag that some software adds as a multiple of a billion."""
    first = written[0]
    return (first % 1e5,) if isinstance(first, float) else ()


def _component_of_ge(written: Values) -> Values:
    names: Mapping[float, str] = {0: "MAGNITUDE", 1: "PHASE", 2: "REAL", 3: "IMAGINARY"}
    return tuple(names.get(number, number) for number in written if not isinstance(number, str))


def _component_of(image_type: Values) -> Values:
    """Read the component of complex data beyond the values that say whether an image is original and primary."""
    return _components_in(image_type[2:])


def _components_in(written: Values) -> Values:
    words = (str(value).partition("_")[0] for value in written)
    return tuple(_COMPONENTS[word] for word in words if word in _COMPONENTS)[:1]


_COMPONENTS: Mapping[str, str] = {
    "M": "MAGNITUDE",
    "MAGNITUDE": "MAGNITUDE",
    "P": "PHASE",
    "PHASE": "PHASE",
    "PHASE MAP": "PHASE",
    "R": "REAL",
    "REAL": "REAL",
    "I": "IMAGINARY",
    "IMAGINARY": "IMAGINARY",
}
"""As Siemens and Philips (M_FFE, P_SE, ...) write components in ImageType, and as ComplexImageComponent does."""

SOURCES: Mapping[str, tuple[Standard | Private, ...]] = {
    "ReferencedSegmentNumber": (Standard(0x0062000B),),
    "StackID": (Standard(0x00209056),),
    "TemporalPositionIdentifier": (Standard(0x00200100), Standard(0x00209128)),
    "ImageType": (Standard(0x00089007), Standard(0x00080008)),
    "ComplexImageComponent": (
        Standard(0x00089208),
        Private("GE", "GEMS_PARM_01", 0x0043, (0x2F,), "SS", _component_of_ge),
        Private("PHILIPS", "Philips MR Imaging DD 001", 0x2005, (0x11,), "CS", _components_in),
        Standard(0x00089007, _component_of),
        Standard(0x00080008, _component_of),
    ),
    "DataType": (Standard(0x00189808),),
    "EchoTime": (Standard(0x00180081), Standard(0x00189082)),
    "EchoNumbers": (Standard(0x00180086),),
    "InversionTime": (Standard(0x00180082), Standard(0x00189079)),
    "FlipAngle": (Standard(0x00181314),),
    "RepetitionTime": (Standard(0x00180080),),
    "DiffusionBValue": (
        Standard(0x00189087),
        Private("SIEMENS", "SIEMENS MR HEADER", 0x0019, (0x0C,), "IS"),
        Private("GE", "GEMS_PARM_01", 0x0043, (0x39,), "IS", _b_value_of_ge),
        Private("PHILIPS", "Philips Imaging DD 001", 0x2001, (0x03,), "FL"),
        Private("UIH", "Image Private Header", 0x0065, (0x09,), "FD"),
    ),
    "DiffusionGradientOrientation": (
        Standard(0x00189089),
        Private("SIEMENS", "SIEMENS MR HEADER", 0x0019, (0x0E,), "FD"),
        Private("GE", "GEMS_ACQU_01", 0x0019, (0xBB, 0xBC, 0xBD), "DS"),
        Private("PHILIPS", "Philips MR Imaging DD 001", 0x2005, (0xB0, 0xB1, 0xB2), "FL"),
        Private("UIH", "Image Private Header", 0x0065, (0x37,), "FD"),
    ),
    "TriggerTime": (Standard(0x00181060),),
    "NominalPercentageOfCardiacPhase": (Standard(0x00209241),),
    "NominalCardiacTriggerDelayTime": (Standard(0x00209153),),
    "FrameReferenceTime": (Standard(0x00541300),),
    "ActualFrameDuration": (Standard(0x00181242),),
    "TemporalPositionTimeOffset": (Standard(0x0020930D),),
    "EnergyWindowVector": (Standard(0x00540010),),
    "RRIntervalVector": (Standard(0x00540060),),
    "TimeSlotVector": (Standard(0x00540070),),
    "AcquisitionNumber": (Standard(0x00200012),),
    "AcquisitionDate": (Standard(0x00080022),),
    "AcquisitionTime": (Standard(0x00080032),),
    "ContentDate": (Standard(0x00080023),),
    "ContentTime": (Standard(0x00080033),),
    "AcquisitionDateTime": (Standard(0x00189074), Standard(0x0008002A)),
    "ConvolutionKernel": (Standard(0x00181210),),
    "ReconstructionDiameter": (Standard(0x00181100),),
    "ReceiveCoilName": (Standard(0x00181250), Private("SIEMENS", "SIEMENS MR HEADER", 0x0051, (0x0F,), "LO")),
    "KVP": (Standard(0x00180060),),
    "SliceThickness": (Standard(0x00180050),),
    "SequenceName": (Standard(0x00180024),),
    "ImageIndex": (Standard(0x00541330),),
}
"""Each attribute by its keyword, and the elements that may hold it."""

DISCRIMINATORS: tuple[tuple[str, ...], ...] = (
    ("ReferencedSegmentNumber",),
    ("StackID",),
    ("TemporalPositionIdentifier",),
    ("ImageType",),
    ("ComplexImageComponent",),
    ("DataType",),
    ("EchoTime",),
    ("EchoNumbers",),
    ("InversionTime",),
    ("FlipAngle",),
    ("DiffusionBValue", "DiffusionGradientOrientation"),
    ("TriggerTime",),
    ("NominalPercentageOfCardiacPhase",),
    ("NominalCardiacTriggerDelayTime",),
    ("FrameReferenceTime",),
    ("TemporalPositionTimeOffset",),
    ("EnergyWindowVector",),
    ("RRIntervalVector",),
    ("TimeSlotVector",),
    ("AcquisitionNumber",),
    ("AcquisitionDate", "AcquisitionTime"),
    ("ContentDate", "ContentTime"),
    ("AcquisitionDateTime",),
    ("ConvolutionKernel",),
    ("ReconstructionDiameter",),
    ("ReceiveCoilName",),
    ("KVP",),
)
"""What is asked together; of those that give equally few volumes, the first decides."""

LAST_RESORT: tuple[tuple[str, ...], ...] = (
    ("RepetitionTime",),
    ("SliceThickness",),
    ("SequenceName",),
    ("ActualFrameDuration",),
)
"""What is asked where the order of the slices tells nothing either: these may differ within a volume."""

MAY_DIFFER_IN_EACH_IMAGE = frozenset(
    {
        "TriggerTime",
        "NominalCardiacTriggerDelayTime",
        "FrameReferenceTime",
        "TemporalPositionTimeOffset",
        "AcquisitionTime",
        "ContentTime",
        "AcquisitionDateTime",
    }
)
"""Times that may differ among the slices of one volume."""

HAVE_FEW_VALUES = MAY_DIFFER_IN_EACH_IMAGE | {"InversionTime", *chain.from_iterable(LAST_RESORT)}
"""What tells volumes only if it has not many more values than volumes."""

OF_PARTS = MAY_DIFFER_IN_EACH_IMAGE | {"InversionTime", "AcquisitionNumber", "AcquisitionDate", "ContentDate"}
"""What the slabs or packages of one volume may have each its own value of."""

APART_AT_ANY_HEIGHT = (
    "EchoTime",
    "DiffusionBValue",
    "ComplexImageComponent",
    "StackID",
    "ConvolutionKernel",
)
"""What tells volumes apart whose slices share no position; ImageType as a whole differs within some."""

WORTH_A_WORD = (
    *APART_AT_ANY_HEIGHT,
    "FlipAngle",
    "TemporalPositionIdentifier",
    "SliceThickness",
    "KVP",
    "ReconstructionDiameter",
)
"""What a volume has one value of, or it may be several."""

RANKS = (
    "ImageIndex",
    "TriggerTime",
    "NominalCardiacTriggerDelayTime",
    "FrameReferenceTime",
    "TemporalPositionTimeOffset",
)
"""What orders the slices of a position, where it differs from position to position."""

NEVER_MIXED = (
    "StackID",
    "TemporalPositionIdentifier",
    "ImageType",
    "ComplexImageComponent",
    "DataType",
    "EchoTime",
    "FlipAngle",
    "DiffusionBValue",
    "DiffusionGradientOrientation",
    "ConvolutionKernel",
    "ReconstructionDiameter",
    "ReceiveCoilName",
    "KVP",
)
"""What all slices of one volume share, unless it belongs to their position, or has too many values."""

NOISE: Mapping[str, float] = {
    "EchoTime": 1e-3,
    "InversionTime": 1e-3,
    "FlipAngle": 1e-3,
    "RepetitionTime": 1e-3,
    "DiffusionBValue": 0.5,
    "DiffusionGradientOrientation": 1e-3,
    "ReconstructionDiameter": 1e-3,
    "KVP": 1e-3,
    "SliceThickness": 1e-2,
}
"""By how little two values of a measure may differ and mean the same, in its own unit."""

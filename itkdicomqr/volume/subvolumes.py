"""Several volumes at the same positions: what tells their slices apart.

A stack in which positions repeat holds echoes, time points, phases, diffusion directions or
reconstructions. The smallest set of attributes that puts at most one slice of each volume at each
position splits it; where none does but all positions repeat equally often, the order of InstanceNumber
within each position does; otherwise it is refused.
"""

from __future__ import annotations

from collections import defaultdict
from itertools import combinations
from typing import TYPE_CHECKING, Any

from itkdicomqr.errors import AmbiguousVolumesError
from itkdicomqr.volume.grouping import Stack, by_number, in_order, repeats

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from itkdicomqr.volume.elements import Elements, Value
    from itkdicomqr.volume.headers import SliceHeader

    Values = tuple[Value, ...]
    Run = list[SliceHeader]
    """The slices at one position."""

REPETITION = "repetition"
"""The key of volumes that only the order of InstanceNumber tells apart, counted from 0."""

MOST_ATTRIBUTES = 2
"""How many attributes together may tell volumes apart."""

VOLUMES_PER_REPEAT = 1.5
"""A time that differs in every image is no answer: it may give this many volumes for each repeat, and one more."""


def separated(stack: Stack) -> list[Stack]:
    """Split a stack in which positions repeat into one for each volume; any other is its own.

    Raises
    ------
    AmbiguousVolumesError
        Nothing tells the slices of a position apart.
    """
    runs = repeats(stack.slices)
    if max(map(len, runs)) == 1:
        return [stack]
    volumes = _by_attributes(runs) or _by_repetition(runs)
    if volumes is None:
        raise AmbiguousVolumesError(_ambiguity(runs))
    return [Stack(in_order(slices), {**stack.key, **key}) for key, slices in volumes]


def _by_attributes(runs: Sequence[Run]) -> list[tuple[dict[str, Any], Run]] | None:
    """Split by the smallest set of attributes that leaves no repeats, into the fewest volumes."""
    slices = [header for run in runs for header in run]
    values = {
        keyword: {id(header): _values_of(keyword, header.elements) for header in slices} for keyword in DISCRIMINATORS
    }
    varying = [keyword for keyword, of in values.items() if len(set(of.values())) > 1]
    for count in range(1, MOST_ATTRIBUTES + 1):
        splits = [_split(runs, keywords, values) for keywords in combinations(varying, count)]
        valid = [split for split in splits if split is not None]
        if valid:
            return min(valid, key=len)
    return None


def _split(
    runs: Sequence[Run], keywords: tuple[str, ...], values: Mapping[str, Mapping[int, Values]]
) -> list[tuple[dict[str, Any], Run]] | None:
    """Split by the values of some attributes, unless two slices of one volume share a position."""
    volumes: dict[tuple[Values, ...], Run] = defaultdict(list)
    for run in runs:
        keys = [tuple(values[keyword][id(header)] for keyword in keywords) for header in run]
        if len(set(keys)) < len(keys):
            return None
        for key, header in zip(keys, run, strict=True):
            volumes[key].append(header)
    most = VOLUMES_PER_REPEAT * max(map(len, runs)) + 1
    if not PER_IMAGE.isdisjoint(keywords) and len(volumes) > most:
        return None
    return [(_shown(keywords, key), volumes[key]) for key in sorted(volumes, key=_sortable)]


def _by_repetition(runs: Sequence[Run]) -> list[tuple[dict[str, Any], Run]] | None:
    """Take the first slice of each position by InstanceNumber, then the second, and so on."""
    count = len(runs[0])
    headers = [header for run in runs for header in run]
    numbers = {(header.instance_number, header.frame) for header in headers if header.instance_number is not None}
    if any(len(run) != count for run in runs) or len(numbers) < len(headers):
        return None
    ranked = [sorted(run, key=by_number) for run in runs]
    return [({REPETITION: rank}, [run[rank] for run in ranked]) for rank in range(count)]


def _shown(keywords: tuple[str, ...], key: tuple[Values, ...]) -> dict[str, Any]:
    return {keyword: value[0] if len(value) == 1 else value for keyword, value in zip(keywords, key, strict=True)}


def _sortable(key: tuple[Values, ...]) -> list[list[tuple[bool, Value]]]:
    """Put numbers before words, so that both can be compared."""
    return [[(isinstance(part, str), part) for part in value] for value in key]


def _ambiguity(runs: Sequence[Run]) -> str:
    repeated = [run for run in runs if len(run) > 1]
    shown = "; ".join(
        f"{len(run)} at {', '.join(f'{axis:g}' for axis in run[0].position or ())}" for run in repeated[:5]
    )
    more = f" and {len(repeated) - 5} more positions" if len(repeated) > 5 else ""
    counts = sorted(set(map(len, runs)))
    return (
        f"several slices share a position ({shown}{more}), no attribute tells their volumes apart, and the "
        f"positions hold {' or '.join(map(str, counts))} slices; pass the instances of one volume only"
    )


def _values_of(keyword: str, elements: Elements) -> Values:
    """Return the values of the first of an attribute's elements that are there."""
    groups = DISCRIMINATORS[keyword]
    return next((values for tags in groups if (values := _all_of(tags, elements))), ())


def _all_of(tags: Iterable[int], elements: Elements) -> Values:
    return tuple(value for tag in tags for value in elements.values(tag))


DISCRIMINATORS: Mapping[str, tuple[tuple[int, ...], ...]] = {
    "StackID": ((0x00209056,),),
    "TemporalPositionIdentifier": ((0x00200100,), (0x00209128,)),
    "ImageType": ((0x00089007,), (0x00080008,)),
    "ComplexImageComponent": ((0x00089208,),),
    "EchoTime": ((0x00180081,), (0x00189082,)),
    "EchoNumbers": ((0x00180086,),),
    "InversionTime": ((0x00180082,),),
    "FlipAngle": ((0x00181314,),),
    "DiffusionBValue": (
        (0x00189087, 0x00189089),
        (0x0019100C, 0x0019100E),  # Siemens
        (0x00431039, 0x001910BB, 0x001910BC, 0x001910BD),  # GE
        (0x20011003, 0x200510B0, 0x200510B1, 0x200510B2),  # Philips
        (0x00651009,),  # United Imaging
    ),
    "TriggerTime": ((0x00181060,),),
    "NominalPercentageOfCardiacPhase": ((0x00209241,),),
    "NominalCardiacTriggerDelayTime": ((0x00209153,),),
    "FrameReferenceTime": ((0x00541300,),),
    "EnergyWindowVector": ((0x00540010,),),
    "RRIntervalVector": ((0x00540060,),),
    "TimeSlotVector": ((0x00540070,),),
    "AcquisitionNumber": ((0x00200012,),),
    "AcquisitionTime": ((0x00080032,),),
    "ContentTime": ((0x00080033,),),
    "ConvolutionKernel": ((0x00181210,),),
    "ReconstructionDiameter": ((0x00181100,),),
}
"""What may tell volumes apart: each attribute's elements, and others of the same meaning.

Of those that give equally few volumes, the first does.
"""

PER_IMAGE = frozenset({"AcquisitionTime", "ContentTime"})
"""Those that may differ in every image of one volume."""

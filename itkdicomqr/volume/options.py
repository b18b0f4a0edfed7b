"""What a caller may choose about assembling, checked once."""

from __future__ import annotations

from dataclasses import dataclass, fields
from numbers import Real
from typing import Any, Literal, get_args, get_origin, get_type_hints

from itkdicomqr.checks import FLAG, Kinds, check_kinds, check_positive
from itkdicomqr.errors import InputError
from itkdicomqr.volume.casting import check_dtype

Gaps = Literal["error", "average", "pad", "split", "resample"]
Tilt = Literal["shear", "error", "itk", "resample"]
SpacingSource = Literal["calibrated", "imager"]
Dictionary = Literal["itk", "clean"]
Mosaic = Literal["volume", "tiles"]
ModalityLUT = Literal["ignore", "apply"]
JPEG = Literal["imagecodecs", "gdcm"]

MAX_SERIES_BYTES = 8 << 30
"""Default limit of the voxels of all volumes together."""


@dataclass(frozen=True)
class Options:
    """The choices of :func:`itkdicomqr.volume.read_volumes`, which explains them.

    Raises
    ------
    InputError
        One of them is not among its values.
    """

    gaps: Gaps = "error"
    tilt: Tilt = "shear"
    padding: float | None = None
    rescale: bool = True
    invert_monochrome1: bool = True
    spacing_source: SpacingSource = "calibrated"
    max_series_bytes: int = MAX_SERIES_BYTES
    dictionary: Dictionary = "itk"
    mosaic: Mosaic = "volume"
    modality_lut: ModalityLUT = "ignore"
    jpeg: JPEG = "imagecodecs"
    dtype: Any = None

    def __post_init__(self) -> None:
        hints = get_type_hints(type(self))
        for choice in fields(self):
            allowed = get_args(hints[choice.name]) if get_origin(hints[choice.name]) is Literal else ()
            value = getattr(self, choice.name)
            if allowed and value not in allowed:
                message = f"{choice.name}={value!r} is not among {', '.join(map(repr, allowed))}"
                raise InputError(message)
        check_kinds(vars(self), _KINDS, InputError)
        check_positive({"max_series_bytes": self.max_series_bytes}, InputError)
        check_dtype(self.dtype)


_KINDS: Kinds = {"rescale": FLAG, "invert_monochrome1": FLAG, "padding": (Real | None, "a number")}

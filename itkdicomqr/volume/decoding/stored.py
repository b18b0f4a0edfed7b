"""The pixels of an instance as they are stored: of all its frames, and the samples of one."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from itkdicomqr.volume.decoding.fragments import frames_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from itkdicomqr.instance import Instance
    from itkdicomqr.volume.decoding.layout import PixelLayout


@dataclass(frozen=True, eq=False)
class PixelSource:
    """The pixels of all frames of one instance.

    Attributes
    ----------
    instance : Instance
        Which.
    count : int
        NumberOfFrames.
    layout : PixelLayout
        How a frame is stored.
    """

    instance: Instance
    count: int
    layout: PixelLayout

    @cached_property
    def compressed(self) -> list[memoryview]:
        """The compressed frames, where the pixel data is encapsulated."""
        pixels = self.instance.pixels
        return frames_of(memoryview(b"") if pixels is None else pixels.value, self.count)

    @cached_property
    def decoded(self) -> dict[int, Stored]:
        """The frames that hold several slices each, so that they are decoded once."""
        return {}


@dataclass(frozen=True)
class Stored:
    """The stored samples of one frame, before BitsStored and HighBit are looked at.

    Attributes
    ----------
    samples : ndarray
        (rows, columns) or (rows, columns, samples), of BitsAllocated; a view where nothing had to be decoded.
    photometric : str
        What the samples mean now; lossy decoders undo YBR themselves.
    excess : int
        Bytes beyond the frame.
    """

    samples: NDArray[Any]
    photometric: str
    excess: int = 0

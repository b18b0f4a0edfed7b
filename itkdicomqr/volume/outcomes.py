"""What becomes of a stack: a volume, or the error that says why it is none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

from itkdicomqr.errors import DICOMQRError
from itkdicomqr.volume.stack import Stack
from itkdicomqr.volume.volume import Volume

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

T = TypeVar("T")
P = ParamSpec("P")


@dataclass(frozen=True)
class Refused:
    """A stack that makes no right image. It does not keep others of its series from being picked.

    Attributes
    ----------
    key : mapping
        What tells it from the others, as that of a `Volume`.
    size : tuple of int
        Columns, rows and slices.
    error : DICOMQRError
        The reason, and what to try.
    """

    key: Mapping[str, Any]
    size: tuple[int, int, int]
    error: DICOMQRError


Outcome = Volume | Refused


def attempted(make: Callable[Concatenate[Stack, P], T], stack: Stack, *args: P.args, **kwargs: P.kwargs) -> T | Refused:
    """Make something of a stack, or keep the error for whoever asks for this one."""
    try:
        return make(stack, *args, **kwargs)
    except DICOMQRError as error:
        layout = stack.slices[0].layout
        # A traceback would keep the voxels of all stacks alive.
        return Refused(stack.key, (layout.columns, layout.rows, len(stack.slices)), error.with_traceback(None))

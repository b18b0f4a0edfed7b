"""Slices that are to become one volume."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from itkdicomqr.volume.headers import SliceHeader


@dataclass(frozen=True)
class Stack:
    """Slices in order, and what tells them from the other stacks.

    Attributes
    ----------
    slices : tuple of SliceHeader
        Ascending along the normal; without positions, by InstanceNumber.
    key : dict
        The attributes that differ from those of other stacks, and their values here.
    """

    slices: tuple[SliceHeader, ...]
    key: Mapping[str, Any]

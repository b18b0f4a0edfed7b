"""What comes in: images with their pixels, and what is left out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from itkdicomqr.instance import Instance
from itkdicomqr.volume.headers import has_rows

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Intake:
    """What came besides the frames of one volume.

    Attributes
    ----------
    origins : mapping
        How many instances came from where.
    skipped, duplicates : tuple of str
        The SOP Instance UIDs without pixels, and those that came more than once.
    """

    origins: Mapping[str, int]
    skipped: tuple[str, ...]
    duplicates: tuple[str, ...]


def has_pixels(instance: Instance) -> bool:
    """Tell whether an instance is an image with its pixels."""
    return has_rows(instance) and instance.pixels is not None

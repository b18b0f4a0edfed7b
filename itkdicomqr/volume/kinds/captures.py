"""The frames of a multi-frame secondary capture (PS3.3 A.8.2 to A.8.5)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from itkdicomqr.volume.tags import PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from itkdicomqr.volume.headers import SliceHeader

MULTI_FRAME_CAPTURES = tuple(f"1.2.840.10008.5.1.4.1.1.7.{kind}" for kind in range(1, 5))
"""The SOP classes: single bits, bytes, words, colours."""


def pages_of(headers: Sequence[SliceHeader]) -> list[SliceHeader]:
    """Take frames for pages in their order, unless functional groups place each of them.

    One place at the top level cannot be that of all, and ITK does not use its position either.
    """
    if len(headers) == 1 or PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE in headers[0].top:
        return list(headers)
    return [replace(header, position=None, orientation=None) for header in headers]

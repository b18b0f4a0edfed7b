"""What a UID may look like (PS3.5 9.1), and those of PS3.6 that pydicom does not name yet."""

from __future__ import annotations

import re

MAX_UID_LENGTH = 64
"""Characters of the VR UI (PS3.5 6.2)."""

LABEL_MAP_SEGMENTATION_STORAGE = "1.2.840.10008.5.1.4.1.1.66.7"

_CHARACTERS = re.compile(f"[0-9.]{{1,{MAX_UID_LENGTH}}}")


def is_uid(text: str) -> bool:
    """Tell whether a peer's text can be a UID; empty components and leading zeros occur, and pass."""
    return _CHARACTERS.fullmatch(text) is not None

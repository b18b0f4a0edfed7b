"""The statuses with which the archive answers (PS3.7 annex C, PS3.4 annexes B and C)."""

from __future__ import annotations

SUCCESS = 0x0000
PENDING = 0xFF00
PENDING_WITHOUT_SOME_KEYS = 0xFF01
CANCELLED = 0xFE00
SOME_FAILED = 0xB000
LIMIT_REACHED = 0xB001
ALL_FAILED = 0xA702
NO_DESTINATION = 0xA801
MISMATCH = 0xA900
"""The identifier, or the data set, does not match the SOP class."""

UNABLE = 0xC000
"""The identifier cannot be processed, or the data set cannot be understood."""

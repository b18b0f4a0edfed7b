"""What the statuses of DIMSE services mean (PS3.7 annex C, PS3.4 annexes B and C)."""

from __future__ import annotations

from collections.abc import Mapping

SUCCESS = 0x0000
OUT_OF_RESOURCES = 0xA700
ALL_FAILED = 0xA702
NO_DESTINATION = 0xA801
MISMATCH = 0xA900
"""The identifier, or the data set, does not match the SOP class."""

SOME_FAILED = 0xB000
LIMIT_REACHED = 0xB001
UNABLE = 0xC000
"""The identifier cannot be processed, or the data set cannot be understood; the first of many such codes."""

CANCELLED = 0xFE00
PENDING = 0xFF00
PENDING_WITHOUT_SOME_KEYS = 0xFF01

_WORDS: Mapping[int, str] = {
    0x0105: "no such attribute",
    0x0106: "invalid attribute value",
    0x0110: "processing failure",
    0x0112: "no such SOP instance",
    0x0117: "invalid object instance",
    0x0118: "no such SOP class",
    0x0119: "class-instance conflict",
    0x0122: "SOP class not supported",
    0x0124: "not authorised: ask the archive's administrator to allow this operation",
    0x0210: "duplicate invocation",
    0x0211: "unrecognised operation",
    0x0212: "mistyped argument",
    0x0213: "resource limitation",
    OUT_OF_RESOURCES: "out of resources",
    0xA701: "out of resources: it cannot count the matches",
    ALL_FAILED: "out of resources: it cannot perform the sub-operations",
    NO_DESTINATION: "the destination of the move is not known there",
    MISMATCH: "the identifier does not match the SOP class: it may need a key of a higher level",
    0xAA00: "none of the frames asked for exists",
    0xAB00: "it cannot make a new object of this class",
    0xAC00: "unable to extract frames",
    SOME_FAILED: "some sub-operations failed",
    LIMIT_REACHED: "the matches were cut at a limit",
    CANCELLED: "cancelled",
}


def is_pending(status: int) -> bool:
    """Tell whether more responses follow."""
    return status in (PENDING, PENDING_WITHOUT_SOME_KEYS)


def is_unable(status: int) -> bool:
    """Tell whether a service was unable to process what it was asked, for whichever reason."""
    return UNABLE <= status <= UNABLE | 0x0FFF


def describe(status: int) -> str:
    """Say a status in words, with its code."""
    if status < 0:
        return "a response without a status"
    words = _WORDS.get(status) or ("unable to process" if is_unable(status) else "an unknown status")
    return f"{words} (status 0x{status:04X})"

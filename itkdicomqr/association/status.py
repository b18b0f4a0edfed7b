"""What the statuses of DIMSE services mean (PS3.7 annex C, PS3.4 C.4)."""

from __future__ import annotations

from collections.abc import Mapping

SUCCESS = 0x0000
CANCELLED = 0xFE00
OUT_OF_RESOURCES = 0xA700
SOME_FAILED = 0xB000
MATCHES_TRUNCATED = 0xB001
NOT_THAT_DATA_SET = 0xA900
CANNOT_UNDERSTAND = 0xC000
PENDING = frozenset({0xFF00, 0xFF01})

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
    0xA700: "out of resources",
    0xA701: "out of resources: it cannot count the matches",
    0xA702: "out of resources: it cannot perform the sub-operations",
    0xA801: "the destination of the move is not known there",
    0xA900: "the identifier does not match the SOP class: it may need a key of a higher level",
    0xAA00: "none of the frames asked for exists",
    0xAB00: "it cannot make a new object of this class",
    0xAC00: "unable to extract frames",
    0xB000: "some sub-operations failed",
    0xB001: "the matches were cut at a limit",
    0xFE00: "cancelled",
}


def describe(status: int) -> str:
    """Say a status in words, with its code."""
    if status < 0:
        return "a response without a status"
    words = _WORDS.get(status) or ("unable to process" if 0xC000 <= status <= 0xCFFF else "an unknown status")
    return f"{words} (status 0x{status:04X})"

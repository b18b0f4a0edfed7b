"""Exit codes: the one table, which the README shows."""

from __future__ import annotations

from collections.abc import Mapping

from itkdicomqr import errors

INTERRUPTED = 130
UNWRITTEN = 2
COHORT_INCOMPLETE = 9

EXIT_CODES: Mapping[int, tuple[str, tuple[type[BaseException], ...]]] = {
    0: ("done", ()),
    1: ("a bug: please report it", ()),
    2: ("bad input: an option, a criterion, a node, a file that cannot be written", (errors.InputError,)),
    3: ("no match", (errors.NoMatchError,)),
    4: (
        "ambiguous: several series or volumes, or the archive hides what decides",
        (errors.MatchError, errors.MultipleVolumesError, errors.AmbiguousVolumesError),
    ),
    5: (
        "incomplete: instances are missing, damaged or not what they are called",
        (errors.IncompleteSeriesError, errors.SeriesChangingError, errors.InstanceError),
    ),
    6: ("refused: the series makes no right image of the kind asked for", (errors.VolumeError,)),
    7: (
        "unreachable: no such host, nobody listens, too slow, connection lost",
        (errors.ConnectError, errors.DeadlineError, errors.ConnectionLostError, errors.TLSError),
    ),
    8: ("the archive refuses, or breaks the protocol or a limit", (errors.NetworkError, errors.LimitExceededError)),
    COHORT_INCOMPLETE: ("rows of a cohort failed: its report tells which, and why", ()),
    INTERRUPTED: ("interrupted", (KeyboardInterrupt,)),
}
"""Meaning and errors by exit code; the first that fits counts."""


def exit_code(error: BaseException) -> int:
    """Give the exit code of an error."""
    return next((code for code, (_, kinds) in EXIT_CODES.items() if isinstance(error, kinds)), 1)

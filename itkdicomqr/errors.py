"""What can go wrong, as one tree.

::

    DICOMQRError
    ├── InputError (ValueError)          the caller's own words cannot be used
    │   ├── CriteriaError                a date, an ID, a pattern, or none at all
    │   └── NodeError                    a host, a port, an AE title, a name of a node
    ├── NetworkError                     all that an archive, or the way to it, can do
    │   ├── ConnectError                 no such host, nobody listens
    │   ├── DeadlineError (TimeoutError) too slow: connecting, answering, or in all
    │   ├── ConnectionLostError          closed, reset, released or aborted halfway
    │   ├── AssociationRejectedError     the archive does not want this AE title, or not now
    │   ├── NoPresentationContextError   it does not speak what was proposed
    │   ├── ProtocolError                what came is not DICOM, or breaks its rules
    │   ├── TLSError                     the secured channel was refused
    │   ├── PortInUseError               our receiver cannot listen where it should
    │   └── StatusError                  a service ended with a failure status
    ├── LimitExceededError               what came, or is to be made, is larger than was allowed
    ├── MatchError                       the search did not end at one series
    │   ├── NoMatchError                 none; which key lost it
    │   ├── AmbiguousSeriesError         several; the table of candidates
    │   ├── UnverifiedMatchError         the archive hides what would decide
    │   └── TruncatedMatchesError        the archive cut its answer short
    ├── IncompleteSeriesError            instances are missing
    │   └── MoveNothingArrivedError      a C-MOVE brought nothing to our receiver
    ├── SeriesChangingError              its list of instances changes while it is read
    ├── InstanceError                    one instance cannot be used
    │   ├── CorruptInstanceError         its bytes are damaged
    │   ├── ForeignInstanceError         it belongs elsewhere
    │   └── ConflictingInstancesError    two of one SOP Instance UID differ
    └── VolumeError                      the instances do not make one right image
        ├── NoPixelsError                none has pixels
        ├── MultipleVolumesError         several volumes; ``volume=`` picks one
        ├── AmbiguousVolumesError        several at one position, and nothing tells them apart
        ├── MissingSlicesError           gaps of whole slices
        ├── NonUniformSpacingError       gaps of other sizes
        ├── MisalignedSlicesError        slices beside the line of the others
        ├── MosaicError                  a mosaic whose header does not tell its slices
        ├── UnsupportedImageError        a kind that is refused rather than guessed at
        └── ToolkitError                 the toolkit is missing, or lacks the type

    DICOMQRWarning (UserWarning)         the image is right, but otherwise than may be expected

Every message names what was found and what to try. The archive's own words are in
``server_comment``, escaped, and never in the message: they may hold patient data.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


class DICOMQRError(Exception):
    """Base of all that this package raises on purpose.

    Parameters
    ----------
    message : str
        What was found, and what to try.
    place : str, optional
        Host and port, where it happened at an archive.
    step : str, optional
        What was being done there.
    server_comment : str, optional
        The archive's own words, with control characters escaped.
    """

    def __init__(self, message: str, *, place: str = "", step: str = "", server_comment: str = "") -> None:
        super().__init__(message)
        self.place = place
        self.step = step
        self.server_comment = server_comment

    def __str__(self) -> str:
        return ": ".join(part for part in (self.place, self.step, str(self.args[0])) if part)


class InputError(DICOMQRError, ValueError):
    """The caller's own words cannot be used."""


class CriteriaError(InputError):
    """A criterion that cannot be read, or that would match too much."""


class NodeError(InputError):
    """A node that cannot be meant: its host, port, AE title or name, its certificates or its identity."""


class NetworkError(DICOMQRError):
    """All that an archive, or the way to it, can do.

    Attributes
    ----------
    received, missing : tuple of str
        In a retrieval, the SOP Instance UIDs that had come, and those of the others that are known.
    besides : tuple of str
        In a retrieval, what else failed, by other ways or when tried again.
    """

    received: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    besides: tuple[str, ...] = ()

    def __str__(self) -> str:
        total = len(self.received) + len(self.missing)
        what_came = [f"{len(self.received)} of {total} instances had come"] if self.missing else []
        return "; ".join([super().__str__(), *(f"and besides: {each}" for each in self.besides), *what_came])


class ConnectError(NetworkError):
    """No such host, or nobody listens there."""


class DeadlineError(NetworkError, TimeoutError):
    """Too slow: connecting, answering, between two bytes, or in all."""


class ConnectionLostError(NetworkError):
    """The connection was closed, reset, released or aborted before the answer was whole."""


class AssociationRejectedError(NetworkError):
    """The archive rejected the association (PS3.8 9.3.4).

    Parameters
    ----------
    message : str
        The reason in words, and what to try.
    result, source, reason : int
        The three codes of the A-ASSOCIATE-RJ.
    """

    def __init__(
        self, message: str, *, result: int = 0, source: int = 0, reason: int = 0, place: str = "", step: str = ""
    ) -> None:
        super().__init__(message, place=place, step=step)
        self.result = result
        self.source = source
        self.reason = reason

    @property
    def transient(self) -> bool:
        """Whether the same request may succeed later."""
        return self.result == 2


class NoPresentationContextError(NetworkError):
    """The archive accepted none of the presentation contexts that the operation needs."""


class ProtocolError(NetworkError):
    """What came is not DICOM, or breaks the rules of PS3.7 and PS3.8, or of PS3.18 and HTTP."""


class PortInUseError(NetworkError):
    """Our Storage SCP cannot listen at the address and port of ``Node.receiver``."""


class TLSError(NetworkError):
    """The secured channel was refused."""


class StatusError(NetworkError):
    """A service ended with a failure status: DIMSE's (PS3.7 annex C, PS3.4 annex C), or HTTP's (RFC 9110 15).

    Parameters
    ----------
    message : str
        The status in words, and what to try.
    status : int
        The status code.
    """

    def __init__(
        self, message: str, *, status: int = 0, place: str = "", step: str = "", server_comment: str = ""
    ) -> None:
        super().__init__(message, place=place, step=step, server_comment=server_comment)
        self.status = status


class LimitExceededError(DICOMQRError):
    """What came, or is to be made of it, is larger than was allowed; the message names the limit."""


class MatchError(DICOMQRError):
    """The search did not end at one series."""


class NoMatchError(MatchError):
    """Nothing matches.

    Parameters
    ----------
    message : str
        Which key lost the match, and what is there instead.
    lost_by : str, optional
        The criterion that lost it, as its keyword argument is called.
    """

    def __init__(self, message: str, *, lost_by: str = "") -> None:
        super().__init__(message)
        self.lost_by = lost_by


class AmbiguousSeriesError(MatchError):
    """Several series match.

    Parameters
    ----------
    message : str
        The table of candidates, with the keyword that picks each.
    candidates : sequence of Row, optional
        The table itself; any of its rows goes back in as ``series=``.
    """

    def __init__(self, message: str, *, candidates: Sequence[Any] | None = None) -> None:
        super().__init__(message)
        self.candidates = candidates


class UnverifiedMatchError(MatchError):
    """The archive does not return what would decide, and it could not be read from the instances."""


class TruncatedMatchesError(MatchError):
    """The archive cut its answer short."""


class IncompleteSeriesError(DICOMQRError):
    """Instances that the archive lists did not arrive.

    Parameters
    ----------
    message : str
        How many are missing, and what the archive's status said.
    missing : sequence of str, optional
        The SOP Instance UIDs that did not arrive.
    received : sequence of str, optional
        Those that did.
    server_comment : str, optional
        The archive's own words.
    """

    def __init__(
        self,
        message: str,
        *,
        missing: Sequence[str] = (),
        received: Sequence[str] = (),
        server_comment: str = "",
    ) -> None:
        super().__init__(message, server_comment=server_comment)
        self.missing = tuple(missing)
        self.received = tuple(received)


class MoveNothingArrivedError(IncompleteSeriesError):
    """A C-MOVE brought nothing; the message says what the archive must have configured."""


class SeriesChangingError(DICOMQRError):
    """The archive's list of the series' instances changes while the series is read."""


class InstanceError(DICOMQRError):
    """One instance cannot be used.

    Parameters
    ----------
    message : str
        The reason.
    sop_instance_uid : str, optional
        Which one.
    """

    def __init__(self, message: str, *, sop_instance_uid: str = "") -> None:
        super().__init__(message)
        self.sop_instance_uid = sop_instance_uid

    def __str__(self) -> str:
        whose = f"instance {self.sop_instance_uid}" if self.sop_instance_uid else ""
        return ": ".join(part for part in (self.place, self.step, whose, str(self.args[0])) if part)


class CorruptInstanceError(InstanceError):
    """Its data set or its pixels are damaged, truncated or contradict each other."""


class ForeignInstanceError(InstanceError):
    """It belongs to another series, or is not what the C-STORE request called it."""


class ConflictingInstancesError(InstanceError):
    """Two instances of one SOP Instance UID differ."""


class VolumeError(DICOMQRError):
    """The instances do not make one right image."""


class NoPixelsError(VolumeError):
    """No instance has pixels."""


class MultipleVolumesError(VolumeError):
    """The series holds several volumes.

    Parameters
    ----------
    message : str
        The table of volumes, with the ``volume=`` that picks each.
    volumes : sequence, optional
        A description of each.
    """

    def __init__(self, message: str, *, volumes: Sequence[Any] = ()) -> None:
        super().__init__(message)
        self.volumes = tuple(volumes)


class AmbiguousVolumesError(VolumeError):
    """Several slices share a position, and nothing tells their volumes apart."""


class MissingSlicesError(VolumeError):
    """The gaps between slices are whole multiples of the smallest one."""


class NonUniformSpacingError(VolumeError):
    """The gaps between slices differ."""


class MisalignedSlicesError(VolumeError):
    """Slices lie beside the line of the others."""


class MosaicError(VolumeError):
    """A mosaic cannot be taken apart: its private header is missing, damaged, or contradicts the image."""


class UnsupportedImageError(VolumeError):
    """A kind of image or of encoding that is refused rather than guessed at."""


class ToolkitError(VolumeError):
    """The toolkit is not installed, or cannot hold the image."""


class DICOMQRWarning(UserWarning):
    """An image is right, but voxels are or lie otherwise than may be expected.

    Slices are uneven, or were averaged, padded, resampled or sheared; or only their numbers order
    them. The message holds no patient data. ``warnings.simplefilter("error", DICOMQRWarning)`` makes
    it an error.
    """

"""Quirks of C-MOVE: from whom, when and where to."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from itkdicomqr.archive.quirks.named import Named
from itkdicomqr.archive.seams import Conclusion, Quirk
from itkdicomqr.status import NO_DESTINATION

if TYPE_CHECKING:
    from itkdicomqr.archive.seams import Place, Request

OTHER_AE_TITLE = "SOMEONE_ELSE"
"""What an archive that sends from another AE calls itself."""


def late(seconds: float) -> Quirk:
    """Report a C-MOVE as done, and send later."""
    return Quirk(late=lambda _seconds: seconds)


def from_another_ae() -> Quirk:
    """Store from another AE title, and name it as the originator."""
    return Quirk(sender=lambda sender: replace(sender, ae_title=OTHER_AE_TITLE, originator=OTHER_AE_TITLE))


def naming_itself_originator() -> Quirk:
    """Name the archive as the originator of a C-MOVE."""
    return Quirk(sender=lambda sender: replace(sender, originator=sender.ae_title))


def knowing_no_destination() -> Quirk:
    """Know no destination of a C-MOVE."""

    def destination(_place: Place | None) -> None:
        return None

    return Quirk(destination=destination)


def telling_destinations(unknown: int | None = None, closed: int | None = None) -> Quirk:
    """Tell an unknown destination, or one that cannot be reached, by another status."""

    def conclusion(conclusion: Conclusion, request: Request) -> Conclusion:
        status = closed if request.destination_known else unknown
        ours = request.operation == "C-MOVE" and conclusion.status == NO_DESTINATION and status is not None
        return replace(conclusion, status=status) if ours and status is not None else conclusion

    return Quirk(conclusion=conclusion)


NAMED = (
    Named("late-move", "reports a C-MOVE as done, and sends later", late, "SECONDS", 1.0, seen="Orthanc"),
    Named("move-from-other-ae", f"stores under the AE title {OTHER_AE_TITLE}", from_another_ae),
    Named(
        "names-itself-originator", "names itself as the originator of a C-MOVE", naming_itself_originator, seen="qrscp"
    ),
    Named("move-unknown-destination", "knows no destination of a C-MOVE", knowing_no_destination),
    Named(
        "unknown-destination-status",
        "fails so at a destination that it does not know, where the standard has A801",
        lambda status: telling_destinations(unknown=status),
        "STATUS",
        seen="Orthanc C000, CTN B000",
    ),
    Named(
        "closed-destination-status",
        "fails so at a destination that does not answer",
        lambda status: telling_destinations(closed=status),
        "STATUS",
        seen="Orthanc C000, dcmqrscp A702, pixelmed and CTN B000",
    ),
)

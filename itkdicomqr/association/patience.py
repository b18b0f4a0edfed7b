"""An association with an archive that may be busy: asked for again after a while (PS3.8 9.3.4)."""

from __future__ import annotations

from collections.abc import Sequence

from itkdicomqr.association.association import Association
from itkdicomqr.association.contexts import Proposal
from itkdicomqr.association.deadline import Deadline
from itkdicomqr.errors import AssociationRejectedError
from itkdicomqr.node import Node

BACK_OFF = (0.5, 1.0, 2.0)
"""Seconds to wait before each further try."""


def open_patiently(
    node: Node, proposals: Sequence[Proposal], deadline: Deadline, back_off: Sequence[float] = BACK_OFF
) -> Association:
    """Open an association as `Association.open` does, again and again if the archive rejects it for now.

    Parameters
    ----------
    node, proposals, deadline
        As `Association.open` takes them.
    back_off : sequence of float
        Seconds to wait before each further try; none for a single one.

    Raises
    ------
    AssociationRejectedError
        The archive rejects it permanently, or still.
    """
    for seconds in back_off:
        try:
            return Association.open(node, proposals, deadline)
        except AssociationRejectedError as error:
            if not error.transient:
                raise
            deadline.pause(seconds)
    return Association.open(node, proposals, deadline)

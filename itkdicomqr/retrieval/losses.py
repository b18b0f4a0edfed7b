"""Instances that came compressed with loss: refused where that was done on the way, else told of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from pydicom.uid import UID

from itkdicomqr.association.contexts import LOSSY
from itkdicomqr.instance import Instance
from itkdicomqr.prose import counted
from itkdicomqr.retrieval.listing import Listing
from itkdicomqr.text import text_of


class Losses:
    """What came in a transfer syntax that loses something.

    Parameters
    ----------
    listing : Listing
        What the archive tells of the instances as it keeps them; asked once, and only if it matters.
    allowed : bool
        Whether instances may come that were compressed with loss on the way.
    """

    def __init__(self, listing: Listing, *, allowed: bool) -> None:
        self._listing = listing
        self._allowed = allowed
        self._refused: dict[str, str] = {}
        self._new: dict[str, str] = {}
        self._untold: dict[str, str] = {}

    def refuse(self, instance: Instance) -> bool:
        """Tell whether to refuse an instance that was compressed with loss on the way; note it for the report."""
        if instance.transfer_syntax_uid not in LOSSY:
            return False
        is_new = self._is_new(instance)
        kind = self._untold if is_new is None else self._new if self._allowed else self._refused
        if is_new is not False:
            kind[instance.sop_instance_uid] = instance.transfer_syntax_uid
        return kind is self._refused and is_new is True

    def refusals(self, received: Mapping[str, str]) -> str:
        """Say which of the instances that did not come were refused; nothing of others."""
        refused = {uid: syntax for uid, syntax in self._refused.items() if uid not in received}
        return "; ".join(f"{each}, compressed on the way: allow_lossy=True takes them" for each in _counted(refused))

    def notices(self) -> tuple[str, ...]:
        """Say what came with loss, unless the archive says that it keeps it so."""
        new = (f"{each}, compressed on the way" for each in _counted(self._new))
        untold = (f"{each}: nothing tells whether they are kept so" for each in _counted(self._untold))
        return (*new, *untold)

    def _is_new(self, instance: Instance) -> bool | None:
        """Tell whether an instance was compressed on the way; None where nothing shows it (PS3.3 C.7.6.1.1.5)."""
        if text_of(instance.elements, "LossyImageCompression") == "00":
            return True
        return self._listing.lossless().get(instance.sop_instance_uid)


def _counted(syntaxes: Mapping[str, str]) -> Iterator[str]:
    for syntax, count in Counter(syntaxes.values()).items():
        yield f"{counted(count, 'instance')} came in {UID(syntax).name}, which loses something"

"""The archive that the package brings along, with an ear: what associations proposed, and what retrievals named."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pydicom.dataset import Dataset

from itkdicomqr.archive.index import Index
from itkdicomqr.archive.quirks import quirk_of
from itkdicomqr.archive.seams import Quirk, combined
from itkdicomqr.archive.server import Server
from itkdicomqr.association.contexts import FIND, GET, MOVE, PATIENT_STUDY_ONLY, VERIFICATION
from itkdicomqr.instance import Instance
from itkdicomqr.node import Node
from tests.faults import HOST

if TYPE_CHECKING:
    from collections.abc import Mapping

AE_TITLE = "LISTENER"
NO_STORAGE = frozenset({*FIND.values(), *GET.values(), *MOVE.values(), PATIENT_STUDY_ONLY, VERIFICATION})

Context = tuple[str, str]
"""Abstract syntax and transfer syntax."""


@dataclass
class Heard:
    """What an archive was asked.

    Attributes
    ----------
    proposed : list of list of (str, str)
        The presentation contexts of each association that was to bring instances by C-GET.
    requests : list of tuple of str
        The SOP Instance UIDs that each C-GET or C-MOVE named; none are the whole series.
    """

    proposed: list[list[Context]] = field(default_factory=list)
    requests: list[tuple[str, ...]] = field(default_factory=list)

    @property
    def storage_classes(self) -> list[set[str]]:
        """The storage classes that each of the associations proposed."""
        return [{abstract for abstract, _ in contexts} - NO_STORAGE for contexts in self.proposed]

    def _associated(self, rejection: Any, association: Any) -> Any:
        contexts = association.requestor.primitive.presentation_context_definition_list
        proposed = [(str(each.abstract_syntax), str(syntax)) for each in contexts for syntax in each.transfer_syntax]
        if any(abstract in GET.values() for abstract, _ in proposed):
            self.proposed.append(proposed)
        return rejection

    def _asked(self, identifier: Dataset, request: Any) -> Dataset:
        if request.operation != "C-FIND":
            self.requests.append(named(identifier))
        return identifier

    @property
    def ear(self) -> Quirk:
        """Hears, and changes nothing."""
        return Quirk(rejection=self._associated, question=self._asked)


def named(identifier: Dataset) -> tuple[str, ...]:
    """The SOP Instance UIDs of a request."""
    value = identifier.get("SOPInstanceUID") or []
    return (str(value),) if isinstance(value, str) else tuple(map(str, value))


@contextmanager
def listening(
    datasets: Sequence[Dataset],
    *quirks: Quirk | str,
    destinations: Mapping[str, tuple[str, int]] | None = None,
) -> Iterator[tuple[Node, Heard]]:
    """Run an archive that holds the data sets; a quirk may be one of its names, or made for the test."""
    heard = Heard()
    index = Index()
    for dataset in datasets:
        index.add(Instance.from_dataset(dataset))
    quirk = combined([heard.ear, *(quirk_of(each) if isinstance(each, str) else each for each in quirks)])
    with Server(index, ae_title=AE_TITLE, destinations=destinations, quirk=quirk) as server:
        yield Node(HOST, server.port, AE_TITLE), heard

"""Which associations the archive accepts, and with which presentation contexts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pynetdicom import ALL_TRANSFER_SYNTAXES, AllStoragePresentationContexts, build_context
from pynetdicom.pdu_primitives import A_ASSOCIATE
from pynetdicom.sop_class import (
    PatientRootQueryRetrieveInformationModelFind,
    PatientRootQueryRetrieveInformationModelGet,
    PatientRootQueryRetrieveInformationModelMove,
    StudyRootQueryRetrieveInformationModelFind,
    StudyRootQueryRetrieveInformationModelGet,
    StudyRootQueryRetrieveInformationModelMove,
    Verification,
)

from itkdicomqr.archive.matching import Model

if TYPE_CHECKING:
    from pynetdicom.events import Event
    from pynetdicom.presentation import PresentationContext

    from itkdicomqr.archive.index import Index
    from itkdicomqr.archive.seams import Quirk, Rejection

MODELS = {
    PatientRootQueryRetrieveInformationModelFind: Model.PATIENT_ROOT,
    PatientRootQueryRetrieveInformationModelGet: Model.PATIENT_ROOT,
    PatientRootQueryRetrieveInformationModelMove: Model.PATIENT_ROOT,
    StudyRootQueryRetrieveInformationModelFind: Model.STUDY_ROOT,
    StudyRootQueryRetrieveInformationModelGet: Model.STUDY_ROOT,
    StudyRootQueryRetrieveInformationModelMove: Model.STUDY_ROOT,
}

CALLED_AE_TITLE_NOT_RECOGNIZED: Rejection = (1, 1, 7)
"""Result, source and reason (PS3.8 9.3.4)."""

_STORAGE = frozenset(str(context.abstract_syntax) for context in AllStoragePresentationContexts)


class Acceptance:
    """Decides on associations: the handlers of two of pynetdicom's events.

    Parameters
    ----------
    index : Index
        Its SOP classes are accepted too, private ones among them.
    ae_title : str
        A peer that calls the archive otherwise is rejected.
    quirk : Quirk
        What the archive does otherwise.
    """

    def __init__(self, index: Index, ae_title: str, quirk: Quirk) -> None:
        self._index = index
        self._ae_title = ae_title
        self._quirk = quirk

    def decide(self, event: Event) -> None:
        """Reject an association that was requested, or tell pynetdicom what it may accept.

        pynetdicom copies, for each association, every context that an AE supports in general: that
        takes as long as a small series. So it is told of those that are proposed alone.
        """
        association = event.assoc
        request = association.requestor.primitive
        known = request.called_ae_title.strip() == self._ae_title.strip()
        rejection = self._quirk.rejection(None if known else CALLED_AE_TITLE_NOT_RECOGNIZED, association)
        if rejection is not None:
            association.acse.send_reject(*rejection)
            association.kill()
            return
        proposed = {str(context.abstract_syntax) for context in request.presentation_context_definition_list}
        association.acceptor.supported_contexts = self._quirk.contexts(self._supported(proposed))

    def announce(self, event: Event) -> None:
        """Complete the A-ASSOCIATE-AC, just before it is encoded."""
        answer = event.primitive
        if isinstance(answer, A_ASSOCIATE) and answer.result == 0:
            answer.user_information = self._quirk.user_information(answer.user_information)

    def _supported(self, proposed: set[str]) -> list[PresentationContext]:
        held = {entry.instance.sop_class_uid for entry in self._index.entries()}
        plain = [build_context(each) for each in proposed if each == Verification or each in MODELS]
        return plain + [_storage_context(each) for each in proposed & (_STORAGE | held)]


def _storage_context(sop_class: str) -> PresentationContext:
    context = build_context(sop_class, ALL_TRANSFER_SYNTAXES)
    context.scu_role = context.scp_role = True
    return context

"""Queries by C-FIND, in whichever information model the archive accepts (PS3.4 C.4.1)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import ClassVar

from itkdicomqr.association import Association
from itkdicomqr.association.contexts import FIND, PATIENT_STUDY_ONLY, Proposal, service
from itkdicomqr.errors import NoPresentationContextError, TruncatedMatchesError
from itkdicomqr.levels import Level
from itkdicomqr.node import AUTO, Node
from itkdicomqr.query.identifiers import identifier
from itkdicomqr.query.table import Row
from itkdicomqr.query.truncation import LIKELY_LIMITS, Answer, doubt
from itkdicomqr.scan import Header
from itkdicomqr.text import text_of


class FindService:
    """The C-FIND service of an archive, on one association.

    Parameters
    ----------
    association : Association
        Open; `query_services` is what to propose.
    node : Node
        The archive.
    """

    step: ClassVar[str] = "C-FIND"
    plain_spoken: ClassVar[bool] = False
    patients_at: ClassVar[Level] = Level.PATIENT

    def __init__(self, association: Association, node: Node) -> None:
        self.node = spoken(node, association)
        self._association = association

    def answer(self, level: Level, values: Mapping[str, str]) -> Answer:
        """Ask for the attributes of ``values``, of which the empty ones are universal."""
        model = "patient" if level is Level.PATIENT else self.node.model
        rows: list[Row] = []
        try:
            for match in self._association.find(identifier(level, values, self.node.character_set), model):
                rows.append(_row(level, match, values, self.node))  # noqa: PERF401 what came before a cut is kept
        except TruncatedMatchesError as error:
            return Answer(tuple(rows), error, admitted=True)
        except NoPresentationContextError as error:
            raise _unspoken(self.node, model, self._association) from error
        is_likely = level is not Level.IMAGE and len(rows) in LIKELY_LIMITS
        return Answer(tuple(rows), doubt(self.node.place, level, len(rows)) if is_likely else None)


def query_services() -> list[Proposal]:
    """Propose what `FindService` asks by: every model, so that one that serves instead can be named."""
    return [service(sop_class) for sop_class in (*FIND.values(), PATIENT_STUDY_ONLY)]


def spoken(node: Node, association: Association) -> Node:
    """Give the node with the model that the archive accepted, where the node leaves it open.

    Raises
    ------
    NoPresentationContextError
        It accepted none that serves.
    """
    if node.model != AUTO:
        return node
    for model, sop_class in FIND.items():
        if association.accepts(sop_class):
            return node.speaking(model)
    raise _unspoken(node, AUTO, association)


def _unspoken(node: Node, model: str, association: Association) -> NoPresentationContextError:
    """Say what the archive speaks instead of a model."""
    others = [other for other, sop_class in FIND.items() if association.accepts(sop_class)]
    if others:
        cure = f"it offers only the {others[0].title()} Root model: set model={others[0]!r} or model='auto' of the node"
    elif association.accepts(PATIENT_STUDY_ONLY):
        cure = "it offers only the retired Patient/Study Only model, which knows no series: nothing can be found there"
    else:
        cure = f"it may not offer queries, or not to the AE title {node.calling_ae_title!r}: ask its administrator"
    message = f"the archive accepts no presentation context to query the {model} model; {cure}"
    return NoPresentationContextError(message, place=node.place, step="C-FIND")


def _row(level: Level, answer: Header, keywords: Iterable[str], node: Node) -> Row:
    told = ((keyword, text_of(answer, keyword, node.character_set)) for keyword in keywords)
    return Row(level, tuple(told), node)

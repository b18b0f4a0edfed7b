"""The query service of an archive, whichever it offers: C-FIND, else QIDO-RS."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from itkdicomqr.association import Deadline
from itkdicomqr.association.contexts import VERIFICATION, service
from itkdicomqr.association.patience import open_patiently
from itkdicomqr.errors import NetworkError, TruncatedMatchesError
from itkdicomqr.node import AUTO, Node
from itkdicomqr.query.c_find import FindService, query_services, spoken
from itkdicomqr.query.catalogue import Catalogue

if TYPE_CHECKING:
    from itkdicomqr.query.qido import QidoService

T = TypeVar("T")


@contextmanager
def catalogue_of(node: Node, deadline: Deadline) -> Iterator[Catalogue]:
    """Open the query service of an archive for as long as the ``with`` block lasts.

    Parameters
    ----------
    node : Node
        The archive; by DICOMweb if it has no AE title.
    deadline : Deadline
        Of the whole call.
    """
    if node.ae_title:
        with open_patiently(node, query_services(), deadline) as association:
            yield Catalogue(FindService(association, node))
    else:
        with _by_web(node, deadline) as qido:
            yield Catalogue(qido)


def asked(node: Node, deadline: Deadline, question: Callable[[Catalogue], T]) -> T:
    """Ask an archive by C-FIND, and where it cuts its answer by QIDO-RS, if it offers that too.

    Parameters
    ----------
    node : Node
        The archive.
    deadline : Deadline
        Of the whole call.
    question : callable
        Asks the query service.

    Raises
    ------
    TruncatedMatchesError
        There may be more, and no other service tells.
    """
    try:
        with catalogue_of(node, deadline) as catalogue:
            return question(catalogue)
    except TruncatedMatchesError as cut:
        if not (node.ae_title and node.dicomweb):
            raise
        try:
            with _by_web(node, deadline) as qido:
                return question(Catalogue(qido))
        except NetworkError as error:
            raise cut from error


@contextmanager
def _by_web(node: Node, deadline: Deadline) -> Iterator[QidoService]:
    from itkdicomqr.dicomweb import Session
    from itkdicomqr.query.qido import QidoService

    with Session(node, deadline) as session:
        yield QidoService(session)


def with_model(node: Node, deadline: Deadline) -> Node:
    """Give a node with the information model that the archive accepts, where the node leaves it open.

    Raises
    ------
    NoPresentationContextError
        It accepts none that serves.
    """
    if node.model != AUTO or not node.ae_title:
        return node
    with open_patiently(node, query_services(), deadline) as association:
        return spoken(node, association)


def verify(node: Node, deadline: Deadline) -> None:
    """See that an archive answers: by C-ECHO (PS3.4 annex A), or a query by QIDO-RS.

    Raises
    ------
    NetworkError
        It does not; the error tells at which step.
    """
    if node.ae_title:
        with open_patiently(node, [service(VERIFICATION)], deadline) as association:
            association.echo()
    else:
        with _by_web(node, deadline) as qido:
            qido.verify()

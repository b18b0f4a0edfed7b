"""The information models: one that the archive accepts is spoken, and one that does not serve is named."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from pynetdicom import AE, build_context, evt

from itkdicomqr import CriteriaError, Node, NoPresentationContextError
from itkdicomqr.association import Association, Deadline
from itkdicomqr.association.contexts import FIND, PATIENT_STUDY_ONLY
from itkdicomqr.query.c_find import FindService, query_services
from itkdicomqr.query.candidates import candidate_series, candidate_studies
from itkdicomqr.query.catalogue import Catalogue
from itkdicomqr.query.criteria import Criteria
from itkdicomqr.testing import Archive
from tests.servers import HOST
from tests.synthetic import series

Start = Callable[..., Archive]
KNOWN = Criteria.from_words("SYN-1")


def studies(node: Node, criteria: Criteria = KNOWN) -> list[Node | None]:
    """Ask for studies; give the nodes that the rows name."""
    with Association.open(node, query_services(), Deadline(20)) as association:
        catalogue = Catalogue(FindService(association, node))
        rows = candidate_studies(catalogue, criteria)
        assert all(candidate_series(catalogue, row, criteria) for row in rows)
        return [row.node for row in rows]


@pytest.mark.parametrize(
    ("quirks", "spoken"), [("", "study"), ("no-patient-root", "study"), ("no-study-root, needs-patient-id", "patient")]
)
def test_the_first_model_that_is_accepted_is_spoken_and_the_rows_say_so(
    dicom_archive: Start, quirks: str, spoken: str
) -> None:
    node = replace(Node.parse(dicom_archive(series("CT", 1), quirks=quirks).url), model="auto")
    node = replace(node, get=node, move=replace(node, model="patient"))

    (told,) = studies(node)

    assert told is not None
    assert (told.model, told.get and told.get.model, told.move and told.move.model) == (spoken, spoken, "patient")


@pytest.mark.parametrize(
    ("quirks", "model", "cure"),
    [
        ("no-study-root", "study", "offers only the Patient Root model: set model='patient' or model='auto'"),
        ("no-patient-root", "patient", "offers only the Study Root model: set model='study' or model='auto'"),
        ("no-study-root, no-patient-root", "auto", "ask its administrator"),
    ],
)
def test_a_model_that_is_not_accepted_is_named_with_the_one_that_is(
    dicom_archive: Start, quirks: str, model: str, cure: str
) -> None:
    node = replace(Node.parse(dicom_archive(series("CT", 1), quirks=quirks).url), model=model)

    with pytest.raises(NoPresentationContextError, match=cure):
        studies(node)


@pytest.mark.parametrize("model", ["study", "auto"])
def test_the_retired_model_without_series_is_named(model: str) -> None:
    ae = AE("RETIRED")
    ae.supported_contexts = [build_context(PATIENT_STUDY_ONLY)]
    server = ae.start_server((HOST, 0), block=False, evt_handlers=[(evt.EVT_C_FIND, lambda _: iter(()))])
    try:
        node = Node(HOST, server.socket.getsockname()[1], "RETIRED", model=model)
        with pytest.raises(NoPresentationContextError, match="only the retired Patient/Study Only model"):
            studies(node)
    finally:
        server.shutdown()


@pytest.mark.parametrize("status", ["A900", "C000"])
def test_an_archive_that_needs_the_patient_says_so(dicom_archive: Start, status: str) -> None:
    archive = dicom_archive(series("CT", 1), quirks=f"needs-patient-id={status}")
    node = replace(Node.parse(archive.url), model="patient")

    with pytest.raises(CriteriaError, match="only about one patient: give patient_id= too"):
        studies(node, Criteria.from_words(date="2005"))
    assert studies(node) == [node]


def test_every_model_is_proposed_at_once() -> None:
    assert [each.abstract_syntax for each in query_services()] == [*FIND.values(), PATIENT_STUDY_ONLY]

"""Ask an archive with quirks by pynetdicom's own requestor, an independent client."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from pydicom import uid
from pydicom.dataset import Dataset
from pynetdicom import AE, build_role, evt
from pynetdicom.association import Association
from pynetdicom.sop_class import (
    CTImageStorage,
    PatientRootQueryRetrieveInformationModelFind,
    StudyRootQueryRetrieveInformationModelFind,
    StudyRootQueryRetrieveInformationModelGet,
    StudyRootQueryRetrieveInformationModelMove,
)

from itkdicomqr.instance import Instance
from itkdicomqr.testing import Archive
from tests.synthetic import series

FIND = StudyRootQueryRetrieveInformationModelFind
PATIENT_FIND = PatientRootQueryRetrieveInformationModelFind
GET = StudyRootQueryRetrieveInformationModelGet
MOVE = StudyRootQueryRetrieveInformationModelMove
NAME = "Yamada^Tarou=山田^太郎"


@dataclass
class Reply:
    """What came of a request; without a status, the association ended first."""

    statuses: list[int | None] = field(default_factory=list)
    rows: list[Dataset] = field(default_factory=list)
    instances: list[Instance] = field(default_factory=list)
    last: Dataset = field(default_factory=Dataset)
    failed: Dataset | None = None
    raw: list[bytes] = field(default_factory=list)

    @property
    def final(self) -> int | None:
        return self.statuses[-1]

    @property
    def counters(self) -> tuple[int, int]:
        return self.last.NumberOfCompletedSuboperations, self.last.NumberOfFailedSuboperations

    def values(self, keyword: str) -> list[str]:
        return sorted(str(row[keyword].value) for row in self.rows)


def held() -> list[Dataset]:
    """Two studies of two series each, of three slices."""
    made = []
    for study, modality in ((1, "CT"), (2, "MR")):
        for number, text in ((1, "AX Soft"), (2, "ax bone")):
            own: dict[str, Any] = {
                "PatientName": NAME,
                "SpecificCharacterSet": "ISO_IR 192",
                "StudyInstanceUID": f"1.2.{study}",
                "StudyDate": f"2021050{study}",
                "SeriesDescription": text,
                "SeriesInstanceUID": f"1.2.{study}.{number}",
                "SOPInstanceUID": lambda index, study=study, number=number: f"1.2.{study}.{number}.{index + 1}",
            }
            made += series(modality, 3, number=number, **own)
    return made


def identifier(level: str, **keys: Any) -> Dataset:
    dataset = Dataset()
    dataset.QueryRetrieveLevel = level
    dataset.SpecificCharacterSet = "ISO_IR 192"
    for keyword, value in keys.items():
        setattr(dataset, keyword, value)
    return dataset


def one_series(**keys: Any) -> Dataset:
    return identifier("SERIES", StudyInstanceUID="1.2.1", SeriesInstanceUID="1.2.1.1", **keys)


@contextmanager
def associated(
    archive: Archive,
    *models: str,
    syntaxes: Sequence[str] = (uid.ExplicitVRLittleEndian,),
    called: str = "DEMO",
    arrived: list[Instance] | None = None,
    **options: Any,
) -> Iterator[Association]:
    requestor = AE("TESTER")
    for model in models:
        requestor.add_requested_context(model)
    for syntax in syntaxes if GET in models else ():
        requestor.add_requested_context(CTImageStorage, syntax)
    roles = [build_role(CTImageStorage, scu_role=True, scp_role=True)] if GET in models else []
    handlers: list[Any] = [(evt.EVT_C_STORE, lambda event: keep(event, arrived if arrived is not None else []))]
    handlers += options.pop("handlers", [])
    association = requestor.associate(
        "127.0.0.1", archive.port, ae_title=called, ext_neg=roles, evt_handlers=handlers, **options
    )
    try:
        yield association
    finally:
        association.release()


def keep(event: evt.Event, arrived: list[Instance]) -> int:
    request = event.request
    arrived.append(
        Instance(
            str(request.AffectedSOPClassUID),
            str(request.AffectedSOPInstanceUID),
            str(event.context.transfer_syntax),
            request.DataSet.getvalue(),
        )
    )
    return 0


def find(quirks: str, asked: Dataset, model: str = FIND, source: Sequence[Any] | None = None) -> Reply:
    """Query an archive with quirks."""
    reply = Reply()
    handlers = [(evt.EVT_DIMSE_RECV, lambda event: reply.raw.append(event.message.data_set.getvalue()))]
    with (
        Archive(held() if source is None else source, quirks=quirks) as archive,
        associated(archive, model, handlers=handlers) as peer,
    ):
        for status, row in peer.send_c_find(asked, model):
            reply.statuses.append(status.get("Status"))
            reply.rows += [] if row is None else [row]
    return reply


def get(quirks: str, asked: Dataset | None = None, source: Sequence[Any] | None = None, **options: Any) -> Reply:
    """Retrieve from an archive with quirks, by default one series of three."""
    reply = Reply()
    with (
        Archive(held() if source is None else source, quirks=quirks) as archive,
        associated(archive, GET, arrived=reply.instances, **options) as peer,
    ):
        return conclude(reply, peer.send_c_get(one_series() if asked is None else asked, GET))


def conclude(reply: Reply, responses: Iterator[tuple[Dataset, Dataset | None]]) -> Reply:
    for status, failed in responses:
        reply.statuses.append(status.get("Status"))
        reply.last, reply.failed = status, failed
    return reply

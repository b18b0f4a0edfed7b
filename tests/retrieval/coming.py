"""A series on its way from a server that plays a scene, with what the archive tells of it made up."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from itertools import repeat
from typing import Any

from pydicom import uid
from pydicom.uid import ExplicitVRLittleEndian

from itkdicomqr.association import Deadline
from itkdicomqr.association.dimse import Field
from itkdicomqr.association.stream import Message
from itkdicomqr.instance import Instance
from itkdicomqr.levels import RELATED_INSTANCES, Level
from itkdicomqr.node import Node
from itkdicomqr.query.table import Row
from itkdicomqr.retrieval.arrivals import Arrivals
from itkdicomqr.retrieval.bringing import bring, each_once
from itkdicomqr.retrieval.choices import Choices
from itkdicomqr.retrieval.listing import Listing
from itkdicomqr.retrieval.receivers import Receivers
from itkdicomqr.scan import scan
from tests.faults import INSTANCES, Stage
from tests.synthetic import ROOT

UIDS = [instance.sop_instance_uid for instance in INSTANCES]
LISTED = dict.fromkeys(UIDS, str(uid.CTImageStorage))
UNTOLD = dict.fromkeys(UIDS, "")
"""The same, from an archive that does not tell the SOP Class."""


@dataclass
class Told:
    """What an archive tells of the series: a catalogue without a network.

    Attributes
    ----------
    lists : iterator of list of str
        The SOP Instance UIDs, each time that they are asked for.
    classes_told : mapping
        The classes by SOP Instance UID.
    count : str or None
        The number of instances.
    questions : list of str
        What was asked.
    """

    lists: Iterator[list[str]]
    classes_told: Mapping[str, str]
    count: str | None = None
    questions: list[str] = field(default_factory=list)

    @contextmanager
    def opened(self, _: Deadline) -> Iterator[Any]:
        yield self

    def instances(self, _: Row) -> list[Row]:
        self.questions.append("instances")
        return [Row(Level.IMAGE, (("SOPInstanceUID", uid),)) for uid in next(self.lists)]

    def classes(self, _: Row) -> Mapping[str, str]:
        self.questions.append("classes")
        return self.classes_told

    def counts(self, series: Row) -> dict[str, Row]:
        return {series.get("SeriesInstanceUID") or "": series.with_values({RELATED_INSTANCES: self.count})}


def telling(listed: Mapping[str, str] = LISTED, **told: Any) -> Told:
    return Told(repeat([*listed]), listed, **told)


def series_of(node: Node) -> Row:
    keys = {"PatientID": "SYN-1", "StudyInstanceUID": f"{ROOT}.1", "SeriesInstanceUID": f"{ROOT}.2.1"}
    return Row(Level.SERIES, tuple({**keys, "Modality": "CT"}.items()), node)


@contextmanager
def on_its_way(
    node: Node, told: Told | None = None, uids: Sequence[str] | None = None, **choices: Any
) -> Iterator[Generator[Instance, None, tuple[str, ...]]]:
    """The generator of a series, within the block of its listing."""
    deadline = Deadline(node.timeouts.total)
    with Listing(series_of(node), (told or telling()).opened, deadline, uids) as listing:
        arrivals = Arrivals(node, series_of(node), listing, Choices(**choices), deadline)
        with closing(bring(arrivals, Receivers())) as coming:
            yield coming


def brought(node: Node, told: Told | None = None, uids: Sequence[str] | None = None, **choices: Any) -> list[Instance]:
    with on_its_way(node, told, uids, **choices) as coming:
        return each_once(coming)


def said_of(node: Node, told: Told, **choices: Any) -> tuple[str, ...]:
    """What is said of the proof once all came."""
    with on_its_way(node, told, **choices) as coming:
        while True:
            try:
                next(coming)
            except StopIteration as end:
                return tuple(end.value)


def requested(stage: Stage) -> list[str]:
    """The SOP Instance UIDs that each C-GET named."""
    messages = [event for event in stage.heard if isinstance(event, Message) and event.command.field == Field.C_GET_RQ]
    keys = [scan(message.data, ExplicitVRLittleEndian) for message in messages]
    return [key.content(0x00080018).decode().strip("\0") for key in keys]

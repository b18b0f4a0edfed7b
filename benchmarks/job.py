"""What a contender is to do: which series, and where it is."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Self

from benchmarks.data import PATIENT_ID, STUDY_DATE, Series, files
from itkdicomqr import TLS, Node, find_series
from itkdicomqr.query.table import Row

ARCHIVE, REPLAY, RELAY, SECURED = "archive", "replay", "relay", "secured"
"""From where a series comes: Orthanc, the player of what it sent, Orthanc over a longer way, one that speaks TLS."""


@dataclass(frozen=True)
class Job:
    """One series to bring into memory, or to assemble.

    Attributes
    ----------
    series : Series
        Which.
    urls : mapping of str to str
        Of the nodes that have it: `ARCHIVE`, and as far as there are any `REPLAY`, `RELAY` and `SECURED`.
    authority : str
        The file of the certificate that vouches for the one that speaks TLS.
    dicomweb : str
        The archive's DICOMweb service.
    receiver : str
        Where the archive sends what is asked for by C-MOVE, ``"host:port"``.
    folder : str
        Its files.
    checksum : str
        Of its voxels.
    way : str
        Which of the nodes is meant.
    """

    series: Series
    urls: Mapping[str, str]
    authority: str
    dicomweb: str
    receiver: str
    folder: str
    checksum: str
    way: str = ARCHIVE

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Self:
        values = json.loads(text)
        return cls(**{**values, "series": Series(**values["series"])})

    def by(self, way: str) -> Self:
        """Give the same job from another place."""
        return replace(self, way=way)

    @property
    def node(self) -> Node:
        node = Node.parse(self.urls[self.way])
        return replace(node, tls=TLS(self.authority)) if node.tls else node

    @cached_property
    def row(self) -> Row:
        """What the search finds of the series."""
        found = find_series(PATIENT_ID, STUDY_DATE, self.series.description, pacs=self.urls[ARCHIVE]).one()
        return replace(found, node=self.node)

    @cached_property
    def contents(self) -> list[bytes]:
        """The files, in memory; so they are in the system's cache as well."""
        return [path.read_bytes() for path in files(Path(self.folder))]

"""From a Patient ID, a date and a series description on a PACS to an ITK image in memory.

Nothing heavy is imported before it is used: neither pydicom, nor ITK, nor SimpleITK.

Examples
--------
>>> import itkdicomqr
>>> image = itkdicomqr.load_series(
...     "99999", "2005-01-06", "Chest-- PA & Lateral", pacs="dicom://ORTHANC@localhost:4242"
... )  # doctest: +SKIP
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from itkdicomqr.client import Client
    from itkdicomqr.cohort import load_cohort
    from itkdicomqr.errors import (
        AmbiguousSeriesError,
        AmbiguousVolumesError,
        AssociationRejectedError,
        ConflictingInstancesError,
        ConnectError,
        ConnectionLostError,
        CorruptInstanceError,
        CriteriaError,
        DeadlineError,
        DICOMQRError,
        DICOMQRWarning,
        ForeignInstanceError,
        IncompleteSeriesError,
        InputError,
        InstanceError,
        LimitExceededError,
        MatchError,
        MisalignedSlicesError,
        MissingSlicesError,
        MosaicError,
        MoveNothingArrivedError,
        MultipleVolumesError,
        NetworkError,
        NodeError,
        NoMatchError,
        NonUniformSpacingError,
        NoPixelsError,
        NoPresentationContextError,
        PortInUseError,
        ProtocolError,
        SeriesChangingError,
        StatusError,
        TLSError,
        ToolkitError,
        TruncatedMatchesError,
        UnsupportedImageError,
        UnverifiedMatchError,
        VolumeError,
    )
    from itkdicomqr.functions import find_series, load_series, load_volumes
    from itkdicomqr.instance import Instance
    from itkdicomqr.node import Limits, Node, Timeouts
    from itkdicomqr.query.table import Row, SeriesTable
    from itkdicomqr.security import TLS, Identity
    from itkdicomqr.volume import Report, Volume, read_volumes
    from itkdicomqr.web import Basic, Bearer

__version__ = "0.1.0"

__all__ = [
    "TLS",
    "AmbiguousSeriesError",
    "AmbiguousVolumesError",
    "AssociationRejectedError",
    "Basic",
    "Bearer",
    "Client",
    "ConflictingInstancesError",
    "ConnectError",
    "ConnectionLostError",
    "CorruptInstanceError",
    "CriteriaError",
    "DICOMQRError",
    "DICOMQRWarning",
    "DeadlineError",
    "ForeignInstanceError",
    "Identity",
    "IncompleteSeriesError",
    "InputError",
    "Instance",
    "InstanceError",
    "LimitExceededError",
    "Limits",
    "MatchError",
    "MisalignedSlicesError",
    "MissingSlicesError",
    "MosaicError",
    "MoveNothingArrivedError",
    "MultipleVolumesError",
    "NetworkError",
    "NoMatchError",
    "NoPixelsError",
    "NoPresentationContextError",
    "Node",
    "NodeError",
    "NonUniformSpacingError",
    "PortInUseError",
    "ProtocolError",
    "Report",
    "Row",
    "SeriesChangingError",
    "SeriesTable",
    "StatusError",
    "TLSError",
    "Timeouts",
    "ToolkitError",
    "TruncatedMatchesError",
    "UnsupportedImageError",
    "UnverifiedMatchError",
    "Volume",
    "VolumeError",
    "find_series",
    "load_cohort",
    "load_series",
    "load_volumes",
    "read_volumes",
]

_HOMES = {
    "client": ("Client",),
    "cohort": ("load_cohort",),
    "functions": ("find_series", "load_series", "load_volumes"),
    "instance": ("Instance",),
    "node": ("Limits", "Node", "Timeouts"),
    "security": ("TLS", "Identity"),
    "query.table": ("Row", "SeriesTable"),
    "volume": ("Report", "Volume", "read_volumes"),
    "web": ("Basic", "Bearer"),
}
"""The public names of each module; the others are errors."""

_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    """Import what is asked for, once (PEP 562)."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOME_OF.get(name, 'errors')}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})

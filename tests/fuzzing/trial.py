"""One damaged series, read: right volumes, a typed error, or a finding."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Any

import numpy as np

from itkdicomqr.errors import DICOMQRError, DICOMQRWarning
from itkdicomqr.volume import read_volumes
from tests.fuzzing.damage import damaged
from tests.fuzzing.seeds import KINDS, sound

if TYPE_CHECKING:
    from collections.abc import Mapping

    from itkdicomqr.volume import Volume

MAX_SERIES_BYTES = 256 << 20
CHOICES: Mapping[str, tuple[Any, ...]] = {
    "gaps": ("error", "average", "pad", "split", "resample"),
    "tilt": ("shear", "error", "itk", "resample"),
    "padding": (None, None, 0),
    "rescale": (True, True, False),
    "invert_monochrome1": (True, False),
    "spacing_source": ("calibrated", "imager"),
    "dictionary": ("itk", "clean"),
    "mosaic": ("volume", "volume", "tiles"),
    "modality_lut": ("ignore", "apply"),
    "dtype": (None, None, None, "float32", "int16"),
    "stack": (False, False, True),
}
"""The options of `read_volumes`, of which each trial draws one each."""


@dataclass(frozen=True)
class Trial:
    """A damaged series and the options to read it with, as its number makes them.

    Attributes
    ----------
    number : int
        All that is random follows from it.
    kind : str
        Which series.
    files : list of bytes
        Damaged.
    options : mapping
        Of `read_volumes`.
    """

    number: int
    kind: str
    files: list[bytes]
    options: Mapping[str, Any]

    @classmethod
    def of(cls, number: int) -> Trial:
        """Make the trial of a number."""
        random = Random(number)  # noqa: S311
        kind = random.choice([*KINDS])
        options = {name: random.choice(choices) for name, choices in CHOICES.items()}
        return cls(number, kind, damaged([*sound(kind)], random), options)

    def outcome(self) -> str:
        """Read the series, and name what it became.

        Raises
        ------
        Exception
            Anything but a typed error: a finding.
        """
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            try:
                volumes = read_volumes(self.files, max_series_bytes=MAX_SERIES_BYTES, **self.options)
            except DICOMQRError as error:
                outcome = type(error).__name__
            else:
                outcome = "volumes"
                for volume in volumes:
                    check(volume)
        stray = [warning for warning in told if not issubclass(warning.category, DICOMQRWarning)]
        assert not stray, f"{stray[0].category.__name__}: {stray[0].message} ({stray[0].filename}:{stray[0].lineno})"
        return outcome


def check(volume: Volume) -> None:
    """Ask all of a volume, and see that it is one."""
    numbers = [*volume.origin, *volume.spacing, *volume.direction.ravel().tolist(), volume.report.max_corner_error_mm]
    assert np.isfinite(numbers).all(), f"not finite: {numbers}"
    assert min(volume.spacing) > 0, f"spacing {volume.spacing}"
    assert abs(np.linalg.det(volume.direction)) > 1e-6, f"direction {volume.direction.tolist()}"
    assert volume.array.ndim - volume.dimension in {0, 1}
    assert volume.array.size
    assert all(
        isinstance(value, str) for entries in (*volume.slices[:2], volume.metadata) for value in entries.values()
    )
    assert repr(volume) + str(volume.report) + repr(volume.key)
    assert volume.array.nbytes > 1 << 20 or volume.to_simpleitk().GetNumberOfPixels()

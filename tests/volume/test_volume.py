"""A volume is a value: it can be shown, pickled and handed on."""

from __future__ import annotations

import pickle
from dataclasses import FrozenInstanceError

import numpy as np
import pytest

from itkdicomqr.volume import read_volumes
from tests.synthetic import OBLIQUE, series


def test_a_volume_is_pickled_with_its_voxels_out_of_band() -> None:
    (volume,) = read_volumes(series("CT", 4, rows=64, columns=64))
    buffers: list[pickle.PickleBuffer] = []
    content = pickle.dumps(volume, protocol=5, buffer_callback=buffers.append)
    assert len(content) < volume.array.nbytes // 4
    copy = pickle.loads(content, buffers=buffers)  # noqa: S301
    assert np.shares_memory(copy.array, volume.array)
    assert np.array_equal(copy.direction, volume.direction)
    assert (copy.origin, copy.spacing, copy.report) == (volume.origin, volume.spacing, volume.report)
    assert copy.metadata == volume.metadata
    assert list(copy.slices) == list(volume.slices)


@pytest.mark.parametrize(
    ("orientation", "letters"),
    [((1, 0, 0, 0, 1, 0), "LPS"), ((0, 1, 0, 0, 0, -1), "PIR"), ((-1, 0, 0, 0, 0, -1), "RIA"), (OBLIQUE, "LSA")],
)
def test_its_repr_tells_shape_spacing_and_orientation_but_no_patient(
    orientation: tuple[float, ...], letters: str
) -> None:
    (volume,) = read_volumes(series("CT", 3, orientation=orientation, PatientName="Secret"))
    assert volume.orientation == letters
    assert repr(volume) == f"<Volume 3×6×7 int16, 252 bytes, spacing 0.5×0.75×2.5 mm (x×y×z), {letters}>"
    assert "Secret" not in repr(volume.report)


def test_it_cannot_be_changed() -> None:
    (volume,) = read_volumes(series("CT", 3))
    with pytest.raises(FrozenInstanceError):
        volume.spacing = (1.0, 1.0, 1.0)  # type: ignore[misc]


def test_the_instances_need_not_be_kept() -> None:
    """The voxels and the metadata must not hold the received bytes in memory."""
    (volume,) = read_volumes(series("CT", 3))
    assert volume.array.base is None
    assert volume.slices[0]["0020|0013"] == "1 "

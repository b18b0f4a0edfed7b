"""The memory of frames that were read may be given back, and never that of frames still to be read."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from pydicom import uid

from itkdicomqr.association.deadline import Deadline
from itkdicomqr.association.pending import Pending, Register
from itkdicomqr.buffers import LARGE, Fragments
from itkdicomqr.instance import Instance
from itkdicomqr.volume import assemble, one_volume
from itkdicomqr.volume.options import Options
from tests.synthetic import multiframe, series

if TYPE_CHECKING:
    from numpy.typing import NDArray

FRAMES, ROWS, COLUMNS = 40, 700, 640
EXCESS = 1 << 20
"""Bytes beyond the frames."""


def frame(index: int) -> NDArray[Any]:
    return np.full((ROWS, COLUMNS), index + 1, np.uint16)


def arrived(syntax: uid.UID, excess: int) -> Instance:
    """Make a multi-frame instance that lies where one from an archive lies, in memory of its own."""
    dataset = multiframe(series("CT", FRAMES, pixels=frame))
    dataset.PixelData += bytes(excess)
    dataset.file_meta.TransferSyntaxUID = syntax
    instance = Instance.from_dataset(dataset)
    fragments = Fragments(1 << 30, "a data set", "")
    content = bytes(instance.encoded)
    padding = bytes(max(0, LARGE + 1 - len(content)))
    fragments.room(len(content) + len(padding))[:] = content + padding
    return replace(instance, encoded=fragments.take()[: len(content)], max_inflate_ratio=1 << 16)


@pytest.mark.parametrize("excess", [0, EXCESS])
def test_frames_are_whole_although_those_before_were_given_back(excess: int) -> None:
    volume = one_volume(assemble([arrived(uid.ExplicitVRLittleEndian, excess)], Options(), consuming=True))
    assert volume.array.reshape(FRAMES, -1).min(axis=1).tolist() == [*range(1, FRAMES + 1)]


def test_nothing_of_what_is_deflated_is_given_back() -> None:
    instance = arrived(uid.DeflatedExplicitVRLittleEndian, 0)
    before = bytes(instance.encoded)
    volume = one_volume(assemble([instance], Options(), consuming=True))
    assert volume.array.reshape(FRAMES, -1).min(axis=1).tolist() == [*range(1, FRAMES + 1)]
    assert bytes(instance.encoded) == before


def test_two_calls_that_share_a_delivery_have_bytes_of_their_own() -> None:
    instance = arrived(uid.ExplicitVRLittleEndian, 0)
    uid_of_series = instance.dataset.SeriesInstanceUID
    register = Register()
    pending = [Pending(uid_of_series, Deadline(10)) for _ in range(2)]
    for each in pending:
        register.add(each)
    assert register.deliver(instance) == 0
    for taken in [each.take(1) for each in pending]:
        assert taken is not None
        volume = one_volume(assemble([taken], Options(), consuming=True))
        assert volume.array.reshape(FRAMES, -1).min(axis=1).tolist() == [*range(1, FRAMES + 1)]

"""What was recorded of an archive plays as the archive itself would."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.data import PATIENT_ID, STUDY_DATE, Series, checksum
from benchmarks.replay import Recording, replaying
from itkdicomqr import Client, Node, find_series
from itkdicomqr.testing import Archive

SERIES = Series(3)


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """The recording, the row of the series, and the checksum of its voxels."""
    folder = tmp_path_factory.mktemp("recorded") / "series"
    made = SERIES.write(folder)
    with Archive(folder) as archive:
        row = find_series(PATIENT_ID, STUDY_DATE, SERIES.description, pacs=archive.url).one()
        recording = Recording.of(Node.parse(archive.url), SERIES)
    return recording, row, made


def test_a_series_comes_as_from_the_archive(recorded):
    recording, row, made = recorded
    with replaying(recording) as node:
        volume = Client(node).load_series(series=replace(row, node=node), toolkit="volume")
    assert checksum(volume.array) == made


def test_some_instances_come_if_asked_for(recorded):
    recording, row, _ = recorded
    wanted = [f"{SERIES.series_uid}.{number}" for number in (1, 3)]
    with replaying(recording) as node:
        instances = Client(node).retrieve(replace(row, node=node), instance_uids=wanted)
    assert [each.sop_instance_uid for each in instances] == wanted


def test_a_checksum_tells_voxels_but_no_types():
    values = np.arange(8).reshape(2, 2, 2)
    assert checksum(values.astype("int16")) == checksum(values.astype(float))
    assert checksum(values) != checksum(values[::-1])
    with pytest.raises(AssertionError):
        checksum(values + 0.5)

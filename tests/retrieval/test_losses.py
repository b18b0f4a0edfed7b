"""What comes compressed with loss: refused where that was done on the way, told of where nothing shows it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from pydicom import uid
from pydicom.uid import ExplicitVRLittleEndian

from itkdicomqr.client import Client
from itkdicomqr.errors import DICOMQRWarning, IncompleteSeriesError
from itkdicomqr.instance import Instance
from itkdicomqr.retrieval.losses import Losses
from itkdicomqr.testing import Archive
from tests.synthetic import series

if TYPE_CHECKING:
    from collections.abc import Mapping

JPEG_2000 = str(uid.JPEG2000)


class Told:
    """What an archive tells of how it keeps its instances."""

    def __init__(self, lossless: Mapping[str, bool]) -> None:
        self.told = lossless

    def lossless(self) -> Mapping[str, bool]:
        return self.told


def came(syntax: str = JPEG_2000, **attributes: Any) -> Instance:
    return replace(Instance.from_dataset(series("CT", 1, **attributes)[0]), transfer_syntax_uid=syntax)


UID = came().sop_instance_uid


@pytest.mark.parametrize(
    ("instance", "told", "refused"),
    [
        (came(ExplicitVRLittleEndian), {UID: True}, False),
        (came(), {}, False),
        (came(), {UID: False}, False),
        (came(), {UID: True}, True),
        (came(LossyImageCompression="00"), {}, True),
        (came(LossyImageCompression="01"), {}, False),
    ],
    ids=["lossless", "untold", "kept lossily", "kept losslessly", "says lossless", "says lossy"],
)
def test_what_was_compressed_on_the_way_is_refused_unless_it_is_allowed(
    instance: Instance, told: Mapping[str, bool], refused: bool
) -> None:
    assert Losses(Told(told), allowed=False).refuse(instance) is refused  # type: ignore[arg-type]
    allowing = Losses(Told(told), allowed=True)  # type: ignore[arg-type]
    assert allowing.refuse(instance) is False
    assert bool(allowing.notices()) is (refused or (instance.transfer_syntax_uid == JPEG_2000 and not told))


KEPT = series("CT", 4, rows=32, columns=32)


def test_what_an_archive_keeps_with_loss_comes_without_a_word() -> None:
    with Archive(KEPT, quirks="lossy-originals, never-decompresses") as archive, Client(archive.url) as client:
        volume = client.load_series("SYN-1", modality="CT", toolkit="volume")
    assert volume.array.shape[0] == 4
    assert not any("loses something" in each for each in volume.report.warnings)


def test_what_an_archive_keeps_without_loss_and_sends_only_with_it_is_refused_unless_it_is_allowed() -> None:
    with Archive(KEPT, quirks="lossy-only") as archive, Client(archive.url) as client:
        with pytest.raises(IncompleteSeriesError, match=r"4 instances came in JPEG 2000.*allow_lossy=True takes them"):
            client.load_series("SYN-1", modality="CT", toolkit="volume")
        with pytest.warns(DICOMQRWarning, match="compressed on the way"):
            assert len(client.retrieve(client.find_series("SYN-1").one(), allow_lossy=True)) == 4
        with pytest.warns(DICOMQRWarning, match="compressed on the way"):
            volume = client.load_series("SYN-1", modality="CT", toolkit="volume", allow_lossy=True)
    assert volume.array.shape[0] == 4


def test_a_description_is_read_from_an_instance_that_lost_something() -> None:
    with Archive(KEPT, quirks="lossy-only, ignores-description") as archive, Client(archive.url) as client:
        assert client.find_series("SYN-1", description=KEPT[0].SeriesDescription).one()


def test_what_can_come_without_loss_comes_so() -> None:
    kept = series("CT", 4, rows=32, columns=32, LossyImageCompression="00")
    with Archive(kept, quirks="compresses-lossily") as archive, Client(archive.url) as client:
        came = client.retrieve(client.find_series("SYN-1", modality="CT").one())
    assert {each.transfer_syntax_uid for each in came} == {str(ExplicitVRLittleEndian)}

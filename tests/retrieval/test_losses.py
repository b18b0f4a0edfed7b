"""What comes compressed with loss: refused where that was done on the way, told of where nothing shows it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from pydicom import uid
from pydicom.uid import ExplicitVRLittleEndian

from itkdicomqr.client import Client
from itkdicomqr.errors import IncompleteSeriesError
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


def came(syntax: str = JPEG_2000, **attributes: str) -> Instance:
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


def archive_of(quirks: str, **attributes: str) -> Archive:
    return Archive(series("CT", 4, rows=32, columns=32, **attributes), quirks=quirks)


def test_an_original_that_is_kept_lossily_comes() -> None:
    with archive_of("lossy-originals, never-decompresses") as archive, Client(archive.url) as client:
        volume = client.load_series("SYN-1", modality="CT", toolkit="volume")
    assert volume.array.shape[0] == 4


def test_an_original_that_is_lossless_is_not_taken_lossily_unless_allowed() -> None:
    quirks = "rle-only, never-decompresses, first-context-only, compresses-lossily"
    with archive_of(quirks, LossyImageCompression="00") as archive, Client(archive.url) as client:
        row = client.find_series("SYN-1", modality="CT").one()
        came = client.retrieve(row)
        assert {each.transfer_syntax_uid for each in came} == {str(uid.RLELossless)}

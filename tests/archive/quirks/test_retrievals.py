"""Quirks of C-GET, as an independent client meets them."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from pydicom import uid
from pydicom.dataset import Dataset

from itkdicomqr.instance import Instance
from itkdicomqr.testing import Archive
from tests.archive.quirks.asking import FIND, GET, Reply, associated, conclude, get, identifier, one_series
from tests.archive.test_transcoding import rle, stored
from tests.synthetic import series

PLAIN = uid.ExplicitVRLittleEndian
FIRST = ["1.2.1.1.1", "1.2.1.1.2", "1.2.1.1.3"]


def uids(instances: Sequence[Instance]) -> list[str]:
    return [each.sop_instance_uid for each in instances]


@pytest.mark.parametrize(
    ("quirks", "arrived", "final", "counters"),
    [
        ("", FIRST, 0x0000, (3, 0)),
        ("lies-about-success", [], 0x0000, (3, 0)),
        ("sends-only-2", FIRST[:2], 0x0000, (3, 0)),
        ("drops-last", FIRST[:2], 0x0000, (3, 0)),
        ("sends-duplicates", [each for each in FIRST for _ in range(2)], 0x0000, (6, 0)),
        ("sends-foreign", [FIRST[0], "1.2.1.2.1", *FIRST[1:]], 0x0000, (4, 0)),
        ("unsendable-by-cget-1", FIRST[1:], 0xB000, (2, 1)),
        ("unsendable-by-cget-3", [], 0xA702, (0, 3)),
        ("unsendable-by-cget-1, stops-at-unsendable", [], 0xC000, (0, 1)),
        ("unsendable-by-cget-1, skips-unsendable", FIRST[1:], 0x0000, (2, 0)),
        ("unsendable-by-cget-1, counts-unsendable-completed", FIRST[1:], 0xB000, (3, 1)),
        ("unsendable-by-cget-3, counts-unsendable-completed", [], 0xB000, (3, 3)),
    ],
)
def test_other_instances_arrive_than_were_asked_for_or_are_told(quirks, arrived, final, counters):
    reply = get(quirks)
    assert uids(reply.instances) == arrived
    assert (reply.final, reply.counters) == (final, counters)


def test_a_single_instance_is_not_dropped():
    asked = identifier("IMAGE", StudyInstanceUID="1.2.1", SeriesInstanceUID="1.2.1.1", SOPInstanceUID=FIRST[2])
    assert uids(get("drops-last", asked).instances) == FIRST[2:]


@pytest.mark.parametrize(
    ("quirks", "listed"), [("", True), ("no-failed-list", False), ("counts-unsendable-completed", False)]
)
def test_what_failed_is_listed_or_not(quirks, listed):
    reply = get(f"unsendable-by-cget-1, {quirks}")
    assert ("FailedSOPInstanceUIDList" in (reply.failed or Dataset())) == listed


@pytest.mark.parametrize(
    ("quirks", "arrived"),
    [
        ("drops-association-after-2", 2),
        ("unsendable-by-cget-1, drops-at-unsendable", 0),
        ("drops-association-after-0", 0),
    ],
)
def test_the_association_is_dropped(quirks, arrived):
    reply = get(quirks)
    assert (reply.final, len(reply.instances)) == (None, arrived)


@pytest.mark.parametrize(
    ("quirks", "final"), [("", 0), ("fails-when-unknown", 0xC000), ("fails-when-unknown=A701", 0xA701)]
)
def test_a_series_that_is_not_held_fails(quirks, final):
    assert get(quirks, identifier("SERIES", StudyInstanceUID="1.2.1", SeriesInstanceUID="1.2.9")).final == final
    assert get(quirks).final == 0


@pytest.mark.parametrize(("quirks", "counts"), [("changing-series", [3, 4, 5]), ("changing-series=1", [3, 4, 4])])
def test_a_series_grows_while_it_is_retrieved(quirks, counts):
    with Archive([*series("CT", 3)], quirks=quirks) as archive:
        first = archive.instances[0].dataset
        asked = one_series()
        asked.StudyInstanceUID, asked.SeriesInstanceUID = first.StudyInstanceUID, first.SeriesInstanceUID
        seen = []
        for _ in counts:
            reply = Reply()
            with associated(archive, GET, arrived=reply.instances) as peer:
                conclude(reply, peer.send_c_get(asked, GET))
            seen.append(len({*uids(reply.instances)}))
    assert seen == counts


def test_instances_of_a_reconciled_patient_have_another_id():
    with Archive(series("CT", 1), quirks="reconciled-patient") as archive:
        own = archive.instances[0].dataset
        asked = identifier("SERIES", StudyInstanceUID=own.StudyInstanceUID, SeriesInstanceUID=own.SeriesInstanceUID)
        reply = Reply()
        with associated(archive, GET, FIND, arrived=reply.instances) as peer:
            asked.PatientID = ""
            (_, row), _ = peer.send_c_find(asked, FIND)
            conclude(reply, peer.send_c_get(asked, GET))
    assert (row.PatientID, reply.instances[0].dataset.PatientID) == ("SYN-1", "OLD-SYN-1")


def whole(held: Instance | Dataset) -> Dataset:
    dataset = held.dataset if isinstance(held, Instance) else held
    return identifier("SERIES", StudyInstanceUID=dataset.StudyInstanceUID, SeriesInstanceUID=dataset.SeriesInstanceUID)


def bright() -> Dataset:
    """A slice of 8 bits."""
    return series("CT", 1, dtype="uint8")[0]


@pytest.mark.parametrize(
    ("quirks", "held", "offered", "arrives"),
    [
        ("", rle(), [PLAIN, uid.RLELossless], uid.RLELossless),
        ("first-context-only", rle(), [PLAIN, uid.RLELossless], PLAIN),
        ("first-context-only", rle(), [uid.RLELossless, PLAIN], uid.RLELossless),
        ("first-context-only, never-decompresses", rle(), [PLAIN, uid.RLELossless], None),
        ("never-decompresses", rle(), [PLAIN], None),
        ("never-decompresses", stored(PLAIN), [uid.ImplicitVRLittleEndian], uid.ImplicitVRLittleEndian),
        ("never-decompresses-j2k", rle(), [PLAIN], PLAIN),
        ("j2k-only, never-decompresses-j2k", stored(PLAIN), [PLAIN], None),
        ("uncompressed-only", rle(), [uid.RLELossless, PLAIN], PLAIN),
        ("uncompressed-only", rle(), [uid.RLELossless], None),
        ("implicit-only", stored(PLAIN), [PLAIN, uid.ImplicitVRLittleEndian], uid.ImplicitVRLittleEndian),
        ("implicit-only", stored(PLAIN), [PLAIN], None),
        ("rle-only", stored(PLAIN), [PLAIN, uid.RLELossless], uid.RLELossless),
        ("rle-only", stored(PLAIN), [PLAIN], None),
        ("j2k-only", stored(PLAIN), [PLAIN, uid.JPEG2000Lossless], uid.JPEG2000Lossless),
        ("j2k-only", stored(PLAIN), [PLAIN], None),
        ("compresses-lossily", stored(PLAIN), [PLAIN, uid.JPEG2000], uid.JPEG2000),
        ("compresses-lossily", bright(), [PLAIN, uid.JPEGBaseline8Bit], uid.JPEGBaseline8Bit),
        ("compresses-lossily", stored(PLAIN), [PLAIN, uid.JPEG2000Lossless], PLAIN),
        ("lossy-originals", stored(PLAIN), [PLAIN, uid.JPEG2000], uid.JPEG2000),
        ("lossy-originals, never-decompresses", stored(PLAIN), [PLAIN], None),
        ("lossy-only", stored(PLAIN), [PLAIN, uid.JPEG2000], uid.JPEG2000),
        ("lossy-only", stored(PLAIN), [PLAIN], None),
    ],
)  # fmt: skip
def test_instances_come_in_another_transfer_syntax_or_not_at_all(quirks, held, offered, arrives):
    reply = get(quirks, whole(held), [held], syntaxes=offered)
    assert [each.transfer_syntax_uid for each in reply.instances] == ([] if arrives is None else [arrives])
    assert reply.final == (0xA702 if arrives is None else 0)
    for instance in reply.instances:
        lossy = arrives in (uid.JPEG2000, uid.JPEGBaseline8Bit)
        assert instance.dataset.get("LossyImageCompression", "00") == ("01" if lossy else "00")

"""What is proposed: a context for each class and syntax, uncompressed first, and nothing lossy unasked."""

from __future__ import annotations

import pytest
from pydicom import uid

from itkdicomqr.association.contexts import (
    LOSSLESS,
    LOSSY,
    MAX_CONTEXTS,
    SECONDARY_CAPTURES,
    UNCOMPRESSED,
    Proposal,
    classes_of,
    likely_classes,
    service,
    storage,
)
from itkdicomqr.volume.kinds.arrangements import ARRANGEMENTS


def test_a_storage_class_is_proposed_once_for_each_transfer_syntax() -> None:
    proposals = storage([uid.CTImageStorage, uid.MRImageStorage, uid.CTImageStorage], UNCOMPRESSED)
    assert proposals == [
        Proposal(uid.CTImageStorage, (uid.ExplicitVRLittleEndian,), as_scp=True),
        Proposal(uid.CTImageStorage, (uid.ImplicitVRLittleEndian,), as_scp=True),
        Proposal(uid.MRImageStorage, (uid.ExplicitVRLittleEndian,), as_scp=True),
        Proposal(uid.MRImageStorage, (uid.ImplicitVRLittleEndian,), as_scp=True),
    ]


def test_a_service_is_proposed_once_and_in_our_own_role() -> None:
    assert service("1.2.3") == Proposal("1.2.3", UNCOMPRESSED, as_scp=False)


def test_uncompressed_syntaxes_come_first() -> None:
    assert LOSSLESS[: len(UNCOMPRESSED)] == UNCOMPRESSED


def test_no_syntax_that_may_lose_anything_is_proposed_unasked() -> None:
    may_lose = {uid.JPEG2000, uid.HTJ2K, uid.JPEGBaseline8Bit, uid.JPEGExtended12Bit, uid.JPEGLSNearLossless}
    assert set(LOSSLESS) & may_lose == set()
    assert set(LOSSY) == may_lose


def test_a_class_in_every_syntax_fits_an_association_beside_its_service() -> None:
    assert len(storage([uid.CTImageStorage], (*LOSSLESS, *LOSSY))) < MAX_CONTEXTS


@pytest.mark.parametrize(
    ("modality", "first"),
    [
        ("CT", uid.CTImageStorage),
        ("MR", uid.MRImageStorage),
        ("PT", uid.PositronEmissionTomographyImageStorage),
        ("CR", uid.ComputedRadiographyImageStorage),
        ("??", SECONDARY_CAPTURES[0]),
        ("", SECONDARY_CAPTURES[0]),
    ],
)
def test_the_classes_of_a_modality_come_before_all_others(modality: str, first: str) -> None:
    classes = classes_of(modality)
    assert classes[0] == first
    assert len(classes) == len(set(classes))
    assert set(classes) == set(classes_of("CT"))


def test_whatever_is_assembled_by_rules_of_its_own_is_proposed() -> None:
    assert {*ARRANGEMENTS, uid.ParametricMapStorage} <= set(classes_of(""))
    assert all(uid.ParametricMapStorage in likely_classes(modality) for modality in ("CT", "MR", "PT", "OT"))

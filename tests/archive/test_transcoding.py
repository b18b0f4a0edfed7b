"""Instances in the transfer syntaxes that a peer takes."""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from pydicom import uid
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.pixels.encoders.base import RLELosslessEncoder

from itkdicomqr.archive.transcoding import acceptable
from itkdicomqr.errors import UnsupportedImageError
from itkdicomqr.instance import Instance
from tests.synthetic import series

SPOILT = b"Demo^\x80\xff=a=b="
UNCOMPRESSED = [
    uid.ImplicitVRLittleEndian,
    uid.ExplicitVRLittleEndian,
    uid.ExplicitVRBigEndian,
    uid.DeflatedExplicitVRLittleEndian,
]


def described(**attributes: Any) -> dict[str, Any]:
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = "T-D3000", "SRT", "Chest"
    item = Dataset()
    item.AnatomicRegionSequence = [code]
    return {"SourceImageSequence": [item], "SmallestImagePixelValue": -5, "PatientName": "Demo^Patient", **attributes}


def stored(syntax: str, **attributes: Any) -> Instance:
    (dataset,) = series("CT", 1, syntax=syntax, **described(**attributes))
    return Instance.from_dataset(dataset)


def rle(**attributes: Any) -> Instance:
    (dataset,) = series("CT", 1, **described(**attributes))
    frame = RLELosslessEncoder.encode(dataset, index=0, encoding_plugin="pydicom")
    dataset.PixelData = encapsulate([frame])
    dataset["PixelData"].VR = "OB"
    dataset["PixelData"].is_undefined_length = True
    dataset.file_meta.TransferSyntaxUID = uid.RLELossless
    return Instance.from_dataset(dataset)


@pytest.mark.parametrize("syntax", [*UNCOMPRESSED, uid.RLELossless])
def test_an_accepted_transfer_syntax_leaves_the_instance_as_it_is(syntax):
    instance = rle() if syntax == uid.RLELossless else stored(syntax)
    assert acceptable(instance, [uid.ImplicitVRLittleEndian, syntax]) is instance


@pytest.mark.parametrize("target", [uid.ImplicitVRLittleEndian, uid.ExplicitVRLittleEndian])
@pytest.mark.parametrize("syntax", [*UNCOMPRESSED, uid.RLELossless])
def test_values_and_pixels_survive(syntax, target):
    (expected,) = series("CT", 1, **described())
    sent = acceptable(rle() if syntax == uid.RLELossless else stored(syntax), [target])
    assert sent.transfer_syntax_uid == target
    np.testing.assert_array_equal(sent.dataset.pixel_array, expected.pixel_array)
    assert [e.value for e in sent.dataset if e.VR != "OW"] == [e.value for e in expected if e.VR != "OW"]
    assert sent.dataset.SmallestImagePixelValue == -5
    assert sent.dataset.SourceImageSequence[0].AnatomicRegionSequence[0].CodeMeaning == "Chest"


def test_explicit_is_preferred_to_implicit():
    sent = acceptable(rle(), [uid.ImplicitVRLittleEndian, uid.ExplicitVRLittleEndian])
    assert sent.transfer_syntax_uid == uid.ExplicitVRLittleEndian


@pytest.mark.parametrize("accepted", [[], [uid.JPEG2000Lossless], [uid.ExplicitVRBigEndian]])
def test_what_cannot_be_had_is_refused(accepted):
    with pytest.raises(UnsupportedImageError, match="cannot become"):
        acceptable(stored(uid.ExplicitVRLittleEndian), accepted)


def test_what_cannot_be_decoded_is_refused():
    broken = replace(rle(), transfer_syntax_uid=str(uid.JPEGLSLossless))
    with pytest.raises(UnsupportedImageError, match="cannot be decoded"):
        acceptable(broken, [uid.ImplicitVRLittleEndian])


@pytest.mark.parametrize(
    ("syntax", "target"),
    [
        (uid.ImplicitVRLittleEndian, uid.ExplicitVRLittleEndian),
        (uid.ExplicitVRLittleEndian, uid.ImplicitVRLittleEndian),
    ],
)
def test_bad_values_pass_without_a_warning(syntax, target):
    instance = stored(syntax)
    spoilt = bytes(instance.encoded).replace(b"Demo^Patient", SPOILT)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        sent = acceptable(replace(instance, encoded=spoilt), [target])
    assert SPOILT in bytes(sent.encoded)

"""Where scanners write what tells volumes apart, and how exactly."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from pydicom.dataelem import DataElement

from itkdicomqr.errors import AmbiguousVolumesError
from itkdicomqr.volume import read_volumes
from tests.volume.repeating import SLICES, of_volume, repeated, values_of

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

IN_ORDER = [{"repetition": 0}, {"repetition": 1}]
"""The keys of volumes that no attribute tells apart."""


@pytest.mark.parametrize(
    ("element", "values", "keys"),
    [
        ("TemporalPositionIndex", [1, 2], {"TemporalPositionIdentifier"}),
        ("FrameType", [["ORIGINAL", "PRIMARY", "W"], ["ORIGINAL", "PRIMARY", "F"]], {"ImageType"}),
        (
            "FrameType",
            [["ORIGINAL", "PRIMARY", "M"], ["ORIGINAL", "PRIMARY", "P"]],
            {"ImageType", "ComplexImageComponent"},
        ),
        ("EffectiveEchoTime", [4.6, 9.2], {"EchoTime"}),
        ("InversionTimes", [100.0, 900.0], {"InversionTime"}),
        ("FrameAcquisitionDateTime", ["20050106101500", "20050106101520"], {"AcquisitionDateTime"}),
    ],
)
def test_an_attribute_of_enhanced_images_tells_as_that_of_plain_ones(
    element: str, values: list[Any], keys: set[str]
) -> None:
    written: dict[str, Any] = {element: of_volume(values)}
    volumes = read_volumes(repeated(2, InstanceNumber=lambda index: str(index % 3), **written))
    assert sorted(map(str, values_of(volumes))) == ["[0]", "[1]"]
    assert all(volume.key.keys() == keys for volume in volumes)


def test_of_several_components_in_an_image_type_the_first_tells() -> None:
    kinds = [["ORIGINAL", "PRIMARY", "M_FFE", "M", "FFE"], ["ORIGINAL", "PRIMARY", "P_FFE", "M", "FFE"]]
    volumes = read_volumes(repeated(2, ImageType=of_volume(kinds)))
    assert [volume.key["ComplexImageComponent"] for volume in volumes] == ["MAGNITUDE", "PHASE"]


NOISE = [
    ("EchoTime", 4.6, 1e-3),
    ("InversionTime", 100.0, 1e-3),
    ("FlipAngle", 5.0, 1e-3),
    ("RepetitionTime", 500.0, 1e-3),
    ("DiffusionBValue", 1000.0, 0.5),
    ("DiffusionGradientOrientation", [1.0, 0.0, 0.0], 1e-3),
    ("ReconstructionDiameter", 350.0, 1e-3),
    ("KVP", 80.0, 1e-3),
    ("SliceThickness", 3.0, 1e-2),
]


def differing(keyword: str, value: Any, by: float) -> list[Dataset]:
    """Two volumes whose numbers begin anew."""
    other = [value[0] + by, *value[1:]] if isinstance(value, list) else value + by
    told: dict[str, Any] = {keyword: of_volume([value, other])}
    return repeated(2, InstanceNumber=lambda index: str(index % SLICES), **told)


@pytest.mark.parametrize(("keyword", "value", "noise"), NOISE)
def test_a_measure_tells_volumes_only_where_it_differs_by_more_than_its_noise(
    keyword: str, value: Any, noise: float
) -> None:
    with pytest.raises(AmbiguousVolumesError):
        read_volumes(differing(keyword, value, 0.8 * noise))
    assert all(volume.key.keys() == {keyword} for volume in read_volumes(differing(keyword, value, 1.5 * noise)))


@pytest.mark.parametrize("words", [["80", "high", "low"], ["70", "80\\high", "80\\low"]])
def test_words_in_place_of_a_measure_tell_volumes_too(words: list[str]) -> None:
    slices = repeated(3, InstanceNumber=lambda index: str(index % SLICES))
    for index, dataset in enumerate(slices):
        dataset.add(DataElement("KVP", "LO", words[index // SLICES].split("\\")))
    assert values_of(read_volumes(slices)) == [[0], [1], [2]]


def private(
    creator: str | None,
    group: int,
    element: tuple[int, str, Any],
    *,
    block: int = 0x10,
    manufacturer: str = "Somebody",
) -> list[Dataset]:
    """Two volumes with a private element (its last byte, VR and values), in a block that is perhaps reserved."""
    offset, vr, values = element
    slices = repeated(2, Manufacturer=manufacturer)
    for index, dataset in enumerate(slices):
        if creator:
            dataset.add_new((group, block), "LO", creator)
        dataset.add_new((group, block << 8 | offset), vr, values[index // SLICES])
    return slices


@pytest.mark.parametrize(
    ("creator", "group", "element", "keyword", "told"),
    [
        ("GEMS_PARM_01", 0x0043, (0x2F, "SS", [3, 2]), "ComplexImageComponent", ["IMAGINARY", "REAL"]),
        (
            "Image Private Header",
            0x0065,
            (0x37, "FD", [[0.0, 1.0, 0.0], [1.0, 0.0, 0.0]]),
            "DiffusionGradientOrientation",
            [(0, 1, 0), (1, 0, 0)],
        ),
        ("SIEMENS MR HEADER", 0x0051, (0x0F, "LO", ["C1", "C2"]), "ReceiveCoilName", ["C1", "C2"]),
    ],
)
def test_components_directions_and_coils_of_vendors_tell_volumes_apart(
    creator: str, group: int, element: tuple[int, str, Any], keyword: str, told: list[Any]
) -> None:
    volumes = read_volumes(private(creator, group, element))
    assert [volume.key for volume in volumes] == [{keyword: value} for value in told]


B_VALUES = (0x0C, "IS", ["0", "800"])
"""As Siemens writes them."""


@pytest.mark.parametrize("block", [0x10, 0x11, 0xFF])
def test_private_elements_are_found_in_any_block(block: int) -> None:
    volumes = read_volumes(private("SIEMENS MR HEADER", 0x0019, B_VALUES, block=block))
    assert [volume.key for volume in volumes] == [{"DiffusionBValue": 0}, {"DiffusionBValue": 800}]


@pytest.mark.parametrize(("manufacturer", "creator"), [("SIEMENS", "SOMEBODY ELSE"), ("Somebody else", None)])
def test_private_elements_of_somebody_else_tell_nothing(manufacturer: str, creator: str | None) -> None:
    volumes = read_volumes(private(creator, 0x0019, B_VALUES, manufacturer=manufacturer))
    assert [volume.key for volume in volumes] == IN_ORDER


@pytest.mark.parametrize(("vr", "values"), [("FL", [0.0, 600.0]), ("FD", [0.0, 600.0]), ("DS", ["0", "600"])])
def test_private_elements_are_read_as_their_own_encoding_says(vr: str, values: list[Any]) -> None:
    volumes = read_volumes(private("Philips Imaging DD 001", 0x2001, (0x03, vr, values)))
    assert [volume.key for volume in volumes] == [{"DiffusionBValue": 0}, {"DiffusionBValue": 600}]


@pytest.mark.parametrize("offset", [0x39, 0x2F], ids=["b-value", "component"])
def test_words_in_private_elements_of_numbers_tell_nothing(offset: int) -> None:
    volumes = read_volumes(private("GEMS_PARM_01", 0x0043, (offset, "LO", ["odd", "even"])))
    assert [volume.key for volume in volumes] == IN_ORDER

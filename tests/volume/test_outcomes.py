"""A stack that is refused refuses itself alone: what is picked beside it is delivered, all together are not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pydicom.dataset import Dataset

from itkdicomqr import load_series, load_volumes
from itkdicomqr.errors import (
    AmbiguousVolumesError,
    ConflictingInstancesError,
    DICOMQRError,
    InputError,
    LimitExceededError,
    MisalignedSlicesError,
    MissingSlicesError,
    MultipleVolumesError,
    NonUniformSpacingError,
    UnsupportedImageError,
)
from itkdicomqr.testing import Archive
from itkdicomqr.volume import Outcome, all_volumes, assemble, one_volume, read_volumes
from itkdicomqr.volume.options import Options
from tests.synthetic import ROOT, part10, series

SERIES = f"{ROOT}.2.1"
WHOLE_SLIDE = "1.2.840.10008.5.1.4.1.1.77.1.6"
TALL: dict[str, Any] = {"rows": 9, "SeriesInstanceUID": SERIES}


def right() -> list[Dataset]:
    return series("MR", 4, number=2, InstanceNumber=lambda index: str(101 + index), SeriesInstanceUID=SERIES)


def placed(*positions: tuple[float, float, float], **attributes: Any) -> list[Dataset]:
    at = [[str(axis) for axis in position] for position in positions]
    return series("MR", len(at), ImagePositionPatient=lambda index: at[index], **TALL, **attributes)


def at(*heights: float, **attributes: Any) -> list[Dataset]:
    return placed(*((0.0, 0.0, height) for height in heights), **attributes)


GAP = at(0, 1, 3)
REFUSED: dict[str, tuple[list[Dataset], type[DICOMQRError], dict[str, Any]]] = {
    "a slice is missing": (GAP, MissingSlicesError, {}),
    "steps of other sizes": (at(0, 2, 5.1), NonUniformSpacingError, {}),
    "beside the line": (placed((0, 0, 0), (3, 0, 1), (0, 0, 2)), MisalignedSlicesError, {}),
    "a tilt that is not wanted": (placed((0, 0, 0), (1, 0, 1)), UnsupportedImageError, {"tilt": "error"}),
    "nothing tells repeats apart": (at(0, 1, 1), AmbiguousVolumesError, {}),
    "far too long a gap": (at(0, 1, 1e6), LimitExceededError, {"gaps": "pad"}),
    "a padding beyond the type": (GAP, InputError, {"gaps": "pad", "padding": 1e9}),
    "a type that is too small": (at(0, 1, dtype="uint16"), InputError, {"dtype": "int16"}),
}


def outcomes_of(instances: list[Dataset], **options: Any) -> list[Outcome]:
    return assemble(instances, Options(**options))


@pytest.mark.parametrize("reason", REFUSED)
@pytest.mark.parametrize("pick", [1, {"Rows": 6}])
def test_the_volume_that_is_picked_is_delivered_beside_one_that_is_refused(reason: str, pick: Any) -> None:
    refused, _, options = REFUSED[reason]
    (expected,) = read_volumes(right())
    volume = one_volume(outcomes_of([*refused, *right()], **options), pick)
    assert volume.array.tobytes() == expected.array.tobytes()
    assert (volume.origin, volume.spacing) == (expected.origin, expected.spacing)


@pytest.mark.parametrize("reason", REFUSED)
@pytest.mark.parametrize("pick", [0, {"Rows": 9}])
def test_the_one_that_is_refused_is_refused_for_its_own_reason_when_picked(reason: str, pick: Any) -> None:
    refused, error, options = REFUSED[reason]
    alone = outcomes_of(refused, **options)
    together = outcomes_of([*refused, *right()], **options)
    with pytest.raises(error) as reason_alone:
        one_volume(alone)
    with pytest.raises(error) as reason_picked:
        one_volume(together, pick)
    assert str(reason_picked.value) == str(reason_alone.value)


@pytest.mark.parametrize("reason", REFUSED)
def test_all_together_are_refused_for_that_reason_with_the_table_of_the_others(reason: str) -> None:
    refused, error, options = REFUSED[reason]
    with pytest.raises(error) as told:
        all_volumes(outcomes_of([*refused, *right()], **options))
    first, *table = str(told.value).splitlines()
    assert first.endswith("; load_series takes another of these with volume=")
    assert table[0].startswith(f"  volume=0: 7×9×{len(refused)} voxels, refused ({error.__name__}), Rows 9")
    assert table[1].startswith("  volume=1: 7×6×4 voxels, 0.5×0.75×2.5 mm, Rows 6")


def test_without_a_pick_neither_is_taken() -> None:
    with pytest.raises(MultipleVolumesError) as error:
        one_volume(outcomes_of([*GAP, *right()]))
    first, *table = str(error.value).splitlines()
    assert first.startswith(
        "2 volumes; pick one with volume= (an index, or values such as {'Rows': 9}); one is refused"
    )
    assert "slices are missing: " in first
    assert "gaps='pad'" in first
    assert [line.partition(":")[0] for line in table] == ["  volume=0", "  volume=1"]


def test_the_error_of_one_alone_has_no_table() -> None:
    with pytest.raises(MissingSlicesError) as error:
        read_volumes(GAP)
    assert "volume=" not in str(error.value)


def test_volumes_of_one_grid_are_not_stacked_without_the_one_that_is_refused() -> None:
    outcomes = outcomes_of([*GAP, *right()])
    with pytest.raises(
        MultipleVolumesError, match="2 volumes of different grids; pick one with volume=; one is refused"
    ):
        one_volume(outcomes, stack=True)
    assert one_volume(outcomes, 0, stack=True).array.shape == (1, 4, 6, 7)
    assert one_volume(outcomes, {"Rows": 6}, stack=True).array.shape == (1, 4, 6, 7)
    with pytest.raises(MissingSlicesError):
        one_volume(outcomes, 1, stack=True)


def test_one_of_several_echoes_is_picked_where_another_lacks_a_slice() -> None:
    echoes = series(
        "MR",
        8,
        EchoTime=lambda index: ["4", "8"][index // 4],
        ImagePositionPatient=lambda index: ["0", "0", str(index % 4)],
        pixels=lambda index: np.full((6, 7), index, np.int16),
    )
    outcomes = outcomes_of([each for index, each in enumerate(echoes) if index != 5])
    assert one_volume(outcomes, {"EchoTime": 4}).array[:, 0, 0].tolist() == [0, 1, 2, 3]
    with pytest.raises(MissingSlicesError, match=r"1 after \(0, 0, 0\)"):
        one_volume(outcomes, {"EchoTime": 8})


@pytest.mark.parametrize("toolkit", ["itk", "simpleitk", "volume"])
def test_an_archive_delivers_what_is_picked(toolkit: str) -> None:
    with Archive([part10(each) for each in [*GAP, *right()]]) as archive:
        words: dict[str, Any] = {"series_uid": SERIES, "pacs": archive.url, "toolkit": toolkit}
        image = load_series("SYN-1", volume={"Rows": 6}, **words)
        with pytest.raises(MissingSlicesError, match="load_series takes another"):
            load_volumes("SYN-1", **words)
    assert tuple(image.spacing if toolkit == "volume" else image.GetSpacing()) == (0.5, 0.75, 2.5)


def slides(count: int = 2) -> list[Dataset]:
    """Make images of a kind that is refused for itself."""
    return series("MR", count, number=3, SOPClassUID=WHOLE_SLIDE, **TALL)


def test_images_of_a_kind_that_is_refused_do_not_keep_others_from_being_picked() -> None:
    outcomes = outcomes_of([*slides(), *right()])
    assert one_volume(outcomes, 0).array.tobytes() == read_volumes(right())[0].array.tobytes()
    with pytest.raises(UnsupportedImageError, match="whole slide"):
        one_volume(outcomes, {"SOPInstanceUID": slides()[1].SOPInstanceUID})


def test_images_of_a_kind_that_is_refused_are_the_last_of_a_series_in_any_order() -> None:
    refused = slides()
    for instances in ([*refused, *right()], [*right(), *reversed(refused)]):
        with pytest.raises(UnsupportedImageError, match="whole slide") as told:
            all_volumes(outcomes_of(instances))
        first, *table = str(told.value).splitlines()
        assert first.startswith(f"instance {refused[0].SOPInstanceUID}: ")
        assert table[0].startswith("  volume=0: 7×6×4 voxels")
        assert table[1].startswith("  volume=1: 7×9×2 voxels, refused (UnsupportedImageError), SOPInstanceUID ")
        assert refused[1].SOPInstanceUID in outcomes_of(instances)[1].key["SOPInstanceUID"]


def test_a_series_of_nothing_but_a_refused_kind_is_refused_for_its_own_reason() -> None:
    for take in (one_volume, all_volumes):
        with pytest.raises(UnsupportedImageError, match=r"as those of whole slides, are not assembled$"):
            take(outcomes_of(slides()))


def test_an_image_of_a_refused_kind_may_come_twice_but_not_in_two_versions() -> None:
    first, other = slides()
    assert len(outcomes_of([first, first, *right()])) == 2
    other.SOPInstanceUID = first.SOPInstanceUID
    with pytest.raises(ConflictingInstancesError):
        outcomes_of([first, other])

"""Volumes of one grid become one of four dimensions, which says what tells them apart."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from itkdicomqr import MultipleVolumesError, load_series, load_volumes
from itkdicomqr.testing import Archive
from itkdicomqr.volume import Volume, all_volumes, assemble, read_volumes, stacked
from itkdicomqr.volume.options import Options
from tests.reference import voxels
from tests.synthetic import OBLIQUE, part10, series
from tests.volume.repeating import of_volume, repeated


def stack_of(volumes: int, **overrides: Any) -> Volume:
    (stack,) = read_volumes(repeated(volumes, **overrides), stack=True)
    return stack


def test_volumes_lie_in_the_order_of_what_tells_them_apart() -> None:
    stack = stack_of(3, EchoTime=of_volume(["20", "4.6", "9.2"]))
    assert stack.array.shape == (3, 3, 6, 7)
    assert stack.array[:, 0, 0, 0].tolist() == [1, 2, 0]
    assert stack.key == {"EchoTime": (4.6, 9.2, 20.0)}
    assert stack.metadata["EchoTime"] == "4.6\\9.2\\20"


def test_the_grid_is_that_of_each_volume() -> None:
    slices = series("MR", 3, orientation=OBLIQUE, EchoTime="4") + series(
        "MR", 3, orientation=OBLIQUE, EchoTime="8", SOPInstanceUID=lambda index: f"1.2.3.{index}"
    )
    volumes = read_volumes(slices)
    (stack,) = stacked(volumes)
    assert stack.dimension == 4
    assert stack.origin == (*volumes[0].origin, 0.0)
    assert stack.spacing == (*volumes[0].spacing, 1.0)
    assert np.array_equal(stack.direction[:3, :3], volumes[0].direction)
    assert stack.direction[3].tolist() == stack.direction[:, 3].tolist() == [0, 0, 0, 1]
    assert stack.orientation == volumes[0].orientation


def test_colours_keep_their_components() -> None:
    stack = stack_of(2, EchoTime=of_volume(["4", "8"]), pixels=lambda index: np.full((6, 7, 3), index, np.uint8))
    assert stack.array.shape == (2, 3, 6, 7, 3)


def test_gradients_are_written_with_commas_within_a_volume() -> None:
    stack = stack_of(
        3,
        DiffusionBValue=of_volume([0.0, 1000.0, 1000.0]),
        DiffusionGradientOrientation=of_volume([None, [0.0, 0.6, 0.8], [1.0, 0.0, 0.0]]),
    )
    assert stack.metadata["DiffusionBValue"] == "0\\1000\\1000"
    assert stack.metadata["DiffusionGradientOrientation"] == "\\0,0.6,0.8\\1,0,0"


@pytest.mark.parametrize(
    ("overrides", "seconds"),
    [
        ({"TriggerTime": ["0", "41.5", "83"]}, 0.0415),
        ({"FrameReferenceTime": ["5000", "15000", "25000"]}, 10.0),
        ({"AcquisitionTime": ["095950", "100000.5", "100011"]}, 10.5),
        ({"TemporalPositionIdentifier": ["1", "2", "3"], "AcquisitionTime": ["101500", "101502", "101504"]}, 2.0),
    ],
)
def test_even_times_are_the_fourth_spacing_in_seconds(overrides: dict[str, list[str]], seconds: float) -> None:
    stack = stack_of(3, **{keyword: of_volume(values) for keyword, values in overrides.items()})
    assert stack.spacing[3] == pytest.approx(seconds)
    assert stack.report.warnings == ()


@pytest.mark.parametrize(
    ("overrides", "warning"),
    [
        ({"TriggerTime": ["0", "40", "100"]}, "apart by TriggerTime, not by times in even steps"),
        ({"EchoTime": ["4", "8", "12"]}, "apart by EchoTime, not by times"),
        (
            {"EchoTime": ["4", "8", "12"], "AcquisitionTime": ["101500", "101501", "101502"]},
            "apart by EchoTime, AcquisitionTime, not",
        ),
        ({"TemporalPositionIdentifier": ["1", "2", "3"]}, "apart by TemporalPositionIdentifier, not by times"),
    ],
)
def test_without_even_times_the_fourth_spacing_is_one(overrides: dict[str, list[str]], warning: str) -> None:
    stack = stack_of(3, **{keyword: of_volume(values) for keyword, values in overrides.items()})
    assert stack.spacing[3] == 1.0
    assert len(stack.report.warnings) == 1
    assert warning in stack.report.warnings[0]


def test_one_volume_alone_is_stacked_too() -> None:
    (volume,) = read_volumes(series("CT", 4))
    (stack,) = stacked([volume])
    assert stack.array.shape == (1, 4, 6, 7)
    assert stack.array.base is volume.array
    assert stack.key == {}
    assert stack.metadata == volume.metadata


def test_integers_and_fractions_get_the_type_that_holds_all() -> None:
    stack = stack_of(2, modality="PT", EchoTime=of_volume(["4", "8"]), RescaleSlope=of_volume(["1", "0.5"]))
    assert stack.array.dtype == np.float64
    assert stack.array[:, 0, 0, 0].tolist() == [0, 0.5]


@pytest.mark.parametrize(
    "different",
    [
        {"slices": 4},
        {"step": 2.6},
        {"PixelSpacing": ["0.75", "0.51"]},
        {"rows": 8},
        {"SeriesInstanceUID": "1.2.826.0.1.3680043.10.1234.9"},
        {"FrameOfReferenceUID": "1.2.826.0.1.3680043.10.1234.9"},
    ],
)
def test_volumes_of_different_grids_are_not_stacked(different: dict[str, Any]) -> None:
    slices = series("MR", 3, EchoTime="4")
    same = {"slices": 3, "number": 2, "SeriesInstanceUID": slices[0].SeriesInstanceUID, "EchoTime": "8"}
    others = series("MR", **{**same, **different})
    assert [len(stack.array) for stack in read_volumes([*slices, *others], stack=True)] == [1, 1]


def test_slices_and_report_are_those_of_all_volumes_in_their_order() -> None:
    slices = repeated(2, EchoTime=of_volume(["8", "4"]))
    (stack,) = read_volumes([*slices, slices[0]], stack=True)
    assert [entries["0018|0081"] for entries in stack.slices] == ["4 "] * 3 + ["8 "] * 3
    assert stack.report.sop_instance_uids == tuple(dataset.SOPInstanceUID for dataset in slices[3:] + slices[:3])
    assert stack.report.duplicates == (slices[0].SOPInstanceUID,)
    assert "0018|0081" not in stack.metadata


def test_the_corner_error_is_that_of_the_common_grid() -> None:
    shifted = ["0", "0.004"]
    (stack,) = read_volumes(
        repeated(
            2,
            EchoTime=of_volume(["4", "8"]),
            ImagePositionPatient=lambda index: [shifted[index // 3], "0", str(index % 3 * 2)],
        ),
        stack=True,
    )
    assert stack.report.max_corner_error_mm == pytest.approx(0.004)


@given(order=st.permutations(range(9)))
@settings(max_examples=20, deadline=None)
def test_any_order_of_arrival_gives_the_same_stack_in_the_memory_of_the_slices(order: list[int]) -> None:
    slices = repeated(3, EchoTime=of_volume(["8", "4", "16"]))
    made: list[Any] = []

    def allocate(shape: tuple[int, ...], dtype: np.dtype[Any]) -> Any:
        made.append(np.empty(shape, dtype))
        return made[-1]

    came = [part10(slices[index]) for index in order]
    (stack,) = stacked(all_volumes(assemble(came, Options(), len(slices), allocate)))
    assert stack.array[:, :, 0, 0].tolist() == [[1] * 3, [0] * 3, [2] * 3]
    assert len(made) == 1
    assert stack.array.ctypes.data == made[0].ctypes.data


def test_volumes_that_do_not_lie_together_are_copied() -> None:
    first, second, third = read_volumes(repeated(3, EchoTime=of_volume(["4", "8", "16"])))
    (stack,) = stacked([third, first])
    assert stack.array[:, 0, 0, 0].tolist() == [2, 0]
    assert not np.shares_memory(stack.array, second.array)
    assert not np.shares_memory(stack.array, third.array)


def test_a_stack_is_pickled_with_its_voxels_out_of_band() -> None:
    stack = stack_of(3, EchoTime=of_volume(["4", "8", "16"]))
    buffers: list[pickle.PickleBuffer] = []
    content = pickle.dumps(stack, protocol=5, buffer_callback=buffers.append)
    copy = pickle.loads(content, buffers=buffers)  # noqa: S301
    assert np.shares_memory(copy.array, stack.array)
    assert (copy.key, copy.spacing, copy.report, copy.metadata) == (
        stack.key,
        stack.spacing,
        stack.report,
        stack.metadata,
    )
    assert list(copy.slices) == list(stack.slices)


def test_unpickled_volumes_are_stacked() -> None:
    volumes = read_volumes(repeated(2, EchoTime=of_volume(["4", "8"])))
    (stack,) = stacked(pickle.loads(pickle.dumps(volumes)))  # noqa: S301
    assert stack.array[:, 0, 0, 0].tolist() == [0, 1]
    assert stack.metadata["EchoTime"] == "4\\8"


def test_its_repr_tells_all_dimensions() -> None:
    stack = stack_of(3, TriggerTime=of_volume(["0", "10", "20"]))
    assert repr(stack) == "<Volume 3×3×6×7 int16, 756 bytes, spacing 0.5×0.75×2 mm (x×y×z), LPS>"


@pytest.mark.parametrize("toolkit", ["itk", "simpleitk", "volume"])
def test_a_series_is_loaded_as_a_stack(toolkit: str) -> None:
    slices = repeated(3, EchoTime=of_volume(["4", "8", "16"]))
    with Archive(slices) as archive:
        words: dict[str, Any] = {"pacs": archive.url, "toolkit": toolkit, "stack": True}
        images = [
            load_series("SYN-1", **words),
            *load_volumes("SYN-1", **words),
            load_series("SYN-1", volume={"EchoTime": 8}, **words),
        ]
        with pytest.raises(MultipleVolumesError):
            load_series("SYN-1", pacs=archive.url, toolkit=toolkit)
    arrays = [image.array if isinstance(image, Volume) else voxels(image) for image in images]
    assert [array.shape for array in arrays] == [(3, 3, 6, 7), (3, 3, 6, 7), (1, 3, 6, 7)]
    assert [array[:, 0, 0, 0].tolist() for array in arrays] == [[0, 1, 2], [0, 1, 2], [1]]


@pytest.mark.filterwarnings("ignore::itkdicomqr.DICOMQRWarning")
@pytest.mark.parametrize("missing", [2, 7])
def test_the_padding_of_a_stack_is_that_of_the_volume_that_was_padded(missing: int) -> None:
    slices = repeated(2, 5, EchoTime=of_volume(["4", "8"], 5))
    came = [each for index, each in enumerate(slices) if index != missing]
    (stack,) = read_volumes(came, gaps="pad", padding=-7, stack=True)
    assert stack.report.padding == -7
    assert stack.report.padded.keys() == {missing}


def test_a_padding_value_that_only_one_volume_tells_is_reported() -> None:
    (stack,) = read_volumes(
        repeated(2, EchoTime=of_volume(["4", "8"]), PixelPaddingValue=of_volume([None, 5])), stack=True
    )
    assert stack.report.pixel_padding_value == 5


@pytest.mark.filterwarnings("ignore:Invalid value for VR DT")
@pytest.mark.parametrize(
    ("times", "step"),
    [
        ({"AcquisitionDateTime": ["20050106101500.5", "20050106101501.5", "20050106101502.5"]}, 1),
        ({"AcquisitionDateTime": ["20051231235950", "20060101000000", "20060101000010"]}, 10),
        (
            {
                "AcquisitionDate": ["20050131", "20050201", "20050201"],
                "AcquisitionTime": ["235950", "000000", "000010"],
            },
            10,
        ),
        ({"AcquisitionDateTime": ["20059906101500", "20059906101501", "20059906101502"]}, None),
    ],
)
def test_even_steps_of_moments_are_the_step_of_time(times: dict[str, list[str]], step: float | None) -> None:
    stack = stack_of(3, **{keyword: of_volume(values) for keyword, values in times.items()})
    assert stack.spacing[3] == (step or 1)
    assert ("even steps" in str(stack.report.warnings)) == (step is None)

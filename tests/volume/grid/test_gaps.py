"""Uneven and missing slices: refused, or averaged, padded, resampled or split as asked, and told."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from itkdicomqr.errors import DICOMQRWarning, LimitExceededError, MissingSlicesError, NonUniformSpacingError
from itkdicomqr.volume import Volume, read_volumes
from itkdicomqr.volume.grid.gaps import whole_multiples
from tests.synthetic import AXIAL, OBLIQUE, multiframe, series, simpleitk

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from itkdicomqr.volume.options import Gaps

MISSING = (0, 2.5, 5, 10, 12.5)
UNEVEN = (0, 2, 5.1, 7.1)


def at(*heights: float, **attributes: Any) -> list[Any]:
    return series("CT", len(heights), ImagePositionPatient=lambda index: ["0", "0", str(heights[index])], **attributes)


def read(slices: Sequence[Any], **options: Any) -> Volume:
    with pytest.warns(DICOMQRWarning) as caught:
        (volume,) = read_volumes(slices, **options)
    assert [str(warning.message) for warning in caught] == list(volume.report.departures)
    return volume


def all_but(slices: Sequence[Any], dropped: set[int]) -> list[Any]:
    return [slice_ for index, slice_ in enumerate(slices) if index not in dropped]


def test_a_series_with_a_missing_slice_is_refused_with_its_place_and_its_cures() -> None:
    with pytest.raises(
        MissingSlicesError,
        match=r"^slices are missing: ImagePositionPatient \(0020,0032\) .* from 2.5000 to 5.0000 mm, .*; "
        r"1 after \(0, 0, 5\); retrieve them, or gaps='pad' .*gaps='resample' .*gaps='split' .*gaps='average'",
    ):
        read_volumes(at(*MISSING))


def test_a_series_of_uneven_steps_is_refused_with_their_places_and_the_cures_that_fit() -> None:
    with pytest.raises(
        NonUniformSpacingError,
        match=r"^slices are not evenly spaced, .* from 2.0000 to 3.1000 mm, .*; 3.1000 mm after \(0, 0, 2\); "
        r"gaps='resample' .*gaps='split' .*gaps='average'",
    ) as error:
        read_volumes(at(*UNEVEN), gaps="pad")
    assert "gaps='pad'" not in str(error.value)


def test_only_steps_that_differ_by_more_than_is_tolerated_are_named() -> None:
    with pytest.raises(NonUniformSpacingError, match=r"; 33.0000 mm after \(0, 0, 81\); gaps='resample'"):
        read_volumes(at(0, 20, 40, 60, 81, 114))


def test_of_many_places_only_some_are_named() -> None:
    with pytest.raises(MissingSlicesError, match=r"1 after \(0, 0, 56\) and 10 more; retrieve"):
        read_volumes(at(*(index * 2 + index // 2 * 2 for index in range(41))))


@pytest.mark.parametrize("heights", [MISSING, UNEVEN])
def test_gaps_are_averaged_as_itk_does_on_demand(tmp_path: Path, heights: tuple[float, ...]) -> None:
    slices = at(*heights)
    volume = read(slices, gaps="average")
    image = simpleitk(slices, tmp_path)
    assert volume.spacing == image.GetSpacing()
    assert volume.report.max_corner_error_mm > 0.3
    assert "averaged" in volume.report.warnings[0]


def test_a_small_unevenness_is_told() -> None:
    volume = read(at(0, 1, 2.02, 3))
    assert volume.report.step_deviation == pytest.approx(0.02)
    assert "from 0.9800 to 1.0200 mm" in volume.report.warnings[0]
    assert volume.report.max_corner_error_mm == pytest.approx(0.02)


@pytest.mark.parametrize("heights", [(0, 1.0001, 1.9999, 3), (0, 1.0009, 2)])
def test_the_noise_of_printed_positions_is_silent(heights: tuple[float, ...]) -> None:
    (volume,) = read_volumes(at(*heights))
    assert volume.report.warnings == ()


def test_steps_that_differ_by_just_a_thousandth_are_not_called_uneven() -> None:
    (departure,) = read(at(0, 1001, 2000)).report.departures
    assert "corner" in departure


@pytest.mark.parametrize("heights", [(0, 1.0011, 2), (0, 21, 40)])
def test_steps_that_differ_by_up_to_a_twentieth_are_averaged_with_a_word(heights: tuple[float, ...]) -> None:
    assert "averaged" in read(at(*heights)).report.warnings[0]


def test_steps_that_differ_by_more_are_refused() -> None:
    with pytest.raises(NonUniformSpacingError):
        read_volumes(at(0, 21.1, 40))


@pytest.mark.parametrize(
    ("steps", "counts"),
    [
        ((1, 1, 2.03), (1, 1, 2)),
        ((1, 1, 2.05), None),
        ((1, 1, 9.92), (1, 1, 10)),
        ((1, 1, 9.88), None),
        ((1, 1, 1.4), None),
        ((2, 2, 3), None),
    ],
)
def test_steps_are_whole_multiples_within_a_fiftieth_of_them_and_a_tenth_of_the_smallest(
    steps: tuple[float, ...], counts: tuple[int, ...] | None
) -> None:
    assert whole_multiples(steps) == counts


@pytest.mark.parametrize("gaps", ["error", "average", "pad", "split", "resample"])
def test_no_choice_changes_a_regular_series(gaps: Any) -> None:
    slices = series("MR", 5, orientation=OBLIQUE)
    (plain,), (volume,) = read_volumes(slices), read_volumes(slices, gaps=gaps)
    assert volume.array.tobytes() == plain.array.tobytes()
    assert (volume.origin, volume.spacing, volume.report) == (plain.origin, plain.spacing, plain.report)


def test_missing_slices_are_padded_and_listed() -> None:
    volume = read(at(0, 2.5, 10, 12.5), gaps="pad", padding=-7)
    assert volume.array.shape == (6, 6, 7)
    assert (volume.array[2:4] == -7).all()
    assert volume.spacing[2] == 2.5
    assert volume.report.padded == {2: (0.0, 0.0, 5.0), 3: (0.0, 0.0, 7.5)}
    assert volume.report.padding == -7
    assert volume.report.max_corner_error_mm == 0
    assert "padded, slice 2 at (0, 0, 5), slice 3 at (0, 0, 7.5)" in volume.report.warnings[0]


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), orientation=st.sampled_from([AXIAL, OBLIQUE]), order=st.permutations(range(9)))
def test_any_inner_slices_that_are_dropped_are_refused_or_padded(
    data: st.DataObject, orientation: tuple[float, ...], order: list[int]
) -> None:
    dropped = data.draw(st.sets(st.integers(1, 7), min_size=1, max_size=6))
    kept = sorted(set(range(9)) - dropped)
    assume(min(after - before for before, after in pairwise(kept)) == 1)  # else the step itself is unknown
    slices = series("MR", 9, orientation=orientation, step=3.3)
    rest = [slices[index] for index in order if index not in dropped]

    with pytest.raises(MissingSlicesError):
        read_volumes(rest)

    (whole,) = read_volumes(slices)
    padded = read(rest, gaps="pad", padding=5)
    expected = whole.array.copy()
    expected[sorted(dropped)] = 5
    assert padded.array.tobytes() == expected.tobytes()
    assert (padded.origin, padded.spacing) == (whole.origin, whole.spacing)
    assert padded.direction.tobytes() == whole.direction.tobytes()
    assert sorted(padded.report.padded) == sorted(dropped)


def test_frames_of_one_instance_are_padded_too() -> None:
    frames = series("MR", 6, orientation=OBLIQUE)
    whole = read_volumes([multiframe(frames)])[0]
    padded = read([multiframe(all_but(frames, {2}))], gaps="pad", padding=0)
    assert padded.array[[0, 1, 3, 4, 5]].tobytes() == whole.array[[0, 1, 3, 4, 5]].tobytes()
    assert padded.spacing == pytest.approx(whole.spacing)
    assert padded.report.max_corner_error_mm < 1e-6


@pytest.mark.parametrize(("heights", "count"), [(MISSING, 6), (UNEVEN, 5), ((0, 1, 2, 7, 12, 17), 5)])
def test_uneven_slices_are_resampled_from_the_first_to_the_last(heights: tuple[float, ...], count: int) -> None:
    volume = read(at(*heights, pixels=lambda index: np.full((4, 4), heights[index] * 10, np.int16)), gaps="resample")
    places = np.linspace(0, heights[-1], len(volume.array))
    assert np.array_equal(volume.array[:, 0, 0], np.rint(places * 10))
    assert volume.spacing[2] == pytest.approx(places[1])
    assert volume.array.dtype == np.int16
    assert volume.report.resampled == ("gaps",)
    assert volume.report.max_corner_error_mm < 1e-6
    assert len(volume.array) == (18 if heights[2] == 2 else count)


def test_slices_that_lie_on_the_regular_grid_are_kept_to_the_bit() -> None:
    slices = series("PT", 7, dtype="uint16", RescaleSlope="0.37", orientation=OBLIQUE)
    (whole,) = read_volumes(slices)
    volume = read(all_but(slices, {3}), gaps="resample")
    kept = [0, 1, 2, 4, 5, 6]
    assert volume.array[kept].tobytes() == whole.array[kept].tobytes()
    assert volume.array[3] == pytest.approx((whole.array[2] + whole.array[4]) / 2)


def test_a_slice_that_is_off_the_regular_grid_by_less_than_is_worth_a_word_is_kept_to_the_bit() -> None:
    slices = at(0, 1, 1.9995, 3, 5)
    volume = read(slices, gaps="resample")
    assert np.array_equal(volume.array[2], slices[2].pixel_array)


@pytest.mark.parametrize("gaps", ["pad", "resample"])
def test_a_grid_of_the_most_slices_is_made(gaps: Gaps) -> None:
    assert len(read(at(0, 1, 2, 65535), gaps=gaps).array) == 65536


@pytest.mark.parametrize("gaps", ["pad", "resample"])
@pytest.mark.parametrize("height", [65536, 1e6])
def test_a_grid_through_a_slice_far_away_is_refused(gaps: Gaps, height: float) -> None:
    with pytest.raises(LimitExceededError, match="more than 65536; gaps='split'"):
        read_volumes(at(0, 1, 2, height), gaps=gaps)


def test_padded_voxels_count_for_the_limit() -> None:
    with pytest.raises(LimitExceededError, match="voxels need 8484 bytes; max_series_bytes=1000"):
        read_volumes(at(0, 1, 2, 100), gaps="pad", max_series_bytes=1000)

"""What the error says of positions whose slices nothing tells apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from itkdicomqr.errors import AmbiguousVolumesError
from itkdicomqr.volume import read_volumes
from tests.volume.repeating import repeated

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydicom.dataset import Dataset


def ambiguity_of(slices: Sequence[Dataset]) -> str:
    with pytest.raises(AmbiguousVolumesError) as error:
        read_volumes(slices)
    return str(error.value)


@pytest.mark.parametrize(("positions", "more"), [(5, ""), (6, " and 1 more")])
def test_five_positions_are_named(positions: int, more: str) -> None:
    slices = repeated(2, positions, InstanceNumber="1", SOPInstanceUID=lambda index: f"1.{100 + index}")
    named = [f"2 at (0, 0, {2 * place}): 1.{100 + place}, 1.{100 + positions + place}" for place in range(5)]
    assert f"several slices share a position ({'; '.join(named)}{more}), no attribute" in ambiguity_of(slices)


@pytest.mark.parametrize(("count", "more"), [(5, ""), (6, " and 1 more")])
def test_five_instances_of_a_position_are_named(count: int, more: str) -> None:
    slices = repeated(count, 1, InstanceNumber="1")
    named = ", ".join(dataset.SOPInstanceUID for dataset in slices[:5])
    assert f"({count} at (0, 0, 0): {named}{more}), no attribute" in ambiguity_of(slices)


def test_the_numbers_of_slices_that_positions_have_are_told_from_the_least() -> None:
    assert "the positions hold 1 or 8 slices" in ambiguity_of(repeated(8, 2)[:-1:2] + repeated(8, 2)[-1:])

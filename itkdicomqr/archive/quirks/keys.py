"""Quirks of the keys of a C-FIND: which are matched, and how."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING

from itkdicomqr.archive.quirks.named import Named
from itkdicomqr.archive.quirks.rows import each_row
from itkdicomqr.archive.seams import Quirk
from itkdicomqr.levels import COUNTS

if TYPE_CHECKING:
    from collections.abc import Collection

    from pydicom.dataset import Dataset

    from itkdicomqr.archive.seams import Compare, Request
    from itkdicomqr.archive.values import Values


def ignoring(*keywords: str, returned_empty: bool = False) -> Quirk:
    """Neither match a key nor know its value."""

    def question(identifier: Dataset, request: Request) -> Dataset:
        return _without(identifier, keywords) if request.operation == "C-FIND" else identifier

    def row(identifier: Dataset, request: Request) -> Dataset:
        for keyword in keywords if returned_empty else ():
            if keyword in request.identifier:
                setattr(identifier, keyword, None)
        return identifier

    return Quirk(question=question, answers=each_row(row))


def ignoring_counts() -> Quirk:
    """Tell no number of related entities."""
    return ignoring(*COUNTS)


def comparing_any_case() -> Quirk:
    """Match text in upper and lower case alike."""

    def compare(compare: Compare) -> Compare:
        def fold(values: Values) -> Values:
            return tuple(value.casefold() for value in values)

        return lambda vr, wanted, values: compare(vr, fold(wanted), fold(values))

    return Quirk(compare=compare)


def comparing_names_exactly() -> Quirk:
    """Match person names as other text, in their case."""
    return Quirk(compare=lambda compare: lambda vr, *values: compare("LO" if vr == "PN" else vr, *values))


def comparing_literally() -> Quirk:
    """Take wildcards for letters."""

    def compare(compare: Compare) -> Compare:
        def literal(vr: str, wanted: Values, values: Values) -> bool:
            wild = any("*" in value or "?" in value for value in wanted)
            return bool({*wanted} & {*values}) if wild else compare(vr, wanted, values)

        return literal

    return Quirk(compare=compare)


def _without(identifier: Dataset, keywords: Collection[str]) -> Dataset:
    kept = deepcopy(identifier)
    for keyword in keywords:
        if keyword in kept:
            delattr(kept, keyword)
    return kept


NAMED = (
    Named(
        "ignores-description",
        "neither matches nor returns SeriesDescription",
        lambda: ignoring("SeriesDescription"),
        seen="dcmqrscp, qrscp, CTN",
    ),
    Named(
        "empties-description",
        "does not match SeriesDescription, and returns it empty",
        lambda: ignoring("SeriesDescription", returned_empty=True),
        seen="tiny-pacs",
    ),
    Named("ignores-modality", "neither matches nor returns Modality", lambda: ignoring("Modality")),
    Named(
        "ignores-modalities-in-study",
        "neither matches nor returns ModalitiesInStudy",
        lambda: ignoring("ModalitiesInStudy"),
        seen="dcmqrscp, qrscp, CTN",
    ),
    Named("ignores", "neither matches nor returns any one attribute", ignoring, "KEYWORD"),
    Named("case-insensitive", "matches text in any case", comparing_any_case, seen="tiny-pacs, CTN"),
    Named(
        "case-sensitive",
        "matches person names too in their own case alone",
        comparing_names_exactly,
        seen="dcmqrscp, qrscp",
    ),
    Named("no-wildcards", "takes * and ? for letters", comparing_literally),
    Named(
        "no-counts",
        "tells no number of related instances, series or studies",
        ignoring_counts,
        seen="dcmqrscp, qrscp, CTN",
    ),
)

"""Many series, one after the other or side by side: the image of each, or the error that kept it back."""

from __future__ import annotations

import builtins
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from math import isnan
from typing import Any, TypeVar

from itkdicomqr.checks import check_keywords, check_positive
from itkdicomqr.configuration import Pacs, nodes_of
from itkdicomqr.errors import CriteriaError, DICOMQRError, InputError
from itkdicomqr.functions import load_series
from itkdicomqr.levels import UNIQUE_KEYS, Level
from itkdicomqr.node import Timeouts
from itkdicomqr.query.criteria import NAME_OF
from itkdicomqr.query.table import Row
from itkdicomqr.volume import Volume
from itkdicomqr.volume.picking import Pick, check_pick
from itkdicomqr.volume.toolkits import target_of
from itkdicomqr.words import CLIENT_WORDS, LOAD_WORDS, LoadWords, timeouts_of

CohortRow = TypeVar("CohortRow", Row, Mapping[str, Any])
"""What a row may be: one of `find_series`, or keyword arguments of `load_series`."""

Mapped = Callable[[Callable[[Any], Any], Iterable[Any]], Iterable[Any]]
"""A function that is called like ``map``."""

LOOK_AHEAD = 4
"""How many rows an executor has in hand unless told otherwise."""


def load_cohort(
    rows: Iterable[CohortRow],
    *,
    pacs: Pacs = None,
    executor: Executor | None = None,
    map: Mapped | None = None,  # noqa: A002 the name that tells what fits
    look_ahead: int = LOOK_AHEAD,
    toolkit: str = "itk",
    volume: Pick = None,
    stack: bool = False,
    **criteria_and_options: Any,
) -> Iterator[tuple[CohortRow, Any]]:
    """Load one image a row, in the order of the rows; what keeps a row back is given in its place.

    Nothing is loaded before it is asked for, so a thousand rows need no more memory than a few. By
    default one row is loaded at a time, when the loop comes to it. With ``executor`` the next ones are
    loaded meanwhile.

    Parameters
    ----------
    rows : iterable of Row or of mappings
        Rows of `find_series`; or the keyword arguments of `load_series` for each, such as
        ``{"patient_id": "99999", "date": "2021-05-03", "description": "AX 3.0 Soft*"}``, or DICOM keywords
        in their places, as `SeriesTable.to_dicts` gives them, where None is no criterion:
        ``csv.DictReader(file)`` and ``frame.to_dict("records")`` give such rows. An empty text asks for an
        empty value, or is refused: where an empty cell of a CSV file is no criterion, give
        ``{name: cell or None for name, cell in row.items()}``.
        ``volume`` and the other options may differ by row, too.
    pacs
        Which archives, as `load_series` takes them; a row of `find_series` is loaded from its own.
    executor : concurrent.futures.Executor, optional
        What loads: threads while the archive is slow, processes to decode on several cores. It stays
        open; what has not begun when the loop ends is cancelled. Threads share the receiver of a
        C-MOVE; of several processes each waits for its turn at the port (on Linux; elsewhere one has
        it, and the others a `PortInUseError`).
    map : callable, optional
        Instead of an executor, anything that is called like the built-in ``map`` and gives its results
        in order: ``multiprocessing.Pool().imap``, or a function around joblib or dask. It decides how far
        it looks ahead.
    look_ahead : int
        How many rows the executor has in hand at most, each of which may hold an image: more than it
        has workers keeps all of them busy.
    toolkit, volume, stack
        As `load_series` takes them. An executor and a ``map`` bring volumes, from which the toolkit's
        images are made here, one at a time: they pass between processes, and images do not.
    **criteria_and_options
        What all rows have in common, as `load_series` takes it.

    Yields
    ------
    row : Row or mapping
        As it was given; from another process, its copy.
    image : itk.Image, SimpleITK.Image, Volume or DICOMQRError
        What `load_series` returns for the row, or what it raises.

    Raises
    ------
    InputError
        What concerns all rows cannot be meant: an archive that is given, the toolkit, an option; at once.
    TypeError
        A keyword argument is not known; one of a row, when the loop comes to it.

    Examples
    --------
    >>> from concurrent.futures import ProcessPoolExecutor
    >>> table = find_series("99999", "2021", modality="CT", pacs="ORTHANC@localhost:4242")  # doctest: +SKIP
    >>> with ProcessPoolExecutor(4) as executor:  # doctest: +SKIP
    ...     for row, image in load_cohort(table, executor=executor, look_ahead=5):
    ...         if isinstance(image, DICOMQRError):
    ...             print(row.SeriesNumber, image)
    """
    check_pick(volume)
    _check(toolkit, look_ahead, criteria_and_options)
    if executor is not None and map is not None:
        message = "executor= and map= both say who loads: give one of them"
        raise InputError(message)
    in_turn = executor is None and map is None
    load = _Loading(
        {
            "pacs": None if pacs is None else nodes_of(pacs),
            "toolkit": toolkit if in_turn else "volume",
            "volume": volume,
            "stack": stack,
            **criteria_and_options,
        }
    )
    mapped = map or (partial(_ahead, executor, look_ahead) if executor else builtins.map)
    return ((row, _finished(loaded, toolkit)) for row, loaded in mapped(load, rows))


@dataclass(frozen=True)
class _Loading:
    """What a worker does with a row; it can be sent to another process."""

    common: Mapping[str, Any]

    def __call__(self, row: Any) -> tuple[Any, Any]:
        try:
            return row, load_series(**{**self.common, **_words(row)})
        except DICOMQRError as error:
            return row, error


def _words(row: object) -> Mapping[str, Any]:
    """Give the keyword arguments that a row stands for."""
    if isinstance(row, Row):
        return {"series": row}
    if isinstance(row, Mapping):
        return _named(row)
    message = f"a row of the type {type(row).__name__} is neither of find_series nor a mapping of criteria"
    raise CriteriaError(message)


def _named(row: Mapping[Any, Any]) -> Mapping[str, Any]:
    """Read the columns of a table, called like keyword arguments or by DICOM keywords.

    A row that names its series by UIDs, as those of `SeriesTable.to_dicts` do, is that series, whatever else it tells.
    Cells beyond the columns, which `csv.DictReader` calls None, are refused.
    """
    if not all(isinstance(name, str) for name in row):
        message = "a row has cells without a column: it may be longer than the heading of its table"
        raise CriteriaError(message)
    cells = {name: _cell(value) for name, value in row.items()}
    words = {name: value for name, value in cells.items() if not name[:1].isupper()}
    told = {name: value for name, value in cells.items() if name[:1].isupper() and value is not None}
    if told.get("SeriesInstanceUID"):
        told = {keyword: value for keyword, value in told.items() if keyword in _IDENTIFYING}
    known = {NAME_OF[keyword]: value for keyword, value in told.items() if keyword in NAME_OF}
    keys = {**(words.get("keys") or {}), **{each: str(told[each]) for each in told if each not in NAME_OF}}
    return {**known, **words, **({"keys": keys} if keys else {})}


def _cell(value: Any) -> Any:
    """Take NaN as no value, and a whole number as one: pandas makes fractions of a column that has gaps."""
    if not isinstance(value, float):
        return value
    return None if isnan(value) else int(value) if value.is_integer() else value


_IDENTIFYING = frozenset(UNIQUE_KEYS[level] for level in Level if level <= Level.SERIES)
"""What a row of a search names its series by."""


def _ahead(executor: Executor, most: int, load: _Loading, rows: Iterable[Any]) -> Iterator[tuple[Any, Any]]:
    """Be the ``map`` of an executor that takes no more rows in hand than it may."""
    in_hand: deque[Any] = deque()
    try:
        for row in rows:
            in_hand.append(executor.submit(load, row))
            if len(in_hand) == most:
                yield in_hand.popleft().result()
        while in_hand:
            yield in_hand.popleft().result()
    finally:
        for future in in_hand:
            future.cancel()


def _finished(loaded: Any, toolkit: str) -> Any:
    """Make the toolkit's image of a volume that a worker brought."""
    if toolkit == "volume" or not isinstance(loaded, Volume):
        return loaded
    try:
        return target_of(toolkit).image(loaded)
    except DICOMQRError as error:
        return error


def _check(toolkit: str, look_ahead: int, words: Mapping[str, Any]) -> None:
    """Refuse now what would fail for every row."""
    target_of(toolkit)
    check_positive({"look_ahead": look_ahead}, InputError)
    check_keywords(words, LOAD_WORDS | CLIENT_WORDS)
    LoadWords.divided({name: value for name, value in words.items() if name in LOAD_WORDS})
    Timeouts(**timeouts_of(words))

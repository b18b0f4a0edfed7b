"""The whole job in one call."""

from __future__ import annotations

from collections.abc import Callable, Set
from inspect import signature
from typing import Any, Unpack

from itkdicomqr.checks import check_keywords
from itkdicomqr.client import Client, Progress, checked_row
from itkdicomqr.configuration import Pacs
from itkdicomqr.query.criteria import NAMES, CriteriaWords, Day
from itkdicomqr.query.table import Row, SeriesTable
from itkdicomqr.volume.picking import Pick
from itkdicomqr.words import CLIENT_WORDS, LOAD_WORDS, ClientWords


class FindWords(CriteriaWords, ClientWords, total=False):
    """More criteria, and the options of `Client`, which explains them."""


def find_series(
    patient_id: str | None = None,
    date: Day | None = None,
    description: str | None = None,
    *,
    pacs: Pacs = None,
    **criteria_and_options: Unpack[FindWords],
) -> SeriesTable:
    """Find the series that fulfil all criteria.

    Parameters
    ----------
    patient_id : str, optional
        Literal and case-sensitive.
    date : datetime.date, str or pair, optional
        Date of the study: ``date(2005, 1, 6)``, ``"20050106"``, ``"2005-01-06"``, ``"2005-01"``,
        ``"2005"``, a range ``"20050101-20050131"``, ``"20050101-"`` or a pair.
    description : str, optional
        Series Description with the wildcards ``*`` and ``?``; case does not count. ``""`` asks
        for series without one.
    pacs : str, Node or iterable of these, optional
        Which archives: ``"dicom://AE@host:port"``, a configured name, a `Node`, or several.
        None is the environment variable ``ITKDICOMQR_PACS``, else the configured default.
    **criteria_and_options
        More criteria, see `itkdicomqr.query.criteria.CriteriaWords`: ``modality``, ``study_uid``,
        ``series_uid``, ``study_description``, ``series_number``, ``series_date``,
        ``protocol_name``, ``accession_number``, ``patient_name``, ``issuer_of_patient_id`` and
        ``keys={Keyword: value}``; and the options of `Client`.

    Returns
    -------
    SeriesTable
        One row a series; it may be empty. A row goes back in as ``load_series(series=row)``.

    Raises
    ------
    CriteriaError, NodeError, InputError
        What was given cannot be meant.
    TypeError
        A keyword argument is not known; the nearest is named.
    NetworkError
        An archive does not answer, or refuses.
    UnverifiedMatchError, TruncatedMatchesError
        The archive does not tell enough to decide.
    LimitExceededError
        More matches than ``Limits.max_matches``.

    Notes
    -----
    An archive may cut its answer: it says so, answers a usual limit such as 500 rows, or fewer than it
    counts. It is then asked again day by day, or by series number, until a count or the days prove that all
    is there; otherwise `TruncatedMatchesError`. Where it cuts in silence, at another number, and counts nothing
    (NumberOfPatientRelatedStudies, NumberOfStudyRelatedSeries), answers of 20 rows or more are asked for again
    in parts: studies by the earlier and the later dates, series by the numbers next to those that came. That
    shows every cut of studies that have different dates, if the archive matches ranges of dates. It cannot
    show one of fewer than 20 rows, of the studies of one day or without a date, nor of series whose numbers
    are elsewhere: a narrower search, or ``series_uid``, does not need it. DICOMweb is read page by page.
    """
    words: dict[str, Any] = {**criteria_and_options}
    client = _client(pacs, None, words, NAMES, find_series)
    return client.find_series(patient_id, date, description, **words)


def load_series(
    patient_id: str | None = None,
    date: Day | None = None,
    description: str | None = None,
    *,
    pacs: Pacs = None,
    series: Row | None = None,
    toolkit: str = "itk",
    volume: Pick = None,
    stack: bool = False,
    progress: Progress | None = None,
    **criteria_and_options: Any,
) -> Any:
    """Load the one volume of the one series that fulfils all criteria; no file is written.

    Parameters
    ----------
    patient_id, date, description, pacs
        As `find_series` takes them.
    series : Row, optional
        A row of `find_series`, instead of criteria; it is loaded from the archive where it was found.
    toolkit : {"itk", "simpleitk", "volume"}
        What to return: an ``itk.Image``, a ``SimpleITK.Image``, or a `Volume`.
    volume : int or mapping, optional
        Which volume, if the series holds several: its index, or what tells it apart, such as
        ``{"AcquisitionNumber": 2}``. That another makes no right image does not matter to it.
    stack : bool
        Whether the volumes of one grid become one that is four-dimensional (time points, echoes,
        diffusion), also one alone; of all volumes, or of those whose values ``volume`` gives. The
        fourth spacing is in seconds where times in even steps tell them apart, else 1. What tells
        them apart is in the metadata under its keyword, such as ``"EchoTime"``, joined by backslashes.
    progress : Progress, optional
        Is told the number of instances and each that came; a tqdm bar fits.
    **criteria_and_options
        More criteria, as `find_series` takes them; the options of `read_volumes` and of `Client`; and
        ``heal=False``, to ask for nothing twice; ``partial=True``, to take what came where not all
        comes; ``allow_lossy=True``, to take what the archive compressed with loss on the way.

    Returns
    -------
    itk.Image, SimpleITK.Image or Volume
        Always 3-D, with ``stack`` always 4-D. Spacing and origin in mm, LPS.

    Raises
    ------
    NoMatchError
        No series; the message says which criterion lost it.
    AmbiguousSeriesError
        Several; the message is the table of candidates with the keyword that picks each.
    IncompleteSeriesError
        Instances that the archive lists did not arrive.
    SeriesChangingError
        The archive sends instances that it does not list, even when asked again.
    InstanceError
        An instance is damaged, or not what it was called, or came twice and differs.
    MultipleVolumesError
        The series holds several volumes; the message lists them.
    VolumeError
        The instances do not make one right image.
    LimitExceededError
        It is larger than ``max_series_bytes``, or than the node's ``Limits``.
    NetworkError, InputError, TypeError, UnverifiedMatchError, TruncatedMatchesError
        As `find_series`.

    Warns
    -----
    DICOMQRWarning
        The image is right, and something about it, or about the proof that it is whole, should be known:
        ``Volume.report`` tells it too.

    Examples
    --------
    >>> image = load_series("99999", "2021-05-03", "AX 3.0 Soft*", pacs="ORTHANC@localhost:4242")  # doctest: +SKIP
    """
    client = _client(pacs, series, criteria_and_options, LOAD_WORDS, load_series)
    return client.load_series(
        patient_id,
        date,
        description,
        series=series,
        toolkit=toolkit,
        volume=volume,
        stack=stack,
        progress=progress,
        **criteria_and_options,
    )


def load_volumes(
    patient_id: str | None = None,
    date: Day | None = None,
    description: str | None = None,
    *,
    pacs: Pacs = None,
    series: Row | None = None,
    toolkit: str = "itk",
    stack: bool = False,
    progress: Progress | None = None,
    **criteria_and_options: Any,
) -> list[Any]:
    """Load every volume of the one series that fulfils all criteria.

    Parameters and errors are those of `load_series`, without ``volume``; ``stack=True`` gives one
    four-dimensional image for each grid. Any that makes no right image is an error.

    Returns
    -------
    list of itk.Image, SimpleITK.Image or Volume
    """
    client = _client(pacs, series, criteria_and_options, LOAD_WORDS, load_volumes)
    return client.load_volumes(
        patient_id,
        date,
        description,
        series=series,
        toolkit=toolkit,
        stack=stack,
        progress=progress,
        **criteria_and_options,
    )


def _client(
    pacs: Pacs, series: Row | None, words: dict[str, Any], known: Set[str], function: Callable[..., Any]
) -> Client:
    """Make the client; its own options are taken out of ``words``, where only known ones of a function may be left."""
    elsewhere = dict.fromkeys(LOAD_WORDS | _parameters(load_series), load_series.__name__)
    check_keywords(words, known | CLIENT_WORDS, _parameters(function), elsewhere)
    options = client_options(words)
    return Client(pacs if pacs is not None or series is None else checked_row(series).node, **options)


def client_options(words: dict[str, Any]) -> dict[str, Any]:
    """Take the options of `Client` out of keyword arguments."""
    return {name: words.pop(name) for name in CLIENT_WORDS if name in words}


def _parameters(function: Callable[..., Any]) -> Set[str]:
    """Tell the keyword arguments that have a place of their own."""
    return signature(function).parameters.keys()

"""One archive, or several: asked, and loaded from, within given times."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from types import TracebackType
from typing import Any, Protocol, Self, TypeVar, Unpack

from itkdicomqr.association import Deadline
from itkdicomqr.checks import check_keywords
from itkdicomqr.configuration import Pacs, nodes_of
from itkdicomqr.errors import CriteriaError, IncompleteSeriesError, LimitExceededError, NetworkError
from itkdicomqr.instance import Instance
from itkdicomqr.levels import Level
from itkdicomqr.node import AUTO, Node
from itkdicomqr.query.candidates import candidate_studies
from itkdicomqr.query.catalogue import Catalogue
from itkdicomqr.query.catalogues import asked, verify, with_model
from itkdicomqr.query.criteria import Criteria, CriteriaWords, Day
from itkdicomqr.query.search import confirmed, counted, decided, search
from itkdicomqr.query.table import Row, SeriesTable, merged
from itkdicomqr.retrieval import RECEIVERS, Choices, ChoiceWords, Delivery, each_once
from itkdicomqr.volume import Outcome, Volume, all_volumes, assemble, one_volume, stacked
from itkdicomqr.volume.notices import warn_of
from itkdicomqr.volume.picking import Pick, check_pick
from itkdicomqr.volume.toolkits import Target, target_of
from itkdicomqr.words import LoadWords, timeouts_of

T = TypeVar("T")


class Progress(Protocol):
    """What shows how far a transfer is; tqdm's bars fit."""

    total: float | None

    def update(self, n: float, /) -> object:
        """Take note that ``n`` more instances came."""


class Client:
    """A client of one or several archives.

    Each call opens what it needs and closes it, so nothing outlives a call.

    Parameters
    ----------
    pacs : str, Node or iterable of these, optional
        Which archives: a URL such as ``"dicom://AE@host:port"``, a configured name, a `Node`,
        or several; None for the default.
    connect_timeout, first_response_timeout, idle_timeout, total_timeout : float, optional
        Seconds; those of the node where they are not given. The total is of each call.
    associations : int, optional
        Over how many associations at most one series comes at a time; that of the node unless given.
    transport : {"get", "move", "dicomweb"}, optional
        The only way by which a series may come; those of the node, in its order, unless given.
    any_archive : bool
        Whether an archive that fails may be passed over while another answers.

    Attributes
    ----------
    nodes : tuple of Node
        The archives, with these timeouts.

    Raises
    ------
    NodeError
        An archive or a time cannot be meant.
    InputError
        The transport, or the number of associations, cannot be.
    """

    def __init__(
        self,
        pacs: Pacs = None,
        *,
        connect_timeout: float | None = None,
        first_response_timeout: float | None = None,
        idle_timeout: float | None = None,
        total_timeout: float | None = None,
        associations: int | None = None,
        transport: str | None = None,
        any_archive: bool = False,
    ) -> None:
        self._timeouts = timeouts_of(
            {
                "connect_timeout": connect_timeout,
                "first_response_timeout": first_response_timeout,
                "idle_timeout": idle_timeout,
                "total_timeout": total_timeout,
            }
        )
        self._any_archive = any_archive
        self._choices = Choices(associations=associations, transport=transport)
        self.nodes = tuple(map(self._timed, nodes_of(pacs)))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Do nothing: nothing outlives a call."""

    def __repr__(self) -> str:
        return f"Client({', '.join(map(str, self.nodes))})"

    def echo(self) -> None:
        """Verify that every archive answers (C-ECHO, PS3.4 annex A).

        Raises
        ------
        NetworkError
            One does not; the error tells at which step.
        """
        deadline = self._deadline()
        for node in self.nodes:
            verify(node, deadline)

    def find_patients(self, patient_id: str | None = None, *, patient_name: str | None = None) -> list[Row]:
        """Find patients; the archive must offer the Patient Root model.

        Parameters
        ----------
        patient_id : str, optional
            Literal.
        patient_name : str, optional
            With the wildcards ``*`` and ``?``; case does not count.

        Returns
        -------
        list of Row
            With ``PatientID``, ``PatientName`` and ``IssuerOfPatientID``.

        Raises
        ------
        CriteriaError, NetworkError, UnverifiedMatchError, TruncatedMatchesError, LimitExceededError
            As `find_series`.
        """
        criteria = Criteria.from_words(patient_id, patient_name=patient_name)
        return self._rows(criteria, lambda catalogue: catalogue.patients(criteria))

    def find_studies(
        self, patient_id: str | None = None, date: Day | None = None, **words: Unpack[CriteriaWords]
    ) -> list[Row]:
        """Find studies; parameters and errors are those of `find_series`, as far as they concern studies."""
        criteria = Criteria.from_words(patient_id, date, **words)
        if criteria.at(Level.SERIES):
            message = f"studies are not found by {', '.join(map(str, criteria.at(Level.SERIES)))}: use find_series"
            raise CriteriaError(message)
        return self._rows(criteria, lambda catalogue: candidate_studies(catalogue, criteria))

    def find_series(
        self,
        patient_id: str | None = None,
        date: Day | None = None,
        description: str | None = None,
        **words: Unpack[CriteriaWords],
    ) -> SeriesTable:
        """Find series; see `itkdicomqr.find_series`."""
        criteria = Criteria.from_words(patient_id, date, description, **words)
        return self._search(criteria, self._deadline())

    def find_instances(self, series: Row) -> list[Row]:
        """List the instances of a series, a row of `find_series`: ``SOPInstanceUID`` and ``InstanceNumber``.

        Raises
        ------
        CriteriaError
            It is no such row.
        NetworkError, TruncatedMatchesError, LimitExceededError
            As `find_series`.
        """
        return asked(
            self._node_of(checked_row(series)), self._deadline(), lambda catalogue: catalogue.instances(series)
        )

    def retrieve(
        self,
        series: Row | None = None,
        *,
        study_uid: str | None = None,
        series_uid: str | None = None,
        patient_id: str | None = None,
        instance_uids: Iterable[str] | None = None,
        progress: Progress | None = None,
        **choices: Unpack[ChoiceWords],
    ) -> list[Instance]:
        """Bring a series into memory: complete, or an error.

        Parameters
        ----------
        series : Row, optional
            A row of `find_series`.
        study_uid, series_uid, patient_id : str, optional
            Instead of the row; the Patient ID for archives of the Patient Root model.
        instance_uids : iterable of str, optional
            Only these SOP Instance UIDs.
        progress : Progress, optional
            Is told the number of instances, and each that came.
        **choices
            ``heal=False``, to ask for nothing twice; ``partial=True``, to take what came where not all
            comes; ``allow_lossy=True``, to take what the archive compressed with loss on the way; and
            ``associations`` and ``transport`` instead of those of the client.

        Returns
        -------
        list of Instance
            In the order in which they came.

        Raises
        ------
        IncompleteSeriesError
            Instances that the archive lists did not come; they are named.
        ConflictingInstancesError
            Two of one SOP Instance UID came, and differ.
        InstanceError
            One is damaged, or not what it was called.
        NoMatchError, AmbiguousSeriesError
            The UIDs are those of no series, or of several.
        NetworkError, InputError
            As `find_series`.

        Warns
        -----
        DICOMQRWarning
            What came is not all, or was compressed with loss, or nothing but a number proves that it is all.
        """
        uids = {"study_uid": study_uid, "series_uid": series_uid, "patient_id": patient_id}
        return each_once(self.iter_instances(series, **uids, instance_uids=instance_uids, progress=progress, **choices))

    def iter_instances(
        self,
        series: Row | None = None,
        *,
        study_uid: str | None = None,
        series_uid: str | None = None,
        patient_id: str | None = None,
        instance_uids: Iterable[str] | None = None,
        progress: Progress | None = None,
        **choices: Unpack[ChoiceWords],
    ) -> Iterator[Instance]:
        """Bring a series instance by instance, as they come; one that the archive sends twice comes twice.

        Parameters, errors and warnings are those of `retrieve`; that the series is not complete is told at the end.
        """
        sought = _sought(series, {"study_uid": study_uid, "series_uid": series_uid, "patient_id": patient_id})
        check_keywords(choices, ChoiceWords.__annotations__)
        chosen = replace(self._choices, **choices)
        return self._brought(sought, chosen, None if instance_uids is None else _uids(instance_uids), progress)

    def _brought(
        self, sought: Row | Criteria, choices: Choices, uids: Collection[str] | None, progress: Progress | None
    ) -> Iterator[Instance]:
        deadline = self._deadline()
        with self._delivery(self._one_series(sought, deadline), choices, deadline, uids) as delivery:
            yield from _told(delivery, progress)
        warn_of(delivery.notices)

    def load_series(
        self,
        patient_id: str | None = None,
        date: Day | None = None,
        description: str | None = None,
        *,
        series: Row | None = None,
        toolkit: str = "itk",
        volume: Pick = None,
        stack: bool = False,
        progress: Progress | None = None,
        **criteria_and_options: Any,
    ) -> Any:
        """Load the one volume of the one series; see `itkdicomqr.load_series`."""
        check_pick(volume)
        target = target_of(toolkit)
        words = {"patient_id": patient_id, "date": date, "description": description, **criteria_and_options}

        def take(outcomes: list[Outcome]) -> list[Volume]:
            return [one_volume(outcomes, volume, stack=stack)]

        (loaded,) = self._volumes(series, words, target, progress, take)
        warn_of(loaded.report.departures)
        return target.image(loaded)

    def load_volumes(
        self,
        patient_id: str | None = None,
        date: Day | None = None,
        description: str | None = None,
        *,
        series: Row | None = None,
        toolkit: str = "itk",
        stack: bool = False,
        progress: Progress | None = None,
        **criteria_and_options: Any,
    ) -> list[Any]:
        """Load every volume of the one series; see `itkdicomqr.load_volumes`."""
        target = target_of(toolkit)
        words = {"patient_id": patient_id, "date": date, "description": description, **criteria_and_options}
        volumes = self._volumes(series, words, target, progress, all_volumes)
        loaded = stacked(volumes) if stack else volumes
        warn_of(sentence for volume in loaded for sentence in volume.report.departures)
        return [target.image(volume) for volume in loaded]

    def _volumes(
        self,
        series: Row | None,
        words: Mapping[str, Any],
        target: Target,
        progress: Progress | None,
        take: Callable[[list[Outcome]], list[Volume]],
    ) -> list[Volume]:
        """Assemble the one series while it comes, and take of it what is asked for."""
        told = LoadWords.divided(words, self._choices)
        deadline = self._deadline()
        sought = _sought(series, told.criteria)
        row = self._one_series(sought, deadline)
        with self._delivery(row, told.choices, deadline) as delivery:
            coming = _told(delivery, progress)
            if isinstance(sought, Criteria):
                coming = confirmed(coming, row, sought, self._node_of(row))
            made = assemble(coming, told.options, delivery.expected, target.allocate, consuming=True)
        return [volume.noting(delivery.notices) for volume in take(made)]

    def _delivery(
        self, series: Row, choices: Choices, deadline: Deadline, uids: Collection[str] | None = None
    ) -> Delivery:
        node = with_model(self._node_of(series), deadline)
        return Delivery(node, series, choices, RECEIVERS, deadline, uids)

    def _one_series(self, sought: Row | Criteria, deadline: Deadline) -> Row:
        return sought if isinstance(sought, Row) else self._search(sought, deadline).one()

    def _search(self, criteria: Criteria, deadline: Deadline) -> SeriesTable:
        return merged(self._each(lambda node: self._search_in(node, criteria, deadline)))

    def _search_in(self, node: Node, criteria: Criteria, deadline: Deadline) -> SeriesTable:
        def searched(catalogue: Catalogue) -> SeriesTable:
            def fetch_one(series: Row) -> Instance:
                return self._any_instance(node, series, catalogue, deadline)

            return counted(catalogue, search(catalogue, criteria, fetch_one, node))

        return asked(node, deadline, searched)

    def _any_instance(self, node: Node, series: Row, catalogue: Catalogue, deadline: Deadline) -> Instance:
        """Bring one instance of a series, for what it says of the series; which one does not matter."""
        listed = [row.get("SOPInstanceUID") or "" for row in catalogue.ask(Level.IMAGE, below=series).rows]
        if not listed:
            message = f"{node} lists no instance of series {series.get('SeriesInstanceUID')}"
            raise IncompleteSeriesError(message)
        header_is_enough = replace(self._choices, allow_lossy=True)
        with self._delivery(series, header_is_enough, deadline, listed[:1]) as delivery:
            return each_once(delivery)[0]

    def _rows(self, criteria: Criteria, ask: Callable[[Catalogue], list[Row]]) -> list[Row]:
        deadline = self._deadline()

        def rows_of(node: Node) -> list[Row]:
            return asked(node, deadline, lambda catalogue: decided(ask(catalogue), criteria, node))

        return [row for rows in self._each(rows_of) for row in rows]

    def _each(self, ask: Callable[[Node], T]) -> list[T]:
        """Ask every archive; one that fails is an error unless another may stand in."""
        answers: list[T] = []
        failures: list[NetworkError | LimitExceededError] = []
        for node in self.nodes:
            try:
                answers.append(ask(node))
            except (NetworkError, LimitExceededError) as error:
                if not self._any_archive:
                    raise
                failures.append(error)
        if not answers:
            raise failures[0]
        return answers

    def _node_of(self, series: Row) -> Node:
        """Give the archive where a row was found: with our settings if it is one of ours, else with its own."""
        if series.node is None:
            return self.nodes[0]
        own = next((node for node in self.nodes if str(node) == str(series.node)), None)
        if own is None:
            return self._timed(series.node)
        return own.speaking(series.node.model) if own.model == AUTO else own

    def _timed(self, node: Node) -> Node:
        get, move = (end and self._timed(end) for end in (node.get, node.move))
        return replace(node, timeouts=replace(node.timeouts, **self._timeouts), get=get, move=move)

    def _deadline(self) -> Deadline:
        return Deadline(max(node.timeouts.total for node in self.nodes))


def checked_row(series: object) -> Row:
    """Refuse what is no row.

    Raises
    ------
    CriteriaError
        ``series=`` was given something else, or a row of a study, a patient or an instance.
    """
    if isinstance(series, Row) and series.level == Level.SERIES:
        return series
    if isinstance(series, Row):
        message = f"series= is a row of {_OTHER_FINDERS[series.level]}: give one of find_series"
    elif isinstance(series, SeriesTable):
        message = "series= is no row of find_series, but a table: give table[0] or table.one()"
    else:
        message = f"series={series!r} is no row of find_series"
    raise CriteriaError(message)


_OTHER_FINDERS = {Level.PATIENT: "find_patients", Level.STUDY: "find_studies", Level.IMAGE: "find_instances"}


def _uids(given: Iterable[str]) -> list[str]:
    """Refuse one UID where several are due: it is a series of characters, too."""
    uids = [given] if isinstance(given, str) else list(given)
    if isinstance(given, str) or not uids or not all(isinstance(uid, str) for uid in uids):
        message = f"instance_uids={given!r}: give a list of UIDs, at least one; None is for all"
        raise CriteriaError(message)
    return uids


def _sought(series: Row | None, words: Mapping[str, Any]) -> Row | Criteria:
    """Read which series is meant: a row, or what it is to be found by."""
    given = {name: value for name, value in words.items() if value is not None}
    if series is None:
        return Criteria.from_words(**given)
    if given:
        message = f"series= is a row already; leave out {', '.join(given)}"
        raise CriteriaError(message)
    return checked_row(series)


def _told(delivery: Delivery, progress: Progress | None) -> Iterator[Instance]:
    """Give what comes, and tell how far it is."""
    if progress is not None:
        progress.total = delivery.expected
    for instance in delivery:
        if progress is not None:
            progress.update(1)
        yield instance

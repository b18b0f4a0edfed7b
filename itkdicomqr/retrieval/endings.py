"""How the attempts to bring a series ended: in the archive's words, or by what cut them short."""

from __future__ import annotations

from itkdicomqr.errors import MoveNothingArrivedError, NetworkError

Failure = NetworkError | MoveNothingArrivedError
"""What cuts an attempt short."""


class Endings:
    """What the archive said at the end of its requests, and what failed."""

    def __init__(self) -> None:
        self._said: dict[str, str] = {}
        self._failed: dict[str, str] = {}
        self._last_failures: list[Failure] = []

    def note(self, end: str, server_comment: str) -> None:
        """Keep how the archive says that a request ended; each wording once."""
        self._said[end] = server_comment or self._said.get(end, "")
        self._last_failures.clear()

    def keep(self, failure: Failure) -> None:
        """Keep why an attempt ended too early; each wording once."""
        self._failed[str(failure)] = failure.server_comment
        self._last_failures.append(failure)

    def failure(self, *, anything_came: bool) -> Failure | None:
        """Give the error that cut the last attempts short; None if the archive's last request ended in order.

        The first of several. But that a C-MOVE brought nothing goes before what failed otherwise, since its
        message says what to configure; once anything came, it is one of the reasons why the rest did not.
        """
        moves = [each for each in self._last_failures if isinstance(each, MoveNothingArrivedError)]
        if moves:
            return None if anything_came else moves[0]
        return next(iter(self._last_failures), None)

    def besides(self, failure: Failure) -> tuple[str, ...]:
        """Tell what else failed since a request ended in order."""
        return tuple(dict.fromkeys(words for each in self._last_failures if (words := str(each)) != str(failure)))

    def words(self, refusals: str = "") -> str:
        """Say it all in one line, with what was refused of what the archive sent."""
        said = "; ".join([*self._said, *([refusals] if refusals else [])]) or "nothing"
        failed = f"; what failed: {'; '.join(self._failed)}" if self._failed else ""
        return f"the archive said: {said}{failed}"

    @property
    def server_comment(self) -> str:
        """The archive's own words, escaped."""
        return "; ".join(dict.fromkeys(filter(None, [*self._said.values(), *self._failed.values()])))

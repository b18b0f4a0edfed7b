"""What was found of an archive, and what follows from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from itkdicomqr.errors import DICOMQRError
from itkdicomqr.node import Node


class Verdict(StrEnum):
    """What a finding means for us."""

    GOOD = "good"
    NOTABLE = "notable"
    BAD = "bad"
    UNKNOWN = "unknown"


WAYS: Mapping[str, str] = {"C-GET": "get", "C-MOVE": "move", "WADO-RS": "dicomweb"}
"""The transport that a finding of this name is about."""

REACHED, MODELS, STUDIES = "association", "information models", "studies"
ESSENTIAL = (REACHED, MODELS, STUDIES)
"""The findings without which nothing goes."""


@dataclass(frozen=True)
class Finding:
    """The answer to one question; it holds no patient data.

    Attributes
    ----------
    name : str
        What was asked.
    verdict : Verdict
        ``"good"``; ``"notable"``: the archive differs, and we cope; ``"bad"``: something does not
        work; ``"unknown"``: it could not be told.
    words : str
        What was found.
    cure : str
        What to do about it, where the words do not tell.
    settings : mapping of str to object
        Attributes of `Node` that suit the archive.
    error : DICOMQRError, optional
        What keeps the archive from being used.
    """

    name: str
    verdict: Verdict
    words: str
    cure: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    error: DICOMQRError | None = field(default=None, repr=False, compare=False)

    def to_dict(self) -> dict[str, Any]:
        """Give it as a dictionary, for JSON."""
        told = {"name": self.name, "verdict": self.verdict.value, "words": self.words, "cure": self.cure}
        return {**told, "settings": dict(self.settings)}


@dataclass(frozen=True)
class Diagnosis:
    """All findings of one archive, in the order of the examinations.

    Attributes
    ----------
    node : Node
        The archive.
    findings : tuple of Finding
        What was found.
    """

    node: Node
    findings: tuple[Finding, ...]

    def __getitem__(self, name: str) -> Finding:
        """Give the finding of a name."""
        return {finding.name: finding for finding in self.findings}[name]

    @property
    def settings(self) -> dict[str, Any]:
        """The attributes of `Node` that suit the archive; what was not found out is left out."""
        found = {name: value for finding in self.findings for name, value in finding.settings.items()}
        return {**found, **({"transports": self._transports} if self._verdicts(Verdict.GOOD) else {})}

    @property
    def obstacle(self) -> DICOMQRError | None:
        """Why no series can be had from the archive; None where one can, or where that could not be tried."""
        decisive = ESSENTIAL if self._verdicts(Verdict.GOOD) else (*ESSENTIAL, *WAYS)
        errors = (finding.error for name in decisive for finding in self.findings if finding.name == name)
        return next((error for error in errors if error is not None), None)

    @property
    def _transports(self) -> list[str]:
        """Ways that brought an instance, then those that could not be tried."""
        return [*self._verdicts(Verdict.GOOD), *self._verdicts(Verdict.UNKNOWN)]

    def _verdicts(self, *verdicts: Verdict) -> list[str]:
        return [WAYS[each.name] for each in self.findings if each.name in WAYS and each.verdict in verdicts]

    def to_dict(self) -> dict[str, Any]:
        """Give it as a dictionary, for JSON."""
        return {
            "node": str(self.node),
            "usable": self.obstacle is None,
            "findings": [finding.to_dict() for finding in self.findings],
            "settings": self.settings,
        }


def good(words: str, **settings: Any) -> Finding:
    """Find that all is as it should be; the name comes from the table of examinations."""
    return Finding("", Verdict.GOOD, words, settings=settings)


def notable(words: str, cure: str = "", **settings: Any) -> Finding:
    """Find what is otherwise, and does not hinder us."""
    return Finding("", Verdict.NOTABLE, words, cure, settings)


def bad(words: str, cure: str = "", error: DICOMQRError | None = None) -> Finding:
    """Find what does not work."""
    return Finding("", Verdict.BAD, words, cure, error=error)


def unknown(words: str, cure: str = "") -> Finding:
    """Find nothing out."""
    return Finding("", Verdict.UNKNOWN, words, cure)

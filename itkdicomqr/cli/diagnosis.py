"""How the command line shows what the doctor found."""

from __future__ import annotations

from collections.abc import Mapping

from rich.table import Table
from rich.text import Text

from itkdicomqr.cli.show import console
from itkdicomqr.doctor import Diagnosis, Finding, Verdict
from itkdicomqr.text import printable

STYLES: Mapping[Verdict, str] = {
    Verdict.GOOD: "green",
    Verdict.NOTABLE: "yellow",
    Verdict.BAD: "bold red",
    Verdict.UNKNOWN: "dim",
}


def show_diagnosis(diagnosis: Diagnosis) -> None:
    """Print the findings, each cure below its own, and the settings that suit the archive."""
    drawn = Table(box=None, pad_edge=False, show_header=False)
    for name in ("verdict", "name"):
        drawn.add_column(name, no_wrap=True)
    drawn.add_column("words", overflow="fold")
    for finding in diagnosis.findings:
        drawn.add_row(Text(finding.verdict, style=STYLES[finding.verdict]), finding.name, _words(finding))
    console().print(drawn)
    if diagnosis.settings:
        settings = ", ".join(f"{name} = {value}" for name, value in diagnosis.settings.items())
        console().print(Text(f"\nsuits it: {settings}"))


def _words(finding: Finding) -> Text:
    words = Text(printable(finding.words))
    return words.append(f"\n-> {printable(finding.cure)}", style="italic") if finding.cure else words

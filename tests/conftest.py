"""What several tests share."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pytest
from hypothesis import HealthCheck, settings

from itkdicomqr.pytest_plugin import demo_archive as demo_archive  # also where the package is not installed
from itkdicomqr.pytest_plugin import dicom_archive as dicom_archive
from tests.authorities import Authority

settings.register_profile("tests", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("tests")  # a busy machine is no failure


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """An authority that both sides trust."""
    return Authority.founded(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="session")
def rogue(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """An authority that the other side does not know."""
    return Authority.founded(tmp_path_factory.mktemp("rogue"))


WAYS = ("find", "C-GET", "C-MOVE", "QIDO", "WADO")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the table of archives, of the tests of it that ran."""
    cells = {
        tuple(told): {"passed": "identical"}.get(report.outcome, report.outcome)
        for reports in terminalreporter.stats.values()
        for report in reports
        for name, told in getattr(report, "user_properties", ())
        if name == "cell"
    }
    if cells:
        terminalreporter.section("archives: each cell a volume equal to the bit")
        for line in _markdown(cells):
            terminalreporter.write_line(line)


def _markdown(cells: Mapping[tuple[str, ...], str]) -> Iterator[str]:
    yield f"| archive | {' | '.join(WAYS)} |"
    yield "|---" * (len(WAYS) + 1) + "|"
    for archive in sorted({archive for archive, _ in cells}):
        yield f"| {archive} | {' | '.join(cells.get((archive, way), '-') for way in WAYS)} |"

"""What several tests share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from itkdicomqr.testing import Archive

settings.register_profile("tests", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("tests")  # a busy machine is no failure


@pytest.fixture(scope="session")
def demo_archive() -> Iterator[Archive]:
    """The archive of the demo patient; nobody stores to it."""
    with Archive() as archive:
        yield archive

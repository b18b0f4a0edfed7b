"""What several tests share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from itkdicomqr.testing import Archive


@pytest.fixture(scope="session")
def demo_archive() -> Iterator[Archive]:
    """The archive of the demo patient; nobody stores to it."""
    with Archive() as archive:
        yield archive

"""Fixtures for the tests of programs that talk to an archive; pytest finds them by the package's entry point.

``dicom_archive`` starts archives, ``demo_archive`` is one with the demo patient. Nothing is imported
before a test uses one of them; ``-p no:itkdicomqr`` leaves both out.
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from itkdicomqr.testing import Archive


@pytest.fixture
def dicom_archive() -> Iterator[Callable[..., Archive]]:
    """Start archives: called with the parameters of `itkdicomqr.testing.Archive`, it gives one that listens.

    All of them end with the test.

    Examples
    --------
    >>> def test_a_truncated_answer_is_refused(dicom_archive):
    ...     archive = dicom_archive("tests/images", quirks="caps-at-1")
    ...     with pytest.raises(TruncatedMatchesError):
    ...         itkdicomqr.find_series("99999", pacs=archive.url)
    """
    from itkdicomqr.testing import Archive

    with ExitStack() as running:

        def start(*arguments: Any, **options: Any) -> Archive:
            return running.enter_context(Archive(*arguments, **options))

        yield start


@pytest.fixture(scope="session")
def demo_archive() -> Iterator[Archive]:
    """Start one archive with the demo patient, for all tests that store nothing to it."""
    from itkdicomqr.testing import Archive

    with Archive() as archive:
        yield archive

"""Nothing of a patient is logged by the threads of a server."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection


class Silence(logging.Filter):
    """Drops what pynetdicom and pydicom log in the threads of a server: it holds patient data."""

    def __init__(self, threads: Collection[threading.Thread]) -> None:
        super().__init__()
        self._threads = threads

    def filter(self, _record: logging.LogRecord) -> bool:
        """Tell whether a record comes from elsewhere."""
        return threading.current_thread() not in self._threads

    def install(self) -> None:
        """Watch the loggers of both packages; a filter of a parent would not see its children's records."""
        for logger in _loggers():
            logger.addFilter(self)

    def remove(self) -> None:
        """Leave them as they were."""
        for logger in _loggers():
            logger.removeFilter(self)


def _loggers() -> list[logging.Logger]:
    names = [name for name in logging.root.manager.loggerDict if name.split(".")[0] in {"pydicom", "pynetdicom"}]
    return [logging.getLogger(name) for name in names]

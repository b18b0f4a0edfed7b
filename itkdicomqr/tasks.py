"""Work in threads that belong to one call."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor, Future
from functools import partial
from threading import Thread
from typing import Any, TypeVar

T = TypeVar("T")


class Task(Future[T]):
    """Work in a daemon thread of its own, begun at once.

    An executor's threads would keep the interpreter from ending while a generator is forgotten
    halfway.

    Parameters
    ----------
    work : callable
        What to do.
    name : str
        What the thread is called.
    """

    def __init__(self, work: Callable[[], T], name: str) -> None:
        super().__init__()
        self.set_running_or_notify_cancel()
        self._thread = Thread(target=self._run, args=(work,), name=f"itkdicomqr {name}", daemon=True)
        self._thread.start()

    def join(self, seconds: float | None = None) -> None:
        """Wait until the thread has ended, or so long."""
        self._thread.join(seconds)

    def _run(self, work: Callable[[], T]) -> None:
        try:
            self.set_result(work())
        except BaseException as error:
            self.set_exception(error)


class Tasks(Executor):
    """An executor whose work keeps no interpreter from ending; who submits bounds how much there is at once."""

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        """Begin to work at once."""
        return Task(partial(fn, *args, **kwargs), fn.__class__.__name__)

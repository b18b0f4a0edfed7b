"""Memory for what arrives: grown as it comes, used again, and given back to the system while it is read."""

from __future__ import annotations

import mmap
import sys
from collections import deque

from itkdicomqr.errors import LimitExceededError

MAX_WASTE = 1 / 16
"""How much larger than its data set a buffer may stay; a smaller data set is copied out of it."""

SLACK = 1 / 32
"""By how much the next data set of a series may be expected to be longer than the last."""

MAX_GIVEN = 4
"""How many buffers are remembered to be used again."""

LARGE = 32 << 20
"""From this size on a buffer is memory of its own, which can grow without a copy and be given back in part."""

Buffer = bytearray | mmap.mmap


class Fragments:
    """The fragments of one command or data set, one behind the other in one buffer.

    Parameters
    ----------
    limit : int
        How many bytes they may have together.
    what, cure : str
        What an error calls them, and what it advises.
    """

    def __init__(self, limit: int, what: str, cure: str) -> None:
        self._limit, self._what, self._cure = limit, what, cure
        self._used = 0
        self._buffer: Buffer = bytearray()
        self._given: deque[bytearray] = deque(maxlen=MAX_GIVEN)
        self._expected = 0

    def room(self, size: int) -> memoryview:
        """Give the place of the next fragment.

        Raises
        ------
        LimitExceededError
            It would exceed the limit.
        """
        end = self._used + size
        check_size(end, self._limit, self._what, self._cure)
        if end > len(self._buffer):
            # The instances of a series are alike: the last one's size spares all growing.
            self._grow(min(self._limit, max(end, 2 * len(self._buffer), int((1 + SLACK) * self._expected))))
        view = memoryview(self._buffer)[self._used : end]
        self._used = end
        return view

    def take(self) -> memoryview:
        """Give all of it away, and begin anew."""
        if not self._used:
            return memoryview(b"")
        whole = memoryview(self._buffer)[: self._used].toreadonly()
        if isinstance(self._buffer, bytearray):
            if len(self._buffer) > (1 + MAX_WASTE) * self._used:
                whole = memoryview(bytes(whole))
            else:
                self._given.append(self._buffer)
        self._expected, self._used, self._buffer = self._used, 0, bytearray()
        return whole

    def _grow(self, size: int) -> None:
        if isinstance(self._buffer, mmap.mmap) and sys.platform == "linux":
            # Its pages move; none is copied.
            self._buffer.resize(size)
            return
        grown = self._new_buffer(size)
        grown[: self._used] = memoryview(self._buffer)[: self._used]
        self._buffer = grown

    def _new_buffer(self, size: int) -> Buffer:
        """Use a buffer again that nobody holds any more, else make one: fresh memory costs more than a copy."""
        for index, buffer in enumerate(self._given):
            if size <= len(buffer) <= (1 + MAX_WASTE) * size and _is_free(buffer):
                del self._given[index]
                return buffer
        return bytearray(size) if size < LARGE else _own_memory(size)


def check_size(size: int, limit: int, what: str, cure: str) -> None:
    """Refuse what is longer than allowed, before it is read.

    Raises
    ------
    LimitExceededError
        It is; the message names the limit and the cure.
    """
    if size > limit:
        message = f"{what} of {size} bytes exceeds the limit of {limit}: {cure}"
        raise LimitExceededError(message)


def give_back(whole: memoryview, start: int, end: int) -> None:
    """Let the system have the memory of what was read, where a data set was large; its bytes are lost.

    Parameters
    ----------
    whole : memoryview
        All that a `Fragments` gave away.
    start, end : int
        Which of its bytes; only whole pages of memory are given back.
    """
    if isinstance(whole.obj, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
        first = -(-start // mmap.PAGESIZE) * mmap.PAGESIZE
        if end - first >= mmap.PAGESIZE:
            whole.obj.madvise(mmap.MADV_DONTNEED, first, (end - first) // mmap.PAGESIZE * mmap.PAGESIZE)


def _own_memory(size: int) -> Buffer:
    if sys.platform == "win32":
        return bytearray(size)
    return mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)


def _is_free(buffer: bytearray) -> bool:
    """Tell whether no memoryview of a buffer is left: until then it refuses to change its size."""
    try:
        buffer.append(0)
    except BufferError:
        return False
    buffer.pop()
    return True

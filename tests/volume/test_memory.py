"""Large memory is asked for in huge pages, where the system has them."""

from __future__ import annotations

import mmap
import resource
import sys
from pathlib import Path

import numpy as np
import pytest

from itkdicomqr.volume.memory import WORTHWHILE, use_huge_pages

SETTING = Path("/sys/kernel/mm/transparent_hugepage/enabled")


def faults_of_filling(size: int, *, huge: bool) -> int:
    with mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS) as memory:
        array = np.frombuffer(memory, np.uint8)
        if huge:
            use_huge_pages(array)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        array[:: mmap.PAGESIZE] = 1
        faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
        del array
    return faults


@pytest.mark.skipif(
    not sys.platform.startswith("linux") or not SETTING.exists() or "[madvise]" not in SETTING.read_text(),
    reason="the system gives huge pages always or never",
)
def test_huge_pages_need_fewer_interruptions() -> None:
    assert faults_of_filling(64 << 20, huge=True) < faults_of_filling(64 << 20, huge=False) / 10


@pytest.mark.parametrize("size", [0, 1, WORTHWHILE - 1, WORTHWHILE + 1])
@pytest.mark.parametrize("offset", [0, 1])
def test_any_array_keeps_its_values(size: int, offset: int) -> None:
    array = np.arange(size + offset, dtype=np.uint8)[offset:]
    expected = array.copy()
    use_huge_pages(array)
    assert np.array_equal(array, expected)


def test_nothing_is_asked_where_there_are_no_huge_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    import itkdicomqr.volume.memory as module

    monkeypatch.delattr(mmap, "MADV_HUGEPAGE", raising=False)
    module._madvise.cache_clear()
    use_huge_pages(np.empty(WORTHWHILE, np.uint8))
    assert module._madvise() is None
    module._madvise.cache_clear()

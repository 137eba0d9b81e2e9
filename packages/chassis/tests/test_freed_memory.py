import ctypes
import resource
from pathlib import Path

import pytest

from spikewatch.chassis import freed_memory
from spikewatch.chassis.freed_memory import give_back

STATM = Path("/proc/self/statm")


def resident() -> int:
    return int(STATM.read_text(encoding="ascii").split()[1]) * resource.getpagesize()


@pytest.mark.skipif(
    not STATM.exists() or not hasattr(ctypes.CDLL(None), "malloc_trim"),
    reason="neither Linux nor glibc: nothing to give back with",
)
async def test_what_was_freed_between_what_is_kept_goes_back_to_the_system():
    # Larger than what Python pools itself, smaller than what the C library maps alone; every fiftieth stays and pins the end of the heap.
    blocks = [bytes(3_000) for _ in range(40_000)]
    kept = blocks[::50]
    full = resident()
    del blocks
    freed = resident()
    await give_back()
    assert freed > full - 20_000_000, "the C library gave it back itself: the test shows nothing"
    assert resident() < full - 60_000_000
    assert len(kept) == 800


async def test_without_glibc_nothing_happens(monkeypatch):
    monkeypatch.setattr(freed_memory, "_trim", lambda: None)
    await give_back()

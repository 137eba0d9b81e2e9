"""Memory that was freed, given back to the system.

Between what is kept and what a batch needs for a moment, the C library keeps freed pages for later. They are used again, but not
all of them, so that a process that never leaks grows with the number of its batches.
"""

import ctypes
from collections.abc import Callable
from functools import cache

__all__ = ["give_back"]


@cache
def _trim() -> Callable[[int], object] | None:
    """Return glibc's ``malloc_trim``; None where another C library is, which has none."""
    return getattr(ctypes.CDLL(None), "malloc_trim", None)


async def give_back() -> None:
    """Give freed pages back to the system; a matter of milliseconds, and of nothing where the C library has no such call."""
    trim = _trim()
    if trim is not None:
        trim(0)

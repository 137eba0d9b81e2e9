"""Waiting for something outside this process, with a deadline."""

import time
from collections.abc import Callable
from typing import Final

from spikewatch.cli.exit_status import CannotRun

__all__ = ["wait_for"]

_POLL_S: Final = 0.05


def wait_for(holds: Callable[[], bool], *, timeout_s: float, what: str) -> None:
    """Wait until a condition holds.

    Raises:
        CannotRun: it did not within the time; ``what`` names it in the sentence.
    """
    deadline = time.monotonic() + timeout_s
    while not holds():
        if time.monotonic() > deadline:
            raise CannotRun(f"{what} was not ready within {timeout_s:.0f} s; look at its log")
        time.sleep(_POLL_S)

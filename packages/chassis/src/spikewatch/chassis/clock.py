"""The clock is a dependency: domain code never asks the system for the time."""

from collections.abc import Callable
from datetime import UTC, datetime

__all__ = ["Clock", "system_clock"]

Clock = Callable[[], datetime]
"""Returns the present moment, aware, in UTC."""


def system_clock() -> datetime:
    """Return the system's time in UTC."""
    return datetime.now(UTC)

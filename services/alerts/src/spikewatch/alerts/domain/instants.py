"""Event time as whole microseconds since 1970-01-01 UTC, so that windows are exact and arrays are small."""

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt

from spikewatch.contracts.contract import Interval, unchecked

__all__ = ["DAY", "HOUR", "Bools", "Instants", "interval", "micros", "moment"]

Instants = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

_interval: Final = unchecked(Interval)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
HOUR: Final = 3_600_000_000
DAY: Final = 24 * HOUR


def micros(at: datetime) -> int:
    """Return an aware instant as microseconds since the epoch."""
    return (at - _EPOCH) // _MICROSECOND


@lru_cache(maxsize=8_192)  # the rules of an area tell of the same instants, and of the same days in each version of an alert
def moment(at: int) -> datetime:
    """Return microseconds since the epoch as an instant in UTC."""
    return _EPOCH + at * _MICROSECOND


@lru_cache(maxsize=4_096)
def interval(start: int, end: int) -> Interval:
    """Return the half-open span ``(start, end]``."""
    return _interval(start=moment(start), end=moment(end))

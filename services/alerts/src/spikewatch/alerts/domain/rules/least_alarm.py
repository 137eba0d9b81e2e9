"""From which count on a step is an alarm, for many areas at once."""

from collections.abc import Callable
from typing import Final

import numpy as np

from spikewatch.alerts.domain.detection.detection import ALARM, Detected
from spikewatch.alerts.domain.detection.series import Floats

__all__ = ["least_alarms"]

_MOST: Final = 1 << 20  # overdoses in a step; what is no alarm with so many never is
_SMALL_FIRST: Final = [*map(float, range(1, 32)), *(float(2**power) for power in range(5, 21))]
_PARTS: Final = 8  # into which what is left of a search is cut at a time


def least_alarms(run: Callable[[Floats], Detected], before: Floats) -> Floats:
    """Return for each area the smallest count that is an alarm after the steps before; infinite if none is.

    ``before`` holds areas by steps; ``run`` asks the algorithm about such series with one step more. It is asked twice where its
    threshold says at which count the alarm comes, and more often where it does not. More overdoses must never undo an alarm.
    """
    if len(before) == 1:
        # One area with many counts costs hardly more than with one, and most alarms come at a small count.
        low, high = np.zeros(1), np.full(1, np.inf)
        _narrowed(run, before, np.array([_SMALL_FIRST]), low, high)
        if np.isinf(high[0]) or high[0] - low[0] <= 1:
            return high
    found = run(np.column_stack((before, np.full(len(before), float(_MOST)))))
    never = found.alarm[:, -1] != ALARM
    threshold = found.threshold[:, -1]
    guess = np.clip(np.where(np.isfinite(threshold), np.floor(threshold), 1.0), 1.0, _MOST - 1.0)
    low, high = np.zeros(len(before)), np.full(len(before), float(_MOST))
    _narrowed(run, before, np.column_stack((guess - 1, guess, guess + 1)), low, high)
    while len(left := np.flatnonzero((high - low > 1) & ~never)):
        parts = np.linspace(low[left], high[left], _PARTS + 1, axis=1).round()
        lower, upper = low[left], high[left]
        _narrowed(run, before[left], parts, lower, upper)
        low[left], high[left] = lower, upper
    return np.where(never, np.inf, high)


def _narrowed(run: Callable[[Floats], Detected], before: Floats, counts: Floats, low: Floats, high: Floats) -> None:
    """Raise ``low`` to the largest count that is no alarm, and lower ``high`` to the smallest that is one."""
    tries = counts.shape[1]
    asked = np.column_stack((np.repeat(before, tries, axis=0), counts.reshape(-1)))
    is_alarm = (run(asked).alarm[:, -1] == ALARM).reshape(counts.shape)
    np.maximum(low, np.where(is_alarm, 0.0, counts).max(axis=1), out=low)
    np.minimum(high, np.where(is_alarm, counts, np.inf).min(axis=1), out=high)

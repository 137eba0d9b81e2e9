"""From which count on a step is an alarm, for many areas at once."""

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from spikewatch.alerts.domain.detection.detection import ALARM, Detected
from spikewatch.alerts.domain.detection.series import Floats
from spikewatch.alerts.domain.instants import Bools

__all__ = ["least_alarms"]

Places = NDArray[np.intp]

_MOST: Final = 1 << 20  # overdoses in a step; what is no alarm with so many never is
_SMALL_FIRST: Final = [*map(float, range(1, 32)), *(float(2**power) for power in range(5, 21))]
_PARTS: Final = 8  # into which what is left of a search is cut at a time


def least_alarms(run: Callable[[Floats, Places], Detected], before: Floats, met: Floats | None = None) -> Floats:
    """Return for each area the smallest count that is an alarm after the steps before; infinite if none is.

    ``before`` holds areas by steps; ``run`` asks the algorithm about such series with one step more, and is told of which areas they
    are. It is asked twice where its threshold says at which count the alarm comes, and more often where it does not; once or
    twice where a count is ``met`` already, known to be an alarm. More overdoses must never undo an alarm.
    """
    if met is not None:
        low, high = np.zeros(len(before)), met.copy()
        _narrow(run, before, low, high, np.ones(len(before), dtype=np.bool_))
        return high
    if len(before) == 1:
        # One area with many counts costs hardly more than with one, and most alarms come at a small count.
        low, high = np.zeros(1), np.full(1, np.inf)
        _narrowed(run, before, np.array([_SMALL_FIRST]), low, high)
        if np.isinf(high[0]) or high[0] - low[0] <= 1:
            return high
    found = run(np.column_stack((before, np.full(len(before), float(_MOST)))), np.arange(len(before)))
    never = found.alarm[:, -1] != ALARM
    threshold = found.threshold[:, -1]
    guess = np.clip(np.where(np.isfinite(threshold), np.floor(threshold), 1.0), 1.0, _MOST - 1.0)
    low, high = np.zeros(len(before)), np.full(len(before), float(_MOST))
    _narrowed(run, before, np.column_stack((guess - 1, guess, guess + 1)), low, high)
    _narrow(run, before, low, high, ~never)
    return np.where(never, np.inf, high)


def _narrow(run: Callable[[Floats, Places], Detected], before: Floats, low: Floats, high: Floats, asked: Bools) -> None:
    """Bring the largest count that is no alarm and the smallest that is one together, in the areas that are asked about."""
    while len(left := np.flatnonzero((high - low > 1) & asked)):
        parts = np.linspace(low[left], high[left], _PARTS + 1, axis=1).round()
        lower, upper = low[left], high[left]
        _narrowed(run, before[left], parts, lower, upper, left)
        low[left], high[left] = lower, upper


def _narrowed(
    run: Callable[[Floats, Places], Detected], before: Floats, counts: Floats, low: Floats, high: Floats, areas: Places | None = None
) -> None:
    """Raise ``low`` to the largest count that is no alarm, and lower ``high`` to the smallest that is one."""
    tries = counts.shape[1]
    asked = np.column_stack((np.repeat(before, tries, axis=0), counts.reshape(-1)))
    rows = np.repeat(np.arange(len(before)) if areas is None else areas, tries)
    is_alarm = (run(asked, rows).alarm[:, -1] == ALARM).reshape(counts.shape)
    np.maximum(low, np.where(is_alarm, 0.0, counts).max(axis=1), out=low)
    np.minimum(high, np.where(is_alarm, counts, np.inf).min(axis=1), out=high)

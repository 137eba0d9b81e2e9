"""From which count on a step is an alarm, for many areas at once."""

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from spikewatch.alerts.domain.detection.detection import ALARM, Detected
from spikewatch.alerts.domain.detection.series import Floats
from spikewatch.alerts.domain.instants import Bools

__all__ = ["Ask", "Places", "by_runs", "least_alarms"]

Places = NDArray[np.intp]

Ask = Callable[[Floats, Places], tuple[Bools, Floats]]
"""Asked about counts of the newest step, by area and try, of some areas: which are alarms, and what the first of each area must exceed."""

_MOST: Final = 1 << 20  # overdoses in a step; what is no alarm with so many never is
_SMALL_FIRST: Final = [*map(float, range(1, 32)), *(float(2**power) for power in range(5, 21))]
_PARTS: Final = 8  # into which what is left of a search is cut at a time


def by_runs(run: Callable[[Floats, Places], Detected], before: Floats) -> Ask:
    """Return answers of an algorithm that is run on whole series for each try; ``run`` is told of which areas they are."""

    def ask(counts: Floats, areas: Places) -> tuple[Bools, Floats]:
        tries = counts.shape[1]
        rows = np.repeat(areas, tries)
        found = run(np.column_stack((before[rows], counts.reshape(-1))), rows)
        return (found.alarm[:, -1] == ALARM).reshape(counts.shape), found.threshold[::tries, -1]

    return ask


def least_alarms(ask: Ask, number: int, met: Floats | None = None) -> Floats:
    """Return for each of so many areas the smallest count that is an alarm in the newest step; infinite if none is.

    It is asked twice where a threshold says at which count the alarm comes, and more often where it does not; once or
    twice where a count is ``met`` already, known to be an alarm. More overdoses must never undo an alarm.
    """
    if met is not None:
        low, high = np.zeros(number), met.copy()
        _narrow(ask, low, high, np.ones(number, dtype=np.bool_))
        return high
    every = np.arange(number)
    if number == 1:
        # One area with many counts costs hardly more than with one, and most alarms come at a small count.
        low, high = np.zeros(1), np.full(1, np.inf)
        _narrowed(ask, np.array([_SMALL_FIRST]), low, high, every)
        if np.isinf(high[0]) or high[0] - low[0] <= 1:
            return high
    is_alarm, threshold = ask(np.full((number, 1), float(_MOST)), every)
    never = ~is_alarm[:, 0]
    guess = np.clip(np.where(np.isfinite(threshold), np.floor(threshold), 1.0), 1.0, _MOST - 1.0)
    low, high = np.zeros(number), np.full(number, float(_MOST))
    _narrowed(ask, np.column_stack((guess - 1, guess, guess + 1)), low, high, every)
    _narrow(ask, low, high, ~never)
    return np.where(never, np.inf, high)


def _narrow(ask: Ask, low: Floats, high: Floats, asked: Bools) -> None:
    """Bring the largest count that is no alarm and the smallest that is one together, in the areas that are asked about."""
    while len(left := np.flatnonzero((high - low > 1) & asked)):
        parts = np.linspace(low[left], high[left], _PARTS + 1, axis=1).round()
        lower, upper = low[left], high[left]
        _narrowed(ask, parts, lower, upper, left)
        low[left], high[left] = lower, upper


def _narrowed(ask: Ask, counts: Floats, low: Floats, high: Floats, areas: Places) -> None:
    """Raise ``low`` to the largest count that is no alarm, and lower ``high`` to the smallest that is one."""
    is_alarm, _ = ask(counts, areas)
    np.maximum(low, np.where(is_alarm, 0.0, counts).max(axis=1), out=low)
    np.minimum(high, np.where(is_alarm, counts, np.inf).min(axis=1), out=high)

"""Rules whose windows are calendar days or weeks: which step a time lies in, and what of the past a step is judged by."""

from typing import Final

import numpy as np
from pydantic import Field
from typing_extensions import override

from spikewatch.alerts.domain.detection.series import Floats
from spikewatch.alerts.domain.instants import DAY, HOUR, Bools, Instants
from spikewatch.alerts.domain.rules.criterion import MOST_HISTORY_DAYS, Criterion
from spikewatch.alerts.domain.rules.refusal import Refusal
from spikewatch.alerts.domain.series import Series

__all__ = ["CalendarSteps", "distinct", "of_block", "upto"]

_STEPS: Final = (DAY, 7 * DAY)
_MONDAY: Final = 4 * DAY  # 1970-01-05, so that weeks begin on Mondays
_BLOCKS_A_HISTORY: Final = 4


class CalendarSteps(Criterion, extra="allow"):
    """The rule's window is the step: 24 hours (a day) or 168 (a week from Monday). A day begins at ``day_starts_hour`` UTC.

    How far back a step looks follows from the step alone, never from what is asked together: its series begins
    ``history_days`` before the block of steps in which the step lies. So any order of arrival gives the same thresholds.
    """

    history_days: float = Field(default=400, ge=14, le=MOST_HISTORY_DAYS, description="How much of the past the algorithm sees at least.")
    minimum_history_days: float = Field(default=28, ge=0, le=MOST_HISTORY_DAYS)
    day_starts_hour: int = Field(default=0, ge=0, le=23, description="Hour of UTC at which a day begins, for example 5.")

    @override
    def refuses(self, window: int) -> Refusal | None:
        if window in _STEPS:
            return None
        return Refusal(("window_hours",), "is the step of a detector; expected 24 (a day) or 168 (a week)")

    @override
    def reach(self, window: int) -> int:
        """An overdose counts in its step and in every later one whose block looks back to it."""
        return (self._history(window) + self._block(window) + 1) * window

    @override
    def starts(self, at: Instants, window: int) -> Instants:
        return np.asarray(self._step(at, window) * window + self._origin(window))

    @override
    def start(self, at: int, window: int) -> int:
        return self._start(self.step(at, window), window)

    @override
    def step(self, at: int, window: int) -> int:
        return (at - 1 - self._origin(window)) // window

    def _told(self, series: Series, last: int, window: int) -> tuple[int, Floats]:
        """Return the first step that the block of a step looks back to, and the counts from there to that step."""
        block = self._block(window)
        known_since = self.step(series.first, window)
        first = max(last // block * block - self._history(window), known_since)
        edges = self._origin(window) + window * np.arange(first, last + 2, dtype=np.int64)
        return first, series.steps(edges).astype(np.float64)

    def _share(self, series: Series, first: int, number: int, window: int) -> Floats | None:
        """Return the part that is reported of the counts that ``_told`` returns; None where all is."""
        return None if series.reported is None else series.reported.of_steps(self._start(first, window), window, number)

    def _start(self, step: int, window: int) -> int:
        return self._origin(window) + step * window

    def _history(self, window: int) -> int:
        return max(2, -(-round(self.history_days * DAY) // window))

    def _block(self, window: int) -> int:
        return max(1, self._history(window) // _BLOCKS_A_HISTORY)

    def _origin(self, window: int) -> int:
        return self.day_starts_hour * HOUR + (0 if window == DAY else _MONDAY)

    def _step(self, at: Instants, window: int) -> Instants:
        # spans are open at their start: what happens exactly when a step begins belongs to the one that ended
        return np.asarray((at - 1 - self._origin(window)) // window)


def distinct(steps: Instants) -> Instants:
    """Return each of sorted steps once."""
    return steps if len(steps) < 2 else np.unique(steps)


def of_block(ends: Bools, first: int, block_start: int, size: int) -> Bools:
    """Return the steps of a block of what is told from a first step on; none where the area was not known yet."""
    whole = np.zeros(size, dtype=np.bool_)
    begin = max(first, block_start)
    whole[begin - block_start :] = ends[begin - first :]
    return whole


def upto(share: Floats | None, steps: int) -> Floats | None:
    """Return the share of the first steps; None where all of them are reported."""
    return None if share is None or (share[:steps] == 1.0).all() else share[:steps]

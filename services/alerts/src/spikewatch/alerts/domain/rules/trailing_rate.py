"""The span of the past that a sliding window is compared with, and what it held."""

from abc import ABC

import numpy as np
import numpy.typing as npt
from pydantic import Field
from typing_extensions import override

from spikewatch.alerts.domain.instants import DAY, HOUR, Instants
from spikewatch.alerts.domain.rules.criterion import MOST_HISTORY_DAYS, Criterion
from spikewatch.alerts.domain.rules.refusal import Refusal
from spikewatch.alerts.domain.series import Series

__all__ = ["TrailingRate", "baseline_shown"]

_SHOWN = 30  # baseline spans in an explanation; more would not be read and makes alerts large


class TrailingRate(Criterion, ABC):
    """A kind whose windows are compared with the area's own rate over the ``baseline_days`` that end ``guard_hours`` before them.

    Silent until ``minimum_history_days`` lie behind the area's first overdose; until ``baseline_days`` do, the baseline is what there is.
    """

    baseline_days: float = Field(gt=0, le=MOST_HISTORY_DAYS)
    minimum_history_days: float = Field(gt=0, le=MOST_HISTORY_DAYS)
    guard_hours: float = Field(default=24, ge=0, le=366 * 24)
    minimum_count: int = Field(default=3, ge=1)

    @override
    def refuses(self, window: int) -> Refusal | None:
        least = max(round(self.minimum_history_days * DAY), window)
        if round(self.baseline_days * DAY) >= least:
            return None
        why = "is shorter than minimum_history_days, so no window is ever judged" if least > window else "is shorter than the window"
        return Refusal(("parameters", "baseline_days"), f"{why}; expected at least {least / DAY:g}")

    @property
    @override
    def tells_recurrence(self) -> bool:
        return True

    @override
    def reach(self, window: int) -> int:
        """An overdose counts in its window and then in every baseline up to its length."""
        return window + round(self.guard_hours * HOUR) + round(self.baseline_days * DAY)

    def baseline(self, series: Series, at: Instants, window: int) -> tuple[Instants, Instants]:
        """Return where the baselines of the windows that end at some times begin and end: none begins before the area was known."""
        end = at - window - round(self.guard_hours * HOUR)
        return np.maximum(end - round(self.baseline_days * DAY), series.first), end

    def baseline_of(self, series: Series, at: int, window: int) -> tuple[int, int]:
        """Return where the baseline of one window begins and ends, as ``baseline`` does."""
        end = at - window - round(self.guard_hours * HOUR)
        return max(end - round(self.baseline_days * DAY), series.first), end

    def is_judged(self, count: int, start: int, end: int) -> bool:
        """Tell of one window what ``judged`` tells of many."""
        return count >= self.minimum_count and end - start >= round(self.minimum_history_days * DAY)

    def judged(self, counts: Instants, start: Instants, end: Instants) -> npt.NDArray[np.intp]:
        """Return the places of the windows that hold enough overdoses, and a long enough baseline, to be judged at all."""
        return np.flatnonzero((counts >= self.minimum_count) & (end - start >= round(self.minimum_history_days * DAY)))


def baseline_shown(series: Series, start: int, end: int, window: int) -> tuple[tuple[int, int, int], ...]:
    """Return start, end and count of the newest days (or windows, where those are longer) of a baseline, newest last."""
    step = max(window, DAY)
    shown = min((end - start) // step, _SHOWN)
    ends = end - step * np.arange(shown - 1, -1, -1, dtype=np.int64)
    return tuple(zip((ends - step).tolist(), ends.tolist(), series.count(ends - step, ends).tolist(), strict=True))

"""Improbably many under a Poisson variable with the area's own trailing rate."""

import numpy as np
import numpy.typing as npt
from pydantic import Field
from typing_extensions import override

from spikewatch.alerts.domain.detection.sliding_window import sliding_rate
from spikewatch.alerts.domain.instants import DAY, Bools, Instants
from spikewatch.alerts.domain.rules.criterion import Finding
from spikewatch.alerts.domain.rules.tail import poisson_tail, poisson_tail_is_below
from spikewatch.alerts.domain.rules.trailing_rate import TrailingRate, baseline_shown
from spikewatch.alerts.domain.series import Series

__all__ = ["PoissonBaseline"]

_ZERO_BASELINE = 0.5  # overdoses: half of the smallest count a baseline could have shown


class PoissonBaseline(TrailingRate):
    """Met when P(X >= count) < ``probability`` and the count is at least ``minimum_count``.

    The mean is the rate over the ``baseline_days`` that end ``guard_hours`` before the window's start, times the window.

    First days: silent until ``minimum_history_days`` lie behind the area's first overdose; until ``baseline_days``
    do, the baseline is what there is. Baseline all zero: half an overdose in it is assumed, because a rate of zero would
    call any single overdose impossible.
    """

    probability: float = Field(gt=0, lt=1)

    @property
    @override
    def budget(self) -> tuple[str, float] | None:
        return "probability", self.probability

    @override
    def asks(self) -> str:
        """Name the probability."""
        return (
            f"the count is at least {self.minimum_count} and its chance below {self.probability:g} at the rate of the "
            f"{self.baseline_days:g} days that end {self.guard_hours:g} h before"
        )

    @override
    def met(self, series: Series, at: Instants, counts: Instants, window: int) -> Bools:
        """Take the tail only where the count is above its mean and at the minimum."""
        met = np.zeros(len(at), dtype=np.bool_)
        start, end = self.baseline(series, at, window)
        candidates = self.judged(counts, start, end)
        if not len(candidates):
            return met
        mean = self._mean(series, start[candidates], end[candidates], window)
        for place, count, expected in zip(candidates.tolist(), counts[candidates].tolist(), mean.tolist(), strict=True):
            met[place] = count > expected and poisson_tail_is_below(count, expected, self.probability)
        return met

    @override
    def met_once(self, series: Series, at: int, count: int, window: int) -> bool:
        start, end = self.baseline_of(series, at, window)
        if not self.is_judged(count, start, end):
            return False
        expected = max(float(series.count_one(start, end)), _ZERO_BASELINE) * float(window) / float(end - start)  # the array's own steps
        return count > expected and poisson_tail_is_below(count, expected, self.probability)

    @override
    def finding(self, series: Series, at: int, count: int, window: int) -> Finding:
        """Give the mean, the probability and the counts of the newest days or windows."""
        start, end = self.baseline(series, np.array([at], dtype=np.int64), window)
        mean = float(self._mean(series, start, end, window)[0])
        days = (int(end[0]) - int(start[0])) / DAY
        return Finding(
            demand=f"at least {self.minimum_count} and a probability below {self.probability:g} by the {days:.0f} days before",
            expected=mean,
            probability=poisson_tail(count, mean),
            recurrence_days=window / DAY / float(sliding_rate(np.array([float(count)]), np.array([mean]))[0]),
            baseline=baseline_shown(series, int(start[0]), int(end[0]), window),
        )

    def _mean(self, series: Series, start: Instants, end: Instants, window: int) -> npt.NDArray[np.float64]:
        count = np.maximum(series.count(start, end).astype(np.float64), _ZERO_BASELINE)
        return np.asarray(count * window / (end - start))

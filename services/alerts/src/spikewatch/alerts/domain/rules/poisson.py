"""Improbably many under a Poisson variable with the area's own trailing rate."""

import numpy as np
import numpy.typing as npt
from pydantic import Field
from typing_extensions import override

from spikewatch.alerts.domain.detection.sliding_window import sliding_rate
from spikewatch.alerts.domain.instants import DAY, HOUR, Bools, Instants
from spikewatch.alerts.domain.rules.criterion import Criterion, Finding
from spikewatch.alerts.domain.rules.tail import poisson_tail
from spikewatch.alerts.domain.rules.trailing_rate import baseline_shown, baseline_span
from spikewatch.alerts.domain.series import Series

__all__ = ["PoissonBaseline"]

_ZERO_BASELINE = 0.5  # overdoses: half of the smallest count a baseline could have shown


class PoissonBaseline(Criterion):
    """Met when P(X >= count) < ``probability`` and the count is at least ``minimum_count``.

    The mean is the rate over the ``baseline_days`` that end ``guard_hours`` before the window's start, times the window.

    First days: silent until ``minimum_history_days`` lie behind the area's first overdose; until ``baseline_days``
    do, the baseline is what there is. Baseline all zero: half an overdose in it is assumed, because a rate of zero would
    call any single overdose impossible.
    """

    probability: float = Field(gt=0, lt=1)
    baseline_days: float = Field(gt=0, le=3660)
    minimum_history_days: float = Field(gt=0)
    guard_hours: float = Field(default=24, ge=0)
    minimum_count: int = Field(default=3, ge=1)

    @property
    @override
    def tells_recurrence(self) -> bool:
        return True

    @override
    def asks(self) -> str:
        """Name the probability."""
        return (
            f"the count is at least {self.minimum_count} and its chance below {self.probability:g} at the rate of the "
            f"{self.baseline_days:g} days that end {self.guard_hours:g} h before"
        )

    @override
    def reach(self, window: int) -> int:
        """An overdose counts in its window and then in every baseline up to its length."""
        return window + round(self.guard_hours * HOUR) + round(self.baseline_days * DAY)

    @override
    def met(self, series: Series, at: Instants, counts: Instants, window: int) -> Bools:
        """Take the tail only where the count is above its mean and at the minimum."""
        met = np.zeros(len(at), dtype=np.bool_)
        start, end = self._span(series, at, window)
        candidates = np.flatnonzero((counts >= self.minimum_count) & (end - start >= round(self.minimum_history_days * DAY)))
        if not len(candidates):
            return met
        mean = self._mean(series, start[candidates], end[candidates], window)
        for place, count, expected in zip(candidates.tolist(), counts[candidates].tolist(), mean.tolist(), strict=True):
            met[place] = count > expected and poisson_tail(count, expected) < self.probability
        return met

    @override
    def finding(self, series: Series, at: int, count: int, window: int) -> Finding:
        """Give the mean, the probability and the counts of the newest days or windows."""
        start, end = self._span(series, np.array([at], dtype=np.int64), window)
        mean = float(self._mean(series, start, end, window)[0])
        days = (int(end[0]) - int(start[0])) / DAY
        return Finding(
            demand=f"at least {self.minimum_count} and a probability below {self.probability:g} by the {days:.0f} days before",
            expected=mean,
            probability=poisson_tail(count, mean),
            recurrence_days=window / DAY / float(sliding_rate(np.array([float(count)]), np.array([mean]))[0]),
            baseline=baseline_shown(series, int(start[0]), int(end[0]), window),
        )

    def _span(self, series: Series, at: Instants, window: int) -> tuple[Instants, Instants]:
        return baseline_span(series, at, window, guard_hours=self.guard_hours, days=self.baseline_days)

    def _mean(self, series: Series, start: Instants, end: Instants, window: int) -> npt.NDArray[np.float64]:
        count = np.maximum(series.count(start, end).astype(np.float64), _ZERO_BASELINE)
        return np.asarray(count * window / (end - start))

"""More than mean + k standard deviations of the same window in the area's own past."""

from math import sqrt

import numpy as np
import numpy.typing as npt
from pydantic import Field
from typing_extensions import override

from spikewatch.alerts.domain.instants import DAY, HOUR, Bools, Instants
from spikewatch.alerts.domain.rules.criterion import MOST_HISTORY_DAYS, Criterion, Finding
from spikewatch.alerts.domain.rules.refusal import Refusal
from spikewatch.alerts.domain.series import Series

__all__ = ["MeanPlusSd"]

_AT_ONCE = 4_096  # times whose blocks are counted together: some ten megabytes
_SHOWN = 30  # baseline spans in an explanation; more would not be read and makes alerts large


class MeanPlusSd(Criterion):
    """Met when the count is above mean + ``sds`` · SD of the window-long blocks before, and at least ``minimum_count``.

    The blocks are counted back from ``lag_hours`` before the window's start, so that a spike that builds up does not
    raise its own baseline. SD is the sample's (n - 1).

    First days: silent until ``minimum_history_days`` of blocks lie behind the area's first overdose. Baseline all
    zero: mean and SD are zero, so ``minimum_count`` alone decides.
    """

    sds: float = Field(ge=0)
    history_days: float = Field(gt=0, le=MOST_HISTORY_DAYS)
    minimum_history_days: float = Field(gt=0, le=MOST_HISTORY_DAYS)
    lag_hours: float = Field(default=24, ge=0, le=366 * 24)
    minimum_count: int = Field(default=3, ge=1)

    @override
    def refuses(self, window: int) -> Refusal | None:
        least = self._least(window)
        if self._history() // window >= least:
            return None
        why = f"is too short: a window is judged by at least {least} windows before it (minimum_history_days, and never fewer than 2)"
        return Refusal(("parameters", "history_days"), f"{why}; expected at least {least * window / DAY:g}")

    @override
    def asks(self) -> str:
        """Name the threshold."""
        return (
            f"the count is at least {self.minimum_count} and above the mean and {self.sds:g} standard deviations of such windows in the "
            f"{self.history_days:g} days that end {self.lag_hours:g} h before"
        )

    @override
    def reach(self, window: int) -> int:
        """An overdose counts in its window and then in every baseline up to the history's length."""
        return 2 * window + self._lag() + self._history()

    @override
    def met(self, series: Series, at: Instants, counts: Instants, window: int) -> Bools:
        """Evaluate only where the count can be met at all: at the minimum, with history enough, above the mean."""
        met = np.zeros(len(at), dtype=np.bool_)
        blocks = self._blocks(series, at, window)
        candidates = np.flatnonzero((counts >= self.minimum_count) & (blocks >= self._least(window)))
        if not len(candidates):
            return met
        end = at[candidates] - window - self._lag()
        total = series.count(end - blocks[candidates] * window, end)
        above = counts[candidates] * blocks[candidates] > total
        candidates, total = candidates[above], total[above]
        if len(candidates):
            mean, deviation = self._moments(series, at[candidates], blocks[candidates], total, window)
            met[candidates] = counts[candidates] > mean + self.sds * deviation
        return met

    @override
    def met_once(self, series: Series, at: int, count: int, window: int) -> bool:
        end = at - window - self._lag()
        blocks = self._blocks_of(series, end, window)
        if count < self.minimum_count or blocks < self._least(window):
            return False
        total = series.count_one(end - blocks * window, end)
        if count * blocks <= total:
            return False
        mean, deviation = _moments_of(series, end, blocks, total, window)
        return count > mean + self.sds * deviation

    @override
    def finding(self, series: Series, at: int, count: int, window: int) -> Finding:  # the protocol's
        """Give mean, threshold and the newest blocks."""
        end = at - window - self._lag()
        blocks = self._blocks_of(series, end, window)
        mean, deviation = _moments_of(series, end, blocks, series.count_one(end - blocks * window, end), window)
        threshold = mean + self.sds * deviation
        ends = end - window * np.arange(min(blocks, _SHOWN) - 1, -1, -1, dtype=np.int64)
        shown = zip((ends - window).tolist(), ends.tolist(), series.count(ends - window, ends).tolist(), strict=True)
        return Finding(
            demand=f"at least {self.minimum_count} and more than {threshold:.1f}, the mean and {self.sds:g} standard deviations "
            f"of the {blocks} such windows before",
            threshold=threshold,
            expected=mean,
            dispersion=deviation**2 / mean if mean > 0 else None,
            baseline=tuple(shown),
        )

    def _lag(self) -> int:
        return round(self.lag_hours * HOUR)

    def _history(self) -> int:
        return round(self.history_days * DAY)

    def _least(self, window: int) -> int:
        # two, because a standard deviation of one block does not exist
        return max(2, -(-round(self.minimum_history_days * DAY) // window))

    def _blocks(self, series: Series, at: Instants, window: int) -> Instants:
        whole = (at - window - self._lag() - series.first) // window
        return np.clip(whole, 0, self._history() // window)

    def _blocks_of(self, series: Series, end: int, window: int) -> int:
        return min(max((end - series.first) // window, 0), self._history() // window)

    def _moments(
        self, series: Series, at: Instants, blocks: Instants, total: Instants, window: int
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        # Sums of integers are exact, so one time gives the same floats whatever it is evaluated together with.
        squares = np.zeros(len(at), dtype=np.int64)
        end = at - window - self._lag()
        back = window * np.arange(int(blocks.max()) + 1, dtype=np.int64)
        for chunk in range(0, len(at), _AT_ONCE):
            some = slice(chunk, chunk + _AT_ONCE)
            before = np.searchsorted(series.times, end[some, np.newaxis] - back, side="right")
            counts = np.where(np.arange(len(back) - 1) < blocks[some, np.newaxis], before[:, :-1] - before[:, 1:], 0)
            squares[some] = (counts * counts).sum(axis=1)
        mean = total / blocks
        variance = (squares * blocks - total * total) / (blocks * (blocks - 1))
        return mean, np.sqrt(variance)


def _moments_of(series: Series, end: int, blocks: int, total: int, window: int) -> tuple[float, float]:
    """Return of one time what ``_moments`` does of many, to the last digit."""
    counts = series.blocks_before(end, window, blocks)
    variance = (int(counts @ counts) * blocks - total * total) / (blocks * (blocks - 1))
    return total / blocks, sqrt(variance)

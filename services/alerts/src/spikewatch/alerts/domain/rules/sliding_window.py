"""So many in a window that slides that chance alone brings it only so often a year: a budget of false alarms, kept whatever the volume."""

from typing import Final, NamedTuple

import numpy as np
from pydantic import Field
from typing_extensions import override

from spikewatch.alerts.domain.detection.series import Floats
from spikewatch.alerts.domain.detection.sliding_window import sliding_rate, sliding_threshold, window_tail
from spikewatch.alerts.domain.instants import DAY, HOUR, Bools, Instants
from spikewatch.alerts.domain.rules.criterion import MOST_HISTORY_DAYS, Finding
from spikewatch.alerts.domain.rules.refusal import Refusal
from spikewatch.alerts.domain.rules.trailing_rate import TrailingRate, baseline_shown
from spikewatch.alerts.domain.series import Series

__all__ = ["SlidingWindow"]

_YEAR: Final = 365.25 * DAY
_PRIOR: Final = 0.5  # overdoses that a baseline is believed to hold beyond those it shows
_BELIEVED: Final = 8.0  # overdoses after which half of the baseline's own dispersion is believed
_LEAST_BLOCKS: Final = 14  # fewer say nothing about how counts vary
_AT_ONCE: Final = 4_096  # times whose blocks are counted together
# People overdose together, and times are told to the hour at times: what lies closer is no closer for that.
_CLOSEST: Final = 24  # of the window
_RARE: Final = 0.1  # false alarms in a window's length: with more they are no longer apart
_CERTAIN: Final = 30.0  # alarms a year: with more a year without one is beyond a double's resolution
_DOUBTLESS: Final = 1.000_001  # whatever the last digits of two ways to one number
_STRETCHES: Final = 240  # into which a window is cut to say how close together overdoses must lie


class _Level(NamedTuple):
    """What a window holds on average, the variance of its count over that, and the squared relative uncertainty of the average."""

    mean: Floats
    dispersion: Floats
    uncertainty: Floats


class SlidingWindow(TrailingRate):
    """Met by what chance alone brings at most ``false_alarms_a_year`` times a year in one area, however often is looked.

    A window is the more surprising the more overdoses it holds, and of equal counts the closer together they lie: a whole number
    alone could not keep the budget where counts are small. The level is that of the ``baseline_days`` that end ``guard_hours`` before
    the window's start; how uncertain it is, and that counts vary more than chance, is part of the probability.

    First days: silent until ``minimum_history_days`` lie behind the area's first overdose; until ``baseline_days`` do, the
    baseline is what there is. Baseline all zero: half an overdose in it is assumed.
    """

    false_alarms_a_year: float = Field(gt=0, le=365, description="How often a year chance alone may meet the rule, in each area.")
    baseline_days: float = Field(default=180, gt=0, le=MOST_HISTORY_DAYS)
    minimum_history_days: float = Field(default=28, gt=0, le=MOST_HISTORY_DAYS)
    minimum_count: int = Field(default=2, ge=1)
    learns_dispersion: bool = Field(default=True, description="Whether a baseline that varies more than chance makes spikes rarer.")

    @override
    def refuses(self, window: int) -> Refusal | None:
        if self.false_alarms_a_year * window > _RARE * _YEAR:
            most = _RARE * _YEAR / window
            text = f"nothing so frequent is rare in windows so long; expected at most {most:.2g}"
            return Refusal(("parameters", "false_alarms_a_year"), text)
        return super().refuses(window)

    @property
    @override
    def budget(self) -> tuple[str, float] | None:
        return "false_alarms_a_year", self.false_alarms_a_year

    @override
    def asks(self) -> str:
        """Name the budget."""
        return (
            f"the count is at least {self.minimum_count} and chance alone, looked at without a break, brings such a window at most "
            f"{_times(self.false_alarms_a_year)} a year in an area, at the rate of the {self.baseline_days:g} days that end "
            f"{self.guard_hours:g} h before"
        )

    @override
    def met(self, series: Series, at: Instants, counts: Instants, window: int) -> Bools:
        """Ask for the rate of such windows where the count is above its mean and at the minimum."""
        met = np.zeros(len(at), dtype=np.bool_)
        start, end = self.baseline(series, at, window)
        candidates = self.judged(counts, start, end)
        if not len(candidates):
            return met
        level = self._level(series, start[candidates], end[candidates], window)
        above = np.flatnonzero(counts[candidates] > level.mean)
        candidates = candidates[above]
        if len(candidates):
            level = self._dispersed(series, start[candidates], end[candidates], window, _Level(*(each[above] for each in level)))
            stretch = _stretch(series, at[candidates], counts[candidates], window)
            met[candidates] = _a_year(counts[candidates], stretch, window, level) <= self.false_alarms_a_year
        return met

    @override
    def met_once(self, series: Series, at: int, count: int, window: int) -> bool:
        start, end = self.baseline_of(series, at, window)
        if not self.is_judged(count, start, end):
            return False
        total = series.count_one(start, end) + _PRIOR
        mean = total * window / (end - start)
        if count <= mean:
            return False
        dispersion = self._dispersion_of(series, start, end, window)
        # The rate is never below the probability that one window holds more: most windows are told from a spike by that alone.
        if window_tail(count + 1, mean, dispersion, 1 / total) * _YEAR / window > self.false_alarms_a_year * _DOUBTLESS:
            return False
        level = _Level(np.array([mean]), np.array([dispersion]), np.array([1 / total]))
        stretch = np.array([min(max(at - int(series.times[series.times.searchsorted(at, "right") - count]), window // _CLOSEST), window)])
        return bool(_a_year(np.array([count]), stretch, window, level)[0] <= self.false_alarms_a_year)

    @override
    def finding(self, series: Series, at: int, count: int, window: int) -> Finding:
        """Give the mean, the threshold, and how probable such a window is while the clock moves on by its length."""
        times, counts = np.array([at], dtype=np.int64), np.array([count], dtype=np.int64)
        start, end = self.baseline(series, times, window)
        level = self._dispersed(series, start, end, window, self._level(series, start, end, window))
        rate = float(_a_year(counts, _stretch(series, times, counts, window), window, level)[0])
        threshold, closer = self._threshold(window, level)
        return Finding(
            demand=f"{closer}, what chance brings at most {_times(self.false_alarms_a_year)} a year by the "
            f"{(int(end[0]) - int(start[0])) / DAY:.0f} days before",
            threshold=float(threshold),
            expected=float(level.mean[0]),
            probability=float(-np.expm1(-rate * window / _YEAR)),
            recurrence_days=_YEAR / DAY / rate if rate > 0 else None,
            dispersion=float(level.dispersion[0]) if self.learns_dispersion else None,
            baseline=baseline_shown(series, int(start[0]), int(end[0]), window),
        )

    def _level(self, series: Series, start: Instants, end: Instants, window: int) -> _Level:
        total = series.count(start, end) + _PRIOR
        return _Level(total * window / (end - start), np.ones(len(total)), 1 / total)

    def _dispersed(self, series: Series, start: Instants, end: Instants, window: int, level: _Level) -> _Level:
        """Return the level with the dispersion that blocks of the baseline, each as long as the window, show above that of chance."""
        if not self.learns_dispersion:
            return level
        blocks = (end - start) // window
        back = window * np.arange(int(blocks.max(initial=0)) + 1, dtype=np.int64)
        total, squares = (np.zeros(len(end), dtype=np.int64) for _ in range(2))
        # Sums of integers are exact, so one time gives the same floats whatever it is evaluated together with.
        for chunk in range(0, len(end), _AT_ONCE):
            some = slice(chunk, chunk + _AT_ONCE)
            before = np.searchsorted(series.times, end[some, np.newaxis] - back, side="right")
            counted = np.where(np.arange(len(back) - 1) < blocks[some, np.newaxis], before[:, :-1] - before[:, 1:], 0)
            total[some], squares[some] = counted.sum(axis=1), (counted * counted).sum(axis=1)
        usable = (blocks >= _LEAST_BLOCKS) & (total > 0)
        number, held = np.where(usable, blocks, 2), np.where(usable, total, 1)
        shown = (squares * number - held * held) / ((number - 1) * held)
        believed = np.where(usable, np.maximum(shown - 1, 0) * held / (held + _BELIEVED), 0.0)
        return level._replace(dispersion=1 + believed)

    def _dispersion_of(self, series: Series, start: int, end: int, window: int) -> float:
        """Return of one baseline what ``_dispersed`` adds to many, to the last digit."""
        number = (end - start) // window
        if not self.learns_dispersion or number < _LEAST_BLOCKS:
            return 1.0
        counts = series.blocks_before(end, window, number)
        held = int(counts.sum())
        if held <= 0:
            return 1.0
        shown = (int(counts @ counts) * number - held * held) / ((number - 1) * held)
        return 1 + max(shown - 1, 0.0) * held / (held + _BELIEVED)

    def _threshold(self, window: int, level: _Level) -> tuple[int, str]:
        """Return the count that is enough anywhere in the window, and in words also the one that is if it lies closer together."""
        lengths = _YEAR / window
        dispersion, uncertainty = level.dispersion, level.uncertainty
        # a probability for the year, as the function asks for one: a budget of one alarm is reached in 63 of 100 years
        alpha = float(-np.expm1(-min(self.false_alarms_a_year, _CERTAIN)))
        found = int(sliding_threshold(level.mean, alpha, dispersion=dispersion, uncertainty=uncertainty, lengths=lengths)[0])
        while found > level.mean[0] + 1 and self._keeps(found - 1, window, window, level):
            found -= 1  # the function counts the year's first window beyond the rate, and knows no larger budget
        enough = max(found, self.minimum_count)
        fewer = enough - 1
        if fewer < self.minimum_count or fewer <= level.mean[0]:
            return enough, f"at least {enough}"
        stretches = (window * np.arange(1, _STRETCHES) / _STRETCHES).astype(np.int64)
        alike = _Level(*(np.repeat(each, len(stretches)) for each in level))
        kept = _a_year(np.full(len(stretches), fewer), stretches, window, alike) <= self.false_alarms_a_year
        if not kept.any():
            return enough, f"at least {enough}"
        return enough, f"at least {enough}, or {fewer} within {stretches[kept][-1] / HOUR:.2g} h"

    def _keeps(self, count: int, stretch: int, window: int, level: _Level) -> bool:
        return bool(_a_year(np.array([count]), np.array([stretch]), window, level)[0] <= self.false_alarms_a_year)


def _stretch(series: Series, at: Instants, counts: Instants, window: int) -> Instants:
    """Return how long the overdoses in each window take from the first to the last, at least a small part of the window."""
    newest = np.searchsorted(series.times, at, side="right")
    first = series.times[newest - counts]
    return np.asarray(np.clip(at - first, window // _CLOSEST, window))


def _a_year(counts: Instants, stretch: Instants, window: int, level: _Level) -> Floats:
    """Return how often a year chance alone brings a window with more overdoses, or with as many that lie as close together."""
    count = counts.astype(np.float64)
    share = stretch / window
    uncertainty = level.uncertainty
    # asked together: where one window is judged, a question takes as long as three
    dispersion = np.array([level.dispersion, level.dispersion, 1 + (level.dispersion - 1) * share])
    means = np.array([level.mean, level.mean, level.mean * share])
    as_many, more, closer = sliding_rate(np.array([count, count + 1, count]), means, dispersion=dispersion, uncertainty=uncertainty)
    closer = closer / share
    # Some of those that lie so close have more beside them, and were counted; with the whole window all are.
    alone = 1 - more / np.where(as_many > more, as_many, np.maximum(more, 1e-300))
    rate: Floats = np.minimum(more + closer * alone, as_many) * _YEAR / window
    return rate


def _times(budget: float) -> str:
    return "once" if budget == 1 else f"{budget:g} times"

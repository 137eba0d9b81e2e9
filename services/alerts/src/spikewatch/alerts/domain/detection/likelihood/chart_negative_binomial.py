"""The negative-binomial chart: the best of all changed means on a grid of factors, refined between its points.

For one factor the best start follows from a running minimum, as in a CUSUM. Between neighbouring factors the log likelihood ratio of
one start is smooth, so that a polynomial through seven points finds its maximum to about 1e-9; then the best start for that very
factor is sought, until it stays. The steps between two starts add a concave function of the factor's logarithm that is 0 at 0: once
the later start is the better one, it is so for every larger change. So the best start only moves on with the factor, and between two
points of the grid it is one of those from the first point's to the second's: mostly one and the same. The factor's logarithm is a square
on the grid, which is fine where counts are many and factors near 1.
"""

from collections.abc import Sequence
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray
from typing_extensions import override

from spikewatch.alerts.domain.detection.likelihood.charts import Areas, Chart
from spikewatch.alerts.domain.detection.likelihood.exact_ratios import largest_of_starts, ratios_of_runs
from spikewatch.alerts.domain.detection.series import Floats

__all__ = ["NegativeBinomialChart"]

_SPACING: Final = 0.04
_HIGHEST: Final = 2.64  # root of the logarithm of a mean a thousand times the expected one; beyond, Newton's method looks at every start
_LOWEST: Final = 4.24  # of one that is all but 0
_NODES: Final = 7
_LEAST_ALPHA: Final = 1e-12  # stands for Poisson, which it differs from by as much of the ratio as means are expected
_POLYNOMIAL: Final = np.linalg.inv(np.vander(np.arange(_NODES, dtype=np.float64), increasing=True))
_ROWS: Final = 2048  # steps that there is room for at first; the system gives memory only to those that are used
_ALTERNATIONS: Final = 8
_SMALL: Final = 0.1  # ratios up to here are found on the counts: beside means of a thousand the polynomial is off by up to 1e-6
_SETTLED: Final = 1e-9  # spacings; what a peak is lower there is of the square

_Try = tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]
"""Rows, a start for each, and the point of the grid that is near its peak."""


class _Wanted(Protocol):
    @property
    def limit(self) -> float: ...
    @property
    def direction(self) -> str: ...
    @property
    def window(self) -> int: ...
    @property
    def least_steps(self) -> int: ...


class NegativeBinomialChart(Chart):
    """Cumulative log ratios of every factor since the last alarm of each area."""

    def __init__(self, shape: tuple[int, ...], alpha: Floats, wanted: _Wanted, most: float) -> None:
        steps, areas = shape
        self._rises = wanted.direction == "inc"
        roots = np.arange(round((_HIGHEST if self._rises else _LOWEST) / _SPACING) + 1) * _SPACING
        self._factors = roots * roots if self._rises else -roots * roots
        self._changes = np.exp(self._factors)
        self._alpha = np.maximum(alpha, _LEAST_ALPHA)
        self._wanted = wanted
        self._most = most
        self._prunes = self._rises and wanted.window == -1 and wanted.least_steps == 1
        self._excess = np.zeros(areas)
        self._running = np.zeros((min(steps, _ROWS) + 1, areas, len(self._factors)))
        self._counts = np.zeros((steps, areas))
        self._means = np.zeros((steps, areas))
        self._seen = np.zeros(areas, dtype=np.intp)
        self._best = np.zeros((areas, len(self._factors)))
        self._start = np.zeros((areas, len(self._factors)), dtype=np.intp)

    def _ratios(self, areas: Areas, counts: Floats, mean: Floats) -> Floats:
        """Return the log likelihood ratio of one step for every factor."""
        alpha = self._alpha[areas][:, None]
        spread = np.log1p(alpha * mean[:, None]) - np.log1p(alpha * mean[:, None] * self._changes)
        each: Floats = counts[:, None] * (self._factors + spread) + spread / alpha
        return each

    def _starts(self, areas: Areas) -> tuple[Floats, NDArray[np.intp]]:
        """Return, of the starts allowed for the step to come, the least running sum for every factor, and the start that has it."""
        seen = self._seen[areas]
        if self._wanted.window == -1 and self._wanted.least_steps == 1:
            now = self._running[seen, areas]
            better = now <= self._best[areas]
            return np.where(better, now, self._best[areas]), np.where(better, seen[:, None], self._start[areas])
        best = np.full((len(areas), len(self._factors)), np.inf)
        start = np.zeros(best.shape, dtype=np.intp)
        for position, area in enumerate(areas):
            last = int(seen[position])
            first = 0 if self._wanted.window == -1 else max(0, last - self._wanted.window)
            end = last - self._wanted.least_steps + 2
            if first < end:
                sums = self._running[first:end, area]
                start[position] = sums.argmin(axis=0)
                best[position] = sums[start[position], np.arange(len(self._factors))]
                start[position] += first
        return best, start

    @override
    def threshold(self, areas: Areas, step: int, mean: Floats) -> Floats:
        best, start = self._starts(areas)
        answer = np.full(len(areas), np.nan)
        if not self._rises:
            return answer
        alpha = self._alpha[areas][:, None]
        spread = np.log1p(alpha * mean[:, None]) - np.log1p(alpha * mean[:, None] * self._changes)
        lack = self._wanted.limit - (self._running[self._seen[areas], areas] - best) - spread / alpha
        with np.errstate(divide="ignore", invalid="ignore"):
            each = np.where(self._factors > 0, lack / (self._factors + spread), np.inf)
        at_most = np.ceil(np.maximum(each.min(axis=1), 0))
        # a factor between the points of the grid may need a little less
        trying = np.flatnonzero(np.isfinite(at_most))
        answer[trying] = at_most[trying]
        trying = trying[answer[trying] >= 1]
        while len(trying):
            fewer = answer[trying] - 1
            now = self._running[self._seen[areas[trying]], areas[trying]] + self._ratios(areas[trying], fewer, mean[trying])
            value = self._value(areas[trying], fewer, mean[trying], now, best[trying], start[trying])
            enough = value >= self._wanted.limit
            answer[trying[enough]] -= 1
            trying = trying[enough & (fewer >= 1)]
        answer[answer > self._most] = np.nan
        answer[self._seen[areas] + 1 < self._wanted.least_steps] = 0.0
        return answer

    @override
    def advance(self, areas: Areas, step: int, counts: Floats, mean: Floats) -> Floats:
        best, start = self._starts(areas)
        seen = self._seen[areas]
        if int(seen.max()) + 1 >= len(self._running):
            self._running = np.concatenate([self._running, np.zeros_like(self._running)])
        value = np.zeros(len(areas))
        now = self._running[seen, areas] + self._ratios(areas, counts, mean)
        excess = np.maximum(0.0, self._excess[areas] + (counts - mean) / (1 + self._alpha[areas] * mean))
        above = np.flatnonzero(excess > 0) if self._prunes else np.arange(len(areas))
        if len(above):
            value[above] = self._value(areas[above], counts[above], mean[above], now[above], best[above], start[above])
        self._running[seen + 1, areas] = now
        self._best[areas], self._start[areas] = best, start
        self._seen[areas] += 1
        self._excess[areas] = excess
        if self._prunes:
            self._forget(areas[excess <= 0])
        return value

    def _forget(self, areas: Areas) -> None:
        """Leave all starts behind: each ratio is concave in the factor and falls at 1, so that a later start is better for every rise."""
        self._seen[areas] = 0
        self._best[areas], self._start[areas] = 0.0, 0
        self._running[0, areas] = 0.0
        self._excess[areas] = 0.0

    @override
    def restart(self, areas: Areas, counts: Floats) -> None:
        self._forget(areas)

    def _value(self, areas: Areas, counts: Floats, mean: Floats, now: Floats, best: Floats, start: NDArray[np.intp]) -> Floats:
        """Return the largest ratio over all factors and starts, if the step to come had these counts and ``now`` were the sums with it."""
        self._counts[self._seen[areas], areas], self._means[self._seen[areas], areas] = counts, mean
        gain = now - best
        top = gain.argmax(axis=1)
        rows = np.arange(len(areas))
        answer = np.maximum(gain[rows, top], 0.0)
        answer = np.where(np.isfinite(answer), answer, 0.0)
        open_ = np.flatnonzero(np.isfinite(gain[rows, top]))
        last = len(self._factors) - 1
        peaks = top.astype(np.float64)
        used = start[rows, top]
        tries = [(open_, used[open_], top[open_])]
        for side in (-1, 1):
            nearer = tries[0][1]
            for shift in (side, 2 * side):
                # near its own point: its peak may be the highest, though it lies beyond the next point and both points are lower
                point = np.minimum(np.maximum(top[open_] + shift, 0), last)
                chosen = start[open_, point]
                other = chosen != nearer
                tries.append((open_[other], chosen[other], point[other]))
                nearer = chosen
        self._improve(areas, tries, now, answer, peaks, used)
        rows, others = _other_peaks(gain[open_], answer[open_])
        if len(rows):
            self._improve(areas, [(open_[rows], start[open_[rows], others], others)], now, answer, peaks, used)
        near = top
        for _ in range(_ALTERNATIONS):
            floor = np.floor(peaks[open_]).astype(np.intp)
            # all starts are equal at no change: whatever the first point says, the best may be any before the second's
            low = np.where(floor > 0, start[open_, floor], self._first(self._seen[areas[open_]]))
            high = start[open_, np.ceil(peaks[open_]).astype(np.intp)]
            low, high = np.minimum(low, high), np.maximum(low, high)
            at = np.round(peaks).astype(np.intp)
            doubtful = (low != high) | (low != used[open_]) | (at[open_] != near[open_])
            open_, low, high = open_[doubtful], low[doubtful], high[doubtful]
            if not len(open_):
                break
            better = self._best_start(areas[open_], peaks[open_], low, high)
            before = answer[open_].copy()
            near = at
            self._improve(areas, [(open_, better, near[open_])], now, answer, peaks, used)
            open_ = open_[answer[open_] > before + 1e-13]
        small = np.flatnonzero((answer > 0) & (answer < _SMALL) & (top < last))
        if len(small):
            exact = self._small(areas[small], peaks[small], used[small])
            answer[small] = np.where(np.isfinite(exact), np.maximum(exact, 0.0), answer[small])
        if self._rises:
            # a start whose ratio still rises at the grid's end is above 0 there, and may be the best though another tops the grid
            for row in np.flatnonzero((top == last) | (gain[:, last] > 0)):
                beyond = 0.0 if top[row] == last else float(self._factors[last])  # starts that fall there have their peak on the grid
                answer[row] = max(self._exact(int(areas[row]), beyond), answer[row] if beyond else 0.0)
        return answer

    def _improve(self, areas: Areas, tries: Sequence[_Try], now: Floats, answer: Floats, peaks: Floats, used: NDArray[np.intp]) -> None:
        """Find the peak for each try; keep those above the answer."""
        last = len(self._factors) - 1
        rows, starts, near = (np.concatenate(each) for each in zip(*tries, strict=True))
        first = np.minimum(np.maximum(near - _NODES // 2, 0), last - _NODES + 1)
        nodes = first[:, None] + np.arange(_NODES)
        values = now[rows[:, None], nodes] - self._running[starts[:, None], areas[rows][:, None], nodes]
        value, at = _peak(values, (near - first).astype(np.float64), last - first)
        at += first
        end = 0
        for mine, chosen, _ in tries:
            begin, end = end, end + len(mine)
            higher = np.flatnonzero(value[begin:end] >= answer[mine])
            kept = mine[higher]
            answer[kept], peaks[kept], used[kept] = value[begin:end][higher], at[begin:end][higher], chosen[higher]

    def _first(self, seen: NDArray[np.intp]) -> NDArray[np.intp]:
        """Return the first start that is allowed when so many steps were seen before the one to come."""
        return np.zeros_like(seen) if self._wanted.window == -1 else np.maximum(seen - self._wanted.window, 0)

    def _best_start(self, areas: Areas, peaks: Floats, lowest: NDArray[np.intp], highest: NDArray[np.intp]) -> NDArray[np.intp]:
        """Return the best start for a factor between the points of the grid, of those from ``lowest`` to ``highest``."""
        last = len(self._factors) - 1
        first = np.clip(np.round(peaks).astype(np.intp) - _NODES // 2, 0, last - _NODES + 1)
        nodes = first[:, None] + np.arange(_NODES)
        shares = (peaks - first)[:, None] ** np.arange(_NODES) @ _POLYNOMIAL
        number = highest - lowest + 1
        begins = np.cumsum(number) - number
        owner = np.repeat(np.arange(len(areas)), number)
        starts = np.arange(len(owner)) - np.repeat(begins - lowest, number)
        sums = np.einsum("in,in->i", self._running[starts[:, None], areas[owner][:, None], nodes[owner]], shares[owner])
        is_least = sums == np.repeat(np.minimum.reduceat(sums, begins), number)
        best: NDArray[np.intp] = starts[np.flatnonzero(is_least)[np.searchsorted(owner[is_least], np.arange(len(areas)))]]
        return best

    def _exact(self, area: int, beyond: float) -> float:
        """Return the largest ratio over all starts, found on the counts themselves."""
        seen = self._seen[area : area + 1]
        steps = slice(int(self._first(seen)[0]), int(seen[0]) + 1)
        counts, means = self._counts[steps, area], self._means[steps, area]
        return largest_of_starts(counts, means, float(self._alpha[area]), self._wanted.least_steps, beyond)

    def _small(self, areas: Areas, peaks: Floats, starts: NDArray[np.intp]) -> Floats:
        """Return the ratios of starts near peaks, found on the counts themselves."""
        number = self._seen[areas] - starts + 1
        begins = np.cumsum(number) - number
        owner = np.repeat(areas, number)
        steps = np.arange(len(owner)) - np.repeat(begins - starts, number)
        factor = (peaks * _SPACING) ** 2 * (1 if self._rises else -1)
        return ratios_of_runs(self._counts[steps, owner], self._means[steps, owner], self._alpha[owner], begins, factor)


def _other_peaks(gain: Floats, found: Floats) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the rows in which a peak of the grid may rise above what was found at its top, between its points, and that peak."""
    inner = gain[:, 1:-1]
    left, right = inner - gain[:, :-2], inner - gain[:, 2:]
    reach = np.where((left >= 0) & (right >= 0), inner + np.maximum(left, right), -np.inf)
    reach[np.arange(len(gain)), np.clip(gain.argmax(axis=1) - 1, 0, inner.shape[1] - 1)] = -np.inf
    rows = np.flatnonzero(reach.max(axis=1, initial=-np.inf) > found)
    return rows, reach[rows].argmax(axis=1) + 1


def _peak(values: Floats, near: Floats, last: NDArray[np.intp]) -> tuple[Floats, Floats]:
    """Return the maximum and its place, of polynomials through values at 0, 1, 2 and so on.

    The place is within one spacing of ``near``, and neither left of 0 nor right of ``last``.
    """
    coefficients = values @ _POLYNOMIAL.T
    powers = np.arange(_NODES, dtype=np.float64)
    low, high = np.maximum(near - 1, 0), np.minimum(near + 1, np.minimum(last, _NODES - 1)).astype(np.float64)
    # at no change a square's slope is 0 whatever the ratio's: a peak before the first point is found from there
    at = np.where((near == 0) & (low == 0), 1.0, near)
    first, second = coefficients[:, 1:] * powers[1:], coefficients[:, 2:] * (powers[2:] * (powers[2:] - 1))
    for _ in range(8):
        slope = _evaluated(first, at)
        bend = _evaluated(second, at)
        before = at
        at = np.minimum(np.maximum(at - np.where(bend < 0, slope / np.where(bend < 0, bend, -1.0), 0.0), low), high)
        if (np.abs(at - before) < _SETTLED).all():
            break
    found, kept = _evaluated(coefficients, at), _evaluated(coefficients, near)
    return np.maximum(found, kept), np.where(found >= kept, at, near)


def _evaluated(coefficients: Floats, at: Floats) -> Floats:
    value = coefficients[:, -1] * at
    for power in range(coefficients.shape[1] - 2, 0, -1):
        value += coefficients[:, power]
        value *= at
    value += coefficients[:, 0]
    return value

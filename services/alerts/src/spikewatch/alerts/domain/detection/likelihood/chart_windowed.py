"""Charts that look at every start of a window, for rises, falls and epidemic growth: slower than the hull, and as exact."""

from typing import Final, Literal

import numpy as np
from typing_extensions import override

from spikewatch.alerts.domain.detection.likelihood.charts import Areas, Chart
from spikewatch.alerts.domain.detection.likelihood.gain import needed_ratio
from spikewatch.alerts.domain.detection.series import Floats

__all__ = ["EpidemicChart", "WindowedChart"]

_ROUNDING: Final = 1e-9
_ROUNDS: Final = 200
_PEER_ROUNDS: Final = 1000
_PEER_ENOUGH: Final = 1e-6
_LOW: Final = -18.0  # logarithm of a growth that is none


class _History(Chart):
    """Counts and means since the last alarm of each area."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        self._counts = np.zeros(shape)
        self._means = np.zeros(shape)
        self._seen = np.zeros(shape[1], dtype=np.intp)

    def _take(self, areas: Areas, counts: Floats, mean: Floats) -> None:
        self._counts[self._seen[areas], areas] = counts
        self._means[self._seen[areas], areas] = mean
        self._seen[areas] += 1

    @override
    def restart(self, areas: Areas, counts: Floats) -> None:
        self._seen[areas] = 0


class WindowedChart(_History):
    """Poisson chart; a limited window has one step more than ``least_steps``, as in its definition (n - M <= k <= n - Mtilde)."""

    def __init__(self, shape: tuple[int, ...], window: int, least_steps: int, direction: Literal["inc", "dec"], limit: float) -> None:
        super().__init__(shape)
        self._window = window
        self._least = least_steps
        self._rises = direction == "inc"
        self._limit = limit

    def _starts(self, seen: int) -> range:
        """Return the starts that are looked at when so many steps were seen, the last of them included."""
        last = seen - 1
        if self._window > 0:
            return range(max(0, last - self._window), last - self._least + 1) if last >= self._least else range(0)
        return range(seen) if seen >= self._least else range(0)

    @override
    def threshold(self, areas: Areas, step: int, mean: Floats) -> Floats:
        answer = np.zeros(len(areas))
        for position, area in enumerate(areas):
            seen = int(self._seen[area])
            starts = self._starts(seen + 1)
            if not len(starts):
                continue
            sums = _since(self._counts[:seen, area])[starts.start : starts.stop]
            weights = _since(self._means[:seen, area])[starts.start : starts.stop] + mean[position]
            answer[position] = self._least_count(sums, weights)
        return answer

    def _least_count(self, sums: Floats, weights: Floats) -> float:
        needed = weights * needed_ratio(self._limit / weights, above=self._rises) - sums
        if self._rises:
            return float(np.ceil(max(needed.min(), 0.0) * (1 - _ROUNDING)))
        # no incident at all cannot be judged by its logarithm; then one count is the least
        judged = (sums > 0) & (sums < weights)
        fell = (weights - sums + sums * np.log(np.where(judged, sums, 1.0) / weights))[judged]
        if not len(fell) or fell.max() <= self._limit:
            return 0.0
        return float(max(1.0, np.ceil(np.nanmax(np.append(needed, 1.0)) * (1 - _ROUNDING))))

    @override
    def advance(self, areas: Areas, step: int, counts: Floats, mean: Floats) -> Floats:
        self._take(areas, counts, mean)
        answer = np.zeros(len(areas))
        for position, area in enumerate(areas):
            seen = int(self._seen[area])
            starts = self._starts(seen)
            if not len(starts):
                continue
            sums = _since(self._counts[:seen, area])[starts.start : starts.stop]
            weights = _since(self._means[:seen, area])[starts.start : starts.stop]
            there = sums > 0
            gain = np.zeros(len(sums))
            gain[there] = sums[there] * np.log(sums[there] / weights[there]) - sums[there] + weights[there]
            answer[position] = np.where((sums > weights) if self._rises else ((sums < weights) & there), gain, 0.0).max()
        return answer


def _since(values: Floats) -> Floats:
    """Return the sums from each position to the end, and 0 for a start after the last."""
    return np.append(values[::-1].cumsum()[::-1], 0.0)


class EpidemicChart(_History):
    """Chart whose changed mean is the expected one plus a share of the count before (Held, Höhle and Hofmann 2005)."""

    def __init__(self, shape: tuple[int, ...], alpha: Floats, window: int, least_steps: int, *, like_peer: bool) -> None:
        super().__init__(shape)
        self._like_peer = like_peer
        self._alpha = alpha
        self._window = window
        self._least = least_steps
        self._first = np.zeros(shape[1])

    @override
    def restart(self, areas: Areas, counts: Floats) -> None:
        super().restart(areas, counts)
        self._first[areas] = counts

    @override
    def threshold(self, areas: Areas, step: int, mean: Floats) -> Floats:
        return np.full(len(areas), np.nan)  # not sought: the peer has none either

    @override
    def advance(self, areas: Areas, step: int, counts: Floats, mean: Floats) -> Floats:
        self._take(areas, counts, mean)
        answer = np.zeros(len(areas))
        for position, area in enumerate(areas):
            seen = int(self._seen[area])
            if seen < self._least:
                continue
            now = self._counts[:seen, area]
            before = np.concatenate([[self._first[area]], now[:-1]])
            low = 0 if self._window == -1 else max(0, seen - 1 - self._window)
            starts = range(low, seen - self._least + 1)
            alpha = float(self._alpha[area])
            if self._like_peer:
                answer[position] = _peer_gain(now, before, self._means[:seen, area], alpha, starts)
                continue
            answer[position] = max(_epidemic_gain(now[start:], before[start:], self._means[start:seen, area], alpha) for start in starts)
        return answer


def _epidemic_gain(counts: Floats, before: Floats, means: Floats, alpha: float) -> float:
    """Return the log likelihood ratio of the best share of the counts before."""

    def gain(share: float) -> float:
        changed = means + share * before
        if alpha == 0:
            return float((counts * np.log(changed / means) - share * before).sum())
        ratio = np.log((1 + alpha * means) / (1 + alpha * changed))
        return float((counts * (np.log(changed / means) + ratio) + ratio / alpha).sum())

    def slope(share: float) -> float:
        changed = means + share * before
        return float((before * (counts - changed) / (changed * (1 + alpha * changed))).sum())

    if slope(0.0) <= 0:
        return 0.0
    low, high = 0.0, 1.0
    while slope(high) > 0:
        low, high = high, high * 2
    for _ in range(_ROUNDS):
        middle = (low + high) / 2
        low, high = (middle, high) if slope(middle) > 0 else (low, middle)
        if high - low <= 1e-13 * high:
            break
    return gain((low + high) / 2)


def _peer_gain(counts: Floats, before: Floats, means: Floats, alpha: float, starts: range) -> float:
    """Return the gain as the peer finds it: Newton's method on a logarithm, each start from where the one before ended.

    For negative-binomial counts it takes the factor on the mean for the share.
    """
    best, logarithm = -np.inf, float(np.log(0.5)) if alpha == 0 else 0.5
    with np.errstate(all="ignore"):
        for start in starts:
            some, prior, expected = counts[start:], before[start:], means[start:]
            last, round_ = 2.0 if alpha == 0 else 0.4, 0
            while logarithm > _LOW and round_ < _PEER_ROUNDS and _moved(logarithm, last, alpha) > _PEER_ENOUGH:
                round_ += 1
                last = logarithm
                logarithm = last + _peer_step(last, some, prior, expected, alpha)
            changed = expected + np.exp(logarithm) * prior
            if alpha == 0:
                gain = float((some * np.log(changed / expected) - np.exp(logarithm) * prior).sum())
            else:
                spread = np.log1p(alpha * expected) - np.log1p(alpha * changed)
                gain = float((some * (np.log(changed / expected) + spread) + spread / alpha).sum())
            best = max(best, gain)
    return max(best, 0.0)


def _moved(new: float, old: float, alpha: float) -> float:
    return abs(float(np.exp(new) - np.exp(old))) if alpha == 0 else abs(new - old)


def _peer_step(at: float, counts: Floats, before: Floats, means: Floats, alpha: float) -> float:
    rise = float(np.exp(at))
    if alpha == 0:
        mixed = rise * before + means
        score = rise * float((counts * before / mixed - before).sum())
        bend = -score + rise * rise * float((counts * before * before / mixed**2).sum())
        return float(np.float64(score) / bend)
    changed = rise * means
    score = float(((counts - changed) / (1 + alpha * changed)).sum())
    return float(np.float64(score) / (changed * (1 + alpha * counts) / (1 + alpha * changed) ** 2).sum())

"""The Poisson chart over all starts since the last alarm: only starts on a convex hull can be the best one.

The gain of a start is convex in (sum of counts, sum of means) since then, so that its maximum lies on the hull of the starts
(Ward and others 2022, Poisson-FOCuS). Starts whose first counts do not exceed their mean are never the best. What is asked of
every start is asked of all starts of all areas at once.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from typing_extensions import override

from spikewatch.alerts.domain.detection.likelihood.charts import Areas, Chart
from spikewatch.alerts.domain.detection.likelihood.gain import NeededCount
from spikewatch.alerts.domain.detection.likelihood.rising_blocks import RisingBlocks
from spikewatch.alerts.domain.detection.series import Floats

__all__ = ["PoissonChart"]

_ROUNDING: Final = 1e-9  # a count that reaches the limit but for rounding reaches it
_TINY: Final = 1e-300
_ROWS: Final = 8  # steps whose needed counts are looked up together: more would leave the cache


@dataclass(frozen=True, slots=True)
class _Starts:
    """Sum and weight from each possible start to now.

    First those of the lowest blocks of all areas, then those of the top blocks of the areas with more than one (``higher``), last all
    between, whose areas are ``owners``. ``some`` says which of ``higher`` have such, ``begins`` where those of each begin.
    """

    sums: Floats
    weights: Floats
    higher: NDArray[np.intp]
    some: NDArray[np.intp]
    begins: NDArray[np.intp]
    owners: NDArray[np.intp]


class PoissonChart(Chart):
    """Stacks of possible starts by area."""

    def __init__(self, areas: int, limit: float, least_steps: int) -> None:
        self._blocks = RisingBlocks(areas)
        self._needed = NeededCount(limit)
        self._least = least_steps
        self._seen = np.zeros(areas, dtype=np.intp)
        self._starts: _Starts | None = None
        self._restarted: Areas | None = None  # since the starts were looked for
        self._alone: tuple[int, Floats] = 0, np.empty((0, areas))

    def _found(self) -> _Starts:
        blocks, areas = self._blocks, len(self._seen)
        higher = blocks.under.nonzero()[0]
        some, begins, owners, between_sums, between_weights = blocks.between(higher)
        sums, weights = np.empty((2, areas + len(higher) + len(owners)))
        lower = areas + len(higher)
        sums[:areas], weights[:areas] = blocks.total_sum, blocks.total_weight
        blocks.top_sum.take(higher, out=sums[areas:lower], mode="clip")
        blocks.top_weight.take(higher, out=weights[areas:lower], mode="clip")
        sums[lower:], weights[lower:] = between_sums, between_weights
        return _Starts(sums, weights, higher, some, begins, owners)

    def look_ahead(self, step: int, means: Floats) -> None:
        """Hear of the means of all areas from a step on, before the thresholds of these steps are asked for."""
        alone = np.empty_like(means)
        for low in range(0, len(means), _ROWS):
            alone[low : low + _ROWS] = self._needed(means[low : low + _ROWS].ravel()).reshape(-1, means.shape[1])
        self._alone = step, alone

    @override
    def threshold(self, areas: Areas, step: int, mean: Floats) -> Floats:
        every, at = len(self._seen), step - self._alone[0]
        expected = self._spread(areas, mean)
        # the step to come itself may be the start
        needed = self._alone[1][at].copy() if at < len(self._alone[1]) else self._needed(expected)
        starts = self._starts
        if starts is not None:
            lower = every + len(starts.higher)
            lowest = starts.weights[:every].nonzero()[0]
            asked = np.concatenate((starts.weights.take(lowest), starts.weights[every:]))
            asked += expected.take(np.concatenate((lowest, starts.higher, starts.owners)))
            each = self._needed(asked)
            each -= np.concatenate((starts.sums.take(lowest), starts.sums[every:]))
            restarted = self._restarted
            alone = needed.take(restarted) if restarted is not None else None
            needed[lowest] = np.minimum(needed.take(lowest), each[: len(lowest)])
            of_higher = each[len(lowest) : len(lowest) + lower - every]
            if len(starts.some):
                between = np.minimum.reduceat(each[len(lowest) + lower - every :], starts.begins)
                of_higher[starts.some] = np.minimum(of_higher.take(starts.some), between)
            needed[starts.higher] = np.minimum(needed.take(starts.higher), of_higher)
            if alone is not None and restarted is not None:
                needed[restarted] = alone
        least = np.ceil(np.maximum(needed if len(areas) == every else needed[areas], 0) * (1 - _ROUNDING))
        return least if self._least <= 1 else np.where(self._seen[areas] + 1 >= self._least, least, 0.0)

    @override
    def advance(self, areas: Areas, step: int, counts: Floats, mean: Floats) -> Floats:
        self._blocks.push(self._spread(areas, counts), self._spread(areas, mean))
        if self._least > 1:
            self._seen[areas] += 1
        starts = self._starts = self._found()
        self._restarted = None
        # x log(x/m) - x + m; where there is no block, of 0 and 0
        gains = np.maximum(starts.weights, _TINY)
        np.divide(starts.sums, gains, out=gains)
        np.maximum(gains, 1.0, out=gains)
        np.log(gains, out=gains)
        gains *= starts.sums
        gains -= starts.sums - starts.weights
        every, lower = len(self._seen), len(self._seen) + len(starts.higher)
        gain = gains[:every]
        if len(starts.higher):
            of_higher = gains[every:lower]
            if len(starts.some):
                between = np.maximum.reduceat(gains[lower:], starts.begins)
                of_higher[starts.some] = np.maximum(of_higher.take(starts.some), between)
            gain[starts.higher] = np.maximum(gain.take(starts.higher), of_higher)
        if self._least <= 1:
            return gain if len(areas) == every else gain[areas]
        return np.where(self._seen[areas] >= self._least, gain[areas], 0.0)

    def _spread(self, areas: Areas, values: Floats) -> Floats:
        """Return values of some areas for all, 0 for the others."""
        if len(areas) == len(self._seen):
            return values
        every = np.zeros(len(self._seen))
        every[areas] = values
        return every

    @override
    def restart(self, areas: Areas, counts: Floats) -> None:
        if len(areas):
            self._blocks.clear(areas)
            self._seen[areas] = 0
            self._restarted = areas

"""The Poisson chart over all starts since the last alarm: only starts on a convex hull can be the best one.

The gain of a start is convex in (sum of counts, sum of means) since then, so that its maximum lies on the hull of the starts
(Ward and others 2022, Poisson-FOCuS). Starts whose first counts do not exceed their mean are never the best.
"""

from typing import Final

import numpy as np
from typing_extensions import override

from spikewatch.alerts.domain.detection.likelihood.charts import Areas, Chart
from spikewatch.alerts.domain.detection.likelihood.gain import NeededCount, poisson_gain
from spikewatch.alerts.domain.detection.likelihood.rising_blocks import RisingBlocks
from spikewatch.alerts.domain.detection.series import Floats

__all__ = ["PoissonChart"]

_ROUNDING: Final = 1e-9  # a count that reaches the limit but for rounding reaches it


class PoissonChart(Chart):
    """Stacks of possible starts by area."""

    def __init__(self, areas: int, limit: float, least_steps: int) -> None:
        self._blocks = RisingBlocks(areas)
        self._needed = NeededCount(limit)
        self._least = least_steps
        self._seen = np.zeros(areas, dtype=np.intp)

    @override
    def threshold(self, areas: Areas, step: int, mean: Floats) -> Floats:
        blocks = self._blocks
        expected = self._spread(areas, mean)
        # where nothing is held, the lowest start is the step to come
        needed = self._needed(blocks.total_weight[areas] + mean) - blocks.total_sum[areas]
        fresh = areas[blocks.depth[areas] > 0]
        if len(fresh):
            each = np.full(len(self._seen), np.inf)
            each[fresh] = self._needed(expected[fresh])
            needed = np.fmin(needed, each[areas])
        higher = np.flatnonzero(blocks.depth > 1)
        if len(higher):
            each = np.full(len(self._seen), np.inf)
            each[higher] = self._needed(blocks.top_weight[higher] + expected[higher]) - blocks.top_sum[higher]
            some, begins, sums, weights = blocks.between()
            if len(some):
                weights = weights + np.repeat(expected[some], blocks.depth[some] - 2)
                each[some] = np.fmin(each[some], np.fmin.reduceat(self._needed(weights) - sums, begins))
            needed = np.fmin(needed, each[areas])
        least = np.ceil(np.maximum(needed, 0) * (1 - _ROUNDING))
        return least if self._least <= 1 else np.where(self._seen[areas] + 1 >= self._least, least, 0.0)

    @override
    def advance(self, areas: Areas, step: int, counts: Floats, mean: Floats) -> Floats:
        blocks = self._blocks
        blocks.push(self._spread(areas, counts), self._spread(areas, mean))
        if self._least > 1:
            self._seen[areas] += 1
        gain = poisson_gain(blocks.total_sum, blocks.total_weight)
        higher = np.flatnonzero(blocks.depth > 1)
        if len(higher):
            gain[higher] = np.maximum(gain[higher], poisson_gain(blocks.top_sum[higher], blocks.top_weight[higher]))
            some, begins, sums, weights = blocks.between()
            if len(some):
                gain[some] = np.maximum(gain[some], np.maximum.reduceat(poisson_gain(sums, weights), begins))
        if self._least <= 1:
            return gain if len(areas) == len(gain) else gain[areas]
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

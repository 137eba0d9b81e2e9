"""The Poisson chart over all starts since the last alarm: only starts on a convex hull can be the best one.

The gain of a start is convex in (sum of counts, sum of means) since then, so that its maximum lies on the hull of the starts
(Ward and others 2022, Poisson-FOCuS). Starts whose first counts do not exceed their mean are never the best.
"""

from typing import Final

import numpy as np
from typing_extensions import override

from spikewatch.alerts.domain.detection.likelihood.charts import Areas, Chart
from spikewatch.alerts.domain.detection.likelihood.gain import needed_ratio, poisson_gain
from spikewatch.alerts.domain.detection.likelihood.pooled_blocks import PooledBlocks
from spikewatch.alerts.domain.detection.series import Floats

__all__ = ["PoissonChart"]

_ROUNDING: Final = 1e-9  # a count that reaches the limit but for rounding reaches it


class PoissonChart(Chart):
    """Stacks of possible starts by area."""

    def __init__(self, areas: int, limit: float, least_steps: int) -> None:
        self._blocks = PooledBlocks(areas)
        self._limit = limit
        self._least = least_steps
        self._seen = np.zeros(areas, dtype=np.intp)

    @override
    def threshold(self, areas: Areas, step: int, mean: Floats) -> Floats:
        some, begins, sums, weights = self._blocks.starts()
        expected = np.zeros(len(self._seen))
        expected[areas] = mean
        needed = np.full(len(self._seen), np.inf)
        needed[areas] = mean * needed_ratio(self._limit / mean)
        if len(some):
            with np.errstate(invalid="ignore", divide="ignore"):
                weights = weights + np.repeat(expected[some], np.diff(begins, append=len(weights)))
                each = weights * needed_ratio(self._limit / weights) - sums
            needed[some] = np.fmin(needed[some], np.minimum.reduceat(each, begins))
        least = np.ceil(np.maximum(needed[areas], 0) * (1 - _ROUNDING))
        return np.where(self._seen[areas] + 1 >= self._least, least, 0.0)

    @override
    def advance(self, areas: Areas, step: int, counts: Floats, mean: Floats) -> Floats:
        self._blocks.push(areas, counts, mean)
        # a lowest block that is not above its mean can only lower the gain of what follows
        self._blocks.drop_lowest_below_one()
        self._seen[areas] += 1
        some, begins, sums, weights = self._blocks.starts()
        gain = np.zeros(len(self._seen))
        if len(some):
            gain[some] = np.maximum.reduceat(poisson_gain(sums, weights), begins)
        return np.where(self._seen[areas] >= self._least, gain[areas], 0.0)

    @override
    def restart(self, areas: Areas, counts: Floats) -> None:
        if len(areas):
            self._blocks.clear(areas)
            self._seen[areas] = 0

"""The Poisson chart over all starts since the last alarm: only starts on a convex hull can be the best one.

The gain of a start is convex in (sum of counts, sum of means) since then, so that its maximum lies on the hull of the starts
(Ward and others 2022, Poisson-FOCuS).
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
        sums, weights, there = self._blocks.suffixes()
        needed = mean * needed_ratio(self._limit / mean)
        if len(sums):
            with np.errstate(invalid="ignore"):
                since = weights[:, areas] + mean
                each = since * needed_ratio(self._limit / since) - sums[:, areas]
            needed = np.minimum(needed, np.where(there[:, areas], each, np.inf).min(axis=0))
        least = np.ceil(np.maximum(needed, 0) * (1 - _ROUNDING))
        return np.where(self._seen[areas] + 1 >= self._least, least, 0.0)

    @override
    def advance(self, areas: Areas, step: int, counts: Floats, mean: Floats) -> Floats:
        self._blocks.push(areas, counts, mean)
        self._seen[areas] += 1
        sums, weights, there = self._blocks.suffixes()
        gain = np.where(there, poisson_gain(sums, weights), 0.0).max(axis=0)[areas]
        return np.where(self._seen[areas] >= self._least, gain, 0.0)

    @override
    def restart(self, areas: Areas, counts: Floats) -> None:
        self._blocks.clear(areas)
        self._seen[areas] = 0

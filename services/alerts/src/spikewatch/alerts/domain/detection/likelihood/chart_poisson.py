"""The Poisson chart over all starts since the last alarm: only starts on a convex hull can be the best one.

The gain of a start is convex in (sum of counts, sum of means) since then, so that its maximum lies on the hull of the starts
(Ward and others 2022, Poisson-FOCuS). Starts whose first counts do not exceed their mean are never the best.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray
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
        self._sums, self._weights, self._there = self._blocks.suffixes()

    @override
    def threshold(self, areas: Areas, step: int, mean: Floats) -> Floats:
        blocks, owners = self._possible()
        expected = np.zeros(len(self._seen))
        expected[areas] = mean
        needed = np.full(len(self._seen), np.inf)
        needed[areas] = mean * needed_ratio(self._limit / mean)
        sums, weights = self._sums[blocks, owners], self._weights[blocks, owners] + expected[owners]
        with np.errstate(invalid="ignore", divide="ignore"):
            np.minimum.at(needed, owners, weights * needed_ratio(self._limit / weights) - sums)
        least = np.ceil(np.maximum(needed[areas], 0) * (1 - _ROUNDING))
        return np.where(self._seen[areas] + 1 >= self._least, least, 0.0)

    @override
    def advance(self, areas: Areas, step: int, counts: Floats, mean: Floats) -> Floats:
        self._blocks.push(areas, counts, mean)
        # a lowest block that is not above its mean can only lower the gain of what follows
        self._blocks.drop_lowest_below_one()
        self._seen[areas] += 1
        self._sums, self._weights, self._there = self._blocks.suffixes()
        blocks, owners = self._possible()
        gain = np.zeros(len(self._seen))
        np.maximum.at(gain, owners, poisson_gain(self._sums[blocks, owners], self._weights[blocks, owners]))
        return np.where(self._seen[areas] >= self._least, gain[areas], 0.0)

    @override
    def restart(self, areas: Areas, counts: Floats) -> None:
        if len(areas):
            self._blocks.clear(areas)
            self._seen[areas] = 0
            self._there[:, areas] = False

    def _possible(self) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Return block and area of every start that may be the best."""
        blocks, owners = np.nonzero(self._there)
        return blocks, owners

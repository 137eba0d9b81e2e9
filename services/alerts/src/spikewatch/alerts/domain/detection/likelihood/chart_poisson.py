"""The Poisson chart over all starts since the last alarm: only starts on a convex hull can be the best one.

The gain of a start is convex in (sum of counts, sum of means) since then, so that its maximum lies on the hull of the starts
(Ward and others 2022, Poisson-FOCuS). Starts whose first counts do not exceed their mean are never the best. What is asked of
every start is asked of all starts of all areas at once.
"""

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


class PoissonChart(Chart):
    """Stacks of possible starts by area."""

    def __init__(self, areas: int, limit: float, least_steps: int) -> None:
        self._blocks = RisingBlocks(areas)
        self._needed = NeededCount(limit)
        self._least = least_steps
        self._seen = np.zeros(areas, dtype=np.intp)
        self._room: Floats = np.empty((3, 4 * areas))

    def _starts(self) -> tuple[Floats, Floats, Floats, NDArray[np.intp], NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]:
        """Return sum and weight from each start to now, and room for a third value of each.

        First those of the lowest blocks of all areas, then those of the top blocks of the areas with more than one, last all between.
        After them the areas with more than one, which of these have more between, where those of each begin, and whose each is.
        """
        blocks, areas = self._blocks, len(self._seen)
        higher = blocks.under.nonzero()[0]
        some, begins, owners, between_sums, between_weights = blocks.between(higher)
        lower, whole = areas + len(higher), areas + len(higher) + len(owners)
        if whole > self._room.shape[1]:
            self._room = np.empty((3, 2 * whole))
        sums, weights, third = self._room[:, :whole]
        sums[:areas], weights[:areas] = blocks.total_sum, blocks.total_weight
        blocks.top_sum.take(higher, out=sums[areas:lower], mode="clip")
        blocks.top_weight.take(higher, out=weights[areas:lower], mode="clip")
        sums[lower:], weights[lower:] = between_sums, between_weights
        return sums, weights, third, higher, some, begins, owners

    @override
    def threshold(self, areas: Areas, step: int, mean: Floats) -> Floats:
        every = len(self._seen)
        expected = self._spread(areas, mean)
        sums, weights, _, higher, some, begins, owners = self._starts()
        lower = every + len(higher)
        weights[:every] += expected
        weights[every:lower] += expected.take(higher)
        weights[lower:] += expected.take(owners)
        each = self._needed(weights) - sums
        # the lowest start, and the step to come itself
        needed = np.fmin(each[:every], self._needed(expected))
        if len(higher):
            of_higher = each[every:lower]
            if len(some):
                of_higher[some] = np.fmin(of_higher.take(some), np.fmin.reduceat(each[lower:], begins))
            needed[higher] = np.fmin(needed.take(higher), of_higher)
        least = np.ceil(np.maximum(needed if len(areas) == every else needed[areas], 0) * (1 - _ROUNDING))
        return least if self._least <= 1 else np.where(self._seen[areas] + 1 >= self._least, least, 0.0)

    @override
    def advance(self, areas: Areas, step: int, counts: Floats, mean: Floats) -> Floats:
        self._blocks.push(self._spread(areas, counts), self._spread(areas, mean))
        if self._least > 1:
            self._seen[areas] += 1
        sums, weights, gains, higher, some, begins, _ = self._starts()
        # x log(x/m) - x + m; where there is no block, of 0 and 0
        np.maximum(weights, _TINY, out=gains)
        np.divide(sums, gains, out=gains)
        np.maximum(gains, 1.0, out=gains)
        np.log(gains, out=gains)
        gains *= sums
        gains -= sums
        gains += weights
        every = len(self._seen)
        gain = gains[:every].copy()
        if len(higher):
            of_higher = gains[every : every + len(higher)]
            if len(some):
                of_higher[some] = np.maximum(of_higher.take(some), np.maximum.reduceat(gains[every + len(higher) :], begins))
            gain[higher] = np.maximum(gain.take(higher), of_higher)
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

"""Possible starts of a rise for many areas, kept for charts that ask at each step: the top blocks of all areas lie side by side.

As in ``pooled_blocks``, with what a chart asks most often at hand: neighbouring steps are pooled until block means rise, and all is
forgotten where the lowest block is not above 1. What lies between the start of the lowest block and now is the total, and the top
block is its own; only areas with more than two blocks need a look at what lies between.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from spikewatch.alerts.domain.detection.series import Floats

__all__ = ["RisingBlocks"]

_DEPTH: Final = 32


class RisingBlocks:
    """A stack of blocks for each area; block means (sum over weight) rise from the bottom to the top, and are above 1."""

    def __init__(self, areas: int) -> None:
        self.total_sum: Floats = np.zeros(areas)
        self.total_weight: Floats = np.zeros(areas)
        self.top_sum: Floats = np.zeros(areas)
        self.top_weight: Floats = np.zeros(areas)
        self.depth: NDArray[np.intp] = np.zeros(areas, dtype=np.intp)
        self._sums: Floats = np.zeros((_DEPTH, areas))  # of the blocks below the top
        self._weights: Floats = np.zeros((_DEPTH, areas))
        self._before: Floats = np.zeros((2, _DEPTH, areas))  # totals before each block, the top included

    def push(self, sums: Floats, weights: Floats) -> None:
        """Add a step to every area; one without sum and weight changes nothing."""
        rises = np.flatnonzero(sums * self.top_weight > self.top_sum * weights)  # never those without a block
        if len(rises):
            level = self.depth[rises]
            if int(level.max()) + 1 >= len(self._sums):
                self._grow()
            self._sums[level - 1, rises], self._weights[level - 1, rises] = self.top_sum[rises], self.top_weight[rises]
            self._before[0, level, rises], self._before[1, level, rises] = self.total_sum[rises], self.total_weight[rises]
            self.top_sum[rises] = self.top_weight[rises] = 0.0
            self.depth[rises] = level + 1
        self.top_sum += sums
        self.top_weight += weights
        self.total_sum += sums
        self.total_weight += weights
        moving = np.flatnonzero(self.depth > 1)
        while len(moving):
            at = self.depth[moving] - 2
            below, weight = self._sums[at, moving], self._weights[at, moving]
            pooled = self.top_sum[moving] * weight <= below * self.top_weight[moving]
            moving = moving[pooled]
            self.top_sum[moving] += below[pooled]
            self.top_weight[moving] += weight[pooled]
            self.depth[moving] -= 1
            moving = moving[self.depth[moving] > 1]
        # a lowest block that is not above its mean can only lower the gain of what follows
        above = (self.top_sum > self.top_weight) | (self.depth > 1)
        np.maximum(self.depth, 1, out=self.depth)
        self.depth *= above
        for kept in (self.top_sum, self.top_weight, self.total_sum, self.total_weight):
            np.multiply(kept, above, out=kept)

    def clear(self, areas: NDArray[np.intp]) -> None:
        """Forget all of some areas."""
        for kept in (self.top_sum, self.top_weight, self.total_sum, self.total_weight):
            kept[areas] = 0.0
        self.depth[areas] = 0

    def between(self) -> tuple[NDArray[np.intp], NDArray[np.intp], Floats, Floats]:
        """Return sum and weight from the start of each block to now, the lowest and the top left out, one area's after another's.

        Before them the areas that have such blocks, and where those of each begin.
        """
        some = np.flatnonzero(self.depth > 2)
        number = self.depth[some] - 2
        begins = np.cumsum(number) - number
        owners = np.repeat(some, number)
        levels = np.arange(len(owners)) - np.repeat(begins - 1, number)
        before = self._before[:, levels, owners]
        return some, begins, self.total_sum[owners] - before[0], self.total_weight[owners] - before[1]

    def _grow(self) -> None:
        self._sums = np.concatenate([self._sums, np.zeros_like(self._sums)])
        self._weights = np.concatenate([self._weights, np.zeros_like(self._weights)])
        self._before = np.concatenate([self._before, np.zeros_like(self._before)], axis=1)

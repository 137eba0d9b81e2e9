"""Pools of neighbouring steps whose ratios rise: the vertices of a lower convex hull, kept for many areas while steps come.

The pool-adjacent-violators algorithm: O(1) amortised a step, where looking at every start would take the whole history.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from spikewatch.alerts.domain.detection.series import Floats

__all__ = ["PooledBlocks"]

_DEPTH: Final = 16


class PooledBlocks:
    """A stack of blocks for each area; block means (sum over weight) rise from the bottom to the top."""

    def __init__(self, areas: int) -> None:
        self.sums: Floats = np.zeros((_DEPTH, areas))
        self.weights: Floats = np.zeros((_DEPTH, areas))
        self.depth: NDArray[np.intp] = np.zeros(areas, dtype=np.intp)

    @property
    def deepest(self) -> int:
        """How many blocks the deepest stack has."""
        return int(self.depth.max(initial=0))

    def clear(self, areas: NDArray[np.intp]) -> None:
        """Empty the stacks of some areas."""
        self.depth[areas] = 0

    def push(self, areas: NDArray[np.intp], sums: Floats, weights: Floats) -> None:
        """Add a step to some areas and pool the top blocks while the upper mean is not above the lower."""
        if self.deepest >= len(self.sums):
            self.sums = np.concatenate([self.sums, np.zeros_like(self.sums)])
            self.weights = np.concatenate([self.weights, np.zeros_like(self.weights)])
        top = self.depth[areas]
        total, weight = sums.astype(np.float64), weights.astype(np.float64)
        moving = np.flatnonzero(top > 0)
        while len(moving):
            below = top[moving] - 1, areas[moving]
            pooled = total[moving] * self.weights[below] <= self.sums[below] * weight[moving]
            moving = moving[pooled]
            below = top[moving] - 1, areas[moving]
            total[moving] += self.sums[below]
            weight[moving] += self.weights[below]
            top[moving] -= 1
            moving = moving[top[moving] > 0]
        self.sums[top, areas] = total
        self.weights[top, areas] = weight
        self.depth[areas] = top + 1

    def drop_lowest_below_one(self) -> None:
        """Empty the stacks whose only block has a mean of at most 1."""
        self.depth[(self.depth == 1) & (self.sums[0] <= self.weights[0])] = 0

    def suffixes(self) -> tuple[Floats, Floats, NDArray[np.bool_]]:
        """Return sum and weight from the start of each block to the end, and which blocks there are, by block and area."""
        deepest = self.deepest
        there = np.arange(deepest)[:, None] < self.depth
        sums = np.where(there, self.sums[:deepest], 0.0)[::-1].cumsum(axis=0)[::-1]
        weights = np.where(there, self.weights[:deepest], 0.0)[::-1].cumsum(axis=0)[::-1]
        return sums, weights, there

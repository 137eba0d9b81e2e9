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
        self._begun: Floats = np.zeros((2, _DEPTH, areas))  # totals of sums and weights before each block
        self._totals: Floats = np.zeros((2, areas))

    @property
    def deepest(self) -> int:
        """How many blocks the deepest stack has."""
        return int(self.depth.max(initial=0))

    def clear(self, areas: NDArray[np.intp]) -> None:
        """Empty the stacks of some areas."""
        self.depth[areas] = 0
        self._totals[:, areas] = 0.0

    def push(self, areas: NDArray[np.intp], sums: Floats, weights: Floats) -> None:
        """Add a step to some areas and pool the top blocks while the upper mean is not above the lower."""
        if self.deepest >= len(self.sums):
            self.sums = np.concatenate([self.sums, np.zeros_like(self.sums)])
            self.weights = np.concatenate([self.weights, np.zeros_like(self.weights)])
            self._begun = np.concatenate([self._begun, np.zeros_like(self._begun)], axis=1)
        top = self.depth[areas]
        self._begun[:, top, areas] = self._totals[:, areas]  # where the step is pooled, the block below keeps its own beginning
        self._totals[0, areas] += sums
        self._totals[1, areas] += weights
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
        low = np.flatnonzero((self.depth == 1) & (self.sums[0] <= self.weights[0]))
        self.depth[low] = 0
        self._totals[:, low] = 0.0

    def starts(self) -> tuple[NDArray[np.intp], NDArray[np.intp], Floats, Floats]:
        """Return what lies between the start of each block and the end, one area's after another's.

        The areas that have blocks and where the blocks of each begin, then sum and weight of every block's start to the end.
        """
        some = np.flatnonzero(self.depth)
        depth = self.depth[some]
        begins = np.cumsum(depth) - depth
        owners = np.repeat(some, depth)
        levels = np.arange(len(owners)) - np.repeat(begins, depth)
        return (
            some,
            begins,
            self._totals[0, owners] - self._begun[0, levels, owners],
            self._totals[1, owners] - self._begun[1, levels, owners],
        )

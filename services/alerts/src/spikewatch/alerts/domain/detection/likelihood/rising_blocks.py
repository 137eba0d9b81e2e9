"""Possible starts of a rise for many areas, kept for charts that ask at each step: the top two blocks of all areas lie side by side.

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
    """A stack of blocks for each area; block means (sum over weight) rise from the bottom to the top, and are above 1.

    ``under`` is how many blocks lie under the top; without any block all sums are 0, and so is it.
    """

    def __init__(self, areas: int) -> None:
        self.total_sum: Floats = np.zeros(areas)
        self.total_weight: Floats = np.zeros(areas)
        self.top_sum: Floats = np.zeros(areas)
        self.top_weight: Floats = np.zeros(areas)
        self.under: NDArray[np.intp] = np.zeros(areas, dtype=np.intp)
        # the block under the top; one that pools with nothing where there is none
        self._below_sum: Floats = np.full(areas, -1.0)
        self._below_weight: Floats = np.zeros(areas)
        self._areas = areas
        # by blocks under the top: what is the block below then, and the totals before the top
        self._sums: Floats = np.zeros((_DEPTH, areas))
        self._sums[0] = -1.0
        self._weights: Floats = np.zeros((_DEPTH, areas))
        self._sum_before: Floats = np.zeros((_DEPTH, areas))
        self._weight_before: Floats = np.zeros((_DEPTH, areas))
        self._deepest = 0  # at most; counted anew where there is no room

    def push(self, sums: Floats, weights: Floats) -> None:
        """Add a step to every area; one without sum and weight changes nothing."""
        rises = (sums * self.top_weight > self.top_sum * weights).nonzero()[0]  # never those without a block
        if len(rises):
            self._lift(rises)
        self.top_sum += sums
        self.top_weight += weights
        self.total_sum += sums
        self.total_weight += weights
        moving = (self.top_sum * self._below_weight < self._below_sum * self.top_weight).nonzero()[0]
        while len(moving):
            top_sum = self.top_sum.take(moving) + self._below_sum.take(moving)
            top_weight = self.top_weight.take(moving) + self._below_weight.take(moving)
            under = self.under.take(moving) - 1
            at = under * self._areas + moving
            below_sum, below_weight = self._sums.take(at), self._weights.take(at)
            self.top_sum[moving], self.top_weight[moving], self.under[moving] = top_sum, top_weight, under
            self._below_sum[moving], self._below_weight[moving] = below_sum, below_weight
            moving = moving[top_sum * below_weight < below_sum * top_weight]
        # a lowest block that is not above its mean can only lower the gain of what follows; higher blocks are above it
        above = (self.top_sum > self.top_weight).astype(np.float64)
        for kept in (self.top_sum, self.top_weight, self.total_sum, self.total_weight):
            np.multiply(kept, above, out=kept)

    def _lift(self, rises: NDArray[np.intp]) -> None:
        """Put an empty block on the top of some areas."""
        self._deepest += 1
        if self._deepest >= len(self._sums):
            self._deepest = int(self.under.max()) + 1
            if self._deepest >= len(self._sums):
                self._grow()
        under = self.under.take(rises) + 1
        at = under * self._areas + rises
        top_sum, top_weight = self.top_sum.take(rises), self.top_weight.take(rises)
        self._sums.put(at, top_sum)
        self._weights.put(at, top_weight)
        self._sum_before.put(at, self.total_sum.take(rises))
        self._weight_before.put(at, self.total_weight.take(rises))
        self._below_sum[rises], self._below_weight[rises], self.under[rises] = top_sum, top_weight, under
        self.top_sum[rises] = 0.0
        self.top_weight[rises] = 0.0

    def clear(self, areas: NDArray[np.intp]) -> None:
        """Forget all of some areas."""
        for kept in (self.top_sum, self.top_weight, self.total_sum, self.total_weight, self._below_weight):
            kept[areas] = 0.0
        self._below_sum[areas] = -1.0
        self.under[areas] = 0

    def between(self, higher: NDArray[np.intp]) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp], Floats, Floats]:
        """Return sum and weight from the start of each block to now, the lowest and the top left out, one area's after another's.

        ``higher`` are areas with more than one block. Before them which of those have such blocks (positions in ``higher``), where
        those of each begin, and whose each is.
        """
        under = self.under.take(higher)
        some = (under > 1).nonzero()[0]
        number = under.take(some) - 1
        ends = number.cumsum()
        begins = ends - number
        owners = higher.take(some).repeat(number)
        at = (np.arange(1, len(owners) + 1) - begins.repeat(number)) * self._areas + owners
        return (
            some,
            begins,
            owners,
            self.total_sum.take(owners) - self._sum_before.take(at),
            self.total_weight.take(owners) - self._weight_before.take(at),
        )

    def _grow(self) -> None:
        for name in ("_sums", "_weights", "_sum_before", "_weight_before"):
            kept = getattr(self, name)
            setattr(self, name, np.concatenate([kept, np.zeros_like(kept)]))

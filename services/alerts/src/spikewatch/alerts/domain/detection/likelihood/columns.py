"""What a chart finds, some steps of all areas at a time, turned into columns of areas: each block stays in the processor's cache."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from spikewatch.alerts.domain.detection.detection import NOT_EVALUATED, Detected
from spikewatch.alerts.domain.detection.series import Floats, Series

__all__ = ["Block", "Columns"]

_STEPS: Final = 64
_TILE: Final = 64  # areas that are turned together: more would leave the cache


@dataclass(frozen=True, slots=True)
class Block:
    """Evaluated steps from ``low`` to ``high``, by step and area; what is not written is nan, and of ``alarm`` not evaluated."""

    low: int
    high: int
    counts: Floats
    threshold: Floats
    statistic: Floats
    alarm: NDArray[np.int8]


class Columns:
    """The answer for all areas and steps, written block by block."""

    def __init__(self, series: Series, first: int, *, with_threshold: bool) -> None:
        """Prepare an answer that is nan before the ``first`` evaluated step."""
        self._counts, self._first = series.counts, first
        self.steps = series.counts.shape[1] - first
        self._expected, self._statistic = np.empty(series.counts.shape), np.empty(series.counts.shape)
        self._threshold = np.empty(series.counts.shape) if with_threshold else None
        self._alarm = np.full(series.counts.shape, NOT_EVALUATED, dtype=np.int8)
        for column in (self._expected, self._statistic, self._threshold):
            if column is not None:
                column[:, :first] = np.nan

    def blocks(self, steps: int | None = None) -> Iterator[Block]:
        """Give the evaluated steps in order, some at a time."""
        size = steps or _STEPS
        for low in range(0, self.steps, size):
            high = min(low + size, self.steps)
            counts = _turned(self._counts[:, self._first + low : self._first + high])
            yield Block(
                low,
                high,
                counts,
                np.full(counts.shape, np.nan),
                np.full(counts.shape, np.nan),
                np.full(counts.shape, NOT_EVALUATED, dtype=np.int8),
            )

    def take(self, block: Block, expected: Floats) -> None:
        """Keep what was found in a block, and what was expected there."""
        at = slice(self._first + block.low, self._first + block.high)
        for column, values in ((self._expected, expected), (self._statistic, block.statistic), (self._threshold, block.threshold)):
            if column is not None:
                for low in range(0, len(column), _TILE):
                    column[low : low + _TILE, at] = values[:, low : low + _TILE].T
        self._alarm[:, at] = block.alarm.T

    def detected(self) -> Detected:
        """Return all."""
        nothing = np.broadcast_to(np.nan, self._counts.shape)
        return Detected(self._expected, nothing if self._threshold is None else self._threshold, self._statistic, nothing, self._alarm)


def _turned(counts: Floats) -> Floats:
    turned = np.empty(counts.shape[::-1])
    for low in range(0, len(counts), _TILE):
        turned[:, low : low + _TILE] = counts[low : low + _TILE].T
    return turned

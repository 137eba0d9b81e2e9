"""Sums over the steps before each step, nan-aware: what a trailing baseline is made of."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spikewatch.alerts.domain.detection.series import Floats

__all__ = ["Trailing", "trailing"]


@dataclass(frozen=True, slots=True)
class Trailing:
    """The baseline of each area and step: sum, sum of squares and number of the counts told, and how many steps it spans."""

    total: Floats
    squares: Floats
    told: Floats
    steps: NDArray[np.int64]

    @property
    def is_whole(self) -> NDArray[np.bool_]:
        """Whether every step of the baseline was told and there is one."""
        whole: NDArray[np.bool_] = (self.told == self.steps) & (self.steps > 0)
        return whole

    def mean(self) -> Floats:
        """Return the mean of the counts told; nan where none was."""
        return np.where(self.told > 0, self.total / np.maximum(self.told, 1), np.nan)

    def deviation(self) -> Floats:
        """Return their standard deviation, with n - 1; nan where fewer than two were told."""
        # whole numbers, so the difference is exact up to 2**53 and 0 for equal counts
        spread = np.maximum(self.told * self.squares - self.total * self.total, 0)
        return np.where(self.told > 1, np.sqrt(spread / np.maximum(self.told * (self.told - 1), 1)), np.nan)


def trailing(counts: Floats, length: int, *, guard: int = 0) -> Trailing:
    """Return the baseline of the ``length`` steps that end ``guard`` steps before the one before each step, shorter at the start."""
    areas, steps = counts.shape
    missing = np.isnan(counts)
    values = np.where(missing, 0.0, counts)
    end = np.maximum(np.arange(steps) - guard, 0)
    start = np.maximum(end - length, 0)

    def windowed(each: Floats) -> Floats:
        running = np.zeros((areas, steps + 1))
        np.cumsum(each, axis=1, out=running[:, 1:])
        window: Floats = running[:, end] - running[:, start]
        return window

    told = windowed((~missing).astype(np.float64)) if missing.any() else np.broadcast_to((end - start).astype(np.float64), counts.shape)
    return Trailing(windowed(values), windowed(values * values), told, np.broadcast_to(end - start, counts.shape))

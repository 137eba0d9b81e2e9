"""The largest likelihood ratio of each draw from chance: what a cluster's p-value is read from.

Nearly every window of a draw is far from the largest, so no likelihood is computed for it: a window's expected cases are
the same in every draw, hence so is the count at which its ratio reaches a bound, and windows are compared with that count
as whole numbers. Only those that reach it are computed. A draw in which none does is done again with no bound, so that
the answer is exact whatever the bound.

Random numbers: ``numpy``'s PCG64, one stream for each batch of 128 draws, seeded by ``SeedSequence(seed, spawn_key=(batch,))``. So
the draws do not depend on the number of threads. Generator methods may change between releases of numpy.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from math import log
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from spikewatch.alerts.domain.detection.scan.likelihood import count_to_reach, log_likelihood_ratio
from spikewatch.alerts.domain.detection.scan.null import Null
from spikewatch.alerts.domain.detection.scan.places import Circles
from spikewatch.alerts.domain.detection.series import Floats

__all__ = ["BATCH", "largest_ratios"]

BATCH: Final = 128
"""Draws that are worked on at once; a multiple of 8, as masks are read in words of eight."""
_FIRST_BOUND: Final = 0.4  # of the logarithm of the number of windows
_CENTRES: Final = 256  # centres at a time: fewer would hand work to and fro between threads, more would leave the cache

Ints = NDArray[np.int64]
Whole = NDArray[Any]


@dataclass(frozen=True, slots=True)
class _Block:
    """Some centres, those with most circles first, and the windows of their circles."""

    neighbour: Ints
    active: Ints
    expected: Floats


@dataclass(frozen=True, slots=True)
class Windows:
    """All windows that are looked at in a draw, in blocks of centres, with the least number of cases that counts."""

    blocks: tuple[_Block, ...]
    null: Null
    least: int
    shortest: int

    @classmethod
    def of(cls, circles: Circles, null: Null, least: int, shortest: int) -> "Windows":
        """Return the windows; areas in which no case can fall are passed over, for they change no sum."""
        running = np.cumsum(null.expected, axis=1)
        blocks = []
        for low in range(0, len(circles.length), _CENTRES):
            rows = np.arange(low, min(low + _CENTRES, len(circles.length)))
            neighbour, is_circle = _without_empty(circles, rows, running[:, -1] > 0)
            length = (neighbour >= 0).sum(axis=1)
            rank = np.argsort(-length, kind="stable")
            neighbour, is_circle = neighbour[rank][:, : length.max()], is_circle[rank][:, : length.max()]
            if not neighbour.size:
                continue
            per_step = np.where(neighbour[..., None] >= 0, running[neighbour], 0.0)
            expected = np.cumsum(per_step, axis=1)
            expected[~is_circle] = 0.0  # no case is expected, so no count reaches a bound
            expected[:, :, : shortest - 1] = 0.0
            active = (neighbour >= 0).sum(axis=0)
            blocks.append(_Block(neighbour=neighbour.astype(np.int64), active=active, expected=expected))
        return cls(blocks=tuple(blocks), null=null, least=least, shortest=shortest)

    def bounds(self, ratio: float, whole: type[np.signedinteger[Any]]) -> list[Whole]:
        """Return the counts at which each window reaches a ratio, as whole numbers; the largest stands for never."""
        never = np.iinfo(whole).max
        found = []
        for block in self.blocks:
            count = count_to_reach(ratio, block.expected, float(self.null.total), self.least)
            found.append(np.where(count < never, count, never).astype(whole))
        return found


def _without_empty(circles: Circles, rows: Ints, possible: NDArray[np.bool_]) -> tuple[NDArray[np.int32], NDArray[np.bool_]]:
    """Return neighbours and circles of some centres without the areas in which no case can fall, moved to the left."""
    neighbour, is_circle = circles.neighbour[rows], circles.is_circle[rows]
    keep = (neighbour >= 0) & possible[neighbour]
    # a circle that ends with an empty area is the same as that of the area before it
    columns = np.arange(neighbour.shape[1])
    last_kept = np.maximum.accumulate(np.where(keep, columns, -1), axis=1)
    ends = np.zeros_like(is_circle)
    row, column = np.nonzero(is_circle & (last_kept >= 0))
    ends[row, last_kept[row, column]] = True
    order = np.argsort(~keep, axis=1, kind="stable")
    keep = np.take_along_axis(keep, order, axis=1)
    return np.where(keep, np.take_along_axis(neighbour, order, axis=1), -1), np.take_along_axis(ends, order, axis=1) & keep


def largest_ratios(windows: Windows, *, replications: int, seed: int, threads: int) -> Floats:
    """Return the largest log likelihood ratio of each draw; 0 where no window holds more cases than expected."""
    null, longest = windows.null, windows.null.expected.shape[1]
    looked_at = sum(int(block.active.sum()) for block in windows.blocks) * longest
    # the largest of thousands of windows nearly always exceeds this; each further bound is for the draws in which it did not
    first = _FIRST_BOUND * log(max(looked_at, 2))

    @lru_cache(maxsize=6)
    def bounds(ratio: float, bits: int) -> list[Whole]:
        return windows.bounds(ratio, np.int16 if bits == 16 else np.int32)

    def batch(number: int) -> Floats:
        rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=(number,))))
        counts = _window_counts(null, rng)
        largest = np.zeros(BATCH)
        for bound in (first, first / 2, 0.0):
            largest = np.maximum(largest, _largest(windows, counts, bounds(bound, 8 * counts.itemsize)))
            if (largest >= bound).all():
                break
        return largest

    numbers = range(-(-replications // BATCH))
    if threads == 1:
        found: Sequence[Floats] = [batch(number) for number in numbers]
    else:
        with ThreadPoolExecutor(threads) as pool:
            found = list(pool.map(batch, numbers))
    return np.concatenate([*found, np.empty(0)])[:replications]


def _window_counts(null: Null, rng: np.random.Generator) -> Whole:
    """Return drawn cases by area, window and draw, as numbers no larger than they need to be."""
    areas, longest = null.expected.shape
    area, lag, replication = null.draw(rng, BATCH)
    most = int(np.bincount(replication, minlength=1).max())
    whole: type[np.signedinteger[Any]] = np.int16 if most < np.iinfo(np.int16).max else np.int32
    cells = np.bincount((area * longest + lag) * BATCH + replication, minlength=areas * longest * BATCH)
    counts = cells.astype(whole).reshape(areas, longest, BATCH)
    for window in range(1, longest):
        counts[:, window] += counts[:, window - 1]
    return counts


def _largest(windows: Windows, counts: Whole, bounds: Sequence[Whole]) -> Floats:
    longest = counts.shape[1]
    largest = np.zeros(BATCH)
    shape = (_CENTRES, longest, BATCH)
    more, reached = np.empty(shape, dtype=counts.dtype), np.empty(shape, dtype=np.bool_)
    for block, bound in zip(windows.blocks, bounds, strict=True):
        sums = np.zeros((len(block.neighbour), longest, BATCH), dtype=counts.dtype)
        for ring, active in enumerate(block.active):
            np.take(counts, block.neighbour[:active, ring], axis=0, out=more[:active], mode="clip")
            sums[:active] += more[:active]
            np.greater_equal(sums[:active], bound[:active, ring, :, None], out=reached[:active])
            words = np.flatnonzero(reached[:active].reshape(-1).view(np.uint64))
            if not len(words):
                continue
            flat = (words[:, None] * 8 + np.arange(8)).ravel()
            flat = flat[reached[:active].reshape(-1)[flat]]
            cell, draw = np.divmod(flat, BATCH)
            expected = block.expected[:active, ring].reshape(-1)[cell]
            count = sums[:active].reshape(-1)[flat].astype(np.float64)
            np.maximum.at(largest, draw, log_likelihood_ratio(count, expected, float(windows.null.total), windows.least))
    return largest

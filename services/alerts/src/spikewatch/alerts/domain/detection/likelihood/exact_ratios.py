"""Log likelihood ratios of the negative-binomial chart by Newton's method on the counts themselves, where its grid is too coarse."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from spikewatch.alerts.domain.detection.series import Floats

__all__ = ["largest_of_starts", "ratios_of_runs"]

_ROUNDS: Final = 100
_FEW_ROUNDS: Final = 3  # from a factor that is good to some digits
_CLOSE: Final = 1e-12


def largest_of_starts(counts: Floats, means: Floats, alpha: float, least_steps: int, beyond: float = 0.0) -> float:
    """Return the largest ratio of a rise, over all starts that leave so many steps and still rise at ``beyond``, a factor's logarithm."""
    largest = 0.0
    for start in range(len(counts) - least_steps + 1):
        some, expected = counts[start:], means[start:]
        if some.sum() <= 0:
            continue
        if beyond and ((some - (changed := expected * np.exp(beyond))) / (1 + alpha * changed)).sum() <= 0:
            continue
        factor = float(np.log(some.sum() / expected.sum()))
        for _ in range(_ROUNDS):
            changed = expected * np.exp(factor)
            slope = ((some - changed) / (1 + alpha * changed)).sum()
            bend = (changed * (1 + alpha * some) / (1 + alpha * changed) ** 2).sum()
            factor += (move := float(np.clip(slope / bend, -1, 1)))
            if abs(move) < _CLOSE:
                break
        if factor > 0:
            spread = np.log1p(alpha * expected) - np.log1p(alpha * expected * np.exp(factor))
            largest = max(largest, float((some * (factor + spread) + spread / alpha).sum()))
    return largest


def ratios_of_runs(counts: Floats, means: Floats, alpha: Floats, begins: NDArray[np.intp], factor: Floats) -> Floats:
    """Return the ratio of each run of steps at its best factor; runs lie one after another, and ``factor`` is near the best logarithm.

    ``alpha`` is by step, ``begins`` the first step of each run.
    """
    number = np.diff(begins, append=len(counts))
    for _ in range(_FEW_ROUNDS):
        changed = means * np.repeat(np.exp(factor), number)
        whole = 1 + alpha * changed
        slope = np.add.reduceat((counts - changed) / whole, begins)
        bend = np.add.reduceat(changed * (1 + alpha * counts) / (whole * whole), begins)
        factor = factor + slope / bend
    each = np.repeat(factor, number)
    spread = -np.log1p(alpha * means * np.expm1(each) / (1 + alpha * means))
    return np.asarray(np.add.reduceat(counts * (each + spread) + spread / alpha, begins))

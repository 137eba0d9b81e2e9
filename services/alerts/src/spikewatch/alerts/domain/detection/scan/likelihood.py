"""Kulldorff's likelihood ratio of a window, and the least count that reaches a given one."""

from typing import Final

import numpy as np
from scipy.special import xlogy

from spikewatch.alerts.domain.detection.series import Floats

__all__ = ["UNREACHABLE", "count_to_reach", "log_likelihood_ratio"]

UNREACHABLE: Final = np.inf
_ROUNDS: Final = 12
_ROUNDING: Final = 1e-6


def log_likelihood_ratio(count: Floats, expected: Floats, total: float, least: int) -> Floats:
    """Return the log likelihood ratio of windows with more cases than expected; 0 for others, and below ``least`` cases."""
    with np.errstate(divide="ignore", invalid="ignore"):
        outside = xlogy(total - count, (total - count) / (total - expected))
        ratio = xlogy(count, count / expected) + outside
    return np.where((count > expected) & (count >= least), ratio, 0.0)


def count_to_reach(ratio: float, expected: Floats, total: float, least: int) -> Floats:
    """Return the least whole count whose log likelihood ratio reaches ``ratio``; ``UNREACHABLE`` where none up to the total does.

    The ratio is convex in the count, so Newton's rule comes down on the answer from any start above it, such as this one
    (Bennett's inequality).
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        count = np.minimum(expected + np.sqrt(2 * expected * ratio) + ratio + 1, total - 0.5)
        for _ in range(_ROUNDS if ratio > 0 else 0):
            log_in, log_out = np.log(count / expected), np.log((total - count) / (total - expected))
            excess = count * log_in + (total - count) * log_out - ratio
            count = np.clip(count - excess / (log_in - log_out), expected, total - 0.5)
        found = np.maximum(np.ceil(count - _ROUNDING), np.maximum(np.floor(expected) + 1, least))
    if ratio <= 0:
        found = np.maximum(np.floor(expected) + 1, least)
    return np.where((expected > 0) & (found <= total), found, UNREACHABLE)

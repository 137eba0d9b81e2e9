"""How loud thousands of detectors are together: recurrence intervals, false discovery rate."""

import numpy as np
from numpy.typing import NDArray

from spikewatch.alerts.domain.detection.series import Floats

__all__ = ["discoveries", "recurrence_interval"]


def recurrence_interval(p_value: Floats, *, interval_days: float = 1.0) -> Floats:
    """Return every how many days one area shows as much without a spike, when it is judged every ``interval_days`` days."""
    with np.errstate(divide="ignore"):
        interval: Floats = interval_days / p_value
    return interval


def discoveries(p_value: Floats, jurisdiction: NDArray[np.int64], *, rate: float = 0.1) -> NDArray[np.bool_]:
    """Return which areas stand out in their jurisdiction, so that of those a share of at most ``rate`` is false on average.

    Benjamini and Hochberg 1995 within each jurisdiction's batch of one day. The p-values are mid-p of counts (as the default
    detector's): whole tails of sparse counts are never near 1 by chance alone, and the rate would not be reached. nan stands for
    an area that was not judged; it is no test. The rate holds for areas that do not overlap or rise and fall together.

    Raises:
        ValueError: ``rate`` is not between 0 and 1, or the shapes differ.
    """
    if not 0 < rate < 1:
        raise ValueError("rate: expected a share between 0 and 1")
    if p_value.shape != jurisdiction.shape:
        raise ValueError("jurisdiction: expected one for each p-value")
    found = np.zeros(p_value.shape, dtype=np.bool_)
    tested = np.flatnonzero(~np.isnan(p_value))
    if not len(tested):
        return found
    order = tested[np.lexsort((p_value[tested], jurisdiction[tested]))]
    batch = jurisdiction[order]
    begins = np.flatnonzero(np.r_[True, batch[1:] != batch[:-1]])
    size = np.diff(np.r_[begins, len(order)])
    rank = np.arange(len(order)) - np.repeat(begins, size) + 1
    passes = p_value[order] <= rate * rank / np.repeat(size, size)
    # all up to the last that passes
    last = np.maximum.reduceat(np.where(passes, rank, 0), begins)
    found[order] = rank <= np.repeat(last, size)
    return found

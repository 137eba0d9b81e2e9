"""How improbable the counts of the last steps are: a tail for each window, and one probability for all windows together."""

from typing import Final

import numpy as np
from scipy.special import betainc, ndtr

from spikewatch.alerts.domain.detection.series import Floats

__all__ = ["combined", "mid_tail"]

_TINY: Final = 1e-300
_DECIDED: Final = -0.5


def mid_tail(count: Floats, mean: Floats, variance: Floats) -> Floats:
    """Return ``P(Y > count) + P(Y = count) / 2`` of a negative-binomial count; nan where the mean is nan.

    Half of the probability of the very count makes the average of the result 1/2 for counts of any size, where the whole would
    make sparse areas look calmer than they are (Lancaster 1961, doi 10.1080/01621459.1961.10482105). From 1 to half a standard
    deviation above the mean, where nothing is decided, the normal distribution stands in; beyond and at 0 the value is exact.
    """
    wider = np.maximum(variance - mean, mean * 1e-9 + 1e-12)
    size = mean**2 / wider
    with np.errstate(invalid="ignore"):
        below = (mean - count) / np.sqrt(variance)
        answer: Floats = ndtr(below)
        none = (count == 0) & ~np.isnan(mean)
        exact = below < _DECIDED
    answer[none] = 1 - np.exp(-size[none] * np.log1p(wider[none] / mean[none])) / 2
    above, sizes = count[exact], size[exact]
    failure = mean[exact] / (mean[exact] + sizes)
    answer[exact] = (betainc(above, sizes, failure) + betainc(above + 1, sizes, failure)) / 2
    return answer


def combined(tails: Floats, weights: Floats) -> Floats:
    """Return one probability for the tails of all windows (first axis): their weighted harmonic mean.

    The harmonic mean holds its false-alarm rate for windows that overlap, however they depend on one another (Wilson 2019,
    doi 10.1073/pnas.1814092116). Windows whose tail is nan are left out.
    """
    share = np.where(np.isnan(tails), 0.0, weights[:, None])
    with np.errstate(invalid="ignore", divide="ignore"):
        inverse = np.where(np.isnan(tails), 0.0, share / np.maximum(tails, _TINY)).sum(axis=0)
        whole: Floats = share.sum(axis=0) / inverse
    return whole

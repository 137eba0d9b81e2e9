"""How improbable the counts of the last steps are: a tail for each window, and one probability for all windows together."""

from typing import Final

import numpy as np
from scipy.special import betainc, ndtr

from spikewatch.alerts.domain.detection.predictive.parameters import Looks
from spikewatch.alerts.domain.detection.series import Floats

__all__ = ["Combination", "mid_tail"]

_TINY: Final = 1e-300
_DECIDED: Final = -0.5  # standard deviations
_BEYOND_NORMAL: Final = 1.15


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


class Combination:
    """Makes one probability of the tails of windows that overlap: their weighted geometric mean, put back on the scale of a tail.

    Windows that end together and share steps have correlated counts: the square root of the shorter over the longer. For normal
    deviates the sum of weighted squares has the tail of its largest eigenvalue's square alone, times a factor of the others (Zolotarev
    1961, doi 10.1137/1106012), which gives exponent and factor. A last factor, measured on simulated histories, stands for what
    normal deviates do not say. The geometric mean weighs all windows where a harmonic mean or a minimum follows the rarest: it finds
    more at the same false-alarm rate.
    """

    def __init__(self, looks: Looks) -> None:
        """Prepare exponents and factors for the first window, the first two, and so on: while little is known the longer are left out."""
        self._weights = np.array(looks.weights)
        lengths = np.array(looks.windows, dtype=np.float64)
        correlation = np.sqrt(np.minimum.outer(lengths, lengths) / np.maximum.outer(lengths, lengths))
        exponent, factor = [1.0], [1.0]
        for several in range(1, len(lengths) + 1):
            share = self._weights[:several] / self._weights[:several].sum()
            values = np.linalg.eigvalsh(np.sqrt(np.outer(share, share)) * correlation[:several, :several])
            exponent.append(1 / values[-1])
            factor.append(float(np.prod(1 - values[:-1] / values[-1])) ** -0.5 * (_BEYOND_NORMAL if several > 1 else 1.0))
        self._exponent, self._factor = np.array(exponent), np.array(factor)

    def __call__(self, tails: Floats) -> Floats:
        """Return the probability by area of tails by window and area; of the first windows where longer ones are nan, nan without any."""
        usable = ~np.isnan(tails)
        number = usable.sum(axis=0)
        weights = np.where(usable, self._weights[:, None], 0.0)
        logarithms = np.log(np.maximum(np.where(usable, tails, 1.0), _TINY))
        mean = (weights * logarithms).sum(axis=0) / np.where(number > 0, weights.sum(axis=0), 1.0)
        # the scale is that of rare tails; at 1 it must end at 1
        probability = np.minimum(np.maximum(self._factor[number] * np.exp(mean * self._exponent[number]), _TINY), 1.0)
        answer: Floats = np.where(number > 0, probability, np.nan)
        return answer

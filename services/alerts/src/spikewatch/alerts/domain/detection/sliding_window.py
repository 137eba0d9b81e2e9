"""How probable it is that a window that slides with the clock holds so many, and which count it must reach.

A window that is looked at whenever something happens is looked at many times a day: on most days its largest count is larger
than that of the calendar day, and a threshold made for calendar days is crossed two to seven times as often as it says.
"""

import numpy as np
from scipy.special import betainc, gammainc, gammaln

from spikewatch.alerts.domain.detection.series import Floats
from spikewatch.alerts.domain.detection.tails import negative_binomial_tail, poisson_tail

__all__ = ["sliding_rate", "sliding_tail", "sliding_threshold", "window_tail"]

_POISSON = 1e-9  # relative excess of the variance below which counts are Poisson


def sliding_tail(
    count: Floats, mean: Floats, *, dispersion: Floats | float = 1.0, uncertainty: Floats | float = 0.0, lengths: float = 1.0
) -> Floats:
    """Return the probability that the window reaches ``count`` at least once while its end moves on by ``lengths`` of its length.

    ``mean`` is what the window holds on average, ``dispersion`` its variance over its mean, ``uncertainty`` the squared relative
    uncertainty of the mean. For a window of 24 h ``lengths=1`` is the probability for each day, of 1 h it is ``lengths=24``.

    Alm 1983 (in Glaz, Naus and Wallenstein 2001, doi 10.1007/978-1-4757-3460-7): the first window reaches the count, or afterwards
    windows do in clumps that follow a Poisson process of rate ``(k - m) P(Y = k)``. A level that is itself uncertain or varies
    from one window to the next is mixed in exactly, by ``k P(Y = k) - (k + 1) P(Y = k + 1)`` of the negative binomial.
    """
    count, mean, dispersion, uncertainty = np.broadcast_arrays(count, mean, dispersion, uncertainty)
    first, clumps = _first_and_clumps(np.maximum(count, 1.0), mean, dispersion, uncertainty)
    probability: Floats = np.where(count > 0, -np.expm1(np.log1p(-np.minimum(first, 1 - 1e-16)) - clumps * lengths), 1.0)
    return np.where(np.isnan(count + mean), np.nan, probability)


def sliding_rate(count: Floats, mean: Floats, *, dispersion: Floats | float = 1.0, uncertainty: Floats | float = 0.0) -> Floats:
    """Return how often on average the window comes to hold ``count``, from 1 on, while its end moves on by its length.

    As ``sliding_tail``: windows that follow closely upon one another count once. It is never below the probability of one look,
    for no clump lasts longer than the window; near the mean, where windows that reach the count no longer come in clumps, it is that.
    """
    first, clumps = _first_and_clumps(*np.broadcast_arrays(count, mean, dispersion, uncertainty))
    return np.maximum(first, clumps)


def window_tail(count: float, mean: float, dispersion: float, uncertainty: float) -> float:
    """Return the probability that one window, wherever it ends, holds ``count``, from 1 on: what ``sliding_rate`` is never below."""
    relative = (dispersion - 1) / mean + uncertainty
    if relative * mean <= _POISSON:
        return float(gammainc(count, mean))
    size = 1 / relative
    return float(betainc(count, size, 1 - size / (size + mean)))


def _first_and_clumps(k: Floats, mean: Floats, dispersion: Floats, uncertainty: Floats) -> tuple[Floats, Floats]:
    """Return the probability that one window reaches a count, and the rate of clumps of those that do."""
    relative = (dispersion - 1) / np.where(mean > 0, mean, 1.0) + uncertainty
    varies = relative * mean > _POISSON
    size = 1 / np.where(varies, relative, 1.0)
    with np.errstate(divide="ignore"):
        logarithm = np.log(mean)
        plain = k * logarithm - mean - gammaln(k + 1)
        mixed = gammaln(k + size) - gammaln(size) - gammaln(k + 1) + k * np.log(mean / (size + mean)) - size * np.log1p(mean / size)
    here = np.exp(np.where(varies, mixed, plain))
    # P(k + 1) by its ratio to P(k)
    ratio = np.where(varies, (k + size) / (k + 1) * mean / (size + mean), mean / (k + 1))
    clumps: Floats = np.maximum(k - (k + 1) * ratio, 0.0) * here
    return np.where(varies, negative_binomial_tail(k, size, size / (size + mean)), poisson_tail(k, mean)), clumps


def sliding_threshold(
    mean: Floats, alpha: float, *, dispersion: Floats | float = 1.0, uncertainty: Floats | float = 0.0, lengths: float = 1.0
) -> Floats:
    """Return the smallest count that the window reaches with a probability of at most ``alpha`` while its end moves on by ``lengths``.

    Raises:
        ValueError: ``alpha`` is not between 0 and 1.
    """
    if not 0 < alpha < 1:
        raise ValueError("alpha: expected a probability between 0 and 1")
    mean, dispersion, uncertainty = np.broadcast_arrays(np.asarray(mean, dtype=np.float64), dispersion, uncertainty)
    low = np.ceil(mean)  # never enough: the approximation holds above the mean
    high = low + 1

    def enough(count: Floats) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
        reached = sliding_tail(count, mean, dispersion=dispersion, uncertainty=uncertainty, lengths=lengths) <= alpha
        return np.asarray(reached | np.isnan(mean))

    while not (found := enough(high)).all():
        low, high = np.where(found, low, high), np.where(found, high, high + 2 * (high - low))
    while (high - low > 1).any():
        middle = np.floor((low + high) / 2)
        found = enough(middle)
        low, high = np.where(found, low, middle), np.where(found, middle, high)
    return np.where(np.isnan(mean), np.nan, high)

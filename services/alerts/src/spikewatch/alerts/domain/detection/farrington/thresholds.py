"""Upper bounds of a count that a quasi-Poisson regression predicts."""

from typing import Final, Literal

import numpy as np
from scipy.special import ndtr, ndtri

from spikewatch.alerts.domain.detection.series import Floats
from spikewatch.alerts.domain.detection.tails import negative_binomial_quantile, negative_binomial_tail, poisson_quantile, poisson_tail

__all__ = ["POWERS", "Power", "plug_in", "transformed"]

Power = Literal["2/3", "1/2", "none"]
POWERS: Final = {"2/3": 2 / 3, "1/2": 0.5, "none": 1.0}


def transformed(count: Floats, mean: Floats, deviation: Floats, phi: Floats, upper: float, power: Power) -> tuple[Floats, Floats]:
    """Return the upper bound and P(Y >= count) of a normal distribution after a power transform.

    ``deviation`` is that of the predicted mean, ``upper`` the probability above the bound.
    """
    exponent = POWERS[power]
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = phi + deviation * deviation / mean
        if power == "none":
            error = np.sqrt(mean * spread)
        elif power == "1/2":
            error = np.sqrt(spread / 4)
        else:
            error = np.sqrt(4 / 9 * np.cbrt(mean) * spread)
        centre = mean**exponent
        bound = np.maximum(centre + float(ndtri(1 - upper)) * error, 0) ** (1 / exponent)
        return bound, ndtr(-(count**exponent - centre) / error)


def plug_in(count: Floats, mean: Floats, phi: Floats, alpha: float) -> tuple[Floats, Floats]:
    """Return the smallest count exceeded with at most probability alpha, and P(Y >= count): negative binomial, Poisson where phi is 1."""
    usable = np.where(np.isfinite(mean) & (mean > 0), mean, np.nan)
    wide = phi > 1
    size = np.where(wide, usable / np.where(wide, phi - 1, 1.0), np.nan)
    plain = np.where(wide, np.nan, usable)
    share = 1 / phi
    bound = np.where(wide, negative_binomial_quantile(alpha, size, share), poisson_quantile(alpha, plain))
    tail = np.where(wide, negative_binomial_tail(count, np.where(wide, size, 1.0), share), poisson_tail(count, np.where(wide, 1.0, plain)))
    nothing = mean == 0
    return np.where(nothing, 0.0, bound), np.where(nothing, (count == 0).astype(np.float64), tail)

"""A negative-binomial regression with one harmonic for weekly counts.

Source: M. Höhle, M. Paul, Count data regression charts for the monitoring of surveillance time series, Computational Statistics and
Data Analysis 52(9), 2008; numbers as in Rnssp 0.3.1 ``alert_nbinom``, whose fit is ``MASS::glm.nb``.
"""

from typing import Final

import numpy as np
from pydantic import Field
from scipy.special import digamma, polygamma, stdtrit

from spikewatch.alerts.domain.detection.algorithm import Algorithm
from spikewatch.alerts.domain.detection.detection import Detected, alarms, blank
from spikewatch.alerts.domain.detection.essence.loglinear import Fitted, fit_negative_binomial, fit_poisson
from spikewatch.alerts.domain.detection.essence.weekly import WeeklyBaseline, in_baseline, seasonal_design
from spikewatch.alerts.domain.detection.series import Floats, Series
from spikewatch.alerts.domain.detection.tails import negative_binomial_quantile, negative_binomial_tail

__all__ = ["ALGORITHMS", "NegativeBinomialWeekly", "negative_binomial_weekly"]

_ROUNDS: Final = 50
_CLOSE: Final = 1e-9
_POISSON: Final = 1e7  # a size parameter from here on cannot be told from none


class NegativeBinomialWeekly(WeeklyBaseline):
    """Parameters of ``negative_binomial_weekly``."""

    trend: bool = Field(default=True, description="Whether the mean has a trend (include_time).")


def negative_binomial_weekly(series: Series, p: NegativeBinomialWeekly) -> Detected:
    """Fit the baseline once; the threshold is a quantile at the upper confidence bound of each week's mean.

    ``p_value`` is the tail at that bound. ``also["theta"]`` is the size parameter. An area whose baseline has no incident, or
    whose fit does not converge, is not evaluated.

    Raises:
        SeriesError: steps that are not weeks, or a baseline under two years.
    """
    y = series.counts
    design = seasonal_design(y.shape[1], trend=p.trend)
    weeks = np.flatnonzero(in_baseline(series, p.baseline_end))
    inside = y[:, weeks]
    told = (~np.isnan(inside)).astype(np.float64)
    filled = np.where(told > 0, inside, 0.0)
    degrees = told.sum(axis=1) - design.shape[1]
    usable = np.flatnonzero((filled.sum(axis=1) > 0) & (degrees > 0))
    expected, upper, theta = blank(series), blank(series), np.full((len(y), 1), np.nan)
    if len(usable):
        fit, size = _fit(design[weeks], filled[usable], told[usable])
        eta = fit.coefficients @ design.T
        error = np.sqrt(np.einsum("nk,akl,nl->an", design, fit.unscaled, design, optimize=True))
        with np.errstate(over="ignore"):
            expected[usable] = np.where(fit.converged[:, None], np.exp(eta), np.nan)
            reach = stdtrit(degrees[usable], 1 - p.alpha)[:, None] * error
            upper[usable] = np.where(fit.converged[:, None], np.exp(eta + reach), np.nan)
        theta[usable] = size[:, None]
    theta = np.broadcast_to(theta, y.shape)
    probability = theta / (theta + upper)
    threshold = negative_binomial_quantile(p.alpha, theta, probability)
    return Detected(
        expected=expected,
        threshold=threshold,
        statistic=blank(series),
        p_value=negative_binomial_tail(y, theta, probability),
        alarm=alarms(y > threshold, ~np.isnan(y) & ~np.isnan(threshold)),
        also={"theta": theta},
    )


def _fit(design: Floats, y: Floats, told: Floats) -> tuple[Fitted, Floats]:
    """Fit mean and size in turn until the size stands still."""
    fit = fit_poisson(design, y, told)
    theta = _size(y, fit.mean, told)
    for _ in range(_ROUNDS):
        with np.errstate(divide="ignore"):
            fit = fit_negative_binomial(design, y, told, theta, np.log(fit.mean))
        before, theta = theta, _size(y, fit.mean, told)
        if (np.abs(theta - before) <= _CLOSE * np.abs(theta)).all():
            break
    return fit, theta


def _size(y: Floats, mean: Floats, told: Floats) -> Floats:
    """Return the size parameter of greatest likelihood by Newton's rule (Venables and Ripley, theta.ml)."""
    with np.errstate(all="ignore"):
        theta = told.sum(axis=1) / (told * (y / mean - 1) ** 2).sum(axis=1)
        for _ in range(_ROUNDS):
            t = np.abs(theta)[:, None]
            slope = digamma(t + y) - digamma(t) + np.log(t) + 1 - np.log(t + mean) - (y + t) / (mean + t)
            bend = -polygamma(1, t + y) + polygamma(1, t) - 1 / t + 2 / (mean + t) - (y + t) / (mean + t) ** 2
            step = (told * slope).sum(axis=1) / (told * bend).sum(axis=1)
            theta = np.clip(np.where(np.isfinite(step), np.abs(theta) + step, _POISSON), -_POISSON, _POISSON)
            if (np.abs(step) < _CLOSE * np.abs(theta)).all():
                break
    return np.where(np.isfinite(theta) & (theta > 0), theta, _POISSON)


ALGORITHMS: Final = (
    Algorithm(
        name="negative_binomial_weekly",
        parameters=NegativeBinomialWeekly,
        run=negative_binomial_weekly,
        summary="Weekly counts against a negative-binomial regression with trend and one harmonic.",
        source="Höhle, Paul 2008; Rnssp 0.3.1",
        also_known_as={"Rnssp": "alert_nbinom", "pynssp": "alert_nbinom"},
    ),
)

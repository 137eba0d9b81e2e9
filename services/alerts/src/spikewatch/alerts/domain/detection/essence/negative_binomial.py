"""A negative-binomial regression with one harmonic for weekly counts.

Source: M. Höhle, M. Paul, Count data regression charts for the monitoring of surveillance time series, Computational Statistics and
Data Analysis 52(9), 2008; numbers as in Rnssp 0.3.1 ``alert_nbinom``, whose fit is ``MASS::glm.nb``.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy.special import digamma, ndtri, polygamma, stdtrit

from spikewatch.alerts.domain.detection.algorithm import Algorithm
from spikewatch.alerts.domain.detection.detection import Detected, alarms, blank
from spikewatch.alerts.domain.detection.essence.loglinear import Fitted, fit_negative_binomial, fit_poisson
from spikewatch.alerts.domain.detection.essence.tiers import EssenceCompat
from spikewatch.alerts.domain.detection.essence.weekly import Fitted as Columns
from spikewatch.alerts.domain.detection.essence.weekly import WeeklyBaseline, by_weeks_before, in_baseline, seasonal_design
from spikewatch.alerts.domain.detection.series import Floats, Series
from spikewatch.alerts.domain.detection.tails import negative_binomial_quantile, negative_binomial_tail

__all__ = ["ALGORITHMS", "NegativeBinomialWeekly", "negative_binomial_weekly"]

_ROUNDS: Final = 50
_CLOSE: Final = 1e-9
_ROUNDING: Final = 1e-5  # a step of this part of the size that is no shorter than the one before is rounding, and the end
_SHORT: Final = 4096  # counts up to here are summed by a table
_POISSON: Final = 1e7  # a size parameter from here on cannot be told from none


class NegativeBinomialWeekly(WeeklyBaseline):
    """Parameters of ``negative_binomial_weekly``."""

    trend: bool = Field(default=True, description="Whether the mean has a trend (include_time).")
    compat: EssenceCompat = Field(
        default="",
        description="pynssp-0.1.0: the mean's bound is that of a two-sided normal interval; without a trend the size comes from another "
        "regression, on the week's number and the sine.",
    )


def negative_binomial_weekly(series: Series, p: NegativeBinomialWeekly) -> Detected:
    """Fit the baseline once; the threshold is a quantile at the upper confidence bound of each week's mean.

    ``p_value`` is the tail at that bound. ``also["theta"]`` is the size parameter. An area whose baseline has no incident, or
    whose fit does not converge, is not evaluated.

    Raises:
        SeriesError: steps that are not weeks, or a baseline under two years.
    """
    return _judged(series.counts, _baseline(series, p), p)


def _baseline(series: Series, p: NegativeBinomialWeekly) -> Columns:
    """Return each week's mean, its upper confidence bound, and the size parameter by area."""
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
        like_pynssp = p.compat == "pynssp-0.1.0"
        sized_by = seasonal_design(y.shape[1], trend=True)[weeks][:, [0, 1, 3]] if like_pynssp and not p.trend else None
        fit, size = _fit(design[weeks], filled[usable], told[usable], sized_by)
        eta = fit.coefficients @ design.T
        error = np.sqrt(np.einsum("nk,akl,nl->an", design, fit.unscaled, design, optimize=True))
        with np.errstate(over="ignore"):
            expected[usable] = np.where(fit.converged[:, None], np.exp(eta), np.nan)
            likely = np.full(len(usable), ndtri(1 - p.alpha / 2)) if like_pynssp else stdtrit(degrees[usable], 1 - p.alpha)
            reach = likely[:, None] * error
            upper[usable] = np.where(fit.converged[:, None], np.exp(eta + reach), np.nan)
        theta[usable] = size[:, None]
    return expected, upper, theta


def _judged(y: Floats, baseline: Columns, p: NegativeBinomialWeekly) -> Detected:
    expected, upper, theta = baseline
    theta = np.broadcast_to(theta, y.shape)
    probability = theta / (theta + upper)
    threshold = negative_binomial_quantile(p.alpha, theta, probability)
    return Detected(
        expected=expected,
        threshold=threshold,
        statistic=np.full(y.shape, np.nan),
        p_value=negative_binomial_tail(y, theta, probability),
        alarm=alarms(y > threshold, ~np.isnan(y) & ~np.isnan(threshold)),
        also={"theta": theta},
    )


def _fit(design: Floats, y: Floats, told: Floats, sized_by: Floats | None = None) -> tuple[Fitted, Floats]:
    """Fit mean and size in turn until the size stands still; an area that is done is left alone.

    ``sized_by`` is the design of another regression whose size is taken.
    """
    if sized_by is not None:
        other, size = _fit(sized_by, y, told)
        return fit_negative_binomial(design, y, told, size, np.log(other.mean)), size
    fit = fit_poisson(design, y, told)
    theta = _size(y, fit.mean, told, None)
    open_, before = np.arange(len(y)), np.full(len(y), np.inf)
    for _ in range(_ROUNDS):
        with np.errstate(divide="ignore"):
            part = fit_negative_binomial(design, y[open_], told[open_], theta[open_], np.log(fit.mean[open_]))
        fit.replace(open_, part)
        now = _size(y[open_], part.mean, told[open_], theta[open_])
        moved = np.abs(now - theta[open_])
        going = _goes_on(moved, before[open_], now) & part.converged
        theta[open_], before[open_] = now, moved
        open_ = open_[going]
        if not len(open_):
            break
    return fit, theta


def _size(y: Floats, mean: Floats, told: Floats, start: Floats | None) -> Floats:
    """Return the size parameter of greatest likelihood by Newton's rule (Venables and Ripley, ``theta.ml``).

    Counts that vary no more than Poisson's have none; they get one that cannot be told from it.
    """
    rising = _Rising(y, told)
    with np.errstate(all="ignore"):
        theta = told.sum(axis=1) / (told * (y / mean - 1) ** 2).sum(axis=1) if start is None else start.copy()
        open_, before = np.flatnonzero(np.isfinite(theta) & (theta < _POISSON)), np.full(len(theta), np.inf)
        for _ in range(_ROUNDS):
            t, m, counts, weight = theta[open_, None], mean[open_], y[open_], told[open_]
            first, second = rising.sums(open_, theta[open_])
            slope = first + (weight * (np.log(t) + 1 - np.log(t + m) - (counts + t) / (m + t))).sum(axis=1)
            bend = second + (weight * (-1 / t + 2 / (m + t) - (counts + t) / (m + t) ** 2)).sum(axis=1)
            step = slope / bend
            now = np.abs(theta[open_] + step)
            theta[open_] = np.where(np.isfinite(now), np.minimum(now, _POISSON), _POISSON)
            going = _goes_on(np.abs(step), before[open_], now) & (now < _POISSON)
            before[open_] = np.abs(step)
            open_ = open_[going]
            if not len(open_):
                break
    return np.where(np.isfinite(theta) & (theta > 0), theta, _POISSON)


def _goes_on(moved: Floats, before: Floats, now: Floats) -> NDArray[np.bool_]:
    """Tell which sizes still come closer: sums of a hundred terms leave large ones fewer digits than ``_CLOSE`` asks for."""
    goes_on: NDArray[np.bool_] = (moved > _CLOSE * now) & ~((moved >= before) & (moved < _ROUNDING * now))
    return goes_on


class _Rising:
    """The sums over an area's counts of digamma(t + y) - digamma(t), and of trigamma(t) - trigamma(t + y).

    For whole counts both are short sums of 1 / (t + j), shared by all counts above j.
    """

    def __init__(self, y: Floats, told: Floats) -> None:
        self._y, self._told = y, told
        most = int(y.max(initial=0))
        self._above: Floats | None = None
        if most <= _SHORT:
            histogram = np.zeros((len(y), most + 1))
            np.add.at(histogram, (np.arange(len(y))[:, None], y.astype(np.int64)), told)
            self._above = histogram[:, ::-1].cumsum(axis=1)[:, ::-1][:, 1:]

    def sums(self, rows: NDArray[np.intp], theta: Floats) -> tuple[Floats, Floats]:
        """Return both sums for some areas at their theta."""
        t = theta[:, None]
        if self._above is None:
            y, told = self._y[rows], self._told[rows]
            first = (told * (digamma(t + y) - digamma(t))).sum(axis=1)
            second = (told * (polygamma(1, t) - polygamma(1, t + y))).sum(axis=1)
            return first, second
        inverse = 1 / (t + np.arange(self._above.shape[1]))
        above = self._above[rows]
        return (above * inverse).sum(axis=1), (above * inverse * inverse).sum(axis=1)


ALGORITHMS: Final = (
    Algorithm(
        name="negative_binomial_weekly",
        parameters=NegativeBinomialWeekly,
        run=negative_binomial_weekly,
        summary="Weekly counts against a negative-binomial regression with trend and one harmonic.",
        source="Höhle, Paul 2008; Rnssp 0.3.1",
        also_known_as={"Rnssp": "alert_nbinom", "pynssp": "alert_nbinom"},
        judge=by_weeks_before(_baseline, _judged),
    ),
)

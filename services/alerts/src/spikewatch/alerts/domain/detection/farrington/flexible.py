"""Farrington flexible (Noufaily and others 2013; Salmon and others 2016; `farringtonFlexible` of R surveillance)."""

from typing import Final, Literal

import numpy as np
from pydantic import Field
from scipy.special import ndtri, stdtr

from spikewatch.alerts.domain.detection.algorithm import Algorithm, Compat, Parameters
from spikewatch.alerts.domain.detection.detection import Detected, alarms, blank
from spikewatch.alerts.domain.detection.farrington.quasi_poisson import Groups
from spikewatch.alerts.domain.detection.farrington.reference_steps import blocks, references
from spikewatch.alerts.domain.detection.farrington.thresholds import Power, plug_in, transformed
from spikewatch.alerts.domain.detection.farrington.weighting import Weighted, weighted_fit
from spikewatch.alerts.domain.detection.series import Floats, Series, SeriesError

__all__ = ["ALGORITHMS", "FarringtonFlexible", "farrington_flexible", "recent_are_enough"]

_PEER: Final = "surveillance-1.20.3"
_TREND_YEARS: Final = 3  # fewer tell no trend
_CHUNK: Final = 60_000  # observations that are fitted together: they stay in the processor's cache


class FarringtonFlexible(Parameters):
    """Parameters of the flexible Farrington method."""

    years: int = Field(5, ge=1, description="past years compared with (`b`)")
    half_window: int = Field(3, ge=0, description="steps on both sides of the same time of past years (`w`)")
    periods: int = Field(10, ge=1, description="seasons of a year, one of them now's (`noPeriods`); 1 leaves the rest of the year out")
    left_out: int | None = Field(
        26, ge=0, description="steps before now that are not in the baseline (`pastWeeksNotIncluded`); none: half_window"
    )
    reweight: bool = Field(True, description="whether past spikes weigh less (`reweight`)")
    weights_threshold: float = Field(2.58, gt=0, description="Anscombe residual above which they do (`weightsThreshold`)")
    trend: bool = Field(True, description="whether a trend may be in the regression (`trend`)")
    trend_p: float = Field(1.0, ge=0, le=1, description="p-value below which the trend stays (`pThresholdTrend`)")
    alpha: float = Field(0.005, gt=0, lt=1, description="one-sided probability of an alarm without a spike, for each step")
    threshold_method: Literal["delta", "nbPlugin", "muan"] = Field("nbPlugin", description="how the bound is made (`thresholdMethod`)")
    power: Power = Field("2/3", description="transform of the delta method (`powertrans`)")
    least_recent: float = Field(5, ge=0, description="incidents in the recent steps below which there is no alarm (first of `limit54`)")
    recent_steps: int = Field(4, ge=1, description="how many recent steps those are, now included (second of `limit54`)")
    population_offset: bool = Field(False, description="whether the population is an offset (`populationOffset`)")
    period: int | None = Field(None, ge=2, description="steps of a year instead of the calendar (`freq`, where epochs are no dates)")
    compat: Compat = Field(
        "",
        description="surveillance-1.20.3 repeats its dispersion of weighted regressions in the trend's p-value and the forecast's error, "
        "and the larger of its two bounds where alpha is above 1/2",
    )

    @property
    def like_peer(self) -> bool:
        """Whether the peer's defects are wanted."""
        return self.compat == _PEER


def recent_are_enough(counts: Floats, steps: int, least: float, *, gaps_fail: bool) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    """Return whether the last steps of each step, itself included, have enough incidents; at the start there are fewer of them."""
    if gaps_fail:
        windows = np.lib.stride_tricks.sliding_window_view(np.pad(counts, ((0, 0), (steps - 1, 0))), steps, axis=1)
        enough: np.ndarray[tuple[int, ...], np.dtype[np.bool_]] = windows.sum(axis=2) >= least
        return enough
    running = np.zeros((len(counts), counts.shape[1] + 1))
    np.cumsum(np.where(np.isnan(counts), 0.0, counts), axis=1, out=running[:, 1:])
    end = np.arange(1, counts.shape[1] + 1)
    more: np.ndarray[tuple[int, ...], np.dtype[np.bool_]] = running[:, end] - running[:, np.maximum(end - steps, 0)] >= least
    return more


class _Answer:
    """What is gathered by area and step before bounds are made of it."""

    def __init__(self, series: Series) -> None:
        self.eta, self.error, self.phi, self.slope = blank(series), blank(series), blank(series), blank(series)


def farrington_flexible(series: Series, parameters: FarringtonFlexible, judged_from: int = 0) -> Detected:
    """Alarm where a count exceeds the bound of a quasi-Poisson regression on past years' same season, with the other seasons beside it.

    No alarm of a count of 0, or where recent steps have fewer than ``least_recent`` incidents together. Not evaluated where the history
    does not reach back, or the regression does not converge. The statistic is (count - expected) / (threshold - expected); ``also`` has
    the dispersion ``phi``, the ``trend`` a step, the ``predictor`` and its ``error`` and whether a step ``has_enough`` recent incidents.
    Steps before ``judged_from`` are not judged.
    """
    if parameters.population_offset and series.population is None:
        raise SeriesError("population_offset: the series has no population; expected a column `population`")
    steps = series.counts.shape[1]
    step_days = series.step_days()
    answer = _Answer(series)
    columns = max(1, len(series.areas))
    for now in range(judged_from, steps):
        past = references(series.starts, now, parameters.years, period=parameters.period, step_days=step_days)
        if past is None or past[-1] - parameters.half_window < 0:
            continue
        left_out = parameters.half_window if parameters.left_out is None else parameters.left_out
        baseline = blocks(past, parameters.half_window, parameters.periods, left_out, steps)
        if baseline is None or not (baseline[1] == parameters.periods).any():
            continue
        at, season = baseline
        chunk = max(1, _CHUNK // len(at))
        for first in range(0, columns, chunk):
            _step(series, parameters, answer, now, at, season, slice(first, first + chunk))
    return _detected(series, parameters, answer)


def _step(
    series: Series,
    parameters: FarringtonFlexible,
    answer: _Answer,
    now: int,
    at: np.ndarray[tuple[int, ...], np.dtype[np.intp]],
    season: np.ndarray[tuple[int, ...], np.dtype[np.intp]],
    areas: slice,
) -> None:
    order = np.argsort(season, kind="stable")
    at, season = at[order], season[order]
    counts = series.counts[areas][:, at]
    times = (
        (at - now).astype(np.float64)
        if parameters.period
        else (series.starts[at] - series.starts[now]).astype(np.float64) / series.step_days()
    )
    scale = -times.min() if times.min() < 0 else 1.0
    groups = Groups.of(season, times / scale)
    told = (~np.isnan(counts)).astype(np.float64)
    counts = np.where(told > 0, counts, 0.0)
    exposure, exposed = None, np.zeros(len(counts))
    if parameters.population_offset:
        assert series.population is not None  # noqa: S101  # looked at before
        exposure, here = series.population[areas][:, at], series.population[areas][:, now]
        told = np.where(exposure > 0, told, 0.0)
        exposure = np.where(exposure > 0, exposure, 1.0)
        exposed = np.log(np.where(here > 0, here, np.nan))
    limit = parameters.weights_threshold if parameters.reweight else None
    eta, error, phi, slope = (np.full(len(counts), np.nan) for _ in range(4))
    open_ = np.arange(len(counts))
    if parameters.trend and parameters.years >= _TREND_YEARS:
        with_trend = weighted_fit(groups, counts, told, exposure, trend=True, limit=limit)
        stays = with_trend.converged & _trend_stays(with_trend, parameters, counts, told, exposed)
        _note(with_trend, stays, stays, exposed, parameters, eta, error, phi)
        slope[stays] = with_trend.fit.slope[stays] / scale
        open_ = np.flatnonzero(~stays)
    if len(open_):
        some = None if exposure is None else exposure[open_]
        without = weighted_fit(groups, counts[open_], told[open_], some, trend=False, limit=limit)
        _note(without, open_[without.converged], without.converged, exposed[open_], parameters, eta, error, phi)
    empty = ~(told[:, groups.index == groups.number - 1] > 0).any(axis=1)
    for column, values in ((answer.eta, eta), (answer.error, error), (answer.phi, phi), (answer.slope, slope)):
        column[areas, now] = np.where(empty, np.nan, values)


def _error_dispersion(fitted: Weighted, parameters: FarringtonFlexible) -> tuple[Floats, Floats]:
    """Return the dispersions of the trend's p-value and of the forecast's error."""
    if not parameters.like_peer:
        return fitted.fit.dispersion, fitted.phi
    used = fitted.fit.raw_dispersion if parameters.reweight else fitted.fit.dispersion
    return used, used


def _trend_stays(
    fitted: Weighted, parameters: FarringtonFlexible, counts: Floats, told: Floats, exposed: Floats
) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    dispersion, _ = _error_dispersion(fitted, parameters)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.abs(fitted.fit.slope) / np.sqrt(fitted.fit.slope_variance * dispersion)
    p_value = 2 * stdtr(fitted.fit.freedom, -ratio)
    with np.errstate(over="ignore", invalid="ignore"):  # a fit that diverges forecasts more than was ever seen, and does not stay
        forecast = np.exp(fitted.fit.level[:, -1] + exposed)
    largest = np.where(told > 0, counts, -np.inf).max(axis=1)
    stays: np.ndarray[tuple[int, ...], np.dtype[np.bool_]] = (p_value < parameters.trend_p) & (forecast <= largest)
    return stays


def _note(
    fitted: Weighted,
    to: np.ndarray[tuple[int, ...], np.dtype[np.generic]],
    which: np.ndarray[tuple[int, ...], np.dtype[np.bool_]],
    exposed: Floats,
    parameters: FarringtonFlexible,
    eta: Floats,
    error: Floats,
    phi: Floats,
) -> None:
    _, dispersion = _error_dispersion(fitted, parameters)
    eta[to] = (fitted.fit.level[:, -1] + exposed)[which]
    error[to] = np.sqrt(fitted.fit.unit_variance * dispersion)[which]
    phi[to] = fitted.phi[which]


def _detected(series: Series, parameters: FarringtonFlexible, answer: _Answer) -> Detected:
    mean = np.exp(answer.eta)
    if parameters.threshold_method == "delta":
        upper = min(parameters.alpha, 1 - parameters.alpha) if parameters.like_peer else parameters.alpha
        threshold, p_value = transformed(series.counts, mean, mean * answer.error, answer.phi, upper, parameters.power)
    else:
        with np.errstate(over="ignore"):
            likely = np.exp(answer.eta + float(ndtri(1 - parameters.alpha)) * answer.error)
        plugged = mean if parameters.threshold_method == "nbPlugin" else likely
        threshold, p_value = plug_in(series.counts, plugged, answer.phi, parameters.alpha)
    evaluated = ~np.isnan(threshold) & ~np.isnan(series.counts)
    enough = recent_are_enough(series.counts, parameters.recent_steps, parameters.least_recent, gaps_fail=parameters.like_peer)
    with np.errstate(divide="ignore", invalid="ignore"):
        statistic = (series.counts - mean) / (threshold - mean)
    raised = (series.counts > threshold) & enough & (series.counts > 0)
    also = {"phi": answer.phi, "trend": answer.slope, "predictor": answer.eta, "error": answer.error, "has_enough": enough}
    return Detected(mean, threshold, np.where(evaluated, statistic, np.nan), p_value, alarms(raised, evaluated), also)


ALGORITHMS: Final = (
    Algorithm(
        "farrington_flexible",
        FarringtonFlexible,
        farrington_flexible,
        "quasi-Poisson regression on all seasons of past years, with a trend and weights",
        "Noufaily and others 2013, doi 10.1002/sim.5595; Salmon, Schumacher, Höhle 2016, doi 10.18637/jss.v070.i10",
        {"surveillance": "farringtonFlexible", "epysurv": "FarringtonFlexible"},
        farrington_flexible,
    ),
)

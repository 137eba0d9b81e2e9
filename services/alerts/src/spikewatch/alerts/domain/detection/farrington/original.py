"""Farrington 1996 (`farrington` of R surveillance)."""

from typing import Final

import numpy as np
from pydantic import Field
from scipy.special import stdtr

from spikewatch.alerts.domain.detection.algorithm import Algorithm, Compat, Parameters
from spikewatch.alerts.domain.detection.detection import Detected, alarms, blank
from spikewatch.alerts.domain.detection.farrington.flexible import recent_are_enough
from spikewatch.alerts.domain.detection.farrington.quasi_poisson import Groups
from spikewatch.alerts.domain.detection.farrington.reference_steps import Steps, neighbourhoods
from spikewatch.alerts.domain.detection.farrington.thresholds import Power, transformed
from spikewatch.alerts.domain.detection.farrington.weighting import weighted_fit
from spikewatch.alerts.domain.detection.series import Series, SeriesError

__all__ = ["ALGORITHMS", "Farrington", "farrington"]

_CHUNK: Final = 60_000
_RESIDUAL: Final = 1.0  # Anscombe residual above which a past count weighs less
_TREND_P: Final = 0.05
_TREND_YEARS: Final = 3
_LEAST_STEPS: Final = 2  # one alone tells no dispersion


class Farrington(Parameters):
    """Parameters of the original Farrington method."""

    years: int = Field(5, ge=1, description="past years compared with (`b`)")
    half_window: int = Field(3, ge=0, description="steps on both sides of the same time of past years (`w`)")
    reweight: bool = Field(True, description="whether past spikes weigh less (`reweight`)")
    trend: bool = Field(True, description="whether a trend may be in the regression (`trend`): where p < 0.05, in three years or more")
    alpha: float = Field(0.05, gt=0, lt=1, description="two-sided probability of a count outside its bounds, for each step")
    power: Power = Field("2/3", description="transform that makes counts normal (`powertrans`)")
    least_recent: float = Field(5, ge=0, description="incidents in the recent steps below which there is no alarm (first of `limit54`)")
    recent_steps: int = Field(4, ge=1, description="how many recent steps those are, now included (second of `limit54`)")
    population_offset: bool = Field(False, description="whether the population is an offset (`algo.farrington.fitGLM.populationOffset`)")
    period: int | None = Field(None, ge=2, description="steps of a year instead of the calendar (`freq`, where epochs are no dates)")
    compat: Compat = Field(
        "", description="surveillance-1.20.3 repeats `farrington`, which judges from two past steps instead of one past year's whole window"
    )


def farrington(series: Series, parameters: Farrington, judged_from: int = 0) -> Detected:
    """Alarm where a count exceeds the bound of a quasi-Poisson regression on the same weeks of past years.

    A shorter history has fewer years. No alarm where recent steps have fewer than ``least_recent`` incidents together. The statistic is
    (count - expected) / (threshold - expected); ``also`` has ``phi``, ``has_trend`` and ``has_enough``.
    Steps before ``judged_from`` are not judged.
    """
    if parameters.population_offset and series.population is None:
        raise SeriesError("population_offset: the series has no population; expected a column `population`")
    step_days = series.step_days()
    least = _LEAST_STEPS if parameters.compat == "surveillance-1.20.3" else 2 * parameters.half_window + 1
    mean, error, phi, has_trend = blank(series), blank(series), blank(series), np.zeros(series.counts.shape, dtype=bool)
    for now in range(judged_from, series.counts.shape[1]):
        at = neighbourhoods(series.starts, now, parameters.years, parameters.half_window, period=parameters.period, step_days=step_days)
        at = at[at < now]
        if len(at) < least:
            continue
        chunk = max(1, _CHUNK // len(at))
        for first in range(0, len(series.areas), chunk):
            areas = slice(first, first + chunk)
            mean[areas, now], error[areas, now], phi[areas, now], has_trend[areas, now] = _step(series, parameters, now, at, areas)
    threshold, p_value = transformed(series.counts, mean, error, phi, parameters.alpha / 2, parameters.power)
    evaluated = ~np.isnan(threshold) & ~np.isnan(series.counts)
    enough = recent_are_enough(series.counts, parameters.recent_steps, parameters.least_recent, gaps_fail=False)
    with np.errstate(divide="ignore", invalid="ignore"):
        statistic = np.where(evaluated, (series.counts - mean) / (threshold - mean), np.nan)
    also = {"phi": phi, "has_trend": has_trend, "has_enough": enough}
    return Detected(mean, threshold, statistic, p_value, alarms((series.counts > threshold) & enough, evaluated), also)


def _step(
    series: Series, parameters: Farrington, now: int, at: Steps, areas: slice
) -> tuple[np.ndarray[tuple[int, ...], np.dtype[np.generic]], ...]:
    counts = series.counts[areas][:, at]
    told = (~np.isnan(counts)).astype(np.float64)
    counts = np.where(told > 0, counts, 0.0)
    exposure, here = None, np.ones(len(counts))
    if parameters.population_offset:
        assert series.population is not None  # noqa: S101  # looked at before
        exposure, here = series.population[areas][:, at], series.population[areas][:, now]
        told, exposure = np.where(exposure > 0, told, 0.0), np.where(exposure > 0, exposure, 1.0)
    times = (at - now).astype(np.float64)
    groups = Groups.of(np.zeros(len(at), dtype=np.intp), times / -times.min())
    limit = _RESIDUAL if parameters.reweight else None
    mean, error, phi = (np.full(len(counts), np.nan) for _ in range(3))
    stays = np.zeros(len(counts), dtype=bool)
    if parameters.trend and parameters.years >= _TREND_YEARS:
        fitted = weighted_fit(groups, counts, told, exposure, trend=True, limit=limit)
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = np.abs(fitted.fit.slope) / np.sqrt(fitted.fit.slope_variance * fitted.fit.dispersion)
        with np.errstate(over="ignore", invalid="ignore"):  # a fit that diverges forecasts more than was ever seen, and does not stay
            forecast = np.exp(fitted.fit.level[:, -1]) * here
        stays = fitted.converged & (2 * stdtr(fitted.fit.freedom, -ratio) < _TREND_P)
        stays &= forecast <= np.where(told > 0, counts, -np.inf).max(axis=1)
        mean[stays], phi[stays] = forecast[stays], fitted.phi[stays]
        error[stays] = forecast[stays] * np.sqrt(fitted.fit.unit_variance[stays] * fitted.phi[stays])
    rest = np.flatnonzero(~stays)
    if len(rest):
        some = None if exposure is None else exposure[rest]
        fitted = weighted_fit(groups, counts[rest], told[rest], some, trend=False, limit=limit)
        forecast = np.where(fitted.converged, np.exp(fitted.fit.level[:, -1]) * here[rest], np.nan)
        mean[rest], phi[rest], error[rest] = forecast, fitted.phi, forecast * np.sqrt(fitted.fit.unit_variance * fitted.phi)
    empty = told.sum(axis=1) < 2
    mean[empty] = np.nan
    return mean, error, phi, stays


ALGORITHMS: Final = (
    Algorithm(
        "farrington",
        Farrington,
        farrington,
        "quasi-Poisson regression on the same weeks of past years",
        "Farrington, Andrews, Beale, Catchpole 1996, doi 10.2307/2983331",
        {"surveillance": "farrington", "epysurv": "Farrington"},
        farrington,
    ),
)

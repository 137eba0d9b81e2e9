"""Poisson and binomial CUSUM with a mean that varies in time (Rogerson and Yamada 2004; `rogerson` of R surveillance)."""

from typing import Final, Literal

import numpy as np
from pydantic import Field

from spikewatch.alerts.domain.detection.algorithm import Algorithm, Parameters
from spikewatch.alerts.domain.detection.cusum import in_control
from spikewatch.alerts.domain.detection.detection import Detected, alarms, blank
from spikewatch.alerts.domain.detection.evaluated_steps import each_evaluated
from spikewatch.alerts.domain.detection.period import steps_of_year
from spikewatch.alerts.domain.detection.run_length import decision_interval, raised_rate, reference_value
from spikewatch.alerts.domain.detection.series import Floats, Series, SeriesError

__all__ = ["ALGORITHMS", "Rogerson", "rogerson"]

_LEAST: Final = 0.01  # rates below are decided as this one is: the table has no end otherwise


class Rogerson(Parameters):
    """Parameters of Rogerson's CUSUM."""

    training: int = Field(365, ge=1, description="steps before the first that is evaluated; the in-control rate is learnt from them")
    rates: tuple[float, ...] | None = Field(None, description="in-control rate of each evaluated step, given (`theta0t`)")
    mean: float | Literal["training", "glm"] = Field(
        "glm",
        description="in-control rate where none is given: of the training steps, by a Poisson regression with a yearly wave, or a number",
    )
    shift: float = Field(1.0, gt=0, description="rise to be found, in standard deviations; an odds ratio for the binomial (`s`)")
    run_length: float = Field(500.0, gt=1, description="steps between two false alarms (`ARL0`)")
    table: tuple[tuple[float, float, float], ...] | None = Field(
        None, description="rate, decision interval h and reference value k, for every rate; computed where not given (`hValues`)"
    )
    tolerance: float = Field(0.02, gt=0, description="relative error of the run length that the computed table may have (`rel.tol`)")
    distribution: Literal["poisson", "binomial"] = Field(
        "poisson", description="distribution of counts; the binomial's size is the denominator"
    )
    head_start: bool = Field(False, description="whether the sum starts at h / 2 and goes back to it after an alarm (`FIR`)")
    limit: float | None = Field(None, ge=0, description="share of h that the sum is brought down to after an alarm (`limit`)")
    digits: int = Field(1, ge=1, le=3, description="digits of reference values (`digits`)")
    period: int | None = Field(None, ge=2, description="steps of a year; 365, 52 or 12 by the length of a step")


def rogerson(series: Series, parameters: Rogerson) -> Detected:
    """Alarm where the sum of what counts exceed their reference values by, scaled to one decision interval, reaches it.

    The threshold is the count that would raise an alarm; ``also`` has ``h``. A gap leaves the sum as it was.
    """
    if parameters.distribution == "binomial" and series.denominator is None:
        raise SeriesError("distribution: binomial counts need a size; expected a column `denominator`")
    first, (areas, steps) = parameters.training, series.counts.shape
    rates = _rates(series, parameters)
    sums, threshold, decision = blank(series), blank(series), blank(series)
    if first < steps:
        table = _table(rates[:, first:], parameters, series)
        overall = np.array([table[_nearest(table, float(rate)), 1] for rate in _means(rates[:, first:])])
        current = overall / 2 if parameters.head_start else np.zeros(areas)
        limit = 0.5 if parameters.head_start else parameters.limit
        alarmed = np.zeros(areas, dtype=bool)
        for step in range(first, steps):
            rate = rates[:, step]
            scale = overall / table[_nearest_each(table, rate), 1]
            size = 1.0 if series.denominator is None else series.denominator[:, step]
            reference = reference_value(
                rate,
                raised_rate(rate, parameters.shift, parameters.distribution),
                parameters.distribution,
                digits=parameters.digits,
                size=size,
            )
            if limit is not None:
                current = np.where(alarmed, np.minimum(current, limit * overall), current)
            with np.errstate(divide="ignore", invalid="ignore"):
                threshold[:, step] = np.maximum(np.ceil((overall - current) / scale + reference), 0)
                following = np.maximum(0, current + scale * (series.counts[:, step] - reference))
            sums[:, step], decision[:, step] = following, overall
            told = ~np.isnan(following)
            current = np.where(told, following, current)
            alarmed = np.where(told, following >= overall, alarmed)
    evaluated = ~np.isnan(sums)
    expected = rates if series.denominator is None or parameters.distribution == "poisson" else rates * series.denominator
    return Detected(expected, threshold, sums, blank(series), alarms(sums >= decision, evaluated), {"h": decision})


def _rates(series: Series, parameters: Rogerson) -> Floats:
    if parameters.rates is not None:
        rates = blank(series)
        rates[:, parameters.training :] = each_evaluated(parameters.rates, rates.shape[1] - parameters.training, "rates")
        return rates
    return in_control(series, parameters.training, parameters.mean, steps_of_year(series, parameters.period), floor=True)


def _means(rates: Floats) -> Floats:
    told = ~np.isnan(rates)
    return np.asarray(np.where(told, rates, 0.0).sum(axis=1) / np.maximum(told.sum(axis=1), 1))


def _table(rates: Floats, parameters: Rogerson, series: Series) -> Floats:
    """Return rate, h and k by row: those given, or computed for every rate to two digits."""
    if parameters.table is not None:
        return np.asarray(parameters.table, dtype=np.float64)
    seen = np.concatenate([rates.ravel(), _means(rates)])
    seen = np.maximum(seen[np.isfinite(seen)], _LEAST)
    step = 10.0 ** (np.floor(np.log10(seen)) - 1)
    distinct = np.unique(np.round(np.round(seen / step) * step, 6))
    size = 1 if series.denominator is None else int(np.nanmedian(series.denominator))
    rows = []
    for rate in distinct if len(distinct) else [1.0]:
        found = decision_interval(
            float(rate),
            parameters.run_length,
            shift=parameters.shift,
            distribution=parameters.distribution,
            tolerance=parameters.tolerance,
            digits=parameters.digits,
            size=size,
            head_start=parameters.head_start,
        )
        rows.append((found.rate, found.h, found.k))
    return np.asarray(rows, dtype=np.float64)


def _nearest(table: Floats, rate: float) -> int:
    return int(np.abs(table[:, 0] - rate).argmin())


def _nearest_each(table: Floats, rates: Floats) -> np.ndarray[tuple[int, ...], np.dtype[np.intp]]:
    order = np.argsort(table[:, 0], kind="stable")
    sorted_ = table[order, 0]
    middles = (sorted_[1:] + sorted_[:-1]) / 2
    if len(rates) < 4:  # the first of two equally near rows, as the table has them
        return np.array([_nearest(table, float(rate)) for rate in np.nan_to_num(rates)], dtype=np.intp)
    nearest: np.ndarray[tuple[int, ...], np.dtype[np.intp]] = order[np.searchsorted(middles, np.nan_to_num(rates))]
    return nearest


ALGORITHMS: Final = (
    Algorithm(
        "rogerson",
        Rogerson,
        rogerson,
        "CUSUM with a decision interval made for a wanted time between false alarms",
        "Rogerson, Yamada 2004, doi 10.1002/sim.1806; Hawkins, Olwell 1998",
        {"surveillance": "rogerson, algo.rogerson"},
    ),
)

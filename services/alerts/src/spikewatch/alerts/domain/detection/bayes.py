"""Bayesian prediction from the same time of this and past years (Riebler 2004; Höhle 2007, `bayes` of R surveillance)."""

from typing import Final

import numpy as np
from pydantic import Field

from spikewatch.alerts.domain.detection.algorithm import Algorithm, Parameters
from spikewatch.alerts.domain.detection.detection import Detected, alarms
from spikewatch.alerts.domain.detection.period import steps_of_year
from spikewatch.alerts.domain.detection.series import Floats, Series
from spikewatch.alerts.domain.detection.tails import by_distinct, negative_binomial_quantile, negative_binomial_tail

__all__ = ["ALGORITHMS", "Bayes", "bayes"]


class Bayes(Parameters):
    """Parameters of the Bayesian prediction."""

    years: int = Field(0, ge=0, description="past years whose same time of the year is in the baseline (`b`)")
    half_window: int = Field(28, ge=1, description="steps before now, and on both sides of the same time of past years (`w`)")
    this_year: bool = Field(True, description="whether the steps just before now are in the baseline (`actY`)")
    alpha: float = Field(0.001, gt=0, lt=1, description="probability of an alarm without a spike, for each step")
    period: int | None = Field(None, ge=2, description="steps of a year (`freq`); 365, 52 or 12 by the length of a step")


def bayes(series: Series, parameters: Bayes) -> Detected:
    """Alarm where a count exceeds the upper quantile of its prediction: negative binomial, from Jeffreys' prior and the baseline.

    With neither past years nor this year there is no baseline and nothing is evaluated.
    """
    total, told, steps = _baseline(series, parameters)
    reachable = steps & (told > 0)
    evaluated = reachable & ~np.isnan(series.counts)
    total, told = np.where(reachable, total, np.nan), np.where(reachable, told, np.nan)

    def bound(sums: Floats, numbers: Floats) -> Floats:
        return negative_binomial_quantile(parameters.alpha, sums + 0.5, numbers / (numbers + 1))

    def tail(counts: Floats, sums: Floats, numbers: Floats) -> Floats:
        return negative_binomial_tail(counts, sums + 0.5, numbers / (numbers + 1))

    threshold = by_distinct(bound, total, told)
    probability = by_distinct(tail, series.counts, total, told)
    expected = (total + 0.5) / told
    return Detected(expected, threshold, series.counts - expected, probability, alarms(series.counts > threshold, evaluated))


def _baseline(series: Series, parameters: Bayes) -> tuple[Floats, Floats, np.ndarray[tuple[int, ...], np.dtype[np.bool_]]]:
    steps = series.counts.shape[1]
    period = steps_of_year(series, parameters.period)
    missing = np.isnan(series.counts)
    running = np.zeros((2, len(series.areas), steps + 1))
    np.cumsum(np.where(missing, 0, series.counts), axis=1, out=running[0, :, 1:])
    np.cumsum(~missing, axis=1, out=running[1, :, 1:])
    now = np.arange(steps)
    reachable = now - parameters.years * period - parameters.half_window >= 0
    spans = [(-parameters.half_window, 0)] if parameters.this_year else []
    spans += [
        (-year * period - parameters.half_window, -year * period + parameters.half_window + 1) for year in range(1, parameters.years + 1)
    ]
    total, told = np.zeros(series.counts.shape), np.zeros(series.counts.shape)
    for first, end in spans:
        low, high = np.clip(now + first, 0, steps), np.clip(now + end, 0, steps)
        total += running[0][:, high] - running[0][:, low]
        told += running[1][:, high] - running[1][:, low]
    return total, told, np.broadcast_to(reachable, series.counts.shape)


ALGORITHMS: Final = (
    Algorithm(
        "bayes",
        Bayes,
        bayes,
        "quantile of a negative-binomial prediction from the same time of this and past years",
        "Riebler 2004; Höhle 2007, surveillance: an R package, doi 10.1007/s00180-007-0074-8",
        {"surveillance": "bayes", "epysurv": "Bayes"},
    ),
)

"""Bayesian prediction from the same time of this and past years (Riebler 2004; Höhle 2007, `bayes` of R surveillance)."""

from typing import Final

import numpy as np
from pydantic import Field

from spikewatch.alerts.domain.detection.algorithm import Algorithm, Compat, Parameters
from spikewatch.alerts.domain.detection.detection import NOT_EVALUATED, Detected, alarms
from spikewatch.alerts.domain.detection.period import steps_of_year
from spikewatch.alerts.domain.detection.series import Floats, Series
from spikewatch.alerts.domain.detection.tabulated import Tabulated, fits
from spikewatch.alerts.domain.detection.tails import by_distinct, negative_binomial_quantile, negative_binomial_tail

__all__ = ["ALGORITHMS", "Bayes", "bayes"]

_BLOCK: Final = 40_000  # counts that are judged together: they stay in the processor's cache


class Bayes(Parameters):
    """Parameters of the Bayesian prediction."""

    years: int = Field(0, ge=0, description="past years whose same time of the year is in the baseline (`b`)")
    half_window: int = Field(28, ge=0, description="steps before now, and on both sides of the same time of past years (`w`)")
    this_year: bool = Field(True, description="whether the steps just before now are in the baseline (`actY`)")
    alpha: float = Field(0.001, gt=0, lt=1, description="probability of an alarm without a spike, for each step")
    period: int | None = Field(None, ge=2, description="steps of a year (`freq`); 365, 52 or 12 by the length of a step")
    compat: Compat = Field(
        "",
        description="surveillance-1.20.3 repeats `bayes` with a half_window of 0 and this_year: now and the step before are its baseline",
    )


def bayes(series: Series, parameters: Bayes) -> Detected:
    """Alarm where a count exceeds the upper quantile of its prediction: negative binomial, from Jeffreys' prior and the baseline.

    With neither past years nor this year there is no baseline and nothing is evaluated.
    """
    whole = _without_gaps(series, parameters)
    return _with_gaps(series, parameters) if whole is None else whole


def _with_gaps(series: Series, parameters: Bayes) -> Detected:
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


def _without_gaps(series: Series, parameters: Bayes) -> Detected | None:
    """Answer block by block, with one table for all: baselines are equally long. None where that is not so, or the table too large."""
    areas, steps = series.counts.shape
    spans, first = _spans(series, parameters)
    number = sum(end - begin for begin, end in spans)
    largest = series.counts.max()  # nan with a gap
    if not number or first >= steps or max(end for _, end in spans) > 0 or np.isnan(largest) or not fits(largest, largest * number):
        return None
    most = int(largest), int(largest) * number
    chance = number / (number + 1)
    bound = Tabulated(lambda _, sums: negative_binomial_quantile(parameters.alpha, sums + 0.5, np.full_like(sums, chance)), (0, most[1]))
    tail = Tabulated(lambda counts, sums: negative_binomial_tail(counts, sums + 0.5, np.full_like(sums, chance)), most)
    expected, threshold, statistic, p_value = (np.empty((areas, steps)) for _ in range(4))
    alarm = np.empty((areas, steps), dtype=np.int8)
    for column in (expected, threshold, statistic, p_value):
        column[:, :first] = np.nan
    alarm[:, :first] = NOT_EVALUATED
    size = max(1, _BLOCK // steps)
    for low in range(0, areas, size):
        some, judged = slice(low, low + size), (slice(low, low + size), slice(first, None))
        counts = series.counts[judged]
        running = np.zeros((len(counts), steps + 1))
        np.cumsum(series.counts[some], axis=1, out=running[:, 1:])
        total = np.zeros(counts.shape)
        for begin, end in spans:
            total += running[:, first + end : steps + end]
            total -= running[:, first + begin : steps + begin]
        np.divide(total + 0.5, number, out=expected[judged])
        np.subtract(counts, expected[judged], out=statistic[judged])
        tail(counts, total, out=p_value[judged])
        bound(np.zeros(1), total, out=threshold[judged])
        np.greater(counts, threshold[judged], out=alarm[judged], casting="unsafe")
    return Detected(expected, threshold, statistic, p_value, alarm)


def _spans(series: Series, parameters: Bayes) -> tuple[list[tuple[int, int]], int]:
    """Return where the parts of a baseline begin and end, counted from the step that is judged, and the first step that has them all."""
    period, half = steps_of_year(series, parameters.period), parameters.half_window
    spans = [(-half, 0)] if parameters.this_year and half else []
    if parameters.this_year and not half and parameters.compat == "surveillance-1.20.3":
        spans = [(-1, 1)]  # R counts from t to t - 1
    spans += [(-year * period - half, -year * period + half + 1) for year in range(1, parameters.years + 1)]
    return spans, parameters.years * period + half


def _baseline(series: Series, parameters: Bayes) -> tuple[Floats, Floats, np.ndarray[tuple[int, ...], np.dtype[np.bool_]]]:
    steps = series.counts.shape[1]
    spans, first_whole = _spans(series, parameters)
    missing = np.isnan(series.counts)
    running = np.zeros((2, len(series.areas), steps + 1))
    np.cumsum(np.where(missing, 0, series.counts), axis=1, out=running[0, :, 1:])
    np.cumsum(~missing, axis=1, out=running[1, :, 1:])
    now = np.arange(steps)
    reachable = now >= first_whole
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

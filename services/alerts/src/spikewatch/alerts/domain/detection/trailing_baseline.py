"""Counts against the steps just before them: Poisson, and negative binomial where they vary more."""

from typing import Final

import numpy as np
from pydantic import Field

from spikewatch.alerts.domain.detection.algorithm import Algorithm, Parameters
from spikewatch.alerts.domain.detection.detection import Detected, alarms
from spikewatch.alerts.domain.detection.series import Floats, Series
from spikewatch.alerts.domain.detection.tails import (
    by_distinct,
    negative_binomial_quantile,
    negative_binomial_tail,
    poisson_quantile,
    poisson_tail,
)
from spikewatch.alerts.domain.detection.trailing import trailing

__all__ = ["ALGORITHMS", "TrailingBaseline", "negative_binomial_trailing", "poisson_trailing"]


class TrailingBaseline(Parameters):
    """Parameters of a trailing baseline."""

    baseline: int = Field(56, ge=2, description="steps of the baseline")
    guard: int = Field(1, ge=0, description="steps between the baseline and the step that is judged")
    least_baseline: int = Field(14, ge=2, description="steps with a count that there must be in the baseline")
    alpha: float = Field(1 / 365, gt=0, lt=1, description="probability of a count as large or larger without a spike, for each step")


def _baseline(series: Series, parameters: TrailingBaseline) -> tuple[Floats, Floats, Floats]:
    baseline = trailing(series.counts, parameters.baseline, guard=parameters.guard)
    usable = baseline.told >= parameters.least_baseline
    return tuple(np.where(usable, each, np.nan) for each in (baseline.total, baseline.squares, baseline.told))  # type: ignore[return-value]  # three


def _answer(series: Series, parameters: TrailingBaseline, expected: Floats, threshold: Floats, p_value: Floats) -> Detected:
    evaluated = ~np.isnan(threshold) & ~np.isnan(series.counts)
    return Detected(expected, threshold, series.counts - expected, p_value, alarms(p_value <= parameters.alpha, evaluated))


def poisson_trailing(series: Series, parameters: TrailingBaseline) -> Detected:
    """Alarm where a Poisson count of the baseline's mean is as large with a probability of at most alpha.

    The mean is (sum + 1/2) / steps, so that a calm baseline expects something; the threshold is the least count that raises an alarm.
    """
    total, _, told = _baseline(series, parameters)
    threshold = 1 + by_distinct(lambda sums, numbers: poisson_quantile(parameters.alpha, (sums + 0.5) / numbers), total, told)
    p_value = by_distinct(lambda counts, sums, numbers: poisson_tail(counts, (sums + 0.5) / numbers), series.counts, total, told)
    return _answer(series, parameters, (total + 0.5) / told, threshold, p_value)


def negative_binomial_trailing(series: Series, parameters: TrailingBaseline) -> Detected:
    """As ``poisson_trailing``, with the baseline's own variance where it exceeds the mean, and the mean's uncertainty added to it."""
    total, squares, told = _baseline(series, parameters)

    def shape(sums: Floats, squared: Floats, numbers: Floats) -> tuple[Floats, Floats]:
        mean = (sums + 0.5) / numbers
        variance = np.maximum(numbers * squared - sums * sums, 0) / (numbers * np.maximum(numbers - 1, 1))
        ratio = np.maximum(variance / mean, 1.0) * (1 + 1 / numbers)
        return mean / (ratio - 1), 1 / ratio

    def bound(sums: Floats, squared: Floats, numbers: Floats) -> Floats:
        return negative_binomial_quantile(parameters.alpha, *shape(sums, squared, numbers))

    def tail(counts: Floats, sums: Floats, squared: Floats, numbers: Floats) -> Floats:
        return negative_binomial_tail(counts, *shape(sums, squared, numbers))

    threshold = 1 + by_distinct(bound, total, squares, told)
    p_value = by_distinct(tail, series.counts, total, squares, told)
    return _answer(series, parameters, (total + 0.5) / told, threshold, p_value)


_SOURCE: Final = "tail probability of a trailing baseline; a guard step as in doi 10.3201/eid1504.080616"
ALGORITHMS: Final = (
    Algorithm("poisson_trailing", TrailingBaseline, poisson_trailing, "Poisson tail of the steps before", _SOURCE, {}),
    Algorithm("nb_trailing", TrailingBaseline, negative_binomial_trailing, "negative-binomial tail of the steps before", _SOURCE, {}),
)

"""Spike rules of ODMAP on counts by step: a chosen number, mean and standard deviations, the third largest of 30 days.

The recommended threshold has no published formula; "mean + 2 SD of historical counts" is the form that practice and studies have
(PMC11669124; doi 10.1111/add.16674), the third largest of 30 days is what its director described in 2017 (GCN Oct/Nov 2017, p. 54).
"""

from typing import Final, Literal

import numpy as np
from pydantic import Field

from spikewatch.alerts.domain.detection.algorithm import Algorithm, Parameters
from spikewatch.alerts.domain.detection.detection import Alarms, Detected, alarms, blank
from spikewatch.alerts.domain.detection.series import Floats, Series
from spikewatch.alerts.domain.detection.trailing import trailing

__all__ = ["ALGORITHMS", "Fixed", "MeanSd", "ThirdLargest", "fixed", "mean_sd", "third_largest"]

Comparison = Literal[">", ">="]


class Fixed(Parameters):
    """Parameters of a chosen threshold."""

    threshold: float = Field(5, ge=0, description="incidents in a step")
    comparison: Comparison = Field(">=", description="whether the threshold itself raises an alarm (>=) or not (>)")


class MeanSd(Parameters):
    """Parameters of mean and standard deviations."""

    k: float = Field(2.0, ge=0, description="standard deviations above the mean")
    history: int = Field(365, ge=2, description="steps before now that are looked at")
    least_history: int = Field(28, ge=2, description="steps with a count that there must be among them")
    guard: int = Field(0, ge=0, description="steps between the history and now")
    comparison: Comparison = Field(">", description="whether the threshold itself raises an alarm (>=) or not (>)")


class ThirdLargest(Parameters):
    """Parameters of the rank rule."""

    rank: int = Field(3, ge=1, description="how many times a count must have been reached")
    history: int = Field(30, ge=1, description="steps before now that are looked at")
    least_history: int = Field(28, ge=1, description="steps with a count that there must be among them")
    least_threshold: float = Field(2, ge=0, description="the threshold is never below: a calm month would alarm at every incident")
    comparison: Comparison = Field(">=", description="whether the threshold itself raises an alarm (>=) or not (>)")


def _compared(series: Series, threshold: Floats, comparison: Comparison) -> Alarms:
    exceeds = series.counts > threshold if comparison == ">" else series.counts >= threshold
    return alarms(exceeds, ~np.isnan(threshold) & ~np.isnan(series.counts))


def fixed(series: Series, parameters: Fixed) -> Detected:
    """Alarm where a count reaches a chosen number. Nothing is expected, so that there is no p-value."""
    threshold = np.full(series.counts.shape, float(parameters.threshold))
    alarm = _compared(series, threshold, parameters.comparison)
    return Detected(blank(series), threshold, series.counts - threshold, blank(series), alarm)


def mean_sd(series: Series, parameters: MeanSd) -> Detected:
    """Alarm where a count exceeds mean + k standard deviations of the steps before; the statistic is the number of deviations."""
    baseline = trailing(series.counts, parameters.history, guard=parameters.guard)
    usable = baseline.told >= parameters.least_history
    mean = np.where(usable, baseline.mean(), np.nan)
    deviation = np.where(usable, baseline.deviation(), np.nan)
    threshold = mean + parameters.k * deviation
    with np.errstate(divide="ignore", invalid="ignore"):
        score = np.where(series.counts == mean, 0.0, (series.counts - mean) / deviation)
    alarm = _compared(series, threshold, parameters.comparison)
    return Detected(mean, threshold, np.where(alarm >= 0, score, np.nan), blank(series), alarm)


def third_largest(series: Series, parameters: ThirdLargest) -> Detected:
    """Alarm where a count reaches what was reached ``rank`` times in the steps before."""
    baseline = trailing(series.counts, parameters.history)
    usable = baseline.told >= max(parameters.least_history, parameters.rank)
    filled = np.where(np.isnan(series.counts), -1.0, series.counts)
    steps = series.counts.shape[1]
    largest = [np.full(series.counts.shape, -1.0) for _ in range(parameters.rank)]
    for back in range(1, min(parameters.history, steps - 1) + 1):
        carried = np.full(series.counts.shape, -1.0)
        carried[:, back:] = filled[:, :-back]
        for rank, held in enumerate(largest):
            largest[rank], carried = np.maximum(held, carried), np.minimum(held, carried)
    threshold = np.where(usable, np.maximum(largest[-1], parameters.least_threshold), np.nan)
    alarm = _compared(series, threshold, parameters.comparison)
    return Detected(np.where(usable, baseline.mean(), np.nan), threshold, series.counts - threshold, blank(series), alarm)


ALGORITHMS: Final = (
    Algorithm(
        "fixed", Fixed, fixed, "a chosen number of incidents in a step", "odmap.org/Resources/SpikeAlerts", {"ODMAP": "agency's threshold"}
    ),
    Algorithm(
        "mean_sd",
        MeanSd,
        mean_sd,
        "mean + k standard deviations of past steps",
        "PMC11669124; doi 10.1111/add.16674",
        {"ODMAP": "recommended threshold"},
    ),
    Algorithm(
        "third_largest",
        ThirdLargest,
        third_largest,
        "what was reached three times in 30 days",
        "GCN Oct/Nov 2017, p. 54",
        {"ODMAP": "2017 rule"},
    ),
)

"""Detectors that can judge counts of which a known part has been reported: against that part of what they expect.

A count of which a share ``s`` is reported is thinned: its mean is ``s`` times the mean, its variance ``s² var + s (1 - s) mean``.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

import numpy as np

from spikewatch.alerts.domain.detection.detection import Detected, alarms
from spikewatch.alerts.domain.detection.odmap import MeanSd, mean_sd
from spikewatch.alerts.domain.detection.predictive import Predictive, predictive
from spikewatch.alerts.domain.detection.series import Floats, Series
from spikewatch.alerts.domain.detection.tails import poisson_quantile, poisson_tail
from spikewatch.alerts.domain.detection.trailing_baseline import TrailingBaseline, poisson_trailing

__all__ = ["CORRECTABLE", "looked_at_again", "partly_reported"]

_HISTORY: Final = 0.95  # a step of which less is reported is a gap in what trailing baselines look back to, never a calm step


_LOOKS: Final = 2.0  # that the looks at a step on several days count for; measured, see docs/detection/reporting-delays.md


def looked_at_again(p_value: Floats, share: Floats) -> Floats:
    """Return p-values of steps of which a share is reported: one that is not complete is judged again on later days.

    Without this a step would have several chances of a false alarm.
    """
    several: Floats = np.where(share < 1, np.minimum(p_value * _LOOKS, 1.0), p_value)
    return several


def partly_reported(algorithm: str, series: Series, parameters: Any, share: Floats, judged_from: int = 0) -> Detected:
    """Return what one of the algorithms in ``CORRECTABLE`` finds.

    ``share``, by area and step, is the part of each count that is reported; at 0 a step is not judged. ``expected`` and ``threshold``
    are of that part. Steps before ``judged_from`` need not be judged. ``also["phi"]`` is the variance over the mean of whole counts.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        if algorithm == "predictive":
            return _predictive(series, parameters, share, judged_from)
        return _CORRECTED[algorithm](series, parameters, share)


def _predictive(series: Series, parameters: Predictive, share: Floats, judged_from: int = 0) -> Detected:
    found = predictive(series, parameters, share, judged_from)
    p_value = looked_at_again(found.p_value, share)
    told = ~np.isnan(p_value)
    exceeds = (p_value <= parameters.alpha) & (found.also["observed_in_window"].astype(np.float64) >= parameters.minimum)
    return replace(found, statistic=-np.log(p_value), p_value=p_value, alarm=alarms(exceeds & told, told))


def _mean_sd(series: Series, parameters: MeanSd, share: Floats) -> Detected:
    whole = mean_sd(_without_unreported(series, share), parameters)
    mean = whole.expected
    deviation = (whole.threshold - mean) / parameters.k if parameters.k > 0 else np.zeros(mean.shape)
    threshold = mean * share + parameters.k * np.sqrt(share**2 * deviation**2 + share * (1 - share) * mean)
    exceeds = series.counts > threshold if parameters.comparison == ">" else series.counts >= threshold
    alarm = alarms(exceeds, ~np.isnan(threshold) & ~np.isnan(series.counts) & (share > 0))
    phi = np.where(mean > 0, deviation**2 / mean, 1.0)
    return Detected(mean * share, threshold, series.counts - mean * share, whole.p_value, alarm, {"phi": phi})


def _poisson_trailing(series: Series, parameters: TrailingBaseline, share: Floats) -> Detected:
    whole = poisson_trailing(_without_unreported(series, share), parameters)
    expected = whole.expected * share
    known = ~np.isnan(expected) & ~np.isnan(series.counts) & (share > 0)
    p_value = np.where(known, poisson_tail(np.nan_to_num(series.counts), np.nan_to_num(expected)), np.nan)
    p_value = looked_at_again(p_value, share)
    threshold = 1 + poisson_quantile(parameters.alpha, expected)
    alarm = alarms(p_value <= parameters.alpha, known)
    return Detected(expected, threshold, series.counts - expected, p_value, alarm, {"phi": np.ones(expected.shape)})


def _without_unreported(series: Series, share: Floats) -> Series:
    return Series(series.starts, np.where(share >= _HISTORY, series.counts, np.nan), series.areas)


_CORRECTED: Final[Mapping[str, Callable[[Series, Any, Floats], Detected]]] = {
    "predictive": _predictive,
    "mean_sd": _mean_sd,
    "poisson_trailing": _poisson_trailing,
}

CORRECTABLE: Final = tuple(_CORRECTED)
"""Names of the algorithms that can be corrected for the delay of reports."""

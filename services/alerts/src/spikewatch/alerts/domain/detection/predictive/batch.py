"""The default detector over whole histories: the incremental form, step by step."""

from typing import Final

import numpy as np

from spikewatch.alerts.domain.detection.algorithm import Algorithm
from spikewatch.alerts.domain.detection.detection import Detected, alarms, blank
from spikewatch.alerts.domain.detection.predictive.parameters import Predictive
from spikewatch.alerts.domain.detection.predictive.watch import Watch
from spikewatch.alerts.domain.detection.series import Floats, Series
from spikewatch.alerts.domain.detection.tails import negative_binomial_quantile

__all__ = ["ALGORITHMS", "predictive"]


def predictive(series: Series, parameters: Predictive, share: Floats | None = None, judged_from: int = 0) -> Detected:
    """Alarm where the windows that end with a step are more improbable than ``alpha``, given all that came before them.

    A discounted gamma-Poisson model of each area with trend, season and weekdays (see ``learnt.py``), judged by windows of several
    lengths (see ``windows.py``). ``expected`` is that of the step alone, ``threshold`` the count that the step would have to exceed
    were it looked at alone (with the steps before it a smaller one may alarm, or a larger one not), ``statistic`` the logarithm of the
    recurrence interval in steps. Nothing is evaluated before an area has been told of for as long as the longest window (seven days),
    unless ``population`` lets it start from the rate of the others. Weeks and months carry a season and no weekdays. ``share`` is the
    part of each count that has been reported, by area and step; ``expected`` is then that part of what is expected. Steps before
    ``judged_from`` are learnt from and not judged.
    """
    step_days = series.step_days()
    watch = Watch(len(series.areas), series.starts[0], parameters, step_days=step_days)
    p_value, expected, variance, dispersion, observed, within = (blank(series) for _ in range(6))
    window = np.zeros(series.counts.shape, dtype=np.int64)
    for step in range(series.counts.shape[1]):
        watch.advance(series.counts[:, step], population=None if series.population is None else series.population[:, step])
        if share is not None:
            watch.revise(0, series.counts[:, step], share[:, step])
        if step < judged_from:
            continue
        judged = watch.judge()
        p_value[:, step], window[:, step] = judged.p_value, judged.window
        expected[:, step], variance[:, step], dispersion[:, step] = judged.mean, judged.variance, judged.dispersion
        observed[:, step], within[:, step] = judged.observed, judged.expected
    evaluated = ~np.isnan(p_value)
    with np.errstate(invalid="ignore"):
        exceeds = (p_value <= parameters.alpha) & (observed >= parameters.minimum)
        mean, about = expected[:, judged_from:], variance[:, judged_from:]
        size = mean**2 / np.maximum(about - mean, mean * 1e-9)
        threshold = blank(series)
        threshold[:, judged_from:] = negative_binomial_quantile(parameters.alpha, size, size / (size + mean))
    return Detected(
        expected,
        threshold,
        -np.log(p_value),
        p_value,
        alarms(exceeds & evaluated, evaluated),
        {"window": window, "observed_in_window": observed, "expected_in_window": within, "phi": dispersion},
    )


ALGORITHMS: Final = (
    Algorithm(
        "predictive",
        Predictive,
        predictive,
        "the default: windows of 1, 2, 3 and 7 steps against a gamma-Poisson prediction with trend, season and weekdays",
        "West, Harrison and Migon 1985, doi 10.2307/2287954; weighted sums of squares: Zolotarev 1961, doi 10.1137/1106012",
        {},
        lambda series, parameters, judged_from: predictive(series, parameters, judged_from=judged_from),
    ),
)

"""Generalised likelihood ratio and likelihood-ratio CUSUM (Höhle and Paul 2008; `glrpois`, `glrnb` of R surveillance)."""

from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from spikewatch.alerts.domain.detection.algorithm import Algorithm, Compat
from spikewatch.alerts.domain.detection.detection import Detected, alarms, blank
from spikewatch.alerts.domain.detection.likelihood.chart_negative_binomial import NegativeBinomialChart
from spikewatch.alerts.domain.detection.likelihood.chart_poisson import PoissonChart
from spikewatch.alerts.domain.detection.likelihood.chart_windowed import EpidemicChart, WindowedChart
from spikewatch.alerts.domain.detection.likelihood.charts import Areas, Chart
from spikewatch.alerts.domain.detection.likelihood.columns import Columns
from spikewatch.alerts.domain.detection.likelihood.in_control_mean import InControl, InControlMean
from spikewatch.alerts.domain.detection.series import Floats, Series

__all__ = ["ALGORITHMS", "Glr", "GlrPoisson", "LrCusum", "glr_negative_binomial", "glr_poisson", "lr_cusum"]

_CHUNK: Final = 256  # areas whose charts of all factors are held together
_SOURCE: Final = "Höhle, Paul 2008, doi 10.1016/j.csda.2008.02.015"


class GlrPoisson(InControlMean):
    """Parameters of the Poisson generalised likelihood ratio."""

    limit: float = Field(5.0, gt=0, description="log likelihood ratio that raises an alarm (`c.ARL`)")
    change: Literal["intercept", "epi"] = Field("intercept", description="a factor on the mean, or a share of the count before added to it")
    direction: Literal["inc", "dec"] = Field("inc", description="whether a rise or a fall of the mean is sought (`dir`)")
    window: int = Field(-1, ge=-1, description="steps back at which a change may have begun (`M`); -1 for all since the last alarm")
    least_steps: int = Field(1, ge=1, description="steps that a change must last before it is judged (`Mtilde`)")
    finds_threshold: bool = Field(True, description="whether the count that would raise an alarm is sought (`ret = cases`)")
    compat: Compat = Field("", description="surveillance-1.20.3 repeats its search for the epidemic share, which can stop at none")


class Glr(GlrPoisson):
    """Parameters of the negative-binomial generalised likelihood ratio."""

    alpha: float | None = Field(
        None,
        ge=0,
        description="dispersion: variance = mean + alpha mean squared; learnt from the training as `MASS::glm.nb` does if not given",
    )
    max_threshold: float = Field(10_000, ge=1, description="counts beyond this are not tried as thresholds (`xMax`)")


class LrCusum(InControlMean):
    """Parameters of the likelihood-ratio CUSUM."""

    limit: float = Field(5.0, gt=0, description="log likelihood ratio that raises an alarm when exceeded (`c.ARL`)")
    theta: float = Field(float(np.log(2)), description="logarithm of the factor by which the mean changes (`theta`)")
    alpha: float | None = Field(
        0.0, ge=0, description="dispersion: variance = mean + alpha mean squared; 0 for Poisson, none to learn it as `MASS::glm.nb` does"
    )


def glr_poisson(series: Series, parameters: GlrPoisson) -> Detected:
    """Alarm where, over all starts since the last alarm, some raised mean is exp(limit) times likelier than the expected one.

    The statistic is the log ratio, the threshold the least count that would raise an alarm. After an alarm the chart starts anew. A gap
    adds nothing to a chart.
    """
    return _run(series, parameters, 0.0, 10_000)


def glr_negative_binomial(series: Series, parameters: Glr) -> Detected:
    """As ``glr_poisson``, with counts that vary more than Poisson's.

    A dispersion that is not given is what ``MASS::glm.nb`` ends at, early stops and reached limits included; it is 0, and the mean that
    of a Poisson regression, where that ends in an error. The ratio is the largest of all starts and factors: surveillance 1.20.3 gives
    another, often 0, where its Newton's method runs off (counts far above means well below 1).
    """
    return _run(series, parameters, parameters.alpha, parameters.max_threshold)


def _run(series: Series, parameters: GlrPoisson, alpha: float | None, most: float) -> Detected:
    if parameters.training >= series.counts.shape[1]:
        return _nothing(series)
    if alpha == 0 or len(series.areas) <= _CHUNK:
        return _charted(series, parameters, alpha, most)
    parts = []
    for first in range(0, len(series.areas), _CHUNK):
        some = slice(first, first + _CHUNK)
        parts.append(_charted(Series(series.starts, series.counts[some], series.areas[some]), parameters, alpha, most))
    whole = [
        np.concatenate(each)
        for each in zip(*((part.expected, part.threshold, part.statistic, part.p_value) for part in parts), strict=True)
    ]
    return Detected(whole[0], whole[1], whole[2], whole[3], np.concatenate([part.alarm for part in parts]))


def _charted(series: Series, parameters: GlrPoisson, alpha: float | None, most: float) -> Detected:
    control = InControl.of(series, parameters, alpha)
    columns = Columns(series, parameters.training, with_threshold=parameters.finds_threshold)
    chart = _chart(parameters, (columns.steps, len(series.areas)), control.alpha, most)
    strict = isinstance(chart, EpidemicChart) and not (control.alpha > 0).any()
    every = np.arange(len(series.areas))
    for block in columns.blocks():
        means, counts = control.block(block.low, block.high), block.counts
        told: NDArray[np.bool_] = ~np.isnan(counts) & ~np.isnan(means)
        is_whole = np.logical_and.reduce(told, axis=1)
        if parameters.finds_threshold and not parameters.refit and isinstance(chart, PoissonChart):
            chart.look_ahead(block.low, means)
        for at_row, (row, mean) in enumerate(zip(counts, means, strict=True)):
            step = block.low + at_row
            areas = every if is_whole[at_row] else told[at_row].nonzero()[0]
            if not len(areas):
                continue
            at: tuple[int, slice | Areas] = (at_row, slice(None))
            if not is_whole[at_row]:
                at, row, mean = (at_row, areas), row[areas], mean[areas]  # noqa: PLW2901  # of the areas that told it
            if parameters.finds_threshold:
                block.threshold[at] = chart.threshold(areas, step, mean)
            value = chart.advance(areas, step, row, mean)
            raised = value > parameters.limit if strict else value >= parameters.limit
            block.statistic[at], block.alarm[at] = value, raised
            if raised.any():
                chart.restart(areas[raised], row[raised])
                control.alarmed(areas[raised], step)
        columns.take(block, means)
    return columns.detected()


def _chart(parameters: GlrPoisson, shape: tuple[int, int], alpha: Floats, most: float) -> Chart:
    if parameters.change == "epi":
        like_peer = parameters.compat == "surveillance-1.20.3"
        return EpidemicChart(shape, alpha, parameters.window, parameters.least_steps, like_peer=like_peer)
    if (alpha > 0).any():
        return NegativeBinomialChart(shape, alpha, parameters, most)
    if parameters.window > 0 or parameters.direction == "dec":
        return WindowedChart(shape, parameters.window, parameters.least_steps, parameters.direction, parameters.limit)
    return PoissonChart(shape[1], parameters.limit, parameters.least_steps)


def _nothing(series: Series) -> Detected:
    return Detected(
        blank(series),
        blank(series),
        blank(series),
        blank(series),
        alarms(np.zeros(series.counts.shape, bool), np.zeros(series.counts.shape, bool)),
    )


def lr_cusum(series: Series, parameters: LrCusum) -> Detected:
    """Alarm where max(0, sum before + log likelihood ratio of the changed mean) exceeds the limit; then the sum starts anew.

    The threshold is the count that would reach the limit. A gap leaves the sum as it was.
    """
    if parameters.training >= series.counts.shape[1]:
        return _nothing(series)
    control = InControl.of(series, parameters, parameters.alpha)
    columns = Columns(series, parameters.training, with_threshold=True)
    factor, theta, limit, alpha = float(np.exp(parameters.theta)), parameters.theta, parameters.limit, control.alpha
    size = 1 / np.where(alpha > 0, alpha, 1.0)
    sums = np.zeros(len(series.areas))
    for block in columns.blocks(1 if parameters.refit else None):
        mean = control.block(block.low, block.high)
        slope: Floats | float = theta
        offset = (1 - factor) * mean
        if (alpha > 0).any():
            spread = np.log((1 + alpha * mean) / (1 + alpha * mean * factor))
            slope = np.where(alpha > 0, theta + spread, theta)
            offset = np.where(alpha > 0, size * spread, offset)
        gains = slope * block.counts + offset
        before = block.threshold
        is_whole = not np.isnan(gains).any()
        for at_row, gain in enumerate(gains):
            before[at_row] = sums
            after = np.maximum(np.add(sums, gain, out=block.statistic[at_row]), 0.0, out=block.statistic[at_row])
            raised = (after > limit).nonzero()[0]
            sums = after.copy() if is_whole else np.where(np.isnan(after), sums, after)
            sums[raised] = 0.0
            control.alarmed(raised, block.low + at_row)
        block.alarm[:] = np.where(np.isnan(block.statistic), -1, block.statistic > limit)
        with np.errstate(divide="ignore", invalid="ignore"):  # where nothing is expected
            np.maximum((limit - before - offset) / slope, 0, out=block.threshold)
        columns.take(block, mean)
    return columns.detected()


ALGORITHMS: Final = (
    Algorithm(
        "glr_poisson",
        GlrPoisson,
        glr_poisson,
        "some raised mean since some past step, Poisson",
        _SOURCE,
        {"surveillance": "glrpois", "epysurv": "GLRPoisson"},
    ),
    Algorithm(
        "glr_nb",
        Glr,
        glr_negative_binomial,
        "some raised mean since some past step, negative binomial",
        _SOURCE,
        {"surveillance": "glrnb", "epysurv": "GLRNegativeBinomial"},
    ),
    Algorithm(
        "lr_cusum", LrCusum, lr_cusum, "a mean raised by a known factor", _SOURCE, {"surveillance": "glrpois(theta = …), glrnb(theta = …)"}
    ),
)

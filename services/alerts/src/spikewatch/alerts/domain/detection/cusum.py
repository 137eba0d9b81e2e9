"""Cumulative sums of transformed counts (Rossi and others 1999; Rogerson and Yamada 2004; `cusum` of R surveillance)."""

from typing import Final, Literal

import numpy as np
from pydantic import Field
from scipy.special import hyp2f1

from spikewatch.alerts.domain.detection.algorithm import Algorithm, Compat, Parameters
from spikewatch.alerts.domain.detection.detection import NOT_EVALUATED, Detected, alarms, blank
from spikewatch.alerts.domain.detection.evaluated_steps import each_evaluated
from spikewatch.alerts.domain.detection.harmonic import design, fit_counts
from spikewatch.alerts.domain.detection.period import steps_of_year
from spikewatch.alerts.domain.detection.series import Floats, Series

__all__ = ["ALGORITHMS", "Cusum", "cusum", "in_control"]

_BLOCK: Final = 100_000  # counts that are judged together: they stay in the processor's cache
Transform = Literal["standard", "rossi", "anscombe", "anscombe2nd", "pearsonNegBin", "anscombeNegBin", "none"]


class Cusum(Parameters):
    """Parameters of the cumulative sum."""

    training: int = Field(365, ge=1, description="steps before the first that is evaluated; the in-control mean is learnt from them")
    k: float = Field(
        1.04, description="reference value: what a step may exceed its mean by, in transformed units; below 0 the sum rises by itself"
    )
    h: float = Field(2.26, ge=0, description="decision interval: the sum that raises an alarm; at 0 every step does")
    mean: float | tuple[float, ...] | Literal["training", "glm"] = Field(
        "training",
        description="in-control mean (`m`): of the training steps, by a Poisson regression with a yearly wave, a number, "
        "or a number for each evaluated step",
    )
    transform: Transform = Field("standard", description="how counts are made comparable (`trans`)")
    alpha: float = Field(0.1, ge=0, description="dispersion of the two negative-binomial transforms: variance = mean + alpha mean squared")
    reset: bool = Field(False, description="whether the sum starts anew after an alarm")
    period: int | None = Field(None, ge=2, description="steps of a year (`freq`); 365, 52 or 12 by the length of a step")
    compat: Compat = Field(
        "",
        description="surveillance-1.20.3 repeats `cusum`: no mean above 0 for an area without an incident, upper bounds of anscombe2nd, "
        "anscombeNegBin and none as printed there, the hypergeometric function from a coarse table, a gap ends the sum",
    )


def in_control(series: Series, training: int, mean: float | tuple[float, ...] | str, period: int, *, floor: bool) -> Floats:
    """Return the in-control mean of each area and step; of the training steps nan. ``floor`` keeps it above 0.

    Raises:
        SeriesError: the means given are not as many as the evaluated steps.
    """
    expected = blank(series)
    if training < series.counts.shape[1]:
        expected[:, training:] = _means(series.counts, training, mean, period, floor=floor)
    return expected


def _means(counts: Floats, training: int, mean: float | tuple[float, ...] | str, period: int, *, floor: bool) -> Floats:
    """Return the in-control means after the training, by area and step; of one step where all have the same."""
    steps = counts.shape[1]
    told = ~np.isnan(counts[:, :training])
    number = told.sum(axis=1)
    expected: Floats
    if mean == "training":
        average = np.where(told, counts[:, :training], 0.0).sum(axis=1) / np.maximum(number, 1)
        enough = number > 0 if floor else number == training  # the peer's mean of a gap is none
        expected = np.where(enough, average, np.nan)[:, None]
    elif mean == "glm":
        times = np.arange(steps, dtype=np.float64) + 1
        rows = design(times, period, harmonics=1, trend=False)
        expected = fit_counts(rows[:training], counts[:, :training]).mean(rows[training:])
        expected[number == 0] = np.nan
    elif isinstance(mean, tuple):
        expected = np.broadcast_to(each_evaluated(mean, steps - training, "mean"), (len(counts), steps - training))
    else:
        expected = np.full((len(counts), 1), float(mean))
    # half an incident in the whole training, as Jeffreys' prior has it: an area without incidents may have one
    return np.maximum(expected, (0.5 / np.maximum(number, 1))[:, None]) if floor else expected


def _waved(count: Floats, alpha: float, *, table: bool) -> Floats:
    """Return Anscombe's transform of a negative-binomial count before it is scaled."""
    argument = -alpha * count
    if table:
        coarse = np.where(argument >= -10, np.round(argument, 2), argument)
        low, high = hyp2f1(1 / 3, 2 / 3, 5 / 3, np.floor(coarse)), hyp2f1(1 / 3, 2 / 3, 5 / 3, np.ceil(coarse))
        part = coarse - np.floor(coarse)
        value = np.where(coarse >= -10, hyp2f1(1 / 3, 2 / 3, 5 / 3, coarse), low + (high - low) * part)
        value = np.where(coarse < -100, np.nan, value)
    else:
        value = hyp2f1(1 / 3, 2 / 3, 5 / 3, argument)
    return np.asarray(1.5 * count ** (2 / 3) * value, dtype=np.float64)


def _transformed(count: Floats, mean: Floats, parameters: Cusum) -> Floats:
    alpha, root = parameters.alpha, np.sqrt(mean)
    score: Floats
    match parameters.transform:
        case "standard":
            return (count - mean) / root
        case "rossi":
            score = (count - 3 * mean + 2 * np.sqrt(count * mean)) / (2 * root)
            return score
        case "anscombe":
            third, of_count = np.cbrt(mean), np.cbrt(count)
            score = 1.5 * (of_count * of_count - third * third) / np.sqrt(third)
            return score
        case "anscombe2nd":
            centre = np.cbrt(mean) ** 2 - 1 / np.cbrt(mean) / 9
            score = (np.cbrt(count) ** 2 - centre) / (2 / 3 * np.sqrt(np.cbrt(mean)))
            return score
        case "pearsonNegBin":
            return (count - mean) / np.sqrt(mean + alpha * mean * mean)
        case "anscombeNegBin":
            table = parameters.compat == "surveillance-1.20.3"
            return (_waved(count, alpha, table=table) - _waved(mean, alpha, table=table)) / (mean + alpha * mean * mean) ** (1 / 6)
        case "none":
            return count


def _needed(lack: Floats, mean: Floats, parameters: Cusum) -> Floats:
    """Return the count whose transform is ``lack``: what the sum still needs, and the reference value."""
    root, like_peer = np.sqrt(mean), parameters.compat == "surveillance-1.20.3"
    match parameters.transform:
        case "standard":
            return np.ceil(root * lack + mean)
        case "rossi":
            # the peer squares a negative root, too: a count that would be needed where none is
            rise = np.sqrt(4 * mean + 2 * lack * root) - root
            return rise**2 if like_peer else np.fmax(rise, 0) ** 2
        case "anscombe":
            third = np.cbrt(mean)
            power = np.maximum(2 / 3 * np.sqrt(third) * lack + third * third, 0)
            needed: Floats = power * np.sqrt(power)
            return needed
        case "anscombe2nd":
            correction = mean ** (1 / 3 if like_peer else -1 / 3) / 9
            return np.maximum(2 / 3 * mean ** (1 / 6) * lack + mean ** (2 / 3) - correction, 0) ** 1.5
        case "pearsonNegBin":
            return np.sqrt(mean + parameters.alpha * mean * mean) * lack + mean
        case "none":
            return lack
        case "anscombeNegBin":
            return np.full_like(lack, np.nan)  # no inverse in closed form


def cusum(series: Series, parameters: Cusum) -> Detected:
    """Alarm where max(0, sum before + transformed count - k) reaches h.

    The threshold is the count that would raise the alarm, nan for anscombeNegBin. A gap leaves the sum as it was.
    """
    first, (areas, steps) = parameters.training, series.counts.shape
    period = steps_of_year(series, parameters.period)
    expected, threshold, sums = (np.empty(series.counts.shape) for _ in range(3))
    nothing = np.broadcast_to(np.nan, series.counts.shape)
    found = Detected(expected, threshold, sums, nothing, np.empty(series.counts.shape, dtype=np.int8))
    size = max(1, _BLOCK // max(1, steps - first))
    for low in range(0, areas, size):
        _judged(series.counts[low : low + size], parameters, period, found, slice(low, low + size))
    return found


def _judged(counts: Floats, parameters: Cusum, period: int, found: Detected, areas: slice) -> None:
    """Judge some areas; inside, arrays are by step and area, as sums go on from step to step."""
    like_peer, first = parameters.compat == "surveillance-1.20.3", parameters.training
    for column in (found.expected, found.threshold, found.statistic):
        column[areas, :first] = np.nan
    found.alarm[areas, :first] = NOT_EVALUATED
    if first >= counts.shape[1]:
        return
    mean = np.ascontiguousarray(_means(counts, first, parameters.mean, period, floor=not like_peer).T)
    now = np.ascontiguousarray(counts[:, first:].T)
    with np.errstate(divide="ignore", invalid="ignore"):
        scores = _transformed(now, mean, parameters)
        after, before = _summed(scores - parameters.k, parameters, like_peer=like_peer)
        if like_peer and parameters.transform in {"none", "anscombeNegBin"}:
            threshold = parameters.h - after
        else:
            threshold = _needed(parameters.h + parameters.k - before, mean, parameters)
    if like_peer:
        threshold[np.isnan(threshold)] = 0.0
    found.expected[areas, first:] = mean.T
    found.threshold[areas, first:] = np.maximum(threshold, 0, out=threshold).T
    found.statistic[areas, first:] = after.T
    found.alarm[areas, first:] = alarms(after >= parameters.h, ~np.isnan(after) & ~np.isnan(now)).T


def _summed(scores: Floats, parameters: Cusum, *, like_peer: bool) -> tuple[Floats, Floats]:
    """Return the sums after and before each step, by step and area."""
    after = np.empty_like(scores)
    before = np.zeros_like(scores)
    if not parameters.reset and (like_peer or not np.isnan(scores).any()):
        current = before[0] if len(scores) else np.zeros(scores.shape[1])
        for step, score in enumerate(scores):
            current = np.maximum(np.add(current, score, out=after[step]), 0.0, out=after[step])
        before[1:] = after[:-1]
        return after, before
    current = np.zeros(scores.shape[1])
    for step, score in enumerate(scores):
        before[step] = current
        following = after[step] = np.maximum(0, current + score)
        if not like_peer:
            following = np.where(np.isnan(following), current, following)
        if parameters.reset:
            following = np.where(following >= parameters.h, 0.0, following)
        current = following
    return after, before


ALGORITHMS: Final = (
    Algorithm(
        "cusum",
        Cusum,
        cusum,
        "cumulative sum of what counts exceed their mean by, for slow rises",
        "Rossi, Lampugnani, Marchi 1999; Höhle 2007, doi 10.1007/s00180-007-0074-8",
        {"surveillance": "cusum", "epysurv": "Cusum"},
    ),
)

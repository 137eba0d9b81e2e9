"""Outbreak detection without a baseline: constant against never falling (Frisén, Andersson and Schiöler 2009)."""

from typing import Final

import numpy as np
from pydantic import Field

from spikewatch.alerts.domain.detection.algorithm import Algorithm, Parameters
from spikewatch.alerts.domain.detection.detection import Detected, alarms, blank
from spikewatch.alerts.domain.detection.likelihood.pooled_blocks import PooledBlocks
from spikewatch.alerts.domain.detection.series import Floats, Series

__all__ = ["ALGORITHMS", "OutbreakP", "outbreak_p"]


class OutbreakP(Parameters):
    """Parameters of the outbreak statistic."""

    k: float = Field(100.0, gt=0, description="likelihood ratio that raises an alarm")
    finds_threshold: bool = Field(True, description="whether the count that would raise an alarm is sought (`ret = cases`); it costs time")
    max_threshold: float = Field(
        1e5, ge=1, description="counts beyond this and the step's own are not tried as thresholds (`maxUpperboundCases`)"
    )


def outbreak_p(series: Series, parameters: OutbreakP) -> Detected:
    """Alarm where a mean that never falls explains all counts so far more than k times better than a constant mean.

    The statistic is the ratio, infinite beyond the largest double; the threshold is the least count with a larger ratio, nan
    where there is none. A gap adds nothing to the history.
    """
    areas, steps = series.counts.shape
    blocks = PooledBlocks(areas)
    statistic, threshold, mean = blank(series), blank(series), blank(series)
    total, number, entropy = np.zeros(areas), np.zeros(areas), np.zeros(areas)
    for step in range(steps):
        counts = series.counts[:, step]
        told = np.flatnonzero(~np.isnan(counts))
        if not len(told):
            continue
        if parameters.finds_threshold:
            threshold[told, step] = _least(blocks, told, counts[told], (total, number, entropy), parameters)
        entropy[told] = _push(blocks, told, counts[told], entropy[told])
        total[told] += counts[told]
        number[told] += 1
        mean[told, step] = total[told] / number[told]
        with np.errstate(over="ignore"):
            statistic[told, step] = np.exp(entropy[told] - _part(total[told], number[told]))
    evaluated = ~np.isnan(statistic)
    return Detected(mean, threshold, statistic, blank(series), alarms(statistic > parameters.k, evaluated))


def _part(sums: Floats, weights: Floats) -> Floats:
    """Return sum · log(sum / weight), 0 for nothing."""
    part: Floats = np.where(sums > 0, sums * np.log(np.maximum(sums, 1e-300) / np.maximum(weights, 1)), 0.0)
    return part


def _push(blocks: PooledBlocks, areas: np.ndarray[tuple[int, ...], np.dtype[np.intp]], counts: Floats, entropy: Floats) -> Floats:
    """Add a step and return the sum of all blocks' parts, from the blocks that changed alone."""
    before = blocks.depth[areas].copy()
    deepest = blocks.deepest
    old = _part(blocks.sums[:deepest, areas], blocks.weights[:deepest, areas]) if deepest else np.zeros((0, len(areas)))
    blocks.push(areas, counts, np.ones(len(areas)))
    after = blocks.depth[areas]
    gone = (np.arange(deepest)[:, None] >= after - 1) & (np.arange(deepest)[:, None] < before)
    top = after - 1, areas
    following: Floats = entropy - np.where(gone, old, 0.0).sum(axis=0) + _part(blocks.sums[top], blocks.weights[top])
    return following


def _least(
    blocks: PooledBlocks,
    areas: np.ndarray[tuple[int, ...], np.dtype[np.intp]],
    now: Floats,
    before: tuple[Floats, Floats, Floats],
    parameters: OutbreakP,
) -> Floats:
    """Return the least count whose ratio is above k, by halves; the ratio rises with the count.

    ``before`` has the sum, number and parts of the counts so far. The step's own counts (``now``) are tried, however large.
    """
    total, number, entropy = before
    limit = np.log(parameters.k)

    def above(at: np.ndarray[tuple[int, ...], np.dtype[np.intp]], counts: Floats) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
        area = areas[at]
        top = blocks.depth[area].copy()
        sums, weights, parts = counts.copy(), np.ones(len(at)), entropy[area].copy()
        moving = np.flatnonzero(top > 0)
        while len(moving):
            below = top[moving] - 1, area[moving]
            pooled = sums[moving] * blocks.weights[below] <= blocks.sums[below] * weights[moving]
            moving, below = moving[pooled], (below[0][pooled], below[1][pooled])
            parts[moving] -= _part(blocks.sums[below], blocks.weights[below])
            sums[moving] += blocks.sums[below]
            weights[moving] += blocks.weights[below]
            top[moving] -= 1
            moving = moving[top[moving] > 0]
        larger: np.ndarray[tuple[int, ...], np.dtype[np.bool_]] = (
            parts + _part(sums, weights) - _part(total[area] + counts, number[area] + 1) > limit
        )
        return larger

    low, high = np.full(len(areas), -1.0), np.maximum(now, parameters.max_threshold)
    found = above(np.arange(len(areas)), high)
    open_ = np.flatnonzero(found)
    while len(open_):
        middle = np.floor((low[open_] + high[open_]) / 2)
        is_above = above(open_, middle)
        high[open_[is_above]] = middle[is_above]
        low[open_[~is_above]] = middle[~is_above]
        open_ = open_[high[open_] - low[open_] > 1]
    return np.where(found & (number[areas] > 0), high, np.nan)


ALGORITHMS: Final = (
    Algorithm(
        "outbreak_p",
        OutbreakP,
        outbreak_p,
        "a mean that never falls against a constant one, without a baseline",
        "Frisén, Andersson, Schiöler 2009, doi 10.1002/sim.3497",
        {"surveillance": "outbreakP", "epysurv": "OutbreakP"},
    ),
)

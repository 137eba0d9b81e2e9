"""Quasi-Poisson regressions on groups and a trend, many areas at a time.

Steps of Fisher scoring as R's ``glm`` makes them, from the same start to the same end, so that results agree to rounding. The
information matrix is an arrow (groups are disjoint, the trend touches all), so that each step is sums over groups and no matrix
is solved.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import xlogy

from spikewatch.alerts.domain.detection.series import Floats

__all__ = ["Fit", "Groups", "fit"]

_ROUNDS: Final = 25
_ENOUGH: Final = 1e-8  # relative change of the deviance
_START: Final = 0.1  # added to counts for the first means


@dataclass(frozen=True, slots=True)
class Groups:
    """Which observations belong together, the last group being the one predicted, and when each was, 0 being the step predicted."""

    index: NDArray[np.intp]
    times: Floats
    _begins: NDArray[np.intp]

    @classmethod
    def of(cls, labels: NDArray[np.intp], times: Floats) -> "Groups":
        """Make groups of labels that rise; the last is the group predicted.

        Raises:
            ValueError: a label is smaller than the one before it.
        """
        if (np.diff(labels) < 0).any():
            raise ValueError("labels: expected the observations of a group next to one another, and labels that rise")
        _, begins, index = np.unique(labels, return_index=True, return_inverse=True)
        return cls(index, times, begins)

    @property
    def number(self) -> int:
        """How many groups there are."""
        return len(self._begins)

    def total(self, values: Floats) -> Floats:
        """Return sums by area and group."""
        summed: Floats = np.add.reduceat(values, self._begins, axis=1)
        return summed

    def totals(self, values: Floats, *, trend: bool) -> tuple[Floats, Floats, Floats]:
        """Return sums of values and, for a trend, of values times time and of values times time squared; by area and group."""
        plain = self.total(values)
        if not trend:
            return plain, np.zeros_like(plain), np.zeros_like(plain)
        timed = values * self.times
        return plain, self.total(timed), self.total(timed * self.times)


@dataclass(frozen=True, slots=True)
class Fit:
    """A regression for each area.

    ``mean`` is by area and observation. ``dispersion`` is Pearson's over the degrees of freedom, not kept above 1; ``raw_dispersion``
    the same with the prior weights instead of the working ones. ``unit_variance`` is that of the predictor at the step predicted,
    ``slope_variance`` that of the trend, both for a dispersion of 1.
    """

    level: Floats
    slope: Floats
    mean: Floats
    leverage: Floats
    dispersion: Floats
    raw_dispersion: Floats
    unit_variance: Floats
    slope_variance: Floats
    freedom: Floats
    converged: NDArray[np.bool_]


def fit(groups: Groups, counts: Floats, weights: Floats, exposure: Floats | None, *, trend: bool) -> Fit:
    """Fit counts (areas, observations) with prior weights; an observation of weight 0 does not count.

    ``exposure`` multiplies the mean (an offset of its logarithm).
    """
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):  # a fit that diverges is told by `converged`
        return _fit(groups, counts, weights, exposure, trend=trend)


def _fit(groups: Groups, counts: Floats, weights: Floats, exposure: Floats | None, *, trend: bool) -> Fit:
    areas = len(counts)
    offset = 0.0 if exposure is None else np.log(exposure)
    began = counts + _START
    first = weights * began
    level, slope, deviance = np.zeros((areas, groups.number)), np.zeros(areas), np.full(areas, np.nan)
    # the first step starts from the counts themselves
    s0, s1, s2 = groups.totals(first, trend=trend)
    r0, r1, _ = groups.totals(first * (np.log(began) - offset) - weights * _START, trend=trend)
    level, slope = _solved(s0, s1, s2, r0, r1.sum(axis=1), trend=trend)
    y0, y1, _ = groups.totals(weights * counts, trend=trend)
    itself = xlogy(counts, counts)
    constant = (weights * (itself - counts - counts * offset)).sum(axis=1)
    before = 2 * ((weights * (itself - xlogy(counts, began))).sum(axis=1) + _START * weights.sum(axis=1))
    lastly = first.copy() if trend else first  # working weights of the step that gave the coefficients
    converged = np.zeros(areas, dtype=bool)
    open_ = np.arange(areas)
    exposed = weights if exposure is None else weights * exposure
    still = groups.totals(exposed, trend=False) if not trend else None
    sums = [s0, s1, s2]
    scale = np.full((areas, groups.number), np.nan)
    for round_ in range(_ROUNDS):
        growth = None
        if still is None:
            growth = np.exp(slope[open_, None] * groups.times)
            growth *= exposed[open_]
            parts = groups.totals(growth, trend=True)
        else:
            parts = tuple(each[open_] for each in still)  # type: ignore[assignment]  # three of them
        height = np.exp(level[open_])
        now = [part * height for part in parts]
        deviance = 2 * (
            constant[open_] - (y0[open_] * level[open_]).sum(axis=1) - slope[open_] * y1[open_].sum(axis=1) + now[0].sum(axis=1)
        )
        done = np.abs(deviance - before[open_]) / (np.abs(deviance) + 0.1) < _ENOUGH
        before[open_] = deviance
        converged[open_[done]] = True
        going = np.flatnonzero(~done)
        if not len(going) or round_ == _ROUNDS - 1:
            break
        at = open_[going]
        scale[at] = height[going]
        if growth is not None:
            lastly[at] = growth[going] * height[going][:, groups.index]
        for kept, each in zip(sums, now, strict=True):
            kept[at] = each[going]
        score0, score1 = y0[at] - now[0][going], (y1[at] - now[1][going]).sum(axis=1)
        more, steeper = _solved(now[0][going], now[1][going], now[2][going], score0, score1, trend=trend)
        level[at] += more
        slope[at] += steeper
        open_ = at
    if not trend:
        moved = ~np.isnan(scale[:, :1])
        lastly = np.where(moved, exposed * scale[:, groups.index], lastly)
    return _judged(groups, counts, weights, exposure, level, slope, lastly, (sums[0], sums[1], sums[2]), converged, trend=trend)


def _solved(s0: Floats, s1: Floats, s2: Floats, r0: Floats, r1: Floats, *, trend: bool) -> tuple[Floats, Floats]:
    """Solve the arrow system for the groups' levels and the slope."""
    each = np.where(s0 > 0, s0, 1.0)
    if not trend:
        return r0 / each, np.zeros(len(s0))
    centre = s1 / each
    steep = (s2 - s1 * centre).sum(axis=1)
    slope = (r1 - (centre * r0).sum(axis=1)) / np.where(steep > 0, steep, np.inf)
    return (r0 - s1 * slope[:, None]) / each, slope


def _judged(
    groups: Groups,
    counts: Floats,
    weights: Floats,
    exposure: Floats | None,
    level: Floats,
    slope: Floats,
    working: Floats,
    sums: tuple[Floats, Floats, Floats],
    converged: NDArray[np.bool_],
    *,
    trend: bool,
) -> Fit:
    mean = np.exp(level[:, groups.index] + slope[:, None] * groups.times) if trend else np.exp(level)[:, groups.index]
    if exposure is not None:
        mean *= exposure
    s0, s1, s2 = sums
    each = np.where(s0 > 0, s0, np.inf)
    inverse = 1 / each
    unit, slope_variance = inverse[:, -1].copy(), np.full(len(counts), np.nan)
    leverage = inverse[:, groups.index]
    if trend:
        centre = s1 / each
        steep = (s2 - s1 * centre).sum(axis=1)
        slope_variance = 1 / np.where(steep > 0, steep, np.nan)
        away = groups.times - centre[:, groups.index]
        leverage = leverage + away * away * slope_variance[:, None]
        unit += centre[:, -1] ** 2 * slope_variance
    leverage = leverage * working
    residual = np.where(weights > 0, (counts - mean) / mean, 0.0)
    residual *= residual
    used = (weights > 0).sum(axis=1) - (s0 > 0).sum(axis=1) - int(trend)
    freedom = np.where(used > 0, used, np.nan).astype(np.float64)
    dispersion = np.einsum("ao,ao->a", working, residual) / freedom
    raw = np.einsum("ao,ao->a", weights, residual) / freedom
    return Fit(level, slope, mean, leverage, dispersion, raw, unit, slope_variance, freedom, converged)

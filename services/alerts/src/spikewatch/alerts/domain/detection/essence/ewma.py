"""ESSENCE's exponentially weighted moving average: today's smoothed count against the mean of the weeks before.

Source: H. Burkom, Development, adaptation, and assessment of alerting algorithms for biosurveillance, Johns Hopkins APL Technical
Digest 24(4), 2003; numbers as in Rnssp 0.3.1 ``alert_ewma``.
"""

from dataclasses import dataclass
from typing import Annotated, Final

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy.special import stdtr, stdtrit

from spikewatch.alerts.domain.detection.algorithm import Algorithm, Parameters
from spikewatch.alerts.domain.detection.detection import Detected
from spikewatch.alerts.domain.detection.essence.student import student_tail
from spikewatch.alerts.domain.detection.essence.tiers import EssenceCompat, red, tiers
from spikewatch.alerts.domain.detection.series import Floats, Series, SeriesError

__all__ = ["ALGORITHMS", "Ewma", "ewma"]

Ints = NDArray[np.int64]

_SATURATED: Final = 6.0  # above it a peer's 1 - cdf may be a few units of rounding


class Ewma(Parameters):
    """Parameters of ``ewma``; the names in brackets are those of Rnssp and pynssp."""

    baseline: Annotated[int, Field(ge=7)] = Field(
        default=28, description="Longest baseline in steps (B); it grows from 7 at the start of the series."
    )
    guard_band: Annotated[int, Field(ge=0)] = Field(default=2, description="Steps between the baseline and the step tested (g).")
    slow_weight: Annotated[float, Field(gt=0, le=1)] = Field(
        default=0.4, description="Weight of today in the average for gradual rises (w1)."
    )
    fast_weight: Annotated[float, Field(gt=0, le=1)] = Field(
        default=0.9, description="Weight of today in the average for sudden rises (w2)."
    )
    compat: EssenceCompat = Field(
        default="",
        description="pynssp-0.1.0: a baseline that is one day too long and starts at 11, larger least sigma, other warning quantile. "
        "rnssp-0.3.1: of two p-values rounded to the same number the fast average's is told.",
    )


@dataclass(frozen=True, slots=True)
class _Numerics:
    """Where Rnssp and pynssp differ."""

    shortest: int
    longest: int
    warning: float
    least: float
    least_slope: float


def _numerics(p: Ewma) -> _Numerics:
    if p.compat == "pynssp-0.1.0":
        return _Numerics(shortest=11, longest=max(p.baseline + 1, 10), warning=0.975, least=1.0, least_slope=0.5)
    return _Numerics(shortest=7, longest=p.baseline, warning=0.95, least=0.01, least_slope=0.05)


def ewma(series: Series, p: Ewma) -> Detected:
    """Test each step's two smoothed counts against the baseline by Student's t; the smaller p-value is told.

    ``threshold`` is the count above which the step is an alert (p < .01), ``also["tier"]`` the colour as a number
    (``tiers``). A gap leaves the averages as they were and is not evaluated; a baseline with gaps counts the days that were
    told, at least seven.

    Raises:
        SeriesError: fewer steps than the baseline, the guard band and the step tested.
    """
    if series.counts.shape[1] < p.baseline + p.guard_band + 1:
        raise SeriesError("counts: too few steps; expected at least baseline + guard_band + 1")
    y = np.ascontiguousarray(series.counts.T)  # the work goes step by step, so a step's areas lie together
    numerics = _numerics(p)
    n, mean, sd = _baselines(y, numerics, p.guard_band)
    slow, fast = (_Average(weight, p.guard_band, numerics) for weight in (p.slow_weight, p.fast_weight))
    first = numerics.shortest + p.guard_band
    for average in (slow, fast):
        average.smooth(y, first, n, mean, sd)
    with np.errstate(invalid="ignore"):
        chosen = _larger(slow.statistic, fast.statistic, n) if p.compat else slow.statistic > fast.statistic
    statistic = np.where(chosen, slow.statistic, fast.statistic)
    p_value = student_tail(n - 1, statistic)
    tier = tiers(p_value)
    return Detected(
        expected=np.where(np.isnan(statistic), np.nan, mean).T,
        threshold=np.fmin(slow.threshold, fast.threshold).T,
        statistic=statistic.T,
        p_value=p_value.T,
        alarm=red(tier).T,
        also={"tier": tier.T},
    )


def _baselines(y: Floats, numerics: _Numerics, guard: int) -> tuple[Ints, Floats, Floats]:
    """Return days told, mean and standard deviation of each step's baseline by step and area; nan where none is long enough."""
    steps = len(y)
    told = ~np.isnan(y)
    filled = np.where(told, y, 0.0)
    # sums of whole numbers are exact, and so is the variance's numerator for counts up to a million
    sums = [np.pad(np.cumsum(values, axis=0), ((1, 0), (0, 0))) for values in (told.astype(np.float64), filled, filled * filled)]
    at = np.arange(numerics.shortest + guard, steps)
    end = at - guard
    start = end - np.minimum(end, numerics.longest)
    n, total, squares = (sum_[end] - sum_[start] for sum_ in sums)
    enough = n >= min(numerics.shortest, numerics.longest)
    lengths, means, sds = np.zeros(y.shape, dtype=np.int64), np.full(y.shape, np.nan), np.full(y.shape, np.nan)
    with np.errstate(invalid="ignore", divide="ignore"):
        lengths[at] = np.where(enough, n, 0)
        means[at] = np.where(enough, total / n, np.nan)
        sds[at] = np.where(enough, np.sqrt(np.maximum(n * squares - total * total, 0.0) / (n * (n - 1))), np.nan)
    return lengths, means, sds


class _Average:
    """One smoothed series of every area, its test statistic, and the count at which it is an alert; by step and area."""

    def __init__(self, weight: float, guard: int, numerics: _Numerics) -> None:
        self._weight = w = weight
        slow = 1 - w
        size = np.arange(2, numerics.longest + 1, dtype=np.float64)
        warning = np.round(stdtrit(size - 1, numerics.warning), 5)
        scale = w / warning
        # each by the baseline's length; baselines of no or one day have none
        self._alert_at = _by_length(np.round(stdtrit(size - 1, 0.99), 5))
        self._factor = _by_length(np.sqrt(w / (2 - w) + 1 / size - 2 * slow ** (guard + 1) * (1 - slow**size) / size))
        self._constant = _by_length((0.1289 - (0.2414 - 0.1826 * slow**4) * np.log(0.5)) * scale)
        self._least = _by_length(scale * (numerics.least + numerics.least_slope * slow**2))
        self.statistic = np.empty(0)
        self.threshold = np.empty(0)

    def smooth(self, y: Floats, first: int, n: Ints, mean: Floats, sd: Floats) -> None:
        """Run over the steps; a smoothed count beyond the alert's bound is set back to it once tested."""
        w = self._weight
        self.statistic, self.threshold = np.full(y.shape, np.nan), np.full(y.shape, np.nan)
        before = y[0]
        for step in range(1, len(y)):
            today, length = y[step], n[step]
            gap = np.isnan(today)
            # a gap leaves the average as it is; the first count that is told begins it
            known = np.where(np.isnan(before), today, before)
            z = np.where(gap, before, w * today + (1 - w) * known)
            if step >= first:
                sigma = np.maximum(self._least[length], sd[step] * self._factor[length] + self._constant[length])
                reach = self._alert_at[length] * sigma
                statistic = (z - mean[step]) / sigma
                self.statistic[step] = np.where(gap, np.nan, statistic)
                self.threshold[step] = np.maximum(0.0, (mean[step] + reach - (1 - w) * known) / w)
                beyond = np.abs(statistic) > self._alert_at[length]
                z = np.where(beyond, mean[step] + np.sign(statistic) * reach, z)
            before = z


def _by_length(values: Floats) -> Floats:
    return np.concatenate([[np.nan, np.nan], values])


def _larger(slow: Floats, fast: Floats, n: Ints) -> NDArray[np.bool_]:
    """Return where the slow average's p-value is smaller once both are 1 - cdf, which far out round to the same number."""
    chosen = slow > fast
    far = np.nonzero(chosen & (fast > _SATURATED))
    chosen[far] = 1 - stdtr(n[far] - 1, slow[far]) < 1 - stdtr(n[far] - 1, fast[far])
    return chosen


ALGORITHMS: Final = (
    Algorithm(
        name="ewma",
        parameters=Ewma,
        run=ewma,
        summary="Smoothed daily counts (weights .4 and .9) against the mean of 28 days that end two days before.",
        source="Burkom 2003; Rnssp 0.3.1",
        also_known_as={"Rnssp": "alert_ewma", "pynssp": "alert_ewma"},
    ),
)

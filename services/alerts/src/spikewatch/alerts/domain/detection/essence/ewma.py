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
    slow_weight: Annotated[float, Field(gt=0, lt=1)] = Field(
        default=0.4, description="Weight of today in the average for gradual rises (w1)."
    )
    fast_weight: Annotated[float, Field(gt=0, lt=1)] = Field(
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
    y, steps = series.counts, series.counts.shape[1]
    if steps < p.baseline + p.guard_band + 1:
        raise SeriesError("counts: too few steps; expected at least baseline + guard_band + 1")
    numerics = _numerics(p)
    n, mean, sd = _baselines(y, numerics, p.guard_band)
    df = np.maximum(n - 1, 1)
    alert_at = _quantiles(0.99, numerics.longest)[df]
    warning_at = _quantiles(numerics.warning, numerics.longest)[df]
    slow = _Average(y, p.slow_weight, p.guard_band, numerics)
    fast = _Average(y, p.fast_weight, p.guard_band, numerics)
    first = numerics.shortest + p.guard_band
    for average in (slow, fast):
        average.smooth(first, n, mean, sd, alert_at, warning_at)
    chosen = _larger(slow.statistic, fast.statistic, df) if p.compat else slow.statistic > fast.statistic
    statistic = np.where(chosen, slow.statistic, fast.statistic)
    p_value = stdtr(df, -statistic)
    evaluated = ~np.isnan(statistic)
    expected = np.where(evaluated, mean, np.nan)
    tier = tiers(p_value)
    return Detected(
        expected=expected,
        threshold=np.fmin(slow.threshold, fast.threshold),
        statistic=statistic,
        p_value=p_value,
        alarm=red(tier),
        also={"tier": tier},
    )


def _baselines(y: Floats, numerics: _Numerics, guard: int) -> tuple[Ints, Floats, Floats]:
    """Return days told, mean and standard deviation of each step's baseline; nan before the first that is evaluated."""
    steps = y.shape[1]
    told = ~np.isnan(y)
    filled = np.where(told, y, 0.0)
    # sums of whole numbers are exact, and so is the variance's numerator for counts up to a million
    sums = [np.pad(np.cumsum(values, axis=1), ((0, 0), (1, 0))) for values in (told.astype(np.float64), filled, filled * filled)]
    at = np.arange(numerics.shortest + guard, steps)
    end = at - guard
    start = end - np.minimum(end, numerics.longest)
    n, total, squares = (sum_[:, end] - sum_[:, start] for sum_ in sums)
    enough = n >= numerics.shortest if numerics.longest >= numerics.shortest else n >= numerics.longest
    shape = y.shape
    lengths, means, sds = np.zeros(shape, dtype=np.int64), np.full(shape, np.nan), np.full(shape, np.nan)
    with np.errstate(invalid="ignore", divide="ignore"):
        lengths[:, at] = np.where(enough, n, 0)
        means[:, at] = np.where(enough, total / n, np.nan)
        sds[:, at] = np.where(enough, np.sqrt(np.maximum(n * squares - total * total, 0.0) / (n * (n - 1))), np.nan)
    return lengths, means, sds


def _quantiles(probability: float, longest: int) -> Floats:
    """Return Student's quantile by degrees of freedom, rounded as the peers round it."""
    table: Floats = np.round(stdtrit(np.arange(1, longest + 1, dtype=np.float64), probability), 5)
    return np.concatenate([[np.nan], table])


class _Average:
    """One smoothed series of every area, its test statistic, and the count at which it is an alert."""

    def __init__(self, y: Floats, weight: float, guard: int, numerics: _Numerics) -> None:
        self._y, self._weight, self._guard, self._numerics = y, weight, guard, numerics
        self.statistic = np.full(y.shape, np.nan)
        self.threshold = np.full(y.shape, np.nan)

    def sigma(self, n: Ints, sd: Floats, warning_at: Floats) -> Floats:
        """Return the standard error of smoothed count less mean."""
        w, slow, size = self._weight, 1 - self._weight, np.maximum(n, 1)
        factor = np.sqrt(w / (2 - w) + 1 / size - 2 * slow ** (self._guard + 1) * (1 - slow**size) / size)
        scale = w / warning_at
        constant = (0.1289 - (0.2414 - 0.1826 * slow**4) * np.log(0.5)) * scale
        error: Floats = np.maximum(scale * (self._numerics.least + self._numerics.least_slope * slow**2), sd * factor + constant)
        return error

    def smooth(self, first: int, n: Ints, mean: Floats, sd: Floats, alert_at: Floats, warning_at: Floats) -> None:
        """Run over the steps; a smoothed count beyond the alert's bound is set back to it once tested."""
        w, y = self._weight, self._y
        sigma = self.sigma(n, sd, warning_at)
        reach = alert_at * sigma
        z = y[:, 0]
        for step in range(1, y.shape[1]):
            today = y[:, step]
            before = z
            z = w * today + (1 - w) * before
            # a gap leaves the average; the first count that is told begins it
            z = np.where(np.isnan(z), np.where(np.isnan(today), before, today), z)
            if step < first:
                continue
            statistic = (z - mean[:, step]) / sigma[:, step]
            beyond = np.abs(statistic) > alert_at[:, step]
            self.statistic[:, step] = np.where(np.isnan(today), np.nan, statistic)
            self.threshold[:, step] = np.maximum(0.0, (mean[:, step] + reach[:, step] - (1 - w) * before) / w)
            z = np.where(beyond, mean[:, step] + np.sign(statistic) * reach[:, step], z)


def _larger(slow: Floats, fast: Floats, df: Ints) -> NDArray[np.bool_]:
    """Return where the slow average's p-value is smaller once both are 1 - cdf, which far out round to the same number."""
    chosen = slow > fast
    far = np.nonzero(chosen & (fast > _SATURATED))
    chosen[far] = 1 - stdtr(df[far], slow[far]) < 1 - stdtr(df[far], fast[far])
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

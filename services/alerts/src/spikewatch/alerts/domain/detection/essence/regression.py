"""ESSENCE's adaptive regression: trend and days of the week over four weeks, forecast to today.

Source: H. Burkom, S. Murphy, G. Shmueli, Automated time series forecasting for biosurveillance, Statistics in Medicine 26(22), 2007;
numbers as in Rnssp 0.3.1 ``alert_regression``.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from pydantic import Field
from scipy.special import stdtrit

from spikewatch.alerts.domain.detection.algorithm import Algorithm, Parameters
from spikewatch.alerts.domain.detection.detection import Detected, blank
from spikewatch.alerts.domain.detection.essence.student import student_tail
from spikewatch.alerts.domain.detection.essence.tiers import QUIET, UNKNOWN, EssenceCompat, red, tiers
from spikewatch.alerts.domain.detection.series import Days, Floats, Series, SeriesError

__all__ = ["ALGORITHMS", "Regression", "regression"]

_SHORTEST: Final = 11  # days: eight coefficients leave three degrees of freedom
_BLOCK: Final = 256  # areas at a time, so that the windows of a block stay in the cache
_SATURDAY: Final = 5


class Regression(Parameters):
    """Parameters of ``adaptive_regression``; the names in brackets are those of Rnssp and pynssp."""

    baseline: Annotated[int, Field(ge=14, multiple_of=7)] = Field(
        default=28, description="Longest baseline in days, whole weeks (B); it grows from 11."
    )
    guard_band: Annotated[int, Field(ge=0)] = Field(default=2, description="Days between the baseline and the day tested (g).")
    compat: EssenceCompat = Field(
        default="", description="pynssp-0.1.0: least sigma a hundred times as large and of the next degree of freedom, no alert withdrawn."
    )


def regression(series: Series, p: Regression) -> Detected:
    """Test each day's count against the forecast of a least-squares line with a term for each day of the week.

    An alert or warning on a day below the mean of the last seven days is withdrawn; at a weekend only if the day is also below
    the mean of the last seven of its weekday. ``also`` holds ``tier``, ``sigma``, ``adjusted_r_squared`` and ``withdrawn``.
    A baseline with a gap is not evaluated.

    Raises:
        SeriesError: steps that are not days, or fewer than the baseline, the guard band and the day tested.
    """
    y, steps = series.counts, series.counts.shape[1]
    if series.step_days() != 1:
        raise SeriesError("starts: adaptive regression reads days; expected steps of one day")
    if steps < p.baseline + p.guard_band + 1:
        raise SeriesError("counts: too few steps; expected at least baseline + guard_band + 1")
    expected, sigma, r_squared, quantile = (blank(series) for _ in range(4))
    degrees = np.ones(steps, dtype=np.int64)
    for fit in _fits(series.starts, p):
        degrees[fit.at] = fit.length - 8
        quantile[:, fit.at] = stdtrit(float(fit.length - 8), 0.99)
        for low in range(0, len(y), _BLOCK):
            rows = slice(low, low + _BLOCK)
            windows = sliding_window_view(y[rows], fit.length, axis=1)[:, fit.at - p.guard_band - fit.length]
            expected[rows, fit.at], sigma[rows, fit.at], r_squared[rows, fit.at] = fit.apply(windows)
    statistic = (y - expected) / sigma
    by_step = np.ascontiguousarray(statistic.T)
    p_value = np.ascontiguousarray(student_tail(np.broadcast_to(degrees[:, None], by_step.shape), by_step).T)
    tier, withdrawn = tiers(p_value), np.zeros(y.shape, dtype=np.bool_)
    if p.compat != "pynssp-0.1.0":
        withdrawn = (tier != QUIET) & _below_usual(y, series.starts)
        tier[withdrawn & (tier != UNKNOWN)] = QUIET
    return Detected(
        expected=expected,
        threshold=expected + quantile * sigma,
        statistic=statistic,
        p_value=p_value,
        alarm=red(tier),
        also={"tier": tier, "sigma": sigma, "adjusted_r_squared": r_squared, "withdrawn": withdrawn},
    )


@dataclass(frozen=True, slots=True)
class _Fit:
    """A baseline's length and first weekday, shared by many days: forecast and residuals are fixed linear maps of the counts."""

    at: NDArray[np.int64]
    length: int
    forecast: Floats
    basis: Floats
    least: float

    def apply(self, windows: Floats) -> tuple[Floats, Floats, Floats]:
        """Return forecast, sigma and adjusted R squared of each window."""
        n = self.length
        expected = np.maximum(windows @ self.forecast, 0.0)
        centred = windows - windows.mean(axis=2, keepdims=True)
        residual = centred - (centred @ self.basis) @ self.basis.T
        left = np.einsum("ijk,ijk->ij", residual, residual)
        total = np.einsum("ijk,ijk->ij", centred, centred)
        error = np.sqrt(left / (n - 8)) * np.sqrt((n + 7) * (n - 4) / (n * (n - 7)))
        with np.errstate(invalid="ignore", divide="ignore"):
            r_squared = 1 - left / total * ((n - 1) / (n - 8))
        r_squared[total == 0] = 0.0  # a constant baseline is explained by nothing
        return expected, np.fmax(error, self.least) + 0 * expected, r_squared


def _fits(starts: Days, p: Regression) -> list[_Fit]:
    """Return the fits of the series, each with the steps it forecasts."""
    at = np.arange(_SHORTEST + p.guard_band, len(starts))
    length = np.minimum(at - p.guard_band, p.baseline)
    weekday = _weekday(starts)
    first = weekday[at - p.guard_band - length]
    fits = []
    for size, day in sorted(set(zip(length.tolist(), first.tolist(), strict=True))):
        forecast, basis = _maps(size, day, p.guard_band)
        df = size - 8
        if p.compat == "pynssp-0.1.0":
            least = 1.01 / np.round(stdtrit(float(df + 1), 0.95), 5)  # its table of sigmas is read one further
        else:
            least = 0.01 / np.round(stdtrit(float(df), 0.95), 5)
        fits.append(_Fit(at=at[(length == size) & (first == day)], length=size, forecast=forecast, basis=basis, least=float(least)))
    return fits


@lru_cache(maxsize=1024)
def _maps(length: int, first: int, guard: int) -> tuple[Floats, Floats]:
    """Return what forecasts from a window, and an orthonormal basis of the window's design."""
    time = np.arange(1, length + 1)
    design = _row(time, first + time - 1)
    ahead = length + guard + 1
    basis, triangle = np.linalg.qr(design)
    forecast = basis @ np.linalg.solve(triangle.T, _row(np.array([ahead]), np.array([first + ahead - 1]))[0])
    return forecast, basis


def _row(time: NDArray[np.int64], weekday: NDArray[np.int64]) -> Floats:
    """Return the design: one, time, and Monday to Saturday."""
    return np.column_stack([np.ones(len(time)), time, weekday[:, None] % 7 == np.arange(6)]).astype(np.float64)


def _weekday(starts: Days) -> NDArray[np.int64]:
    """Return 0 for a Monday."""
    return (starts.astype(np.int64) + 3) % 7


def _below_usual(y: Floats, starts: Days) -> NDArray[np.bool_]:
    """Return the days below the mean of their week, weekends also below their last seven of a kind."""
    weekday = _weekday(starts)
    below = np.zeros(y.shape, dtype=np.bool_)
    below[:, 6:] = _below_mean(y, 1)
    alike = np.zeros(y.shape, dtype=np.bool_)
    alike[:, 42:] = _below_mean(y, 7)
    return below & np.where(weekday >= _SATURDAY, alike, True)


def _below_mean(y: Floats, apart: int) -> NDArray[np.bool_]:
    """Return whether a day is below the mean of itself and the six before it, ``apart`` days from one another."""
    steps = y.shape[1] - 6 * apart
    if steps <= 0:
        return np.zeros((len(y), 0), dtype=np.bool_)
    total = sum(y[:, lag : lag + steps] for lag in range(0, 7 * apart, apart))
    return np.asarray(7 * y[:, 6 * apart :] < total)


ALGORITHMS: Final = (
    Algorithm(
        name="adaptive_regression",
        parameters=Regression,
        run=regression,
        summary="Daily counts against a line with days of the week, fitted to 28 days that end two days before.",
        source="Burkom, Murphy, Shmueli 2007; Rnssp 0.3.1",
        also_known_as={"Rnssp": "alert_regression", "pynssp": "alert_regression"},
    ),
)

"""Serfling's regression on the weeks outside the epidemic months.

Source: R. Serfling, Methods for current statistical analysis of excess pneumonia-influenza deaths, Public Health Reports 78(6), 1963;
numbers as in Rnssp 0.3.1 and pynssp 0.1.0 ``alert_serfling``.
"""

from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy.special import stdtr, stdtrit

from spikewatch.alerts.domain.detection.algorithm import Algorithm
from spikewatch.alerts.domain.detection.detection import Detected, alarms, blank
from spikewatch.alerts.domain.detection.essence.weekly import Fitted, WeeklyBaseline, by_weeks_before, in_baseline, seasonal_design
from spikewatch.alerts.domain.detection.series import Floats, Series, SeriesError

__all__ = ["ALGORITHMS", "Serfling", "serfling"]


class Serfling(WeeklyBaseline):
    """Parameters of ``serfling``."""

    epidemic_months: tuple[int, ...] = Field(default=(10, 11, 12, 1, 2, 3, 4, 5), description="Months whose weeks are not fitted.")


def serfling(series: Series, p: Serfling) -> Detected:
    """Fit a line and one harmonic by least squares; the threshold is the upper bound of the prediction of one week.

    ``also["epidemic_period"]`` says which weeks lie in the epidemic months. An area with fewer than five weeks to fit is not
    evaluated.

    Raises:
        SeriesError: steps that are not weeks, a baseline under two years, or no week outside the epidemic months.
    """
    found = _judged(series.counts, _fitted(series, p), p)
    return replace(found, also={"epidemic_period": np.broadcast_to(_epidemic(series, p), series.counts.shape)})


def _epidemic(series: Series, p: Serfling) -> NDArray[np.bool_]:
    months = series.starts.astype("datetime64[M]").astype(np.int64) % 12 + 1
    return np.isin(months, p.epidemic_months)


def _fitted(series: Series, p: Serfling) -> Fitted:
    """Return what is expected, the standard error of the prediction, and the degrees of freedom by area."""
    y = series.counts
    fitted = in_baseline(series, p.baseline_end) & ~_epidemic(series, p)
    design = seasonal_design(y.shape[1], trend=True)
    if fitted.sum() <= design.shape[1]:
        raise SeriesError("epidemic_months: expected at least five weeks of the baseline outside them")
    told = ~np.isnan(y) & fitted
    expected, error = blank(series), blank(series)
    degrees = np.ones((len(y), 1))
    patterns, pattern_of = np.unique(told, axis=0, return_inverse=True)
    for number, weeks in enumerate(patterns):  # areas that share their gaps share a fit; nearly always there is one pattern
        rows = np.flatnonzero(pattern_of == number)
        df = int(weeks.sum()) - design.shape[1]
        if df < 1:
            continue
        basis, triangle = np.linalg.qr(design[weeks])
        ahead = np.linalg.solve(triangle.T, design.T).T
        inside = y[np.ix_(rows, np.flatnonzero(weeks))]
        scores = inside @ basis
        residual = inside - scores @ basis.T
        scale = np.sqrt((residual**2).sum(axis=1, keepdims=True) / df)
        expected[rows] = scores @ ahead.T
        error[rows] = scale * np.sqrt(1 + (ahead**2).sum(axis=1))
        degrees[rows] = df
    return expected, error, degrees


def _judged(y: Floats, fitted: Fitted, p: Serfling) -> Detected:
    expected, error, degrees = fitted
    threshold = expected + stdtrit(degrees, 1 - p.alpha) * error
    with np.errstate(invalid="ignore", divide="ignore"):
        statistic = (y - expected) / error
    return Detected(
        expected=expected,
        threshold=threshold,
        statistic=statistic,
        p_value=stdtr(degrees, -statistic),
        alarm=alarms(y > threshold, ~np.isnan(y) & ~np.isnan(threshold)),
    )


ALGORITHMS: Final = (
    Algorithm(
        name="serfling",
        parameters=Serfling,
        run=serfling,
        summary="Weekly counts against a line with one harmonic, fitted to June to September.",
        source="Serfling 1963; Rnssp 0.3.1",
        also_known_as={"Rnssp": "alert_serfling", "pynssp": "alert_serfling"},
        judge=by_weeks_before(_fitted, _judged),
    ),
)

"""Whether a share of all visits rises or falls: a logistic regression on time over a sliding window.

Source: Rnssp 0.3.1 ``classify_trend``; pynssp 0.1.0 ends the window a day earlier and tells the coefficient instead of z.
"""

from typing import Annotated, Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from pydantic import Field
from scipy.special import expit, ndtr, xlogy

from spikewatch.alerts.domain.detection.algorithm import Algorithm, Parameters
from spikewatch.alerts.domain.detection.detection import Detected, alarms, blank
from spikewatch.alerts.domain.detection.essence.tiers import EssenceCompat
from spikewatch.alerts.domain.detection.series import Floats, Series, SeriesError

__all__ = ["ALGORITHMS", "Trend", "trend"]

_ROUNDS: Final = 25
_CLOSE: Final = 1e-8


class Trend(Parameters):
    """Parameters of ``trend``."""

    window: Annotated[int, Field(ge=3)] = Field(default=12, description="Steps of the window, which ends with the step (B).")
    more_than: Annotated[int, Field(ge=0)] = Field(default=10, description="Incidents in the window that must be exceeded.")
    alpha: Annotated[float, Field(gt=0, lt=1)] = Field(default=0.01, description="Two-sided p-value below which a trend is significant.")
    compat: EssenceCompat = Field(
        default="", description="pynssp-0.1.0: the window ends before the step, is shorter at the start, and the coefficient is told."
    )


def trend(series: Series, p: Trend) -> Detected:
    """Tell z of the slope of log odds over time; an alarm is a significant rise.

    ``p_value`` is two-sided. ``also["direction"]`` is 1 (significant rise), -1 (fall), 0 (stable) or nan (too few incidents, a gap,
    or no fit).

    Raises:
        SeriesError: no denominators, or a count larger than its denominator.
    """
    if series.denominator is None:
        raise SeriesError("denominator: expected all visits of each step")
    if (series.counts > series.denominator).any():
        raise SeriesError("denominator: expected at least the count of the step")
    ends_before = p.compat == "pynssp-0.1.0"
    hits, total = (_windows(values, p.window, ends_before=ends_before) for values in (series.counts, series.denominator))
    weight = np.where(np.isnan(total), 0.0, total)
    told = np.where(np.isnan(hits), 0.0, hits)
    slope, error = _logistic(told, weight, like_statsmodels=ends_before)
    missing = np.isnan(hits) | np.isnan(total)
    if ends_before:  # the shorter windows of the start are padded, not gaps
        short = np.arange(hits.shape[1])[:, None] < p.window - np.arange(p.window)
        missing = missing & ~short
    with np.errstate(invalid="ignore", divide="ignore"):
        z = np.where((told.sum(axis=2) > p.more_than) & ~missing.any(axis=2), slope / error, np.nan)
    p_value = 2 * ndtr(-np.abs(z))
    significant = p_value < p.alpha
    direction = np.where(np.isnan(z), np.nan, np.where(significant, np.sign(z), 0.0))
    return Detected(
        expected=blank(series),
        threshold=blank(series),
        statistic=np.where(np.isnan(z), np.nan, slope) if ends_before else z,
        p_value=p_value,
        alarm=alarms(direction > 0, ~np.isnan(z)),
        also={"direction": direction},
    )


def _windows(values: Floats, length: int, *, ends_before: bool) -> Floats:
    """Return each step's window, padded with nan at the start."""
    padded = np.pad(values, ((0, 0), (length - 1 + ends_before, 0)), constant_values=np.nan)
    return sliding_window_view(padded, length, axis=1)[:, : values.shape[1]]


def _logistic(hits: Floats, total: Floats, *, like_statsmodels: bool) -> tuple[Floats, Floats]:
    """Return slope and standard error of each window; nan where there is no fit.

    Start and stopping rule are those of R's glm or of statsmodels: the error is that of the last round's weights, so they show.
    """
    time = np.arange(hits.shape[2], dtype=np.float64) - hits.shape[2] / 2
    open_ = np.ones(hits.shape[:2], dtype=np.bool_)
    slope, error = np.full(hits.shape[:2], np.nan), np.full(hits.shape[:2], np.nan)
    with np.errstate(all="ignore"):
        chance = (hits / total + 0.5) / 2 if like_statsmodels else (hits + 0.5) / (total + 1)
        chance = np.where(total > 0, chance, 0.5)
        eta = np.log(chance / (1 - chance))
        before = _deviance(hits, total, chance)
        for _ in range(_ROUNDS):
            weight = total * chance * (1 - chance)
            working = np.where(weight > 0, eta + (hits - total * chance) / weight, 0.0)
            s0, s1, s2 = (np.einsum("ijk,k->ij", weight, time**power) for power in range(3))
            r0, r1 = (np.einsum("ijk,k->ij", weight * working, time**power) for power in range(2))
            determinant = s0 * s2 - s1 * s1
            b = (s0 * r1 - s1 * r0) / determinant
            a = (r0 - b * s1) / s0
            slope, error = np.where(open_, b, slope), np.where(open_, np.sqrt(s0 / determinant), error)
            eta = np.where(open_[..., None], a[..., None] + b[..., None] * time, eta)
            chance = expit(eta)
            now = _deviance(hits, total, chance)
            open_ &= ~(np.abs(now - before) / (1.0 if like_statsmodels else np.abs(now) + 0.1) < _CLOSE)
            before = now
            if not open_.any():
                break
    return slope, error


def _deviance(hits: Floats, total: Floats, chance: Floats) -> Floats:
    mean = total * chance
    each: Floats = 2 * (xlogy(hits, hits / mean) + xlogy(total - hits, (total - hits) / (total - mean)))
    return np.asarray(np.where(total > 0, each, 0.0).sum(axis=2))


ALGORITHMS: Final = (
    Algorithm(
        name="trend",
        parameters=Trend,
        run=trend,
        summary="Whether the share of all visits rose or fell over twelve days.",
        source="Rnssp 0.3.1",
        also_known_as={"Rnssp": "classify_trend", "pynssp": "classify_trend"},
    ),
)

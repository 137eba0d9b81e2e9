"""What a day's place in the week and in the year says: one row of covariates for each date."""

from functools import lru_cache
from typing import Final

import numpy as np

from spikewatch.alerts.domain.detection.predictive.parameters import Predictive
from spikewatch.alerts.domain.detection.series import Days, Floats

__all__ = ["LEVEL", "TREND", "covariate", "covariates", "prior_variance"]

LEVEL: Final = 0
TREND: Final = 1
_MONDAY: Final = np.datetime64("1970-01-05")
_YEAR: Final = 365.25
_DAYS_KEPT: Final = 4096


def _weekday_contrasts() -> Floats:
    """Return six contrasts, weekday by contrast, each of mean 0 and mean square 1, so that none of them moves the level."""
    contrasts = np.zeros((7, 6))
    for column in range(6):
        contrasts[: column + 1, column] = -1 / (column + 1)
        contrasts[column + 1, column] = 1
        contrasts[:, column] /= np.sqrt((contrasts[:, column] ** 2).mean())
    return contrasts


_CONTRASTS: Final = _weekday_contrasts()


def covariates(days: Days, *, weekdays: bool) -> Floats:
    """Return a row for each day: level, trend (0, for the caller to fill), two waves a year, and the weekday's contrasts."""
    angle = 2 * np.pi * days.astype("datetime64[D]").astype(np.float64) / _YEAR
    rows = [np.ones_like(angle), np.zeros_like(angle), np.cos(angle), np.sin(angle), np.cos(2 * angle), np.sin(2 * angle)]
    table = np.stack(rows, axis=1)
    if weekdays:
        table = np.hstack((table, _CONTRASTS[(days - _MONDAY).astype(np.int64) % 7]))
    return table


@lru_cache(maxsize=_DAYS_KEPT)
def covariate(day: np.datetime64, *, weekdays: bool) -> Floats:
    """Return the row of one day, not to be changed: histories that are watched one after another ask for the same days."""
    row: Floats = covariates(np.array([day]), weekdays=weekdays)[0]
    row.flags.writeable = False
    return row


def prior_variance(parameters: Predictive, *, weekdays: bool, step_days: int) -> Floats:
    """Return the prior variance of each coefficient; the level's is set when an area's first count is known."""
    year, half = parameters.season
    deviation = [0.0, parameters.trend * step_days, year, year, half, half, *([parameters.weekday] * (6 if weekdays else 0))]
    return np.array(deviation) ** 2

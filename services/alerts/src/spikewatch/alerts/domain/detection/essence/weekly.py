"""What the weekly detectors of ESSENCE share: a baseline up to a day, and one harmonic of 52.18 weeks."""

from datetime import date
from typing import Final

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from spikewatch.alerts.domain.detection.algorithm import Parameters
from spikewatch.alerts.domain.detection.series import Floats, Series, SeriesError

__all__ = ["WeeklyBaseline", "in_baseline", "seasonal_design"]

_WEEKS_OF_YEAR: Final = 52.18
_LEAST_WEEKS: Final = 104


class WeeklyBaseline(Parameters):
    """Parameters of detectors that fit once and judge every week."""

    baseline_end: date | None = Field(
        default=None, description="Last day whose week may belong to the baseline; the whole series by default."
    )
    alpha: float = Field(default=0.05, gt=0, lt=0.5, description="Probability of a count above the threshold without a spike.")


def in_baseline(series: Series, end: date | None) -> NDArray[np.bool_]:
    """Return the weeks of the baseline.

    Raises:
        SeriesError: steps that are not weeks, or a baseline shorter than two years.
    """
    if series.step_days() != 7:
        raise SeriesError("starts: expected steps of seven days")
    inside = np.ones(len(series.starts), dtype=np.bool_) if end is None else series.starts <= np.datetime64(end)
    if inside.sum() < _LEAST_WEEKS:
        raise SeriesError("baseline_end: expected a baseline of at least 104 weeks")
    return inside


def seasonal_design(weeks: int, *, trend: bool) -> Floats:
    """Return one, the week's number if there is a trend, cosine and sine of the year."""
    week = np.arange(1, weeks + 1, dtype=np.float64)
    angle = 2 * np.pi * week / _WEEKS_OF_YEAR
    columns = [np.ones(weeks), *([week] if trend else []), np.cos(angle), np.sin(angle)]
    return np.column_stack(columns)

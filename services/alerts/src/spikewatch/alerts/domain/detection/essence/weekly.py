"""What the weekly detectors of ESSENCE share: a baseline up to a day, and one harmonic of 52.18 weeks."""

from collections.abc import Callable
from datetime import date
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from spikewatch.alerts.domain.detection.algorithm import Parameters
from spikewatch.alerts.domain.detection.detection import NOT_EVALUATED, Detected, blank
from spikewatch.alerts.domain.detection.series import Floats, Series, SeriesError

__all__ = ["WeeklyBaseline", "by_weeks_before", "in_baseline", "seasonal_design"]

Weekly = TypeVar("Weekly", bound="WeeklyBaseline")
Fitted = tuple[Floats, ...]

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


def by_weeks_before(
    fit: Callable[[Series, Weekly], Fitted], judge: Callable[[Floats, Fitted, Weekly], Detected]
) -> Callable[[Series, Weekly, int], Detected]:
    """Return a detector that judges each week from one on by a baseline of the weeks before it alone, at least 104 of them.

    ``fit`` returns columns by area, of one step or of all; ``judge`` holds counts against them. A baseline of the whole series has the week
    judged and later ones in it: then a larger count raises its own threshold, until it is no alarm any more, and a later week changes what
    an earlier one was. Areas next to one another that differ in the week judged alone are fitted once.
    """

    def judged(series: Series, parameters: Weekly, judged_from: int) -> Detected:
        alarm = np.full(series.counts.shape, NOT_EVALUATED, dtype=np.int8)
        found = Detected(blank(series), blank(series), blank(series), blank(series), alarm)
        for step in range(max(judged_from, _LEAST_WEEKS), len(series.starts)):
            before = series.counts[:, :step]
            is_new = np.ones(len(before), dtype=np.bool_)
            is_new[1:] = ((before[1:] != before[:-1]) & ~(np.isnan(before[1:]) & np.isnan(before[:-1]))).any(axis=1)
            rows = np.flatnonzero(is_new)
            last = series.starts[step - 1].astype(date)
            end = last if parameters.baseline_end is None else min(last, parameters.baseline_end)
            upto = Series(series.starts[: step + 1], series.counts[rows, : step + 1], tuple(map(str, rows)))
            fitted = fit(upto, parameters.model_copy(update={"baseline_end": end}))
            each = tuple(column[:, -1:][np.cumsum(is_new) - 1] for column in fitted)
            part = judge(series.counts[:, step : step + 1], each, parameters)
            for column in ("expected", "threshold", "statistic", "p_value", "alarm"):
                getattr(found, column)[:, step] = getattr(part, column)[:, 0]
        return found

    return judged


def seasonal_design(weeks: int, *, trend: bool) -> Floats:
    """Return one, the week's number if there is a trend, cosine and sine of the year."""
    week = np.arange(1, weeks + 1, dtype=np.float64)
    angle = 2 * np.pi * week / _WEEKS_OF_YEAR
    columns = [np.ones(weeks), *([week] if trend else []), np.cos(angle), np.sin(angle)]
    return np.column_stack(columns)

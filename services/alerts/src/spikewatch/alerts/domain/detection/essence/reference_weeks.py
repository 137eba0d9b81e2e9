"""Which weeks of the years before a week is compared with, and the season each belongs to (Farrington; Noufaily)."""

from dataclasses import dataclass
from datetime import date
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from spikewatch.alerts.domain.detection.series import Days, Floats

__all__ = ["Reference", "same_weeks", "whole_years"]

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Reference:
    """Steps of a baseline, the week that is judged counted in weeks from the first of them, and the season's columns."""

    at: Ints
    ahead: float
    seasons: Floats
    season_ahead: Floats

    def design(self, *, trend: bool) -> Floats:
        """Return one, weeks since the first if there is a trend, and the seasons."""
        time = [(self.at - self.at.min())[:, None]] if trend else []
        return np.hstack([np.ones((len(self.at), 1)), *time, self.seasons]).astype(np.float64)

    def row(self, *, trend: bool) -> Floats:
        """Return the row of the week that is judged."""
        return np.concatenate([[1.0], [self.ahead] if trend else [], self.season_ahead])


def same_weeks(starts: Days, step: int, *, years: int, half_width: int, length: int) -> Reference | None:
    """Return the weeks around the same day of each year before; None if none lies in the series.

    A window begins ``half_width`` weeks before its centre and is ``length`` weeks long.
    """
    centres = _centres(starts, step, years)[:-1]
    begins = [centre - half_width for centre in centres if centre >= half_width]
    if not begins:
        return None
    at = np.concatenate([np.arange(begin, begin + length) for begin in begins])
    none = np.empty((len(at), 0))
    return Reference(at=at, ahead=float(step - at.min()), seasons=none, season_ahead=none[0])


def whole_years(starts: Days, step: int, *, years: int, half_width: int, guard: int, periods: int) -> Reference | None:
    """Return all weeks from the oldest window to the guard band, with a season for each; None if the series begins later.

    The weeks of a window are one season; what lies between two windows is divided into ``periods - 1`` of nearly equal length,
    the first ones a week longer.
    """
    centres = _centres(starts, step, years)
    first, last = centres[0] - half_width, step - guard
    if first < 0 or last <= first:
        return None
    level = np.zeros(max(last, step) - first + 1, dtype=np.int64)
    for centre, following in pairwise(centres):
        begin = centre - half_width - first
        between = following - centre - (2 * half_width + 1)
        lengths = np.full(periods - 1, between // (periods - 1))
        lengths[: between % (periods - 1)] += 1
        season = np.concatenate([np.full(2 * half_width + 1, periods), np.repeat(np.arange(1, periods), lengths)])
        level[begin : begin + len(season)] = season[: len(level) - begin]
    at = np.arange(first, last + 1)
    present = np.unique(level[: len(at)])[1:]
    seasons = (level[: len(at), None] == present).astype(np.float64)
    return Reference(at=at, ahead=float(step - first), seasons=seasons, season_ahead=(present == periods).astype(np.float64))


def _centres(starts: Days, step: int, years: int) -> list[int]:
    """Return the steps nearest to the same date of each year before, oldest first, and the step itself."""
    today = starts[step].astype(object)
    centres = []
    for back in range(years, -1, -1):
        then = _years_before(today, back)
        # the weekday of today next to that date; of two equally near ones the one in the same week (weeks begin on Sunday)
        shifted = then.toordinal() - (then.isoweekday() % 7 - today.isoweekday() % 7)
        other = shifted - 7 if shifted > then.toordinal() else shifted + 7
        nearest = other if abs(then.toordinal() - other) < abs(then.toordinal() - shifted) else shifted
        centres.append(step - (today.toordinal() - nearest) // 7)
    return centres


def _years_before(day: date, years: int) -> date:
    """Return the same date years before; 29 February becomes 1 March where there is none."""
    try:
        return day.replace(year=day.year - years)
    except ValueError:
        return date(day.year - years, 3, 1)

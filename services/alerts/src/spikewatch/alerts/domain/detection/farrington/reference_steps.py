"""Which past steps a step is compared with: the same time of past years, by the calendar or by a fixed number of steps a year."""

from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from spikewatch.alerts.domain.detection.series import Days

__all__ = ["Steps", "anniversaries", "blocks", "nearest_weekdays", "neighbourhoods", "references"]

Steps = NDArray[np.intp]
_WEEK: Final = 7


def anniversaries(day: np.datetime64, years: int) -> Days:
    """Return the same date of each of the past years, newest first; 29 February becomes 1 March where there is none."""
    month = day.astype("datetime64[M]")
    within = (day - month.astype("datetime64[D]")).astype(np.int64)
    return np.array([(month - 12 * back).astype("datetime64[D]") + within for back in range(1, years + 1)], dtype="datetime64[D]")


def nearest_weekdays(days: Days, like: np.datetime64) -> Days:
    """Return the closest days with the weekday of another: three days away at most, so that it is never doubtful."""
    away = (like.astype(np.int64) - days.astype(np.int64)) % _WEEK
    nearest: Days = days + np.where(away > _WEEK // 2, away - _WEEK, away).astype("timedelta64[D]")
    return nearest


def neighbourhoods(starts: Days, now: int, years: int, half_window: int, *, period: int | None, step_days: int) -> Steps:
    """Return the steps within ``half_window`` of the same time of each past year, oldest first; those before the history are left out.

    ``period`` is a number of steps; without it the calendar decides.
    """
    around = np.arange(-half_window, half_window + 1)
    if period is not None:
        steps = np.concatenate([now - period * back + around for back in range(years, 0, -1)])
        return steps[steps >= 0]
    found: list[int] = []
    for day in anniversaries(starts[now], years)[::-1]:
        if step_days == _WEEK:
            days = nearest_weekdays(day + _WEEK * around.astype("timedelta64[D]"), starts[now])
        elif step_days == 1:
            days = day + around.astype("timedelta64[D]")
        else:
            month = day.astype("datetime64[M]")
            days = (month + around.astype("timedelta64[M]")).astype("datetime64[D]") + (day - month.astype("datetime64[D]"))
        at = np.searchsorted(starts, days)
        at = np.minimum(at, len(starts) - 1)
        found += [int(step) for step, day_wanted in zip(at, days, strict=True) if starts[step] == day_wanted]
    return np.array(found, dtype=np.intp)


def references(starts: Days, now: int, years: int, *, period: int | None, step_days: int) -> Steps | None:
    """Return now and the same step of each past year, newest first; None where the history does not reach back."""
    if period is not None:
        steps = now - period * np.arange(years + 1)
        return steps if steps[-1] >= 0 else None
    days = anniversaries(starts[now], years)
    if step_days == _WEEK:
        days = nearest_weekdays(days, starts[now])
    at = np.minimum(np.searchsorted(starts, days), len(starts) - 1)
    if (starts[at] != days).any():
        return None
    return np.concatenate([[now], at]).astype(np.intp)


def blocks(references_: Steps, half_window: int, periods: int, left_out: int, steps: int) -> tuple[Steps, Steps] | None:
    """Return the steps of the baseline and the season of each, ``periods`` being the season of now.

    The windows around the same time of past years are one season; what lies between is cut into ``periods - 1`` others, the first
    of which take the remainder. The ``left_out`` steps before now are not in the baseline. None where a year has too few steps.
    """
    now = int(references_[0])
    season = np.zeros(steps, dtype=np.intp)
    season[max(now - half_window, 0) : now + 1] = periods
    for later, reference in pairwise(references_):
        season[max(reference - half_window, 0) : reference + half_window + 1] = periods
        if periods == 1:
            continue
        between = int(later - reference) - 2 * half_window - 1
        length, rest = divmod(between, periods - 1)
        if length < 1 or between < periods - (2 * half_window + 1):
            return None
        lengths = np.full(periods - 1, length)
        lengths[:rest] += 1
        begin = int(reference) + half_window + 1
        season[begin : begin + between] = np.repeat(np.arange(1, periods), lengths)
    season[max(now - left_out, 0) : now + 1] = 0
    at = np.flatnonzero(season)
    return at, season[at]

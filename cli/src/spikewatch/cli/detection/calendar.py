"""Finds out whether the dates of a table of counts are days, weeks or months apart, and which of them do not fit."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from spikewatch.cli.detection.cells import Refused

__all__ = ["Apart", "apart", "misfit", "says_future"]

_WEEK: Final = 7
_MONTH: Final = (28, 31)
_LEAST_DATES: Final = 3
_LEAST_GAPS: Final = 4  # of fewer one that is off is no exception
_MOST_OF: Final = 0.5


@dataclass(frozen=True, slots=True)
class Apart:
    """What the dates are apart, and whether each row's date lies so; ``fits`` is all true for days."""

    step: Literal["day", "week", "month"]
    fits: NDArray[np.bool_]


def apart(days: NDArray[np.int64], areas: NDArray[np.intp]) -> Apart:
    """Tell what the dates of rows (days since 1970) are apart within their areas.

    Weeks: every two dates are whole weeks apart, or at least half of the dates follow the one before after a week; then those on another
    day of the week than the most do not fit. Months: likewise, on the same day of each month, or each on its last. Else days.
    """
    every = np.ones(len(days), dtype=np.bool_)
    distinct = np.unique(days)
    if len(distinct) < _LEAST_DATES:
        return Apart("day", every)
    if (np.diff(distinct) % _WEEK == 0).all():
        return Apart("week", every)
    span = int(distinct[-1] - distinct[0]) + 1
    pairs = np.unique(areas * span + (days - distinct[0]))
    gaps = np.diff(pairs)[np.diff(pairs // span) == 0]
    enough = len(gaps) >= _LEAST_GAPS
    if enough and (gaps == _WEEK).mean() >= _MOST_OF:
        weekday = np.bincount(days % _WEEK).argmax()
        return Apart("week", days % _WEEK == weekday)
    months = distinct.astype("datetime64[D]").astype("datetime64[M]")
    fits = _on_the_same_day_of_the_month(days, distinct)
    is_whole = len(np.unique(months)) == len(months) and fits.all()
    if is_whole or (enough and ((gaps >= _MONTH[0]) & (gaps <= _MONTH[1])).mean() >= _MOST_OF):
        return Apart("month", fits)
    return Apart("day", every)


def _on_the_same_day_of_the_month(days: NDArray[np.int64], distinct: NDArray[np.int64]) -> NDArray[np.bool_]:
    day, is_last = _day_of_month(days)
    usual, last = _day_of_month(distinct)
    most = np.bincount(usual)
    return is_last if last.sum() > most.max() else day == most.argmax()


def _day_of_month(days: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    months = days.astype("datetime64[D]").astype("datetime64[M]")
    after = (days + 1).astype("datetime64[D]").astype("datetime64[M]")
    return days - months.astype("datetime64[D]").astype(np.int64), after != months


def misfit(column: str, step: str) -> Refused:
    """Return why a row is refused whose date does not fit."""
    if step == "week":
        return Refused(column, "is on another day of the week than the other dates", "dates that are whole weeks apart", "2026-05-04")
    return Refused(column, "is on another day of the month than the other dates", "the same day of each month, or its last", "2026-05-01")


def says_future(newest: date, line: int, now: datetime) -> str | None:
    """Return a sentence about the newest date of a file if it is still to come (more than a day ahead: zones differ), else None."""
    if newest <= now.date() + timedelta(days=1):
        return None
    return f"line {line:,}: the newest date, {newest}, is still to come; mend it if it is misspelt, for the days up to it count as watched"

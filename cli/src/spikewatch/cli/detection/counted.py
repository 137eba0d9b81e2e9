"""Makes a series of rows: the steps are found in the dates, what is missing stays missing."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Final

import numpy as np
from numpy.typing import NDArray

from spikewatch.alerts.domain.detection.series import Series
from spikewatch.cli.detection.count_rows import CountRow, Refused
from spikewatch.cli.exit_status import CannotRun

__all__ = ["Counted", "counted"]

_WEEK: Final = 7
_MOST_CELLS: Final = 200_000_000
_EPOCH: Final = date(1970, 1, 1).toordinal()


@dataclass(frozen=True, slots=True)
class Counted:
    """A series, and for each row to write its area and step, in the order of the input; rows that stand twice are refused."""

    series: Series
    areas: NDArray[np.intp]
    steps: NDArray[np.intp]
    twice: tuple[CountRow, ...]


def counted(rows: Iterable[CountRow], *, of_counts: bool) -> Counted:
    """Make a series of the rows that were not refused.

    In a table of counts a date that is not there is a gap; in a table of incidents it is a day without one.

    Raises:
        CannotRun: there is no row, or the dates span more than can be held.
    """
    names: dict[str, int] = {}
    kept: list[CountRow] = []
    ordinals: list[int] = []
    where: list[int] = []
    for row in rows:
        kept.append(row)
        ordinals.append(row.day.toordinal() - _EPOCH)
        where.append(names.setdefault(row.area, len(names)))
    if not kept:
        raise CannotRun("there is no row that can be read; --errors FILE says why")
    days, areas = np.array(ordinals, dtype=np.int64), np.array(where, dtype=np.intp)
    starts, steps = _steps(days, of_counts=of_counts)
    if len(starts) * len(names) > _MOST_CELLS:
        raise CannotRun(
            f"{len(names):,} areas by {len(starts):,} steps are too many; look for a date far from the others, or give fewer areas"
        )
    shape = (len(names), len(starts))
    if not of_counts:
        counts = np.zeros(shape)
        np.add.at(counts, (areas, steps), 1)
        every = np.indices(shape)
        return Counted(Series(starts, counts, tuple(names)), every[0].ravel(), every[1].ravel(), ())
    _, first = np.unique(areas * len(starts) + steps, return_index=True)
    once = np.zeros(len(kept), dtype=bool)
    once[first] = True
    twice = tuple(
        CountRow(kept[at].line, refused=Refused("date", "stands twice for its area", "one row a date and area", "2026-05-01"))
        for at in np.flatnonzero(~once)
    )
    columns = [np.full(shape, np.nan) for _ in range(3)]
    for column, name in zip(columns, ("count", "population", "denominator"), strict=True):
        column[areas[once], steps[once]] = np.array([getattr(row, name) for row in kept])[once]
    population, denominator = (None if np.isnan(column).all() else column for column in columns[1:])
    return Counted(Series(starts, columns[0], tuple(names), population, denominator), areas[once], steps[once], twice)


def _steps(days: NDArray[np.int64], *, of_counts: bool) -> tuple[NDArray[np.datetime64], NDArray[np.intp]]:
    """Return the first day of every step from the first date to the last, and the step of each row: weekly, monthly or daily."""
    distinct = np.unique(days)
    if of_counts and len(distinct) > 2:
        dates = distinct.astype("datetime64[D]")
        months = dates.astype("datetime64[M]")
        if (np.diff(distinct) % _WEEK == 0).all():
            first, length = distinct[0], _WEEK
            starts = np.arange(first, distinct[-1] + 1, length).astype("datetime64[D]")
            return starts, ((days - first) // length).astype(np.intp)
        if len(np.unique((dates - months.astype("datetime64[D]")).astype(np.int64))) == 1 and len(np.unique(months)) == len(months):
            within = dates[0] - months[0].astype("datetime64[D]")
            starts = np.arange(months[0], months[-1] + 1).astype("datetime64[D]") + within
            return starts, (days.astype("datetime64[D]").astype("datetime64[M]") - months[0]).astype(np.intp)
    starts = np.arange(distinct[0], distinct[-1] + 1).astype("datetime64[D]")
    return starts, (days - distinct[0]).astype(np.intp)

"""Makes a series of rows: the steps are found in the dates, what is missing stays missing."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Final

import numpy as np
from numpy.typing import NDArray

from spikewatch.alerts.domain.detection.series import Series
from spikewatch.cli.detection.calendar import Apart, apart, misfit
from spikewatch.cli.detection.count_rows import CountRow, Refused
from spikewatch.cli.exit_status import CannotRun

__all__ = ["Counted", "counted"]

_WEEK: Final = 7
_SHORTEST_MONTH: Final = 28
_MOST_CELLS: Final = 200_000_000
_EPOCH: Final = date(1970, 1, 1).toordinal()


@dataclass(frozen=True, slots=True)
class Counted:
    """A series, by which date each step is called, and for each row to write its area and step, in the order of the input.

    Rows that do not fit are refused.
    """

    series: Series
    dates: NDArray[np.datetime64]
    areas: NDArray[np.intp]
    steps: NDArray[np.intp]
    refused: tuple[CountRow, ...]


def counted(rows: Iterable[CountRow], when: str, *, of_counts: bool) -> Counted:
    """Make a series of the rows that were not refused; ``when`` is the column that tells their dates.

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
        raise CannotRun("there is no row that can be read; --errors FILE says why, if any is refused")
    days, areas = np.array(ordinals, dtype=np.int64), np.array(where, dtype=np.intp)
    found = apart(days, areas) if of_counts else Apart("day", np.ones(len(days), dtype=np.bool_))
    misfits = [CountRow(kept[at].line, refused=misfit(when, found.step)) for at in np.flatnonzero(~found.fits)]
    kept = [row for row, fits in zip(kept, found.fits.tolist(), strict=True) if fits]
    days, areas = days[found.fits], areas[found.fits]
    starts, dates, steps = _steps(days, found.step)
    if len(starts) * len(names) > _MOST_CELLS:
        raise CannotRun(
            f"{len(names):,} areas by {len(starts):,} steps are too many; look for a date far from the others, or give fewer areas"
        )
    shape = (len(names), len(starts))
    if not of_counts:
        counts = np.zeros(shape)
        np.add.at(counts, (areas, steps), 1)
        every = np.indices(shape)
        return Counted(Series(starts, counts, tuple(names)), dates, every[0].ravel(), every[1].ravel(), ())
    _, first = np.unique(areas * len(starts) + steps, return_index=True)
    once = np.zeros(len(kept), dtype=bool)
    once[first] = True
    why = Refused(when, "stands twice for its area", "one row a date and area, their counts added", "2026-05-01")
    twice = [CountRow(kept[at].line, refused=why) for at in np.flatnonzero(~once)]
    columns = [np.full(shape, np.nan) for _ in range(3)]
    for column, name in zip(columns, ("count", "population", "denominator"), strict=True):
        column[areas[once], steps[once]] = np.array([getattr(row, name) for row in kept])[once]
    population, denominator = (None if np.isnan(column).all() else column for column in columns[1:])
    refused = tuple(sorted((*misfits, *twice), key=lambda row: row.line))
    return Counted(Series(starts, columns[0], tuple(names), population, denominator), dates, areas[once], steps[once], refused)


def _steps(days: NDArray[np.int64], step: str) -> tuple[NDArray[np.datetime64], NDArray[np.datetime64], NDArray[np.intp]]:
    """Return the first day of every step from the first date to the last, the date that the rows call it by, and each row's step."""
    first, last = days.min(), days.max()
    if step == "month":
        months = days.astype("datetime64[D]").astype("datetime64[M]")
        every = np.arange(months.min(), months.max() + 1)
        within = first - months.min().astype("datetime64[D]").astype(np.int64)
        is_last = ((days + 1).astype("datetime64[D]").astype("datetime64[M]") != months).all()
        firsts = every.astype("datetime64[D]")
        dates = (every + 1).astype("datetime64[D]") - 1 if is_last else firsts + within
        # A day that not every month has is no start of a step.
        return firsts if is_last or within >= _SHORTEST_MONTH else dates, dates, (months - months.min()).astype(np.intp)
    length = _WEEK if step == "week" else 1
    starts = np.arange(first, last + 1, length).astype("datetime64[D]")
    return starts, starts, ((days - first) // length).astype(np.intp)

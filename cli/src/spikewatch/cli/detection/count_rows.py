"""Reads counts for a detector: one row a date (and area) with its count, or one row an incident."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from spikewatch.cli.detection.cells import MISSING, Refused, count_of, number_of
from spikewatch.cli.detection.told_rows import Told, ToldRow, told_rows
from spikewatch.cli.files.opened import OpenedFile

__all__ = ["CountRow", "Refused", "count_rows"]

_TIMES: Final = ("date", "occurred_at", "event_time", "datetime", "timestamp", "date_time", "time", "incident_date", "date_of_death")
_RATES: Final = ("population", "denominator")
_FORMATS: Final = ("%m/%d/%Y", "%Y/%m/%d", "%m/%d/%Y %H:%M:%S", "%m/%d/%Y %H:%M", "%m/%d/%Y %I:%M:%S %p", "%m/%d/%Y %I:%M %p")
_FIRST: Final = date(1900, 1, 1)
_LAST: Final = date(2200, 1, 1)
_DATE: Final = len("2026-01-01")
_MOST: Final = 5e7  # baselines are running sums of squares, exact up to 2**53: a larger count would spoil every step after it
_MOST_PEOPLE: Final = 1e12


@dataclass(frozen=True, slots=True)
class CountRow:
    """One row: the date, the area, and the count (nan where the field is empty: nothing was told), or why it is refused."""

    line: int
    day: date = _FIRST
    area: str = ""
    count: float = 1.0
    population: float = math.nan
    denominator: float = math.nan
    refused: Refused | None = None


def count_rows(file: OpenedFile) -> tuple[Told, Iterator[CountRow]]:
    """Return what the columns say, and the rows in their order.

    Raises:
        CannotRun: the file is no such table.
    """
    told = told_rows(file, _TIMES, _RATES)
    read_day = _DayReader()
    return told, (_row(row, told, read_day) for row in told.rows)


def _row(row: ToldRow, told: Told, read_day: Callable[[str], date | None]) -> CountRow:
    if row.refused is not None:
        return CountRow(row.line, refused=row.refused)
    text = row.cells.get(told.when, "").strip()
    day = read_day(text)
    if day is None:
        problem = "is no date" if text else "is missing"
        return CountRow(row.line, refused=Refused(told.when, problem, "an ISO 8601 date from 1900 on, or month/day/year", "2026-05-01"))
    count = 1.0 if told.count is None else count_of(told.count, row.cells.get(told.count, "").strip(), _MOST)
    if isinstance(count, Refused):
        return CountRow(row.line, refused=count)
    rates: list[float] = []
    for column in _RATES:
        text = row.cells.get(column, "").strip()
        number = math.nan if text.lower() in MISSING else number_of(text)
        if number is None or number < 0 or number > _MOST_PEOPLE:
            problem = "is no number" if number is None else "is negative" if number < 0 else "is too large"
            return CountRow(row.line, refused=Refused(column, problem, "a number from 0, without a thousands separator", "25000"))
        rates.append(number)
    area = row.cells.get(told.area, "").strip() if told.area else ""
    return CountRow(row.line, day, area, math.nan if count is None else count, rates[0], rates[1])


class _DayReader:
    """Reads dates and times as they are written; the same date is read once."""

    def __init__(self) -> None:
        self._known: dict[str, date | None] = {}

    def __call__(self, text: str) -> date | None:
        """Return the date that a text tells, in the zone it is written in; None where it is none."""
        if len(text) > _DATE:  # a time is rarely told twice
            return _day(text)
        if text not in self._known:
            self._known[text] = _day(text)
        return self._known[text]


def _day(text: str) -> date | None:
    try:
        day = datetime.fromisoformat(text).date()  # a date with anything behind it that is no time is no date
    except ValueError:
        for pattern in _FORMATS:
            try:
                day = datetime.strptime(text, pattern).date()  # noqa: DTZ007  # a date, as it is written
                break
            except ValueError:
                continue
        else:
            return None
    return day if _FIRST <= day < _LAST else None

"""Reads counts for a detector: one row a date (and area) with its count, or one row an incident."""

import csv
import io
import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from spikewatch.cli.exit_status import CannotRun
from spikewatch.cli.files.opened import OpenedFile

__all__ = ["CountRow", "Refused", "count_rows", "is_of_counts"]

_TIMES: Final = ("date", "occurred_at", "event_time", "datetime", "timestamp", "date_time", "time", "incident_date", "date_of_death")
_COUNTS: Final = ("count", "counts", "observed", "cases")
_AREAS: Final = ("area", "county_fips", "county", "city", "town", "neighborhood", "zip")
_FORMATS: Final = ("%m/%d/%Y", "%Y/%m/%d", "%m/%d/%Y %H:%M:%S", "%m/%d/%Y %H:%M", "%m/%d/%Y %I:%M:%S %p", "%m/%d/%Y %I:%M %p")
_FIRST: Final = date(1900, 1, 1)
_LAST: Final = date(2200, 1, 1)
_MOST: Final = 1e9
_MISSING: Final = frozenset({"", "NA", "NAN", "NULL"})
_LINES: Final = (".jsonl", ".ndjson", ".jsonl.gz", ".ndjson.gz")


@dataclass(frozen=True, slots=True)
class Refused:
    """Why a row cannot be read; never the value itself."""

    field: str
    problem: str
    expected: str
    example: str


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


def is_of_counts(header: list[str]) -> bool:
    """Whether a table has counts rather than one row an incident."""
    return any(name in header for name in _COUNTS)


def count_rows(file: OpenedFile) -> tuple[list[str], Iterator[CountRow]]:
    """Return the names of the columns, in small letters, and the rows in their order.

    Raises:
        CannotRun: the file is no such table.
    """
    text = io.TextIOWrapper(file.stream, encoding="utf-8-sig", errors="replace", newline="")
    is_lines = file.name.lower().endswith(_LINES) or file.start.lstrip()[:1] == b"{"
    rows = _of_lines(text) if is_lines else csv.reader(text)
    try:
        header = [name.strip().lower() for name in next(rows, [])]
    except csv.Error:
        raise CannotRun(f"{file.name} is no table that can be read; give CSV with a header") from None
    when = next((name for name in _TIMES if name in header), None)
    if when is None:
        raise CannotRun(f"{file.name} has no column that says when; its header must name one of {', '.join(_TIMES)}")
    return header, _rows(file.name, rows, header, when, 1 if is_lines else 2)


def _of_lines(text: Iterable[str]) -> Iterator[list[str]]:
    """Return JSON lines as rows of a table, with the first object's columns; a line that is no object has no date."""
    columns: list[str] = []
    for line in text:
        try:
            value = json.loads(line) if line.strip() else {}
        except ValueError:
            value = None
        cells = {str(key).strip().lower(): each for key, each in value.items()} if isinstance(value, dict) else {}
        if not columns:
            columns = list(cells)
            yield columns
        yield ["" if cells.get(column) is None else str(cells[column]) for column in columns] if line.strip() else []


def _rows(name: str, rows: "Iterator[list[str]]", header: list[str], when: str, first: int) -> Iterator[CountRow]:
    place = {column: header.index(column) for column in header}
    count = next((column for column in _COUNTS if column in place), None)
    area = next((column for column in _AREAS if column in place), None)
    read_day = _DayReader()
    line = 1
    try:
        for line, cells in enumerate(rows, start=first):
            if cells:
                yield _row(line, cells, place, (when, count, area), read_day)
    except csv.Error:
        raise CannotRun(f"{name} is no table that can be read near row {line + 1}; give CSV with a header") from None


def _row(
    line: int,
    cells: list[str],
    place: Mapping[str, int],
    columns: tuple[str, str | None, str | None],
    read_day: Callable[[str], date | None],
) -> CountRow:
    def cell(column: str | None) -> str:
        at = -1 if column is None else place.get(column, -1)
        return cells[at].strip() if 0 <= at < len(cells) else ""

    when, count, area = columns
    day = read_day(cell(when))
    if day is None:
        return CountRow(line, refused=Refused(when, "is no date", "an ISO 8601 date from 1900 on", "2026-05-01"))
    numbers = {}
    for column in (count, "population", "denominator"):
        text = cell(column)
        if column is None or text.upper() in _MISSING:
            continue
        number = _number(text)
        whole = column == count
        if number is None or number < 0 or number > _MOST * (1 if whole else 1e3) or (whole and number != math.floor(number)):
            problem = (
                "is no number"
                if number is None
                else "is negative"
                if number < 0
                else "is no whole number"
                if number <= _MOST
                else "is too large"
            )
            expected = "a whole number from 0; empty where nothing was told" if whole else "a number from 0"
            return CountRow(line, refused=Refused(column, problem, expected, "3" if whole else "25000"))
        numbers[column] = number
    told = 1.0 if count is None else numbers.get(count, math.nan)
    return CountRow(line, day, cell(area), told, numbers.get("population", math.nan), numbers.get("denominator", math.nan))


class _DayReader:
    """Reads dates and times as they are written; the same text is read once."""

    def __init__(self) -> None:
        self._known: dict[str, date | None] = {}

    def __call__(self, text: str) -> date | None:
        """Return the date that a text tells, in the zone it is written in; None where it is none."""
        key = text[:10] if text[10:11] in {"", "T", " "} and text[4:5] == "-" else text
        if key not in self._known:
            self._known[key] = _day(key)
        return self._known[key]


def _day(text: str) -> date | None:
    try:
        day = date.fromisoformat(text)
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


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None

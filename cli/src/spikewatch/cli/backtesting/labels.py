"""Reads labelled spikes: a table of when and where a spike is known to have been."""

import csv
from collections.abc import Collection
from datetime import datetime, timedelta
from itertools import chain
from typing import Final

from spikewatch.alerts.domain.backtest.histories import Labelled
from spikewatch.alerts.domain.instants import micros
from spikewatch.cli.backtesting.moments import is_date, moment_of
from spikewatch.cli.detection.cells import MISSING
from spikewatch.cli.detection.told_rows import plain_name, readable, separator_of
from spikewatch.cli.exit_status import CannotRun
from spikewatch.cli.files.opened import OpenedFile

__all__ = ["labels_of"]

_NEEDED: Final = ("start", "end")
_PLACES: Final = ("area", "county_fips", "place")
_NAMES: Final = ("event_id", "spike_id", "name", "id")
_COUNTY_DIGITS: Final = 5
_HALF_A_DAY: Final = timedelta(hours=12)


def labels_of(file: OpenedFile, areas: Collection[str]) -> tuple[list[Labelled], int]:
    """Return the spikes that lie in these areas, and how many others the table holds.

    Columns: ``start`` and ``end`` (dates or times; a date is the whole day, UTC), and where: ``area``, ``county_fips`` or
    ``place``. A table without any of these is about the only area there is.

    Raises:
        CannotRun: the file is no such table, or a time in it is none.
    """
    text = readable(file)
    first = text.readline()
    rows = csv.reader(chain([first], text), delimiter=separator_of(first, _NEEDED))
    header = [plain_name(name) for name in next(rows, [])]
    missing = [name for name in _NEEDED if name not in header]
    if missing:
        raise CannotRun(
            f"{file.name} has no column {' and none '.join(missing)}; labelled spikes have start, end and area or county_fips, "
            "for example event_id,start,end,area"
        )
    twice = [name for name in (*_NEEDED, *_PLACES) if header.count(name) > 1]
    if twice:
        raise CannotRun(f"{file.name} names the column {twice[0]} twice in its header; leave one of them out")
    by_name = {area.casefold(): area for area in areas}
    found: list[Labelled] = []
    others = 0
    for cells in rows:
        if not any(cell.strip() for cell in cells):
            continue
        where = f"{file.name} line {rows.line_num}"
        if len(cells) < len(header) or any(cell.strip() for cell in cells[len(header) :]):
            raise CannotRun(f"{where}: it has {len(cells)} cells where the header has {len(header)}; expected text with commas in quotes")
        row = {name: cell.strip() for name, cell in zip(header, cells, strict=False)}
        start, end = moment_of(row["start"]), moment_of(row["end"])
        for name, moment in (("start", start), ("end", end)):
            if moment is None:
                raise CannotRun(f"{where}: {name} is no time; expected a date or an ISO 8601 time, for example 2016-06-23")
        if start is None or end is None or end < start:
            raise CannotRun(f"{where}: end lies before start; expected the first and the last date, for example 2016-06-23 and 2016-06-24")
        area = _area(row, by_name, areas, where)
        if area is None:
            others += 1
            continue
        name = next((row[column] for column in _NAMES if row.get(column)), f"line {rows.line_num}")
        found.append(Labelled(name, area, micros(_from(start, row["start"])), micros(_to(end, row["end"]))))
    return found, others


def _area(row: dict[str, str], by_name: dict[str, str], areas: Collection[str], where: str) -> str | None:
    county = row.get("county_fips", "").removeprefix("county:")
    if county.lower() not in MISSING and not (county.isascii() and county.isdecimal() and len(county) == _COUNTY_DIGITS):
        why = f"county_fips has not {_COUNTY_DIGITS} digits; a spreadsheet loses leading zeros"
        raise CannotRun(f"{where}: {why}; expected a county's FIPS code, for example 09009")
    if not any(row.get(column) for column in _PLACES):
        return next(iter(areas)) if len(areas) == 1 else None
    stated = [row.get("area", ""), f"county:{county}", row.get("place", "")]
    return next((by_name[one.casefold()] for one in stated if one.casefold() in by_name), None)


def _from(moment: datetime, text: str) -> datetime:
    return moment - _HALF_A_DAY if is_date(text) else moment


def _to(moment: datetime, text: str) -> datetime:
    return moment + _HALF_A_DAY if is_date(text) else moment

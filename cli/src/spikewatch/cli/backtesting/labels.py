"""Reads labelled spikes: a table of when and where a spike is known to have been."""

import csv
import io
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Final

from spikewatch.alerts.domain.backtest.histories import Labelled
from spikewatch.alerts.domain.instants import micros
from spikewatch.cli.backtesting.history_rows import moment_of
from spikewatch.cli.exit_status import CannotRun
from spikewatch.cli.files.opened import OpenedFile

__all__ = ["labels_of"]

_NEEDED: Final = ("start", "end")
_NAMES: Final = ("event_id", "spike_id", "name", "id")
_HALF_A_DAY: Final = timedelta(hours=12)


def labels_of(file: OpenedFile, areas: Collection[str]) -> tuple[list[Labelled], int]:
    """Return the spikes that lie in these areas, and how many others the table holds.

    Columns: ``start`` and ``end`` (dates or times; a date is the whole day, UTC), and where: ``area``, ``county_fips`` or
    ``place``. A table without any of these is about the only area there is.

    Raises:
        CannotRun: the file is no such table, or a time in it is none.
    """
    rows = csv.DictReader(io.TextIOWrapper(file.stream, encoding="utf-8-sig", errors="replace", newline=""))
    header = rows.fieldnames or ()
    missing = [name for name in _NEEDED if name not in header]
    if missing:
        raise CannotRun(f"{file.name} has no column {' and none '.join(missing)}; labelled spikes have start, end and area or county_fips")
    by_name = {area.casefold(): area for area in areas}
    found: list[Labelled] = []
    others = 0
    for number, row in enumerate(rows, start=2):
        start, end = moment_of(row["start"] or ""), moment_of(row["end"] or "")
        if start is None or end is None or end < start:
            raise CannotRun(f"{file.name} line {number}: start and end are no span of time; expected dates, for example 2016-06-23")
        area = _area(row, by_name, areas)
        if area is None:
            others += 1
            continue
        name = next((row[column] for column in _NAMES if row.get(column)), f"line {number}")
        found.append(Labelled(name, area, micros(_from(start, row["start"])), micros(_to(end, row["end"]))))
    return found, others


def _area(row: dict[str, str], by_name: dict[str, str], areas: Collection[str]) -> str | None:
    stated = [(row.get("area") or "").strip(), f"county:{(row.get('county_fips') or '').strip()}", (row.get("place") or "").strip()]
    if not any(row.get(column) for column in ("area", "county_fips", "place")):
        return next(iter(areas)) if len(areas) == 1 else None
    return next((by_name[one.casefold()] for one in stated if one.casefold() in by_name), None)


def _is_date(text: str) -> bool:
    return ":" not in text


def _from(moment: datetime, text: str) -> datetime:
    return moment - _HALF_A_DAY if _is_date(text) else moment


def _to(moment: datetime, text: str) -> datetime:
    return moment + _HALF_A_DAY if _is_date(text) else moment

"""Reads a history for a back-test: one row an overdose, one row a day's count, or JSON lines of incidents or reports."""

import csv
import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from pydantic import ValidationError

from spikewatch.alerts.domain.backtest.histories import Happened
from spikewatch.alerts.domain.clusters.cells import is_cell
from spikewatch.alerts.domain.clusters.look import Placed
from spikewatch.alerts.domain.instants import micros
from spikewatch.alerts.domain.marks import mark
from spikewatch.cli.backtesting.places import county_of, of_incident, of_located, of_report, of_table_row
from spikewatch.cli.exit_status import CannotRun
from spikewatch.cli.files.opened import OpenedFile
from spikewatch.contracts.incident import Incident
from spikewatch.contracts.report import LocatedReport, Report
from spikewatch.contracts.vocabulary import DrugClass, Outcome, SourceType

__all__ = ["HistoryRow", "RefusedRow", "history_rows", "moment_of"]

_TIMES: Final = ("occurred_at", "event_time", "datetime", "timestamp", "date_time", "time", "date", "incident_date", "date_of_death")
_AREAS: Final = ("area", "county_fips", "county", "city", "town", "neighborhood", "zip")
_KINDED: Final = {"county_fips": "county", "zip": "zip"}
_FORMATS: Final = ("%m/%d/%Y %H:%M:%S", "%m/%d/%Y %H:%M", "%m/%d/%Y %I:%M:%S %p", "%m/%d/%Y %I:%M %p", "%m/%d/%Y")
_NOON: Final = timedelta(hours=12)
_MOST_A_ROW: Final = 1_000_000
_JSON: Final = (".jsonl", ".ndjson", ".jsonl.gz", ".ndjson.gz")


@dataclass(frozen=True, slots=True)
class RefusedRow:
    """Why a row says nothing of the past; never the value itself."""

    field: str
    problem: str
    expected: str
    example: str


@dataclass(frozen=True, slots=True)
class HistoryRow:
    """One row: the line it stands on, and the overdoses it tells of, ``count`` times the same, or why it is refused.

    ``placed`` are all of them in the map cell where they lie, None where it tells none.
    """

    line: int
    happened: tuple[Happened, ...] = ()
    count: int = 1
    refused: RefusedRow | None = None
    day: int | None = None
    placed: Placed | None = None


def moment_of(text: str) -> datetime | None:
    """Return the moment that a text tells, in ISO 8601 or as it is written in the United States; a date alone is its noon, UTC."""
    text = text.strip()
    try:
        moment = datetime.fromisoformat(text)
        is_date = len(text) <= len("2026-01-01")
    except ValueError:
        for pattern in _FORMATS:
            try:
                moment, is_date = datetime.strptime(text, pattern), pattern == _FORMATS[-1]  # noqa: DTZ007  # the zone follows
                break
            except ValueError:
                continue
        else:
            return None
    moment = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    return moment + _NOON if is_date else moment


def history_rows(file: OpenedFile, area: str) -> Iterator[HistoryRow]:
    """Read the rows in their order; ``area`` is where rows without an area lie.

    Raises:
        CannotRun: the file is no such table.
    """
    name = file.name.lower()
    if name.endswith(_JSON) or (not name.endswith((".csv", ".csv.gz")) and file.start.lstrip()[:1] == b"{"):
        yield from _of_json_lines(file, area)
    else:
        yield from _of_table(file, area)


def _of_table(file: OpenedFile, area: str) -> Iterator[HistoryRow]:
    rows = csv.reader(io.TextIOWrapper(file.stream, encoding="utf-8-sig", errors="replace", newline=""))
    try:
        header = [name.strip().lower() for name in next(rows, [])]
        time_column = next((name for name in _TIMES if name in header), None)
        if time_column is None:
            raise CannotRun(f"{file.name} has no column that says when; its header must name one of {', '.join(_TIMES)}")
        area_column = next((name for name in _AREAS if name in header), None)
        for row in rows:
            if row:
                yield _of_cells(rows.line_num, dict(zip(header, row, strict=False)), time_column, area_column, area)
    except csv.Error:
        raise CannotRun(f"{file.name} is no table that can be read near line {rows.line_num}; give CSV with a header") from None


def _of_cells(line: int, cells: Mapping[str, str], time_column: str, area_column: str | None, area: str) -> HistoryRow:
    moment = moment_of(cells.get(time_column, ""))
    if moment is None:
        return HistoryRow(line, refused=RefusedRow(time_column, "is no time", "an ISO 8601 time or date", "2026-05-01"))
    count = 1
    if "count" in cells:
        text = cells["count"].strip()
        if not text:
            return HistoryRow(line, refused=RefusedRow("count", "is missing", "a whole number; 0 where there was none", "3"))
        if not text.removesuffix(".0").isdecimal() or int(text.removesuffix(".0")) > _MOST_A_ROW:
            return HistoryRow(line, refused=RefusedRow("count", "is no count", f"a whole number from 0 to {_MOST_A_ROW:,}", "3"))
        count = int(text.removesuffix(".0"))
    place = cells.get(area_column, "").strip() if area_column else ""
    if place and area_column in _KINDED and ":" not in place:
        place = f"{_KINDED[area_column]}:{place}"
    at = micros(moment)
    outcome = _word(Outcome, cells.get("outcome", ""), Outcome.UNKNOWN)
    drug, source = cells.get("drug_class", ""), cells.get("source_type", "")
    bits = mark(
        (outcome,),
        (DrugClass(drug),) if drug in set(DrugClass) else (),
        (SourceType(source),) if source in set(SourceType) else (),
        cells.get("case_definition", "").replace(";", " ").split(),
    )
    county = county_of(cells.get("county_fips", ""), place, area)
    placed = of_table_row(cells, line, at, bits, count, county)
    where = [place or area]
    if county and placed is not None and is_cell(where[0]):
        where.append(f"county:{county}")  # rules that watch counties count what is told by cell, too
    return HistoryRow(line, tuple(Happened(one, at, bits) for one in where), count, day=at, placed=placed)


def _of_json_lines(file: OpenedFile, area: str) -> Iterator[HistoryRow]:
    for line, text in enumerate(file.stream, start=1):
        if not text.strip():
            continue
        try:
            value: Any = json.loads(text)
            happened, placed = _of_value(value, area)
        except (ValueError, TypeError, RecursionError) as error:
            where = ".".join(map(str, error.errors()[0]["loc"])) if isinstance(error, ValidationError) else "the line"
            yield HistoryRow(
                line,
                refused=RefusedRow(where, "cannot be read", "an incident or a report, located or not, as JSON", '{"incident_id": ...}'),
            )
            continue
        yield HistoryRow(line, happened, day=happened[0].at if happened else None, placed=placed)


def _of_value(value: Any, area: str) -> tuple[tuple[Happened, ...], Placed | None]:
    if "incident_id" in value:
        return _incident(Incident.model_validate(value))
    if "report" in value:
        return _located(LocatedReport.model_validate(value), area)
    return _report(Report.model_validate(value), area)


def _incident(incident: Incident) -> tuple[tuple[Happened, ...], Placed | None]:
    times = tuple(micros(overdose.occurred_at) for overdose in incident.overdoses)
    marks = tuple(
        mark(
            (overdose.outcome,),
            (drug.drug_class for drug in overdose.drugs),
            (report.source_type for report in overdose.reports),
            overdose.case_definition_hits,
        )
        for overdose in incident.overdoses
    )
    happened = tuple(Happened(area, at, bits) for at, bits in zip(times, marks, strict=True) for area in incident.areas)
    return happened, of_incident(incident, times, marks)


def _located(located: LocatedReport, area: str) -> tuple[tuple[Happened, ...], Placed | None]:
    if located.report.withdrawn:
        return (), None
    at, bits = _at_and_mark(located.report)
    return tuple(Happened(one, at, bits) for one in located.areas or (area,)), of_located(located, at, bits)


def _report(report: Report, area: str) -> tuple[tuple[Happened, ...], Placed | None]:
    if report.withdrawn:
        return (), None
    at, bits = _at_and_mark(report)
    county = report.location.county_fips
    return (Happened(f"county:{county}" if county else area, at, bits),), of_report(report, at, bits, county or county_of(area))


def _at_and_mark(report: Report) -> tuple[int, int]:
    bits = mark((report.outcome,), (drug.drug_class for drug in report.drugs), (report.source_type,), report.case_definition_hits)
    return micros(report.occurred_at), bits


def _word(words: type[Outcome], text: str, otherwise: Outcome) -> Outcome:
    folded = text.strip().lower()
    return words(folded) if folded in set(words) else otherwise

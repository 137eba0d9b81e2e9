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
from spikewatch.alerts.domain.instants import micros
from spikewatch.alerts.domain.marks import mark
from spikewatch.cli.exit_status import CannotRun
from spikewatch.cli.files.opened import OpenedFile
from spikewatch.contracts.incident import Incident
from spikewatch.contracts.report import Report
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
    """One row: the line it stands on, and the overdoses it tells of, ``count`` times the same, or why it is refused."""

    line: int
    happened: tuple[Happened, ...] = ()
    count: int = 1
    refused: RefusedRow | None = None
    day: int | None = None


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
    return HistoryRow(line, (Happened(place or area, at, bits),), count, day=at)


def _of_json_lines(file: OpenedFile, area: str) -> Iterator[HistoryRow]:
    for line, text in enumerate(file.stream, start=1):
        if not text.strip():
            continue
        try:
            value: Any = json.loads(text)
            happened = _incident(Incident.model_validate(value)) if "incident_id" in value else _report(Report.model_validate(value), area)
        except (ValueError, TypeError, RecursionError) as error:
            where = ".".join(map(str, error.errors()[0]["loc"])) if isinstance(error, ValidationError) else "the line"
            yield HistoryRow(line, refused=RefusedRow(where, "cannot be read", "an incident or a report as JSON", '{"incident_id": ...}'))
            continue
        yield HistoryRow(line, happened, day=happened[0].at if happened else None)


def _incident(incident: Incident) -> tuple[Happened, ...]:
    return tuple(
        Happened(
            area,
            micros(overdose.occurred_at),
            mark(
                (overdose.outcome,),
                (drug.drug_class for drug in overdose.drugs),
                (report.source_type for report in overdose.reports),
                overdose.case_definition_hits,
            ),
        )
        for overdose in incident.overdoses
        for area in incident.areas
    )


def _report(report: Report, area: str) -> tuple[Happened, ...]:
    if report.withdrawn:
        return ()
    county = report.location.county_fips
    bits = mark((report.outcome,), (drug.drug_class for drug in report.drugs), (report.source_type,), report.case_definition_hits)
    return (Happened(f"county:{county}" if county else area, micros(report.occurred_at), bits),)


def _word(words: type[Outcome], text: str, otherwise: Outcome) -> Outcome:
    folded = text.strip().lower()
    return words(folded) if folded in set(words) else otherwise

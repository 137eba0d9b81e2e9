"""Reads a history for a back-test: one row an overdose, one row a day's count, or JSON lines of incidents or reports."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from pydantic import ValidationError

from spikewatch.alerts.domain.backtest.histories import Happened
from spikewatch.alerts.domain.clusters.look import Placed
from spikewatch.alerts.domain.instants import micros
from spikewatch.alerts.domain.marks import mark
from spikewatch.cli.backtesting.history_row import HistoryRow
from spikewatch.cli.backtesting.moments import TIMES
from spikewatch.cli.backtesting.places import county_of, of_incident, of_located, of_report
from spikewatch.cli.backtesting.table_rows import table_rows
from spikewatch.cli.detection.cells import Refused
from spikewatch.cli.detection.told_rows import is_of_lines, plain_name
from spikewatch.cli.files.opened import OpenedFile
from spikewatch.cli.progress import say
from spikewatch.contracts.incident import Incident
from spikewatch.contracts.report import LocatedReport, Report

__all__ = ["history_rows"]

_KEYS: Final = (("incident_id", "overdoses"), ("report", "areas"), ("report_key", "report_id"), ("source_agency_id", "source_record_id"))
"""Two keys by which an object is known to be of a contract, even where others are wrong."""

_EXAMPLE: Final = "a line of spikewatch normalize, or of overdose.incidents.v1"


@dataclass(frozen=True, slots=True)
class _Stated:
    """What one line tells of an incident or a report, and by which the newest of several is known."""

    key: UUID
    version: tuple[int, int]
    happened: tuple[Happened, ...]
    placed: Placed | None


def history_rows(file: OpenedFile, area: str) -> Iterator[HistoryRow]:
    """Read the rows in their order; ``area`` is where rows without an area lie.

    Raises:
        CannotRun: the file is no such table.
    """
    if is_of_lines(file) and not _is_table(file.start):
        yield from _of_json_lines(file, area)
    else:
        yield from table_rows(file, area)


def _is_table(start: bytes) -> bool:
    """Whether JSON lines are rows of a table: objects that say when, and none among the first is an incident or a report."""
    says_when = False
    for line in start.decode("utf-8-sig", "replace").splitlines():
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(value, dict):
            if any(first in value and second in value for first, second in _KEYS):
                return False
            says_when = says_when or any(plain_name(key) in TIMES for key in value)
    return says_when


def _of_json_lines(file: OpenedFile, area: str) -> Iterator[HistoryRow]:
    """Of an incident or report that several lines state the newest version counts; so the good rows come when all are read."""
    kept: dict[UUID, tuple[int, _Stated]] = {}
    older = 0
    for line, text in enumerate(file.stream, start=1):
        if not text.strip():
            continue
        try:
            stated = _stated(json.loads(text.removeprefix(b"\xef\xbb\xbf")), area)
        except (ValueError, TypeError, RecursionError) as error:
            yield HistoryRow(line, refused=_refused(error))
            continue
        before = kept.get(stated.key)
        older += before is not None
        if before is None or before[1].version <= stated.version:
            kept[stated.key] = line, stated
    if older:
        say(f"{older:,} lines state what another line states in the same or a newer version; the newest counts")
    for line, stated in kept.values():
        yield HistoryRow(line, stated.happened, day=stated.happened[0].at if stated.happened else None, placed=stated.placed)


def _refused(error: Exception) -> Refused:
    expected = "an incident or a report, located or not, as JSON"
    if not isinstance(error, ValidationError):
        return Refused("the line", "is no JSON object", expected, _EXAMPLE)
    first = error.errors(include_input=False, include_url=False)[0]
    path = ".".join(map(str, first["loc"])) or "the line"
    problem = {"missing": "is missing", "extra_forbidden": "is no field of it"}.get(first["type"], "cannot be read")
    if first["type"] in {"enum", "literal_error"}:
        expected = first["msg"].removeprefix("Input should be ")
    return Refused(path, problem, expected, _EXAMPLE)


def _stated(value: Any, area: str) -> _Stated:
    if not isinstance(value, dict):
        raise TypeError
    if "incident_id" in value:
        return _incident(Incident.model_validate(value), area)
    if "report" in value:
        return _located(LocatedReport.model_validate(value), area)
    return _report(Report.model_validate(value), area)


def _incident(incident: Incident, area: str) -> _Stated:
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
    happened = tuple(Happened(one, at, bits) for at, bits in zip(times, marks, strict=True) for one in incident.areas or (area,))
    return _Stated(incident.incident_id, (incident.version, 0), happened, of_incident(incident, times, marks))


def _located(located: LocatedReport, area: str) -> _Stated:
    key, version = located.report.report_key, (located.report.revision, located.geodata_version)
    if located.report.withdrawn:
        return _Stated(key, version, (), None)
    at, bits = _at_and_mark(located.report)
    happened = tuple(Happened(one, at, bits) for one in located.areas or (area,))
    return _Stated(key, version, happened, of_located(located, at, bits))


def _report(report: Report, area: str) -> _Stated:
    version = (report.revision, 0)
    if report.withdrawn:
        return _Stated(report.report_key, version, (), None)
    at, bits = _at_and_mark(report)
    county = report.location.county_fips
    happened = (Happened(f"county:{county}" if county else area, at, bits),)
    return _Stated(report.report_key, version, happened, of_report(report, at, bits, county or county_of(area)))


def _at_and_mark(report: Report) -> tuple[int, int]:
    bits = mark((report.outcome,), (drug.drug_class for drug in report.drugs), (report.source_type,), report.case_definition_hits)
    return micros(report.occurred_at), bits
